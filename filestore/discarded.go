package filestore

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/mlruns/mlruns"
	"github.com/mlruns/mlruns/filestore/layout"
	"github.com/mlruns/mlruns/internal/vfs"
)

// A folder that cannot be renamed into the private folder is removed where it lies. The rename of
// its meta.yaml to layout.Removed takes it out of the store, for a folder without a meta.yaml is no
// run and no experiment; that file goes last, and says until then what the folder is.

// abandoned reports whether a folder is to be removed where it lies. The only error of this and
// what follows is a shortage.
func (s *Store) abandoned(dir string) (bool, error) {
	marked, err := s.tree.exists(layout.Join(dir, layout.Removed))
	if err != nil || !marked {
		return false, shortage(err)
	}
	return s.isBare(dir)
}

// discardHere is takeOut for such a folder.
func (s *Store) discardHere(dir string, still func(meta string) (bool, error)) (at string, err error) {
	meta, mark := layout.Join(dir, layout.Meta), layout.Join(dir, layout.Removed)
	if err := s.tree.rename(meta, mark); err != nil {
		return "", err
	}
	if still != nil {
		if ok, err := still(mark); err != nil || !ok {
			if back := s.tree.rename(mark, meta); back != nil {
				err = errors.Join(err, fmt.Errorf("it could not be put back and is in %s: %w", mark, back))
			}
			return "", err
		}
	}
	if err := s.settleHere(dir); err != nil {
		return dir, errors.Join(mlruns.ErrNotDurable, err)
	}
	return dir, nil
}

// removable reports whether gc is to go on with removing a folder where it lies.
func (s *Store) removable(dir string) (bool, error) {
	if bare, err := s.isBare(dir); err != nil || !bare {
		return false, err
	}
	if link, err := s.isLink(dir); err != nil || link {
		return false, err
	}
	if left, err := s.abandoned(dir); err != nil || left {
		return left, err
	}
	return s.emptied(dir)
}

// removeDiscarded removes a folder that was taken out of the store.
func (s *Store) removeDiscarded(dir string) error {
	empty, err := s.isEmpty(dir)
	if err != nil {
		return err
	}
	if empty {
		return s.tree.remove(dir) // which fails if it is filled now
	}
	left, err := s.abandoned(dir)
	if err != nil {
		return err
	}
	if !left {
		return cannotMove(dir, s.tree.removeAll(dir))
	}
	entries, err := s.tree.entries(dir)
	if err != nil {
		return err
	}
	for _, e := range entries {
		name := layout.Join(dir, e.Name)
		if e.Name == layout.Removed {
			continue
		}
		if e.Type.IsDir() { // a run of which something is missing must not be found
			if err := s.tree.remove(layout.Join(name, layout.Meta)); err != nil && !vfs.IsMissing(err) {
				return err
			}
		}
		if err := s.tree.removeAll(name); err != nil {
			return cannotMove(name, err)
		}
	}
	return s.removeMark(dir)
}

// removeMark removes a folder in which there is only the file layout.Removed any more.
func (s *Store) removeMark(dir string) error {
	err := s.settleHere(dir) // what was in it must not come back without the mark
	if err == nil {
		err = s.tree.remove(layout.Join(dir, layout.Removed))
	}
	if err == nil {
		err = s.tree.remove(dir)
	}
	if err == nil && s.syncs(SyncMeta) {
		err = s.tree.syncDir(layout.Parent(dir))
	}
	return err
}

// isBare reports whether a folder has no meta.yaml.
func (s *Store) isBare(dir string) (bool, error) {
	whole, err := s.tree.exists(layout.Join(dir, layout.Meta))
	return err == nil && !whole, shortage(err)
}

// bareProblem is the problem of the folder of an experiment or a run that has no meta.yaml.
func (s *Store) bareProblem(dir string) (mlruns.Problem, error) {
	left, err := s.abandoned(dir)
	if left {
		return mlruns.Problem{Kind: mlruns.ProblemLeftover, Path: dir, Reason: "an interrupted gc, delete or restore left it, or one is under way; the next gc removes it"}, nil
	}
	return missingMeta(dir), err
}

// isEmpty reports whether there is nothing in a folder.
func (s *Store) isEmpty(dir string) (bool, error) {
	entries, err := s.tree.entries(dir)
	return err == nil && len(entries) == 0, shortage(err)
}

// emptied reports whether a folder is empty, and so long that it cannot be one that MLflow is
// filling. Such a one is the last of a removal, or of no use, but in the root: if nothing tells
// that an experiment was moved from there, it may be where a disk is to be mounted.
func (s *Store) emptied(dir string) (bool, error) {
	if layout.Parent(dir) == "" && !s.halfMoved(dir) {
		return false, nil
	}
	if empty, err := s.isEmpty(dir); err != nil || !empty {
		return false, err
	}
	latest, err := s.newest(dir)
	return err == nil && time.Since(latest) > leftoverAge, err
}

// abandoned removes the experiments whose removal where they lie was interrupted, and what an
// interrupted deletion or restoration left.
func (c *collection) abandoned(ctx context.Context) error {
	for _, trashed := range [...]bool{false, true} {
		ids, err := c.store.listExperimentIDs(trashed, nil)
		if err != nil {
			return err
		}
		for _, id := range ids {
			ref := newExperimentRef(id, trashed)
			is, err := c.store.removable(ref.dir)
			if err != nil {
				return err
			}
			if is && !c.stopped && ctx.Err() == nil {
				c.left[ref] = true
				c.remove(ctx, mlruns.Removal{Path: ref.dir}, func() (string, error) { return c.store.abandonedHeld(ctx, ref) })
			}
		}
	}
	return ctx.Err()
}

// abandonedHeld gives the folder of an experiment that is still to be removed when nobody moves the
// experiment any more.
func (s *Store) abandonedHeld(ctx context.Context, ref experimentRef) (at string, err error) {
	unlock, err := s.locks.Lock(ctx, s.tree.name(layout.ExperimentLock(ref.id)))
	if err != nil {
		return "", err
	}
	defer s.unlock(unlock)
	if is, err := s.removable(ref.dir); err != nil || !is {
		return "", err
	}
	return ref.dir, s.settleHere(ref.dir)
}

// settleHere makes durable that a folder is to be removed.
func (s *Store) settleHere(dir string) error {
	if !s.syncs(SyncMeta) {
		return nil
	}
	return s.tree.syncDir(dir)
}

// abandonedRun removes a run whose removal where it lies was interrupted, or puts it back if it was
// restored meanwhile.
func (c *collection) abandonedRun(ctx context.Context, ref runRef) {
	if is, err := c.store.removable(ref.dir); err != nil || !is {
		c.did(ref.dir, err)
		return
	}
	c.remove(ctx, mlruns.Removal{Path: ref.dir}, func() (at string, err error) {
		_, unlock, err := c.store.lockExperiment(ctx, ref.experiment.id)
		if err != nil {
			return "", err
		}
		defer c.store.unlock(unlock)
		if is, err := c.store.removable(ref.dir); err != nil || !is {
			return "", err
		}
		run, err := c.store.restoredMeanwhile(ctx, ref.dir, layout.Removed)
		switch {
		case err != nil:
			return "", err
		case run != nil:
			return "", c.store.tree.rename(layout.Join(ref.dir, layout.Removed), layout.Join(ref.dir, layout.Meta))
		}
		return ref.dir, c.store.settleHere(ref.dir)
	})
}
