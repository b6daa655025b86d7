package filestore

import (
	"context"
	"time"

	"github.com/mlruns/mlruns"
	"github.com/mlruns/mlruns/filestore/internal/records"
	"github.com/mlruns/mlruns/filestore/layout"
)

// removable reports whether gc is to go on with removing a folder where it lies.
func (s *Store) removable(dir string) (bool, error) {
	if bare, err := s.tree.LacksMeta(dir); err != nil || !bare {
		return false, err
	}
	if link, err := s.tree.IsLink(dir); err != nil || link {
		return false, err
	}
	if left, err := s.tree.HalfRemoved(dir); err != nil || left {
		return left, err
	}
	return s.emptied(dir)
}

// emptied reports whether a folder is empty, and so long that it cannot be one that MLflow is
// filling. Such a one is the last of a removal, or of no use, but in the root: if nothing tells
// that an experiment was moved from there, it may be where a disk is to be mounted.
func (s *Store) emptied(dir string) (bool, error) {
	if layout.Parent(dir) == "" && !s.halfMoved(dir) {
		return false, nil
	}
	if empty, err := s.tree.IsEmpty(dir); err != nil || !empty {
		return false, err
	}
	latest, err := s.tree.Newest(dir)
	return err == nil && time.Since(latest) > leftoverAge, err
}

// abandoned removes the experiments whose removal where they lie was interrupted, and what an
// interrupted deletion or restoration left.
func (c *collection) abandoned(ctx context.Context) error {
	for _, trashed := range [...]bool{false, true} {
		ids, err := c.store.find.ListExperimentIDs(trashed, nil)
		if err != nil {
			return err
		}
		for _, id := range ids {
			ref := records.NewExperimentRef(id, trashed)
			is, err := c.store.removable(ref.Dir)
			if err != nil {
				return err
			}
			if is && !c.stopped && ctx.Err() == nil {
				c.left[ref] = true
				c.remove(ctx, mlruns.Removal{Path: ref.Dir}, func() (string, error) { return c.store.abandonedHeld(ctx, ref) })
			}
		}
	}
	return ctx.Err()
}

// abandonedHeld gives the folder of an experiment that is still to be removed when nobody moves the
// experiment any more.
func (s *Store) abandonedHeld(ctx context.Context, ref records.ExperimentRef) (at string, err error) {
	unlock, err := s.locks.Lock(ctx, s.tree.Path(layout.ExperimentLock(ref.ID)))
	if err != nil {
		return "", err
	}
	defer s.find.Unlock(unlock)
	if is, err := s.removable(ref.Dir); err != nil || !is {
		return "", err
	}
	return ref.Dir, s.tree.MakeDurable(ref.Dir)
}

// abandonedRun removes a run whose removal where it lies was interrupted, or puts it back if it was
// restored meanwhile.
func (c *collection) abandonedRun(ctx context.Context, ref records.RunRef) {
	if is, err := c.store.removable(ref.Dir); err != nil || !is {
		c.did(ref.Dir, err)
		return
	}
	c.remove(ctx, mlruns.Removal{Path: ref.Dir}, func() (at string, err error) {
		_, unlock, err := c.store.find.LockExperiment(ctx, ref.Experiment.ID)
		if err != nil {
			return "", err
		}
		defer c.store.find.Unlock(unlock)
		if is, err := c.store.removable(ref.Dir); err != nil || !is {
			return "", err
		}
		run, err := c.store.restoredMeanwhile(ctx, ref.Dir, layout.Removed)
		switch {
		case err != nil:
			return "", err
		case run != nil:
			return "", c.store.tree.Rename(layout.Join(ref.Dir, layout.Removed), layout.Join(ref.Dir, layout.Meta))
		}
		return ref.Dir, c.store.tree.MakeDurable(ref.Dir)
	})
}
