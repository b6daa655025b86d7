package filestore

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"

	"github.com/mlruns/mlruns"
	"github.com/mlruns/mlruns/filestore/internal/codec"
	"github.com/mlruns/mlruns/filestore/internal/dir"
	"github.com/mlruns/mlruns/filestore/internal/records"
	"github.com/mlruns/mlruns/filestore/layout"
	"github.com/mlruns/mlruns/internal/failure"
	"github.com/mlruns/mlruns/internal/validate"
	"github.com/mlruns/mlruns/internal/vfs"
)

// Assessment implements mlruns.TraceRecorder.
func (s *Store) Assessment(ctx context.Context, traceID, assessmentID string) (json.RawMessage, error) {
	const op = "get assessment"
	if err := s.begin(ctx); err != nil {
		return nil, fail(op, traceID, err)
	}
	ref, err := s.find.FindTrace(ctx, traceID)
	if err != nil {
		return nil, fail(op, traceID, err)
	}
	text, err := s.records.Assessment(ctx, ref, assessmentID)
	return text, fail(op, traceID, err)
}

// CreateAssessment implements mlruns.TraceRecorder. The commit point is the rename of the
// assessment's file; before it that which it overrides is marked. Calling again goes on where a
// failure ended it.
func (s *Store) CreateAssessment(ctx context.Context, traceID string, assessment json.RawMessage) (text json.RawMessage, err error) {
	const op = "create assessment"
	fields, err := validate.Assessment(assessment)
	if err != nil {
		return nil, fail(op, traceID, err)
	}
	a := codec.Assessment(fields)
	id := a.ID()
	if id == "" {
		if id, err = newRunID(); err != nil {
			return nil, fail(op, traceID, err)
		}
		id = "a-" + id
	}
	err = s.changeTrace(ctx, traceID, func(ref records.TraceRef) error {
		a.Begin(traceID, id, codec.RFC3339(s.now()))
		if text, err = a.JSON(); err != nil {
			return err
		}
		if taken, err := s.tree.Exists(layout.Join(ref.Dir, layout.Assessments, assessmentFile(id))); err != nil || taken {
			return cmp.Or(err, assessmentTaken(id, traceID))
		}
		var all dir.Durability
		if a.Overrides() != "" {
			if err := all.Step(s.setValid(ctx, ref, a.Overrides(), false)); err != nil {
				return err
			}
		}
		return all.Last(s.writeAssessment(ref, id, a))
	})
	return madeText(text, err), fail(op, traceID, err)
}

// UpdateAssessment implements mlruns.TraceRecorder. The commit point is the rename of the
// assessment's file.
func (s *Store) UpdateAssessment(ctx context.Context, traceID, assessmentID string, change json.RawMessage) (text json.RawMessage, err error) {
	err = s.changeTrace(ctx, traceID, func(ref records.TraceRef) error {
		a, err := s.readAssessment(ctx, ref, assessmentID)
		if err != nil {
			return err
		}
		fields, err := validate.AssessmentChange(change, a)
		if err != nil {
			return err
		}
		a.Change(fields, codec.RFC3339(s.now()))
		if text, err = a.JSON(); err != nil {
			return err
		}
		return s.writeAssessment(ref, assessmentID, a)
	})
	return madeText(text, err), fail("update assessment", traceID, err)
}

// DeleteAssessment implements mlruns.TraceRecorder. The commit point is the removal of the
// assessment's file; before it that which it overrode is valid again. Calling again goes on where a
// failure ended it.
func (s *Store) DeleteAssessment(ctx context.Context, traceID, assessmentID string) error {
	return fail("delete assessment", traceID, s.changeTrace(ctx, traceID, func(ref records.TraceRef) error {
		if validate.PlainName("assessment_id", assessmentID) != nil {
			return nil // nothing has such a name
		}
		var all dir.Durability
		// One that is damaged can be removed all the same, and what it overrode may be gone.
		a, err := s.readAssessment(ctx, ref, assessmentID)
		if err != nil && !vfs.IsMissing(err) && !records.IsDamage(err) && !errors.Is(err, mlruns.ErrNotFound) && !errors.Is(err, mlruns.ErrCorrupt) {
			return err // what it overrode is not known
		}
		if err == nil && a.Overrides() != "" {
			if err := all.Step(s.setValid(ctx, ref, a.Overrides(), true)); err != nil && !errors.Is(err, mlruns.ErrNotFound) && !errors.Is(err, mlruns.ErrCorrupt) {
				return err
			}
		}
		err = s.tree.RemoveValue(ref.Dir, layout.Assessments, assessmentFile(assessmentID), s.syncs(SyncMeta))
		if vfs.IsMissing(err) {
			return all.Last(nil)
		}
		if err := all.Step(err); err != nil {
			return err
		}
		at := layout.Join(ref.Dir, layout.Assessments)
		if empty, err := s.tree.IsEmpty(at); err == nil && empty {
			s.tree.CleanUpFile(at)
		}
		return all.Last(nil)
	}))
}

// setValid records whether an assessment has been overridden.
func (s *Store) setValid(ctx context.Context, ref records.TraceRef, id string, valid bool) error {
	a, err := s.readAssessment(ctx, ref, id)
	if err != nil {
		return err
	}
	a.SetValid(valid)
	return s.writeAssessment(ref, id, a)
}

// madeText is made.
func madeText(text json.RawMessage, err error) json.RawMessage {
	if err != nil && !errors.Is(err, mlruns.ErrNotDurable) {
		return nil
	}
	return text
}

func assessmentTaken(id, traceID string) error {
	return &failure.Reason{Kind: mlruns.ErrExists, Text: "Assessment with ID '" + id + "' already exists for trace '" + traceID + "'"}
}

func assessmentFile(id string) string { return id + layout.AssessmentEnd }

func (s *Store) readAssessment(ctx context.Context, ref records.TraceRef, id string) (codec.Assessment, error) {
	text, err := s.records.Assessment(ctx, ref, id)
	if err != nil {
		return nil, err
	}
	return codec.DecodeAssessment(text)
}

func (s *Store) writeAssessment(ref records.TraceRef, id string, a codec.Assessment) error {
	data, err := a.Encode()
	if err != nil {
		return err
	}
	return s.tree.WriteValue(ref.Dir, layout.Assessments, assessmentFile(id), string(data), s.syncs(SyncMeta))
}
