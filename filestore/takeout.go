package filestore

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"path"
	"runtime"
	"strings"

	"github.com/mlruns/mlruns"
	"github.com/mlruns/mlruns/filestore/internal/codec"
	"github.com/mlruns/mlruns/filestore/layout"
	"github.com/mlruns/mlruns/internal/atomicfile"
	"github.com/mlruns/mlruns/internal/rootfs"
	"github.com/mlruns/mlruns/internal/validate"
	"github.com/mlruns/mlruns/internal/vfs"
)

// openFilesStay says that a file that is open, such as a lock, cannot be removed, nor its folder
// renamed.
const openFilesStay = runtime.GOOS == "windows"

// discardPrefix begins the names of what is to be removed. No id begins with a dot, so what is
// being made never has it.
const discardPrefix = ".removed."

func discarded(name string) bool { return strings.HasPrefix(name, discardPrefix) }

// takeOut renames a folder into the private folder, from where it is only to be removed, and gives
// its path there. The error is mlruns.ErrNotDurable if it is there but may come back. still, if it
// is not nil, looks at its meta.yaml once more when nobody finds it any longer, and has it put
// back: writers that take no locks, MLflow's, may have changed it until then. A folder that was put
// back has the path "". One that cannot be renamed is to be removed where it lies.
func (s *Store) takeOut(dir string, still func(meta string) (bool, error)) (at string, err error) {
	if err := s.makeFolder(layout.Private, s.syncs(SyncMeta)); err != nil {
		return "", err
	}
	at = layout.Join(layout.Private, discardPrefix+temporary(path.Base(dir)))
	err = s.tree.rename(dir, at)
	if atomicfile.CrossesFileSystems(err) && !s.tree.mountRoot(dir) {
		if link, linkErr := s.isLink(dir); linkErr == nil && !link {
			return s.discardHere(dir, still)
		}
	}
	if err != nil {
		return "", cannotMove(dir, err)
	}
	if still != nil {
		if ok, err := still(layout.Join(at, layout.Meta)); err != nil || !ok {
			if back := s.tree.rename(at, dir); back != nil {
				err = errors.Join(err, fmt.Errorf("it could not be put back and is in %s: %w", at, back))
			}
			return "", err
		}
	}
	if s.syncs(SyncMeta) {
		if err := errors.Join(s.tree.syncDir(layout.Private), s.tree.syncDir(layout.Parent(dir))); err != nil {
			return at, errors.Join(mlruns.ErrNotDurable, err)
		}
	}
	return at, nil
}

// restoredMeanwhile gives the run in a folder that was taken out, whose meta.yaml has the name meta
// by now, if it does not say that it is deleted: whoever took it out was interrupted before the
// second look. What is there but cannot be read is an error, for it may be such a run. An
// experiment is deleted by the place it was in, whatever it says.
func (s *Store) restoredMeanwhile(ctx context.Context, dir, meta string) (*mlruns.RunInfo, error) {
	// a link is removed, not followed
	if info, err := s.tree.lstat(dir); err != nil || !info.IsDir() {
		return nil, nil //nolint:nilerr,nilnil // documented
	}
	f, err := s.tree.folder(dir)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	var run *mlruns.RunInfo
	_, err = readDocument(ctx, f, meta, func(doc *codec.Document) error {
		id, ok := doc.Text(codec.KeyRunID)
		if !ok {
			id, ok = doc.Text(codec.KeyRunUUID)
		}
		stage, err := codec.StageOf(doc)
		if ok && stage != mlruns.StageDeleted {
			experiment, _ := doc.Text(codec.KeyExperimentID)
			run = &mlruns.RunInfo{ID: id, ExperimentID: experiment}
		}
		return err
	})
	if vfs.IsMissing(err) { // its removal had begun
		return nil, nil //nolint:nilnil // documented
	}
	return run, err
}

