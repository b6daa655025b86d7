package filestore

import (
	"context"

	"github.com/mlruns/mlruns"
	"github.com/mlruns/mlruns/filestore/internal/codec"
	"github.com/mlruns/mlruns/filestore/internal/records"
	"github.com/mlruns/mlruns/filestore/layout"
	"github.com/mlruns/mlruns/internal/failure"
	"github.com/mlruns/mlruns/internal/validate"
	"github.com/mlruns/mlruns/internal/vfs"
)

// LogMetric implements mlruns.Store. The commit point is the write of the line, or the link that
// makes a new metric's file. A point of a logged model is written to the run first: a failure
// between the two leaves it there only.
func (s *Store) LogMetric(ctx context.Context, runID string, m mlruns.Metric) error {
	const op = "log metric"
	if err := validate.Metric(m); err != nil {
		return fail(op, runID, err)
	}
	return fail(op, runID, s.logBatch(ctx, runID, mlruns.Batch{Metrics: []mlruns.Metric{m}}))
}

// LogParam implements mlruns.Store. The commit point is the link that makes the param's file.
func (s *Store) LogParam(ctx context.Context, runID, key, value string) error {
	const op = "log param"
	b := s.truncated(mlruns.Batch{Params: []mlruns.Param{{Key: key, Value: value}}})
	if err := validate.Param(b.Params[0]); err != nil {
		return fail(op, runID, err)
	}
	return fail(op, runID, s.logBatch(ctx, runID, b))
}

// SetTag implements mlruns.Store. The commit point is the rename of the tag's file. For
// mlflow.runName meta.yaml follows: a failure between the two leaves the old run_name there, and a
// retry completes it.
func (s *Store) SetTag(ctx context.Context, runID, key, value string) error {
	const op = "set tag"
	tag := mlruns.Tag{Key: key, Value: value}
	if err := validate.Tag(tag); err != nil {
		return fail(op, runID, err)
	}
	return fail(op, runID, s.logBatch(ctx, runID, mlruns.Batch{Tags: []mlruns.Tag{tag}}))
}

// DeleteTag implements mlruns.Store. The commit point is the removal of the tag's file. Deleting
// mlflow.runName leaves run_name in meta.yaml, as in MLflow.
func (s *Store) DeleteTag(ctx context.Context, runID, key string) (err error) {
	defer wrap(&err, "delete tag", runID)
	if err := s.beginWrite(ctx); err != nil {
		return err
	}
	if err := validate.Key("key", key); err != nil {
		return err
	}
	return s.find.WithActiveRun(ctx, runID, func(ref records.RunRef, info mlruns.RunInfo, _ codec.Document) error {
		err := s.tree.RemoveValue(ref.Dir, layout.Tags, key, s.syncsValues(info))
		if vfs.IsMissing(err) {
			return failure.TagNotFound(key, runID)
		}
		return err
	})
}

// LogBatch implements mlruns.Store. Each value has a commit point of its own, that of LogMetric,
// LogParam and SetTag; all points of one metric share one. A failure in the middle leaves what was
// written before it, and a retry of the batch completes it, except that points already written are
// written twice.
func (s *Store) LogBatch(ctx context.Context, runID string, b mlruns.Batch) error {
	const op = "log batch"
	b = s.truncated(b)
	if err := validate.Batch(b); err != nil {
		return fail(op, runID, err)
	}
	return fail(op, runID, s.logBatch(ctx, runID, b))
}

func (s *Store) logBatch(ctx context.Context, runID string, b mlruns.Batch) error {
	if err := s.beginLogging(ctx); err != nil {
		return err
	}
	return s.batches.Log(ctx, runID, b, s.now())
}
