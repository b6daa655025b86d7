package maintenance

import (
	"context"

	"github.com/mlruns/mlruns"
	"github.com/mlruns/mlruns/filestore/internal/records"
	"github.com/mlruns/mlruns/filestore/layout"
)

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
			is, err := c.store.life.Removable(ref.Dir)
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
func (m *Maintainer) abandonedHeld(ctx context.Context, ref records.ExperimentRef) (at string, err error) {
	unlock, err := m.locks.Lock(ctx, m.tree.Path(layout.ExperimentLock(ref.ID)))
	if err != nil {
		return "", err
	}
	defer m.find.Unlock(unlock)
	if is, err := m.life.Removable(ref.Dir); err != nil || !is {
		return "", err
	}
	return ref.Dir, m.tree.MakeDurable(ref.Dir)
}

// abandonedParts removes the logged models and traces whose removal where they lie was interrupted.
func (c *collection) abandonedParts(ctx context.Context, e records.ExperimentRef) error {
	for _, sub := range [...]string{layout.Models, layout.Traces} {
		entries, err := c.store.tree.Entries(layout.Join(e.Dir, sub))
		if err != nil {
			if end := records.CallError(ctx, err); end != nil {
				return end
			}
			continue // Verify tells
		}
		for _, entry := range entries {
			if !entry.Type.IsDir() || c.stopped || ctx.Err() != nil {
				continue
			}
			dir := layout.Join(e.Dir, sub, entry.Name)
			if is, err := c.store.life.Removable(dir); err != nil || !is {
				c.did(dir, err)
				continue
			}
			c.remove(ctx, mlruns.Removal{Path: dir}, func() (string, error) {
				at, unlock, err := c.store.find.LockExperiment(ctx, e.ID)
				if err != nil {
					return "", err
				}
				defer c.store.find.Unlock(unlock)
				dir := layout.Join(at.Dir, sub, entry.Name)
				if is, err := c.store.life.Removable(dir); err != nil || !is {
					return "", err
				}
				return dir, c.store.tree.MakeDurable(dir)
			})
		}
	}
	return ctx.Err()
}

// abandonedRun removes a run whose removal where it lies was interrupted, or puts it back if it was
// restored meanwhile.
func (c *collection) abandonedRun(ctx context.Context, ref records.RunRef) {
	if is, err := c.store.life.Removable(ref.Dir); err != nil || !is {
		c.did(ref.Dir, err)
		return
	}
	c.remove(ctx, mlruns.Removal{Path: ref.Dir}, func() (at string, err error) {
		_, unlock, err := c.store.find.LockExperiment(ctx, ref.Experiment.ID)
		if err != nil {
			return "", err
		}
		defer c.store.find.Unlock(unlock)
		if is, err := c.store.life.Removable(ref.Dir); err != nil || !is {
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
