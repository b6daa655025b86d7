package filestore

import (
	"context"
	"encoding/json"
	"maps"
	"slices"
	"time"

	"github.com/mlruns/mlruns"
	"github.com/mlruns/mlruns/filestore/internal/codec"
	"github.com/mlruns/mlruns/filestore/internal/dir"
	"github.com/mlruns/mlruns/filestore/internal/records"
	"github.com/mlruns/mlruns/filestore/layout"
	"github.com/mlruns/mlruns/internal/failure"
	"github.com/mlruns/mlruns/internal/validate"
)

var _ mlruns.TraceImporter = (*Store)(nil)

// ImportTrace implements mlruns.TraceImporter. The commit point is the rename that puts the
// finished folder into its experiment.
func (s *Store) ImportTrace(ctx context.Context, t mlruns.Trace) (id string, err error) {
	return t.ID, fail("import trace", t.ID, s.importTrace(ctx, t))
}

func (s *Store) importTrace(ctx context.Context, t mlruns.Trace) error {
	if err := s.beginLogging(ctx); err != nil {
		return err
	}
	if t.ExperimentID == "" {
		t.ExperimentID = mlruns.DefaultExperimentID
	}
	files, err := checkImportedTrace(&t, s.now())
	if err != nil {
		return err
	}
	e, experiment, err := s.importedInto(ctx, t.ExperimentID)
	if err != nil {
		return err
	}
	ref := records.NewTraceRef(e, t.ID)
	if t.Tags[mlruns.TagTraceArtifactLocation], err = s.find.NewArtifactURI(ctx, experiment, ref.Holder().ID); err != nil {
		return err
	}
	if err := s.tree.MakeFolder(layout.Parent(ref.Dir), s.syncs(SyncMeta)); err != nil {
		return err
	}
	var locks placeLocks
	defer func() { locks.unlock(s) }()
	return s.tree.Place(ref.Dir, func(b *dir.Builder) {
		b.Values(layout.Metadata, t.Metadata)
		b.Values(layout.Tags, t.Tags)
		if len(files) > 0 {
			b.Values(layout.Assessments, files)
		}
		doc := codec.NewTraceDocument(t)
		b.TraceInfo(doc.Encode())
		b.Last(func() error {
			return s.lockFree(ctx, &locks, e, ref.Dir, traceTaken(t.ID), func() error {
				_, err := s.find.FindTrace(ctx, t.ID)
				return free(err, traceTaken(t.ID))
			})
		})
	})
}

func traceTaken(id string) error {
	return &failure.Reason{Kind: mlruns.ErrExists, Text: "Trace with ID '" + id + "' already exists."}
}

// checkImportedTrace refuses what cannot be written, and gives the files of the assessments.
func checkImportedTrace(t *mlruns.Trace, now time.Time) (files map[string]string, err error) {
	t.Tags, t.Metadata = copyTags(t.Tags), copyTags(t.Metadata)
	delete(t.Tags, mlruns.TagTraceArtifactLocation)
	if err := validate.ExperimentID(t.ExperimentID); err != nil {
		return nil, err
	}
	if err := validate.Trace(*t); err != nil {
		return nil, err
	}
	if err := validateModelValues(t.Metadata, t.Tags); err != nil {
		return nil, err
	}
	if err := records.CheckKey("trace_id", t.ID); err != nil {
		return nil, err
	}
	if t.Start.IsZero() {
		t.Start = now
	}
	return assessmentFiles(t.ID, t.Assessments, now)
}

// assessmentFiles gives the files of assessments as they were read, by their names.
func assessmentFiles(traceID string, list []json.RawMessage, now time.Time) (map[string]string, error) {
	files := map[string]string{}
	for _, text := range list {
		fields, err := validate.Assessment(text)
		if err != nil {
			return nil, err
		}
		old, err := codec.DecodeAssessment(text)
		if err != nil {
			return nil, err
		}
		a := codec.Assessment(fields)
		if a.ID() == "" {
			return nil, failure.Invalid("Missing value for required parameter 'assessment.assessment_id'.")
		}
		if err := records.CheckKey("assessment_id", a.ID()); err != nil {
			return nil, err
		}
		if err := a.Keep(traceID, old, codec.RFC3339(now)); err != nil {
			return nil, err
		}
		data, err := a.Encode()
		if err != nil {
			return nil, err
		}
		files[assessmentFile(a.ID())] = string(data)
	}
	return files, nil
}

// AddToTrace implements mlruns.TraceImporter. Each value has a commit point of its own; the last is
// the replacement of trace_info.yaml.
func (s *Store) AddToTrace(ctx context.Context, t mlruns.Trace) error {
	return fail("add to trace", t.ID, s.addToTrace(ctx, t))
}

func (s *Store) addToTrace(ctx context.Context, t mlruns.Trace) error {
	tags := copyTags(t.Tags)
	delete(tags, mlruns.TagTraceArtifactLocation)
	err := validate.TraceEnd(mlruns.TraceEnd{State: t.State, Metadata: t.Metadata, Tags: tags})
	if err == nil {
		err = validateModelValues(t.Metadata, tags)
	}
	if err != nil {
		return err
	}
	files, err := assessmentFiles(t.ID, t.Assessments, s.now())
	if err != nil {
		return err
	}
	return s.changeTrace(ctx, t.ID, func(ref records.TraceRef) error {
		data, err := s.endedDocument(ctx, ref, t)
		if err != nil {
			return err
		}
		var all dir.Durability
		for _, values := range [...]struct {
			folder string
			of     map[string]string
		}{{layout.Metadata, t.Metadata}, {layout.Tags, tags}, {layout.Assessments, files}} {
			for _, key := range slices.Sorted(maps.Keys(values.of)) {
				if err := all.Step(s.tree.WriteValue(ref.Dir, values.folder, key, values.of[key], s.syncs(SyncMeta))); err != nil {
					return err
				}
			}
		}
		if data == nil {
			return all.Last(nil)
		}
		return all.Last(s.tree.ReplaceTraceInfo(ref.Dir, data))
	})
}

// endedDocument gives the trace_info.yaml with the state and end of t; nil where t has no state.
func (s *Store) endedDocument(ctx context.Context, ref records.TraceRef, t mlruns.Trace) ([]byte, error) {
	if t.State == mlruns.TraceUnspecified {
		return nil, nil
	}
	doc, err := s.records.TraceDocument(ctx, ref)
	if err != nil {
		return nil, records.TraceError(ref.ID, err)
	}
	old, err := s.traceInfo(ctx, ref)
	if err != nil {
		return nil, records.TraceError(ref.ID, err)
	}
	old.State = t.State
	if !t.End.IsZero() {
		if t.End.Before(old.Start) {
			return nil, validate.TraceEndsEarly()
		}
		old.End = t.End
	}
	codec.SetTraceEnd(&doc, old)
	return doc.Encode()
}
