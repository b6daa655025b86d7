package filestore

import (
	"context"
	"io"
	"maps"
	"slices"

	"github.com/mlruns/mlruns"
	"github.com/mlruns/mlruns/artifacts"
	"github.com/mlruns/mlruns/filestore/internal/codec"
	"github.com/mlruns/mlruns/filestore/internal/dir"
	"github.com/mlruns/mlruns/filestore/internal/records"
	"github.com/mlruns/mlruns/filestore/layout"
	"github.com/mlruns/mlruns/internal/validate"
)

var _ mlruns.TraceRecorder = (*Store)(nil)

// EndTrace implements mlruns.TraceRecorder. Each tag and each metadata has a commit point of its
// own, the rename of its file; the last is the replacement of trace_info.yaml. Calling again goes
// on where a failure ended it.
func (s *Store) EndTrace(ctx context.Context, traceID string, end mlruns.TraceEnd) (t *mlruns.Trace, err error) {
	defer wrap(&err, "end trace", traceID)
	if end.End.IsZero() {
		end.End = s.now()
	}
	err = validate.TraceEnd(end)
	if err == nil {
		err = validateModelValues(end.Metadata, end.Tags)
	}
	if err != nil {
		return nil, err
	}
	err = s.changeTrace(ctx, traceID, func(ref records.TraceRef) error {
		// Read first: after the commit point nothing may fail.
		doc, err := s.records.TraceDocument(ctx, ref)
		if err == nil {
			t, err = s.records.Trace(ctx, ref)
		}
		if err != nil {
			return records.TraceError(traceID, err)
		}
		if end.End.Before(t.Start) {
			return validate.TraceEndsEarly()
		}
		t.State, t.End = end.State, end.End
		maps.Copy(t.Metadata, end.Metadata)
		maps.Copy(t.Tags, end.Tags)
		codec.SetTraceEnd(&doc, *t)
		data, err := doc.Encode()
		if err != nil {
			return err
		}
		var all dir.Durability
		for _, values := range [...]struct {
			folder string
			of     map[string]string
		}{{layout.Metadata, end.Metadata}, {layout.Tags, end.Tags}} {
			for _, key := range slices.Sorted(maps.Keys(values.of)) {
				if err := all.Step(s.tree.WriteValue(ref.Dir, values.folder, key, values.of[key], s.syncs(SyncMeta))); err != nil {
					return err
				}
			}
		}
		return all.Last(s.tree.ReplaceTraceInfo(ref.Dir, data))
	})
	return made(t, err)
}

// traceArtifacts calls do with the place of a trace's artifacts.
func (s *Store) traceArtifacts(ctx context.Context, traceID string, writing bool, do func(*artifacts.Place) error) error {
	return s.find.TraceArtifacts(ctx, traceID, writing, func(_ records.RunRef, p *artifacts.Place) error { return do(p) })
}

// WriteTraceArtifact implements mlruns.TraceRecorder. The commit point is the rename.
func (s *Store) WriteTraceArtifact(ctx context.Context, traceID, artifactPath string, src io.Reader) error {
	return s.writeArtifacts(ctx, "write artifact of trace", s.traceArtifacts, traceID, func(r *artifacts.Repository) error { return r.Write(ctx, artifactPath, src) })
}

// TraceArtifacts implements mlruns.TraceRecorder.
func (s *Store) TraceArtifacts(ctx context.Context, traceID, artifactPath string) (list []mlruns.FileInfo, err error) {
	err = s.readArtifacts(ctx, "list artifacts of trace", s.traceArtifacts, traceID, func(p *artifacts.Place) (err error) {
		list, err = p.Repository(false).List(ctx, artifactPath)
		return err
	})
	return list, err
}

// OpenTraceArtifact implements mlruns.TraceRecorder.
func (s *Store) OpenTraceArtifact(ctx context.Context, traceID, artifactPath string) (file io.ReadCloser, err error) {
	err = s.readArtifacts(ctx, "open artifact of trace", s.traceArtifacts, traceID, func(p *artifacts.Place) (err error) {
		if file != nil { // of the place that the trace has left
			_ = file.Close()
		}
		file, err = p.Repository(false).Open(ctx, artifactPath)
		return err
	})
	return file, err
}
