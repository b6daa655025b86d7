package maintenance

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"runtime"

	"github.com/mlruns/mlruns"
	"github.com/mlruns/mlruns/filestore/internal/codec"
	"github.com/mlruns/mlruns/filestore/internal/records"
	"github.com/mlruns/mlruns/filestore/layout"
	"github.com/mlruns/mlruns/internal/validate"
	"github.com/mlruns/mlruns/internal/vfs"
)

// openFilesStay says that a file that is open, such as a lock, cannot be removed, nor its folder
// renamed.
const openFilesStay = runtime.GOOS == "windows"

// restoredMeanwhile gives the run in a folder that was taken out, whose meta.yaml has the name meta
// by now, if it does not say that it is deleted: whoever took it out was interrupted before the
// second look. What is there but cannot be read is an error, for it may be such a run. An
// experiment is deleted by the place it was in, whatever it says.
func (m *Maintainer) restoredMeanwhile(ctx context.Context, dir, meta string) (*mlruns.RunInfo, error) {
	// a link is removed, not followed
	if info, err := m.tree.Lstat(dir); err != nil || !info.IsDir() {
		return nil, nil //nolint:nilerr,nilnil // documented
	}
	f, err := m.tree.Folder(dir)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	var run *mlruns.RunInfo
	_, err = records.ReadDocument(ctx, f, meta, func(doc *codec.Document) error {
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
func (m *Maintainer) putRunBack(ctx context.Context, dir string, run mlruns.RunInfo) error {
	if err := errors.Join(validate.RunID(run.ID), validate.ExperimentID(run.ExperimentID)); err != nil {
		return err
	}
	e, unlock, err := m.find.LockExperiment(ctx, run.ExperimentID)
	if err != nil {
		return err
	}
	defer m.find.Unlock(unlock)
	place := records.NewRunRef(e, run.ID).Dir
	taken, err := m.tree.Exists(place)
	if err == nil && taken {
		err = fmt.Errorf("the run was restored while it was being removed, and %s is not free: move one of the two by hand", place)
	}
	if err != nil {
		return err
	}
	return m.tree.Move(dir, place)
}

// mounted is mountBelow for all that goes with a folder.
func (c *collection) mounted(dir string, elsewhere []artifactFolder) string {
	at := c.store.tree.MountBelow(dir)
	for _, of := range elsewhere {
		at = cmp.Or(at, c.store.tree.MountBelow(of.dir))
	}
	return at
}

// dropLocks removes the locks of experiments that are gone. That is safe while the lock is held,
// and nothing of what it guards is done any more: whoever waits for it finds that the file it gets
// is not the one at the path, and begins again. Under the root's lock no such experiment is made.
func (m *Maintainer) dropLocks(ctx context.Context) {
	if !m.locks.HasFiles() {
		return // another process may hold them
	}
	entries, err := m.tree.Entries("")
	if err != nil {
		m.logger.Warn("the locks of removed experiments stay", "error", err)
	}
	for _, e := range entries {
		id, ok := layout.LockedExperiment(e.Name)
		if !ok || !e.Type.IsRegular() || !m.experimentGone(id) {
			continue
		}
		if err := m.dropLock(ctx, id); err != nil {
			m.logger.Warn("the lock of a removed experiment stays", "path", e.Name, "error", err)
		}
	}
}

func (m *Maintainer) experimentGone(id string) bool {
	_, err := m.find.FindExperiment(id)
	return errors.Is(err, mlruns.ErrNotFound)
}

func (m *Maintainer) dropLock(ctx context.Context, id string) error {
	unlockRoot, err := m.find.LockRoot(ctx)
	if err != nil {
		return err
	}
	defer m.find.Unlock(unlockRoot)
	name := layout.ExperimentLock(id)
	unlock, err := m.locks.Lock(ctx, m.tree.Path(name))
	if err != nil {
		return err
	}
	defer m.find.Unlock(unlock)
	if !m.experimentGone(id) {
		return nil
	}
	if openFilesStay {
		m.find.Unlock(unlock) // whoever opens it now keeps it
	}
	return m.tree.Remove(name)
}
