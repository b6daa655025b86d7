package lifecycle

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"path"
	"path/filepath"
	"syscall"
	"time"

	"github.com/mlruns/mlruns"
	"github.com/mlruns/mlruns/filestore/internal/dir"
	"github.com/mlruns/mlruns/filestore/internal/records"
	"github.com/mlruns/mlruns/filestore/layout"
	"github.com/mlruns/mlruns/internal/atomicfile"
	"github.com/mlruns/mlruns/internal/failure"
)

// PrepareMove refuses to move an experiment where it is known beforehand that it cannot be, and
// makes its new place free. The caller holds the experiment's lock.
func (m *Mover) PrepareMove(ctx context.Context, from, to records.ExperimentRef) error {
	if err := m.tree.RefuseLink(from.Dir); err != nil {
		return err
	}
	link, err := m.tree.IsLink(from.Dir)
	if err != nil {
		return err
	}
	if link {
		target, err := m.tree.FS.Readlink(m.tree.Path(from.Dir))
		if err != nil {
			return err
		}
		if !filepath.IsAbs(target) {
			return &failure.Reason{Kind: mlruns.ErrOutside,
				Text: fmt.Sprintf("the folder '%s' is a symbolic link to '%s', which would lead elsewhere from '%s'; make the link absolute", from.Dir, target, layout.Parent(to.Dir))}
		}
	}
	if m.tree.MountRoot(from.Dir) {
		return dir.CannotMove(from.Dir, &fs.PathError{Op: "rename", Path: from.Dir, Err: syscall.EBUSY})
	}
	if err := m.clearPlace(ctx, to); err != nil {
		return err
	}
	// Now the experiment is in one place only. A mark of an interrupted move that is still in it
	// must not be taken for one of this move, or of a later one.
	return m.dropMark(from)
}

// dropMark removes the mark that an experiment is a copy of another.
func (m *Mover) dropMark(of records.ExperimentRef) error {
	mark := layout.Join(of.Dir, layout.Moving)
	if marked, err := m.tree.Exists(mark); err != nil || !marked {
		return err
	}
	return m.tree.Remove(mark)
}

// clearPlace makes the place free that an experiment is to be moved to, of what an interrupted move
// left there. Anything else that is there is mlruns.ErrExists.
func (m *Mover) clearPlace(ctx context.Context, to records.ExperimentRef) error {
	taken, err := m.tree.Exists(to.Dir)
	if err != nil || !taken {
		return err
	}
	if left, err := m.tree.HalfRemoved(to.Dir); err != nil {
		return err
	} else if left {
		return m.tree.RemoveDiscarded(to.Dir)
	}
	if m.HalfMoved(to.ID) {
		if to.Trashed {
			return m.DiscardCopy(ctx, to.ID)
		}
		empty, err := m.tree.IsEmpty(to.Dir)
		if err != nil {
			return err
		}
		if empty {
			return m.tree.Remove(to.Dir)
		}
	}
	if !to.Trashed {
		return IdTaken(to.ID)
	}
	return &failure.Reason{Kind: mlruns.ErrExists, Text: fmt.Sprintf("Experiment with ID %s already exists in '%s'.", to.ID, layout.Parent(to.Dir))}
}

// HalfMoved reports whether an experiment that is in the root and in the trash is so because moving
// it was interrupted. The one in the root is meant.
func (m *Mover) HalfMoved(id string) bool {
	for _, trashed := range [...]bool{false, true} {
		if marked, err := m.tree.Exists(layout.Join(layout.Experiment(id, trashed), layout.Moving)); err == nil && marked {
			return true
		}
	}
	return false
}

// DiscardCopy removes the one in the trash of two folders of an experiment that was moved only in
// part, and the mark of the other, which must be readable: it is the only one then.
func (m *Mover) DiscardCopy(ctx context.Context, id string) error {
	active := records.NewExperimentRef(id, false)
	if _, _, err := m.records.ExperimentDocument(ctx, active); err != nil {
		return records.ExperimentError(id, active.Dir, err)
	}
	dir := records.NewExperimentRef(id, true).Dir
	empty, err := m.tree.IsEmpty(dir)
	left := empty
	if err == nil && !empty {
		left, err = m.tree.HalfRemoved(dir)
	}
	if err == nil && !left {
		dir, err = m.tree.Discard(dir, nil)
	}
	if err == nil {
		err = m.tree.RemoveDiscarded(dir)
	}
	if err != nil {
		return err
	}
	return m.dropMark(active)
}

// Move moves the folder of an experiment, to a place that movable has made free. The
// caller holds its lock. The commit point is the rename. Where the folder cannot be renamed it is
// carried.
func (m *Mover) Move(ctx context.Context, from, to records.ExperimentRef) error {
	err := m.tree.Move(from.Dir, to.Dir)
	if atomicfile.CrossesFileSystems(err) {
		return m.carryExperiment(ctx, from, to)
	}
	return err
}

