package filestore

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"path"
	"path/filepath"
	"syscall"
	"time"

	"github.com/spf13/afero"

	"github.com/mlruns/mlruns"
	"github.com/mlruns/mlruns/filestore/internal/dir"
	"github.com/mlruns/mlruns/filestore/internal/records"
	"github.com/mlruns/mlruns/filestore/layout"
	"github.com/mlruns/mlruns/internal/atomicfile"
	"github.com/mlruns/mlruns/internal/failure"
)

// movable refuses to move an experiment where it is known beforehand that it cannot be, and makes
// its new place free. The caller holds the experiment's lock.
func (s *Store) movable(ctx context.Context, from, to records.ExperimentRef) error {
	if err := s.tree.RefuseLink(from.Dir); err != nil {
		return err
	}
	link, err := s.tree.IsLink(from.Dir)
	if err != nil {
		return err
	}
	if reader, ok := s.tree.FS.(afero.LinkReader); ok && link {
		target, err := reader.ReadlinkIfPossible(s.tree.Path(from.Dir))
		if err != nil {
			return err
		}
		if !filepath.IsAbs(target) {
			return &failure.Reason{Kind: mlruns.ErrOutside,
				Text: fmt.Sprintf("the folder '%s' is a symbolic link to '%s', which would lead elsewhere from '%s'; make the link absolute", from.Dir, target, layout.Parent(to.Dir))}
		}
	}
	if s.tree.MountRoot(from.Dir) {
		return dir.CannotMove(from.Dir, &fs.PathError{Op: "rename", Path: from.Dir, Err: syscall.EBUSY})
	}
	if err := s.clearPlace(ctx, to); err != nil {
		return err
	}
	// Now the experiment is in one place only. A mark of an interrupted move that is still in it
	// must not be taken for one of this move, or of a later one.
	return s.dropMark(from)
}

// dropMark removes the mark that an experiment is a copy of another.
func (s *Store) dropMark(of records.ExperimentRef) error {
	mark := layout.Join(of.Dir, layout.Moving)
	if marked, err := s.tree.Exists(mark); err != nil || !marked {
		return err
	}
	return s.tree.Remove(mark)
}

// clearPlace makes the place free that an experiment is to be moved to, of what an interrupted move
// left there. Anything else that is there is mlruns.ErrExists.
func (s *Store) clearPlace(ctx context.Context, to records.ExperimentRef) error {
	taken, err := s.tree.Exists(to.Dir)
	if err != nil || !taken {
		return err
	}
	if left, err := s.tree.HalfRemoved(to.Dir); err != nil {
		return err
	} else if left {
		return s.tree.RemoveDiscarded(to.Dir)
	}
	if s.halfMoved(to.ID) {
		if to.Trashed {
			return s.discardCopy(ctx, to.ID)
		}
		empty, err := s.tree.IsEmpty(to.Dir)
		if err != nil {
			return err
		}
		if empty {
			return s.tree.Remove(to.Dir)
		}
	}
	if !to.Trashed {
		return idTaken(to.ID)
	}
	return &failure.Reason{Kind: mlruns.ErrExists, Text: fmt.Sprintf("Experiment with ID %s already exists in '%s'.", to.ID, layout.Parent(to.Dir))}
}

// halfMoved reports whether an experiment that is in the root and in the trash is so because moving
// it was interrupted. The one in the root is meant.
func (s *Store) halfMoved(id string) bool {
	for _, trashed := range [...]bool{false, true} {
		if marked, err := s.tree.Exists(layout.Join(layout.Experiment(id, trashed), layout.Moving)); err == nil && marked {
			return true
		}
	}
	return false
}

// discardCopy removes the one in the trash of two folders of an experiment that was moved only in
// part, and the mark of the other, which must be readable: it is the only one then.
func (s *Store) discardCopy(ctx context.Context, id string) error {
	active := records.NewExperimentRef(id, false)
	if _, _, err := s.records.ExperimentDocument(ctx, active); err != nil {
		return records.ExperimentError(id, active.Dir, err)
	}
	dir := records.NewExperimentRef(id, true).Dir
	empty, err := s.tree.IsEmpty(dir)
	left := empty
	if err == nil && !empty {
		left, err = s.tree.HalfRemoved(dir)
	}
	if err == nil && !left {
		dir, err = s.tree.Discard(dir, nil)
	}
	if err == nil {
		err = s.tree.RemoveDiscarded(dir)
	}
	if err != nil {
		return err
	}
	return s.dropMark(active)
}

// moveExperiment moves the folder of an experiment, to a place that movable has made free. The
// caller holds its lock. The commit point is the rename. Where the folder cannot be renamed it is
// carried.
func (s *Store) moveExperiment(ctx context.Context, from, to records.ExperimentRef) error {
	err := s.tree.Move(from.Dir, to.Dir)
	if atomicfile.CrossesFileSystems(err) {
		return s.carryExperiment(ctx, from, to)
	}
	return err
}