// putRunBack moves the folder of a run that was taken out to its place, which must be free.
func (s *Store) putRunBack(ctx context.Context, dir string, run mlruns.RunInfo) error {
	if err := errors.Join(validate.RunID(run.ID), validate.ExperimentID(run.ExperimentID)); err != nil {
		return err
	}
	e, unlock, err := s.lockExperiment(ctx, run.ExperimentID)
	if err != nil {
		return err
	}
	defer s.unlock(unlock)
	place := newRunRef(e, run.ID).dir
	taken, err := s.tree.exists(place)
	if err == nil && taken {
		err = fmt.Errorf("the run was restored while it was being removed, and %s is not free: move one of the two by hand", place)
	}
	if err == nil {
		err = s.tree.rename(dir, place)
	}
	if err != nil || !s.syncs(SyncMeta) {
		return err
	}
	if err := errors.Join(s.tree.syncDir(layout.Parent(place)), s.tree.syncDir(layout.Private)); err != nil {
		return errors.Join(mlruns.ErrNotDurable, err)
	}
	return nil
}

// settleDiscarded makes durable that what was discarded before is no longer where it was.
func (s *Store) settleDiscarded() error {
	if !s.syncs(SyncMeta) {
		return nil
	}
	return s.tree.syncDir(layout.Private)
}

// mountBelow gives the first folder, dir or one below it, at which a file system is mounted, ""
// where there is none or the system does not tell.
func (s *Store) mountBelow(dir string) string {
	if _, ok := rootfs.LookerOf(s.tree.fs); !ok {
		return ""
	}
	if link, err := s.isLink(dir); err != nil || link {
		return ""
	}
	if s.tree.mountRoot(dir) {
		return dir
	}
	entries, err := s.tree.entries(dir)
	if err != nil {
		return ""
	}
	for _, e := range entries {
		if e.Type.IsDir() {
			if at := s.mountBelow(layout.Join(dir, e.Name)); at != "" {
				return at
			}
		}
	}
	return ""
}

// mounted is mountBelow for all that goes with a folder.
func (c *collection) mounted(dir string, elsewhere []artifactFolder) string {
	at := c.store.mountBelow(dir)
	for _, of := range elsewhere {
		at = cmp.Or(at, c.store.mountBelow(of.dir))
	}
	return at
}

// measure counts what is below dir and opens no file. A link counts as itself. What cannot be
// listed is left out; the only error is a shortage.
func (s *Store) measure(dir string) (files int, bytes int64, err error) {
	info, err := s.tree.lstat(dir)
	if err != nil {
		return 0, 0, shortage(err)
	}
	if !info.IsDir() {
		return 1, info.Size(), nil
	}
	entries, err := s.tree.entries(dir)
	if rootfs.IsShortage(err) {
		return 0, 0, err
	}
	if err != nil {
		s.logger.Warn("a folder that is removed cannot be listed", "path", dir, "error", err)
	}
	for _, e := range entries {
		n, size, err := s.measure(layout.Join(dir, e.Name))
		if err != nil {
			return 0, 0, err
		}
		files, bytes = files+n, bytes+size
	}
	return files, bytes, nil
}

// dropLocks removes the locks of experiments that are gone. That is safe while the lock is held,
// and nothing of what it guards is done any more: whoever waits for it finds that the file it gets
// is not the one at the path, and begins again. Under the root's lock no such experiment is made.
func (s *Store) dropLocks(ctx context.Context) {
	if s.locking == LockNone {
		return // another process may hold them
	}
	entries, err := s.tree.entries("")
	if err != nil {
		s.logger.Warn("the locks of removed experiments stay", "error", err)
	}
	for _, e := range entries {
		id, ok := layout.LockedExperiment(e.Name)
		if !ok || !e.Type.IsRegular() || !s.experimentGone(id) {
			continue
		}
		if err := s.dropLock(ctx, id); err != nil {
			s.logger.Warn("the lock of a removed experiment stays", "path", e.Name, "error", err)
		}
	}
}

func (s *Store) experimentGone(id string) bool {
	_, err := s.findExperiment(id)
	return errors.Is(err, mlruns.ErrNotFound)
}

func (s *Store) dropLock(ctx context.Context, id string) error {
	unlockRoot, err := s.lockRoot(ctx)
	if err != nil {
		return err
	}
	defer s.unlock(unlockRoot)
	name := layout.ExperimentLock(id)
	unlock, err := s.locks.Lock(ctx, s.tree.name(name))
	if err != nil {
		return err
	}
	defer s.unlock(unlock)
	if !s.experimentGone(id) {
		return nil
	}
	if openFilesStay {
		s.unlock(unlock) // whoever opens it now keeps it
	}
	return s.tree.remove(name)
}