// carryExperiment makes a copy of an experiment in the private folder, renames it to its place and
// removes the original. While both are there the one in the root is meant. So the commit point is,
// of an experiment that leaves the trash, the rename of the copy; of one that goes there, the
// rename of the original's meta.yaml that follows. The copy has the file layout.Moving until the
// original is gone.
func (m *Mover) carryExperiment(ctx context.Context, from, to records.ExperimentRef) error {
	if at := m.tree.MountBelow(from.Dir); at != "" {
		return dir.CannotMove(at, &fs.PathError{Op: "rename", Path: at, Err: syscall.EBUSY})
	}
	staging, err := m.copyExperiment(ctx, from)
	if err == nil {
		err = m.tree.Rename(staging, to.Dir)
	}
	if err != nil {
		m.tree.CleanUp(staging)
		return dir.CannotMove(from.Dir, err)
	}
	err = m.tree.SyncParents(staging, to.Dir)
	switch {
	case err != nil && !to.Trashed:
		return errors.Join(mlruns.ErrNotDurable, err)
	case err == nil:
		err = m.tree.Rename(layout.Join(from.Dir, layout.Meta), layout.Join(from.Dir, layout.Removed))
	}
	switch {
	case err != nil && to.Trashed:
		if back := m.tree.Rename(to.Dir, staging); back != nil {
			return errors.Join(err, back)
		}
		m.tree.CleanUp(staging)
		return err
	case err != nil:
		m.logger.Warn("an experiment was restored, and its copy in the trash stays", "path", from.Dir, "error", err)
		return nil
	}
	return m.removeCarried(ctx, from, to)
}

// copyExperiment builds the copy of an experiment. It gives the path of what it has made, whatever
// the error.
func (m *Mover) copyExperiment(ctx context.Context, from records.ExperimentRef) (staging string, err error) {
	if err := m.tree.MakeFolder(layout.Private, m.tree.Durable); err != nil {
		return "", err
	}
	staging = layout.Join(layout.Private, dir.TemporaryName(path.Base(from.Dir)))
	c := m.tree.Copier(staging)
	if err = c.Folder(from.Dir, staging); err == nil {
		err = m.tree.Create(layout.Join(staging, layout.Moving), nil, m.tree.Durable)
	}
	if err == nil {
		err = c.Copy(ctx, from.Dir, staging)
	}
	return staging, err
}

// removeCarried removes what an experiment was copied from. What it cannot remove is left to gc.
func (m *Mover) removeCarried(ctx context.Context, from, to records.ExperimentRef) error {
	// Until the original's meta.yaml is gone for good, nothing else of it must be.
	if err := m.tree.MakeDurable(from.Dir); err != nil {
		return errors.Join(mlruns.ErrNotDurable, err)
	}
	ctx = context.WithoutCancel(ctx)
	c := m.tree.Copier(to.Dir)
	err := m.hideRuns(ctx, c, from, to)
	if err == nil {
		err = c.Drain(ctx, from.Dir, to.Dir, layout.Removed)
	}
	if err == nil {
		err = m.tree.RemoveMarked(from.Dir)
	}
	if err == nil {
		err = m.dropMark(to)
	}
	if err != nil {
		m.logger.Warn("an experiment was moved; the next gc removes what is left at its old place", "path", from.Dir, "error", err)
	}
	return nil
}

// readersTime is how long readers, who take no locks, have to finish with what they found in the
// original of a copy.
const readersTime = 50 * time.Millisecond

// hideRuns removes the meta.yaml of each run in the original of a copy, so that nobody finds it
// there any more. Before that those finish who have listed the runs, and after it those who read
// one: what is left of a run while its files are removed would pass for all of it.
func (m *Mover) hideRuns(ctx context.Context, c *dir.Copier, from, to records.ExperimentRef) error {
	refs, err := m.find.RunRefs(from, nil)
	if err != nil {
		return err
	}
	m.letReadersFinish(ctx)
	for _, ref := range refs {
		there := records.NewRunRef(to, ref.ID).Dir
		if err := c.DrainFile(ctx, layout.Join(ref.Dir, layout.Meta), layout.Join(there, layout.Meta), there); err != nil {
			return err
		}
	}
	m.letReadersFinish(ctx)
	return nil
}

func (m *Mover) letReadersFinish(ctx context.Context) {
	if _, onDisk := m.tree.FS.RealPath(m.tree.Path("")); onDisk {
		_ = dir.Sleep(ctx, readersTime) // its only error is the end of a context
	}
}

// IdTaken is the reason that an experiment cannot leave the trash: its place in the root is taken.
func IdTaken(id string) error {
	return &failure.Reason{Kind: mlruns.ErrExists, Text: fmt.Sprintf("Cannot restore experiment with ID %s. An experiment with same ID already exists.", id)}
}
