package filestore

import (
	"context"
	"errors"
	"time"

	"github.com/mlruns/mlruns"
	"github.com/mlruns/mlruns/filestore/internal/codec"
	"github.com/mlruns/mlruns/filestore/internal/dir"
	"github.com/mlruns/mlruns/filestore/internal/lifecycle"
	"github.com/mlruns/mlruns/filestore/internal/locate"
	"github.com/mlruns/mlruns/filestore/internal/records"
	"github.com/mlruns/mlruns/filestore/layout"
	"github.com/mlruns/mlruns/internal/failure"
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
func (s *Store) DeleteExperiment(ctx context.Context, id string) error {
	return fail("delete experiment", id, s.deleteExperiment(ctx, id))
}

func (s *Store) deleteExperiment(ctx context.Context, id string) error {
	if err := s.beginWrite(ctx); err != nil {
		return err
	}
	if id == mlruns.DefaultExperimentID {
		return &failure.Reason{Kind: mlruns.ErrInvalid, Code: failure.CodeInternal,
			Text: "Cannot delete the default experiment '0'. This is an internally reserved experiment."}
	}
	if err := s.tree.RefuseLink(layout.Trash); err != nil {
		return err
	}
	ref, unlock, err := s.find.LockExperiment(ctx, id)
	if err != nil {
		return err
	}
	defer s.find.Unlock(unlock)
	if ref.Trashed {
		return failure.ExperimentNotFound(id)
	}
	before, doc, err := s.records.ExperimentDocument(ctx, ref)
	if err != nil {
		return records.ExperimentError(id, ref.Dir, err)
	}
	if err := s.tree.MakeFolder(layout.Trash, s.syncs(SyncMeta)); err != nil {
		return err
	}
	trashed := records.NewExperimentRef(id, true)
	if err := s.life.PrepareMove(ctx, ref, trashed); err != nil {
		return err
	}
	var all dir.Durability
	now := s.now()
	begun, err := lifecycle.MarkedDeleted(&doc, before) // by a call that was interrupted
	if err != nil {
		return err
	}
	if err := all.Step(s.rewriteExperiment(ctx, ref, func(d *codec.Document) { codec.TouchExperiment(d, mlruns.StageDeleted, now) })); err != nil {
		return err
	}
	marked := map[string]bool{}
	if err := s.life.SetStages(ctx, ref, now, &all, func(r mlruns.RunInfo) bool {
		mark := r.Stage == mlruns.StageActive || r.Deleted.Equal(begun)
		marked[r.ID] = mark
		return mark
	}); err != nil {
		return err
	}
	err = all.Step(s.life.Move(ctx, ref, trashed))
	if err != nil {
		return errors.Join(err, s.life.Unmark(ctx, ref, doc, func(r mlruns.RunInfo) bool { return marked[r.ID] && r.Stage == mlruns.StageDeleted }))
	}
	return all.Last(nil)
}

// RestoreExperiment implements mlruns.Store. The commit point is the move out of the trash; then
// all its deleted runs become active, those too that were deleted one by one, as in MLflow ≥ 2.3. A
// failure after the commit point leaves an active experiment of which some runs are deleted;
// calling again goes on.
func (s *Store) RestoreExperiment(ctx context.Context, id string) error {
	return fail("restore experiment", id, s.restoreExperiment(ctx, id))
}

func (s *Store) restoreExperiment(ctx context.Context, id string) error {
	if err := s.beginWrite(ctx); err != nil {
		return err
	}
	// While an experiment is on its way from the trash to the root a look in the one and then the
	// other misses its name.
	unlockRoot, err := s.find.LockRoot(ctx)
	if err != nil {
		return err
	}
	defer s.find.Unlock(unlockRoot)
	if err := s.tree.RefuseLink(layout.Trash); err != nil {
		return err
	}
	ref, unlock, err := s.lockTrashed(ctx, id)
	if err != nil {
		return err
	}
	defer s.find.Unlock(unlock)
	experiment, doc, err := s.records.ExperimentDocument(ctx, ref)
	if err != nil && ref.Trashed {
		return records.ExperimentError(id, ref.Dir, err)
	}
	var all dir.Durability
	if !ref.Trashed {
		if err != nil {
			return notDeleted(id)
		}
		if recorded, err := codec.StageOf(&doc); err != nil || recorded == mlruns.StageActive {
			return notDeleted(id)
		}
	} else {
		active := records.NewExperimentRef(id, false)
		if err := s.nameFreeBut(ctx, experiment); err != nil {
			return err
		}
		if err := s.life.PrepareMove(ctx, ref, active); err != nil {
			return err
		}
		if err := all.Step(s.life.Move(ctx, ref, active)); err != nil {
			return err
		}
		ref = active
	}
	if err := s.life.SetStages(ctx, ref, time.Time{}, &all, func(r mlruns.RunInfo) bool { return r.Stage == mlruns.StageDeleted }); err != nil {
		return err
	}
	return all.Last(s.rewriteExperiment(ctx, ref, func(d *codec.Document) { codec.TouchExperiment(d, mlruns.StageActive, s.now()) }))
}

func notDeleted(id string) error {
	return &failure.Reason{Kind: mlruns.ErrNotFound, Text: "Could not find deleted experiment with ID " + id}
}

// lockTrashed locks the experiment in the trash, or the active one whose restoring may have been
// interrupted.
func (s *Store) lockTrashed(ctx context.Context, id string) (records.ExperimentRef, locate.UnlockFunc, error) {
	ref, unlock, err := s.find.LockExperiment(ctx, id)
	if errors.Is(err, mlruns.ErrNotFound) {
		return ref, nil, notDeleted(id)
	}
	if err == nil && !ref.Trashed && s.tree.IsDir(records.NewExperimentRef(id, true).Dir) {
		if s.life.HalfMoved(id) {
			if err = s.life.DiscardCopy(ctx, id); err != nil {
				s.find.Unlock(unlock)
			}
			return ref, unlock, err
		}
		s.find.Unlock(unlock)
		err = lifecycle.IdTaken(id)
	}
	return ref, unlock, err
}

// nameFreeBut refuses to restore an experiment whose name another one has by now: MLflow 2.0 … 2.14
// let that happen. The caller holds the root lock.
func (s *Store) nameFreeBut(ctx context.Context, restored mlruns.Experiment) error {
	var check locate.NameCheck
	for e, err := range s.find.Experiments(ctx, mlruns.ViewActive, check.Listing(), check.Read) {
		if err != nil {
			return err
		}
		if e.Name == restored.Name {
			return failure.ExperimentTaken(e.Name, e.Stage == mlruns.StageDeleted)
		}
	}
	return check.Last(restored.Name)
}
