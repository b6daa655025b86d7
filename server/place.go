package server

import (
	"bytes"
	"context"
	"io"
	"net/http"

	"github.com/mlruns/mlruns"
)

// What is done with a place is the same for a run, a logged model and a trace.

func (s *server) list(ctx context.Context, at place) ([]mlruns.FileInfo, error) {
	if at.traceID != "" {
		recorder, err := s.traceRecorder()
		if err != nil {
			return nil, err
		}
		return recorder.TraceArtifacts(ctx, at.traceID, at.file)
	}
	if at.modelID != "" {
		models, err := s.modelStore()
		if err != nil {
			return nil, err
		}
		return models.ModelArtifacts(ctx, at.modelID, at.file)
	}
	files, err := s.artifacts()
	if err != nil {
		return nil, err
	}
	return files.Artifacts(ctx, at.runID, at.file)
}

func (s *server) open(ctx context.Context, at place) (io.ReadCloser, error) {
	if at.traceID != "" {
		return s.openOfTrace(ctx, at)
	}
	if at.modelID != "" {
		models, err := s.modelStore()
		if err != nil {
			return nil, err
		}
		return models.OpenModelArtifact(ctx, at.modelID, at.file)
	}
	files, err := s.artifacts()
	if err != nil {
		return nil, err
	}
	return files.OpenArtifact(ctx, at.runID, at.file)
}

// openOfTrace opens a file of a trace. The spans are looked at first: those that are no JSON are
// damaged.
func (s *server) openOfTrace(ctx context.Context, at place) (io.ReadCloser, error) {
	traces, err := s.traceStore()
	if err != nil {
		return nil, err
	}
	if at.file == spansFile {
		spans, err := traces.TraceData(ctx, at.traceID)
		return io.NopCloser(bytes.NewReader(spans)), err
	}
	recorder, err := s.traceRecorder()
	if err != nil {
		return nil, err
	}
	return recorder.OpenTraceArtifact(ctx, at.traceID, at.file)
}

func (s *server) write(ctx context.Context, at place, r io.Reader) error {
	if at.traceID != "" {
		recorder, err := s.traceRecorder()
		if err != nil {
			return err
		}
		return recorder.WriteTraceArtifact(ctx, at.traceID, at.file, r)
	}
	if at.modelID != "" {
		models, err := s.modelStore()
		if err != nil {
			return err
		}
		return models.WriteModelArtifact(ctx, at.modelID, at.file, r)
	}
	files, err := s.artifacts()
	if err != nil {
		return err
	}
	return files.WriteArtifact(ctx, at.runID, at.file, r)
}

func (s *server) remove(ctx context.Context, at place) error {
	if at.traceID != "" { // they go with the trace
		return &refusal{http.StatusNotImplemented, codeNotImplemented, "The files of a trace are not removed by themselves"}
	}
	if at.modelID != "" {
		models, err := s.modelStore()
		if err != nil {
			return err
		}
		return models.DeleteModelArtifacts(ctx, at.modelID, at.file)
	}
	files, err := s.artifacts()
	if err != nil {
		return err
	}
	return files.DeleteArtifacts(ctx, at.runID, at.file)
}