// carryExperiment makes a copy of an experiment in the private folder, renames it to its place and
// removes the original. While both are there the one in the root is meant. So the commit point is,
// of an experiment that leaves the trash, the rename of the copy; of one that goes there, the
// rename of the original's meta.yaml that follows. The copy has the file layout.Moving until the
// original is gone.
func (s *Store) carryExperiment(ctx context.Context, from, to records.ExperimentRef) error {
	if at := s.tree.MountBelow(from.Dir); at != "" {
		return dir.CannotMove(at, &fs.PathError{Op: "rename", Path: at, Err: syscall.EBUSY})
	}
	staging, err := s.copyExperiment(ctx, from)
	if err == nil {
		err = s.tree.Rename(staging, to.Dir)
	}
	if err != nil {
		s.tree.CleanUp(staging)
		return dir.CannotMove(from.Dir, err)
	}
	err = s.tree.SyncParents(staging, to.Dir)
	switch {
	case err != nil && !to.Trashed:
		return errors.Join(mlruns.ErrNotDurable, err)
	case err == nil:
		err = s.tree.Rename(layout.Join(from.Dir, layout.Meta), layout.Join(from.Dir, layout.Removed))
	}
	switch {
	case err != nil && to.Trashed:
		if back := s.tree.Rename(to.Dir, staging); back != nil {
			return errors.Join(err, back)
		}
		s.tree.CleanUp(staging)
		return err
	case err != nil:
		s.logger.Warn("an experiment was restored, and its copy in the trash stays", "path", from.Dir, "error", err)
		return nil
	}
	return s.removeCarried(ctx, from, to)
}

// copyExperiment builds the copy of an experiment. It gives the path of what it has made, whatever
// the error.
func (s *Store) copyExperiment(ctx context.Context, from records.ExperimentRef) (staging string, err error) {
	if err := s.tree.MakeFolder(layout.Private, s.syncs(SyncMeta)); err != nil {
		return "", err
	}
	staging = layout.Join(layout.Private, dir.TemporaryName(path.Base(from.Dir)))
	c := s.tree.Copier(staging)
	if err = c.Folder(from.Dir, staging); err == nil {
		err = s.tree.Create(layout.Join(staging, layout.Moving), nil, s.syncs(SyncMeta))
	}
	if err == nil {
		err = c.Copy(ctx, from.Dir, staging)
	}
	return staging, err
}

// removeCarried removes what an experiment was copied from. What it cannot remove is left to gc.
func (s *Store) removeCarried(ctx context.Context, from, to records.ExperimentRef) error {
	// Until the original's meta.yaml is gone for good, nothing else of it must be.
	if err := s.tree.MakeDurable(from.Dir); err != nil {
		return errors.Join(mlruns.ErrNotDurable, err)
	}
	ctx = context.WithoutCancel(ctx)
	c := s.tree.Copier(to.Dir)
	err := s.hideRuns(ctx, c, from, to)
	if err == nil {
		err = c.Drain(ctx, from.Dir, to.Dir, layout.Removed)
	}
	if err == nil {
		err = s.tree.RemoveMarked(from.Dir)
	}
	if err == nil {
		err = s.dropMark(to)
	}
	if err != nil {
		s.logger.Warn("an experiment was moved; the next gc removes what is left at its old place", "path", from.Dir, "error", err)
	}
	return nil
}

// readersTime is how long readers, who take no locks, have to finish with what they found in the
// original of a copy.
const readersTime = 50 * time.Millisecond

// hideRuns removes the meta.yaml of each run in the original of a copy, so that nobody finds it
// there any more. Before that those finish who have listed the runs, and after it those who read
// one: what is left of a run while its files are removed would pass for all of it.
func (s *Store) hideRuns(ctx context.Context, c *dir.Copier, from, to records.ExperimentRef) error {
	refs, err := s.find.RunRefs(from, nil)
	if err != nil {
		return err
	}
	s.letReadersFinish(ctx)
	for _, ref := range refs {
		there := records.NewRunRef(to, ref.ID).Dir
		if err := c.DrainFile(ctx, layout.Join(ref.Dir, layout.Meta), layout.Join(there, layout.Meta), there); err != nil {
			return err
		}
	}
	s.letReadersFinish(ctx)
	return nil
}

func (s *Store) letReadersFinish(ctx context.Context) {
	if s.tree.Native == nil {
		return
	}
	if _, onDisk := s.tree.Native.RealPath(s.tree.Path("")); onDisk {
		_ = dir.Sleep(ctx, readersTime) // its only error is the end of a context
	}
}
