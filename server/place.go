package server

import (
	"context"
	"io"

	"github.com/mlruns/mlruns"
)

// What is done with a place is the same for a run and for a logged model.

func (s *server) list(ctx context.Context, at place) ([]mlruns.FileInfo, error) {
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

func (s *server) write(ctx context.Context, at place, r io.Reader) error {
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
