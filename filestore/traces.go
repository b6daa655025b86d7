package filestore

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"io"
	"io/fs"
	"slices"

	"github.com/mlruns/mlruns"
	"github.com/mlruns/mlruns/artifacts"
	"github.com/mlruns/mlruns/filestore/internal/codec"
	"github.com/mlruns/mlruns/filestore/internal/dir"
	"github.com/mlruns/mlruns/filestore/internal/records"
	"github.com/mlruns/mlruns/filestore/layout"
	"github.com/mlruns/mlruns/internal/failure"
	"github.com/mlruns/mlruns/internal/validate"
	"github.com/mlruns/mlruns/internal/vfs"
)

var _ mlruns.TraceStore = (*Store)(nil)

// Trace implements mlruns.TraceStore.
func (s *Store) Trace(ctx context.Context, traceID string) (*mlruns.Trace, error) {
	if err := s.begin(ctx); err != nil {
		return nil, fail("get trace", traceID, err)
	}
	_, t, err := s.find.Trace(ctx, traceID)
	return t, fail("get trace", traceID, err)
}

// TraceData implements mlruns.TraceStore.
func (s *Store) TraceData(ctx context.Context, traceID string) (data json.RawMessage, err error) {
	defer wrap(&err, "get trace data", traceID)
	if err := s.begin(ctx); err != nil {
		return nil, err
	}
	err = s.find.TraceArtifacts(ctx, traceID, false, func(ref records.RunRef, place *artifacts.Place) (err error) {
		data, err = readSpans(ctx, place, layout.Join(ref.Dir, layout.Artifacts, layout.TraceData))
		return err
	})
	return data, err
}

// readSpans reads the spans of a trace; name is their file in messages.
func readSpans(ctx context.Context, place *artifacts.Place, name string) (json.RawMessage, error) {
	missing := &failure.Reason{Kind: mlruns.ErrNotFound, Text: "Trace data not found for path=" + name}
	file, err := place.Repository(false).Open(ctx, layout.TraceData)
	if errors.Is(err, mlruns.ErrNotFound) || errors.Is(err, fs.ErrNotExist) {
		return nil, missing
	}
	if err != nil {
		return nil, err
	}
	defer file.Close()
	data, err := io.ReadAll(io.LimitReader(file, vfs.MaxReadFile+1))
	switch {
	case err != nil:
		return nil, err
	case len(data) == 0:
		return nil, missing
	case len(data) > vfs.MaxReadFile || !json.Valid(data):
		return nil, &failure.Reason{Kind: mlruns.ErrCorrupt, Text: "Trace data is corrupted for path=" + name}
	}
	return data, nil
}

// StartTrace implements mlruns.TraceStore. The commit point is the rename that puts the finished
// folder into its experiment.
func (s *Store) StartTrace(ctx context.Context, t mlruns.Trace) (_ *mlruns.Trace, err error) {
	defer wrap(&err, "start trace", t.ID)
	if err := s.beginLogging(ctx); err != nil {
		return nil, err
	}
	if t.ExperimentID == "" {
		t.ExperimentID = mlruns.DefaultExperimentID
	}
	t.Tags, t.Metadata, t.Assessments, t.Problems = copyTags(t.Tags), copyTags(t.Metadata), nil, nil
	err = validate.ExperimentID(t.ExperimentID)
	if err == nil {
		err = validate.Trace(t)
	}
	if err == nil {
		err = validateModelValues(t.Metadata, t.Tags)
	}
	if err == nil {
		err = records.CheckKey("trace_id", t.ID)
	}
	if err != nil {
		return nil, err
	}
	if t.Start.IsZero() {
		t.Start = s.now()
	}
	claim := func() error {
		_, err := s.find.FindTrace(ctx, t.ID)
		return free(err, traceTaken(t.ID))
	}
	err = s.find.InExperiment(ctx, t.ExperimentID, claim, failure.TraceExperimentNotFound, func(e records.ExperimentRef, experiment mlruns.Experiment) (err error) {
		ref := records.NewTraceRef(e, t.ID)
		if t.ArtifactLocation, err = s.find.NewArtifactURI(ctx, experiment, ref.Holder().ID); err != nil {
			return err
		}
		t.Tags[mlruns.TagTraceArtifactLocation] = t.ArtifactLocation
		if err := s.tree.MakeFolder(layout.Parent(ref.Dir), s.syncs(SyncMeta)); err != nil {
			return err
		}
		return s.tree.Place(ref.Dir, func(b *dir.Builder) {
			b.Values(layout.Metadata, t.Metadata)
			b.Values(layout.Tags, t.Tags)
			doc := codec.NewTraceDocument(t)
			b.TraceInfo(doc.Encode())
		})
	})
	if errors.Is(err, mlruns.ErrNotFound) {
		err = failure.TraceExperimentNotFound(t.ExperimentID)
	}
	return made(&t, err)
}

