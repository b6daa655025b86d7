package filestore

import (
	"context"
	"time"

	"github.com/mlruns/mlruns"
	"github.com/mlruns/mlruns/filestore/internal/codec"
	"github.com/mlruns/mlruns/filestore/internal/locate"
	"github.com/mlruns/mlruns/filestore/internal/records"
)

// DeleteRun implements mlruns.Store. The commit point is the replacement of meta.yaml. Deleting
// again sets the time of deletion anew, as in MLflow ≥ 1.29.
func (s *Store) DeleteRun(ctx context.Context, runID string) error {
	return fail("delete run", runID, s.setStage(ctx, runID, s.now()))
}

// RestoreRun implements mlruns.Store. The commit point is the replacement of meta.yaml.
func (s *Store) RestoreRun(ctx context.Context, runID string) error {
	return fail("restore run", runID, s.setStage(ctx, runID, time.Time{}))
}

// setStage marks a run deleted at a time, or active where that is zero.
func (s *Store) setStage(ctx context.Context, runID string, deleted time.Time) error {
	if err := s.beginWrite(ctx); err != nil {
		return err
	}
	s.batches.Forget(runID)
	return s.find.WithRun(ctx, runID, locate.Always, func(ref records.RunRef, info mlruns.RunInfo, doc codec.Document) error {
		return s.life.SetStage(ref, info, doc, deleted)
	})
}

// DeleteExperiment implements mlruns.Store. What is known beforehand not to be movable is refused
// as it is: a mount point, an id that is in the trash too. Its meta.yaml and then its active runs
// are marked deleted, all with one time; the commit point is the move to the trash that follows.
// Where that fails the marks are taken back. Any other failure before it, or a kill, leaves an
// active experiment that is marked deleted, and some runs that are; calling again goes on,
// RestoreExperiment makes all runs active, and Repair those that were marked. Runs whose meta.yaml
// cannot be read are moved as they are. A folder that the file system cannot rename is copied,
// by hard links where it has them.
func (s *Store) DeleteExperiment(ctx context.Context, id string) (err error) {
	defer wrap(&err, "delete experiment", id)
	if err := s.beginWrite(ctx); err != nil {
		return err
	}
	return s.life.DeleteExperiment(ctx, id)
}

// RestoreExperiment implements mlruns.Store. The commit point is the move out of the trash; then
// all its deleted runs become active, those too that were deleted one by one, as in MLflow ≥ 2.3. A
// failure after the commit point leaves an active experiment of which some runs are deleted;
// calling again goes on.
func (s *Store) RestoreExperiment(ctx context.Context, id string) (err error) {
	defer wrap(&err, "restore experiment", id)
	if err := s.beginWrite(ctx); err != nil {
		return err
	}
	return s.life.RestoreExperiment(ctx, id)
}
