package filestore

import (
	"context"
	"fmt"
	"time"

	"github.com/mlruns/mlruns"
	"github.com/mlruns/mlruns/filestore/internal/codec"
	"github.com/mlruns/mlruns/filestore/internal/dir"
	"github.com/mlruns/mlruns/filestore/internal/records"
	"github.com/mlruns/mlruns/filestore/layout"
	"github.com/mlruns/mlruns/internal/failure"
	"github.com/mlruns/mlruns/internal/validate"
)

// UpdateRun implements mlruns.Store. The commit point is the replacement of meta.yaml; a new name
// is written to the tag mlflow.runName before it, as MLflow does, and a retry after a failure
// between the two completes it.
func (s *Store) UpdateRun(ctx context.Context, runID string, u mlruns.RunUpdate) error {
	return fail("update run", runID, s.updateRun(ctx, runID, u))
}

// EndRun implements mlruns.Store. With SyncMeta all files of the run are durable when it returns.
// The commit point is the replacement of meta.yaml.
func (s *Store) EndRun(ctx context.Context, runID string, status mlruns.Status, end time.Time) error {
	if status == 0 {
		status = mlruns.StatusFinished
	}
	if end.IsZero() {
		end = s.now()
	}
	return fail("end run", runID, s.updateRun(ctx, runID, mlruns.RunUpdate{Status: status, End: end}))
}

func (s *Store) updateRun(ctx context.Context, runID string, u mlruns.RunUpdate) error {
	if err := s.beginWrite(ctx); err != nil {
		return err
	}
	if u.Status != 0 && !u.Status.Valid() {
		return failure.Invalid(fmt.Sprintf("Invalid value %d for parameter 'status' supplied: valid run statuses are [1, 2, 3, 4, 5]", int8(u.Status)))
	}
	if err := validate.Text("run_name", u.Name); err != nil {
		return err
	}
	var end time.Time
	if !u.End.IsZero() {
		var err error
		if end, err = timestamp("end_time", u.End, s.now()); err != nil {
			return err
		}
	}
	if u.Status.Ended() {
		s.batches.Forget(runID)
	}
	var all dir.Durability
	return all.Last(s.find.WithActiveRun(ctx, runID, func(ref records.RunRef, info mlruns.RunInfo, doc codec.Document) error {
		sync := s.syncsValues(info)
		if u.Status != 0 {
			info.Status = u.Status
		}
		if !end.IsZero() {
			info.End = end
		}
		if u.Name != "" {
			info.Name = u.Name
			if err := all.Step(s.tree.WriteValue(ref.Dir, layout.Tags, mlruns.TagRunName, u.Name, sync)); err != nil {
				return err
			}
		}
		if u.Status.Ended() && s.sync == SyncMeta {
			if err := s.records.SyncRun(ctx, ref); err != nil {
				return err
			}
		}
		return records.ReplaceRunInfo(s.tree, ref, info, doc)
	}))
}