// SetTraceTag implements mlruns.TraceStore. The commit point is the rename of the tag's file.
func (s *Store) SetTraceTag(ctx context.Context, traceID, key, value string) error {
	err := validate.TraceTag(key, value)
	if err == nil {
		err = records.CheckKey("key", key)
	}
	if err == nil {
		err = s.changeTrace(ctx, traceID, func(ref records.TraceRef) error {
			return s.tree.WriteValue(ref.Dir, layout.Tags, key, value, s.syncs(SyncMeta))
		})
	}
	return fail("set trace tag", traceID, err)
}

// DeleteTraceTag implements mlruns.TraceStore. The commit point is the removal of the tag's file.
func (s *Store) DeleteTraceTag(ctx context.Context, traceID, key string) error {
	err := validate.Key("key", key)
	if err == nil {
		err = s.changeTrace(ctx, traceID, func(ref records.TraceRef) error {
			err := s.tree.RemoveValue(ref.Dir, layout.Tags, key, s.syncs(SyncMeta))
			if vfs.IsMissing(err) {
				return failure.TraceTagNotFound(key, traceID)
			}
			return err
		})
	}
	return fail("delete trace tag", traceID, err)
}

// changeTrace calls do with a trace whose experiment is locked.
func (s *Store) changeTrace(ctx context.Context, traceID string, do func(records.TraceRef) error) error {
	if err := s.beginWrite(ctx); err != nil {
		return err
	}
	ref, err := s.find.FindTrace(ctx, traceID)
	if err != nil {
		return err
	}
	e, unlock, err := s.find.LockExperiment(ctx, ref.Experiment.ID)
	if err != nil {
		return err
	}
	defer s.find.Unlock(unlock)
	ref = records.NewTraceRef(e, traceID)
	if err := s.tree.RefuseLink(ref.Dir); err != nil {
		return err
	}
	if ok, err := s.tree.Exists(layout.Join(ref.Dir, layout.TraceInfo)); err != nil || !ok {
		return cmp.Or(err, failure.TraceNotFound(traceID))
	}
	return do(ref)
}

// DeleteTraces implements mlruns.TraceStore. The commit point of each trace is the rename that
// takes its folder out of the experiment; calling again goes on where a failure ended it.
func (s *Store) DeleteTraces(ctx context.Context, d mlruns.TraceDeletion) (n int, err error) {
	defer wrap(&err, "delete traces", d.ExperimentID)
	if err := s.beginWrite(ctx); err != nil {
		return 0, err
	}
	if err := validate.TraceDeletion(d); err != nil {
		return 0, err
	}
	e, unlock, err := s.find.LockExperiment(ctx, d.ExperimentID)
	if errors.Is(err, mlruns.ErrNotFound) {
		return 0, failure.TraceExperimentNotFound(d.ExperimentID)
	}
	if err != nil {
		return 0, err
	}
	defer s.find.Unlock(unlock)
	refs, err := s.tracesToDelete(ctx, e, d)
	if err != nil {
		return 0, err
	}
	var all dir.Durability
	for _, ref := range refs {
		if err := ctx.Err(); err != nil {
			return n, err
		}
		at, err := s.tree.Discard(ref.Dir, nil)
		if vfs.IsMissing(err) { // MLflow has removed it meanwhile
			continue
		}
		if err := all.Step(err); err != nil {
			return n, err
		}
		n++
		if err := s.tree.RemoveDiscarded(at); err != nil {
			s.logger.Warn("removing a deleted trace failed; the next gc removes it", "path", at, "error", err)
		}
	}
	return n, all.Last(nil)
}

// traceInfo reads the trace_info.yaml of a trace.
func (s *Store) traceInfo(ctx context.Context, ref records.TraceRef) (mlruns.Trace, error) {
	f, err := s.tree.Folder(ref.Dir)
	if err != nil {
		return mlruns.Trace{}, err
	}
	defer f.Close()
	return records.ReadTraceInfo(ctx, f, ref)
}

// tracesToDelete gives the traces of an experiment that are to go, the oldest first.
func (s *Store) tracesToDelete(ctx context.Context, e records.ExperimentRef, d mlruns.TraceDeletion) ([]records.TraceRef, error) {
	all, err := s.find.TraceRefs(e, nil)
	if err != nil || d.Until.IsZero() {
		return slices.DeleteFunc(all, func(ref records.TraceRef) bool { return !slices.Contains(d.IDs, ref.ID) }), err
	}
	var old []mlruns.Trace
	for _, ref := range all {
		t, err := s.traceInfo(ctx, ref)
		switch {
		case ctx.Err() != nil:
			return nil, ctx.Err()
		case vfs.IsMissing(err): // MLflow has removed it meanwhile
		case records.IsDamage(err):
			s.logger.Warn("a damaged trace is not deleted by its time", "path", ref.Dir, "error", err)
		case err != nil: // how old it is is not known
			return nil, err
		case t.Start.UnixMilli() <= d.Until.UnixMilli():
			old = append(old, t)
		}
	}
	slices.SortStableFunc(old, func(a, b mlruns.Trace) int { return a.Start.Compare(b.Start) })
	if d.Max > 0 {
		old = old[:min(d.Max, len(old))]
	}
	refs := make([]records.TraceRef, len(old))
	for i, t := range old {
		refs[i] = records.NewTraceRef(e, t.ID)
	}
	return refs, nil
}
