package locate

import (
	"context"
	"errors"

	"github.com/mlruns/mlruns"
	"github.com/mlruns/mlruns/filestore/internal/dir"
	"github.com/mlruns/mlruns/filestore/internal/records"
	"github.com/mlruns/mlruns/internal/vfs"
)

// following calls read with the place where an experiment was seen, and with that where it is found
// when what is read is missing there: it may be deleted or restored between the looks. It says
// which place was the last.
func (l *Locator) following(e records.ExperimentRef, read func(records.ExperimentRef) error) (records.ExperimentRef, error) {
	err := read(e)
	for i := 1; vfs.IsMissing(err) && i < maxLooks; i++ {
		again, bare, findErr := l.lookForExperiment(e.ID)
		if vfs.IsShortage(findErr) {
			return e, findErr
		}
		if findErr != nil || bare && again == e {
			break
		}
		e = again
		err = read(e)
	}
	return e, err
}

// maxLooks is how often a run or an experiment is looked for that was not where it had been seen:
// it may move while it is looked for.
const maxLooks = 5

// OpenRun opens the folder of a run, which is the run wherever its experiment goes.
func (l *Locator) OpenRun(ctx context.Context, id string) (records.RunRef, vfs.Folder, error) {
	var at records.RunRef
	var f vfs.Folder
	err := l.FollowRun(ctx, id, func(ref records.RunRef) (err error) {
		at = ref
		f, err = l.Tree.Folder(ref.Dir)
		return err
	})
	return at, f, err
}

// FollowRun calls read with the place where a run is found, and again, up to maxLooks times, where
// what is read is missing there: its experiment may have been deleted or restored since.
func (l *Locator) FollowRun(ctx context.Context, id string, read func(records.RunRef) error) error {
	for i := 1; ; i++ {
		ref, err := l.FindRun(ctx, id)
		if err != nil {
			return err
		}
		if err = read(ref); err == nil {
			return nil
		}
		if !vfs.IsMissing(err) || i == maxLooks {
			return records.RunError(id, err)
		}
	}
}

// ExperimentLocking says when who locks a run locks its experiment too, which keeps the run in its
// place.
type ExperimentLocking bool

const (
	// WhenMoved is for an active run: who deletes its experiment waits for its lock. Its experiment
	// is locked once it has moved or is in the trash, for who restores that does not wait.
	WhenMoved ExperimentLocking = false
	// Always is for who changes the stage, which whoever deletes the experiment has set.
	Always ExperimentLocking = true
)

// ErrRunMoved is a run that is to be looked for again. Nothing was written.
var ErrRunMoved = dir.ErrMoved

// UntilFound tries again, with the run's experiment locked, when the run was found and then no
// longer there. Only who takes no locks can move it after that.
func (l *Locator) UntilFound(ctx context.Context, runID string, experiment ExperimentLocking, try func(held bool) (moved bool, err error)) (err error) {
	moved := true
	if experiment == WhenMoved {
		moved, err = try(false)
	}
	for i := 1; moved && i < maxLooks; i++ {
		moved, err = l.tryHeld(ctx, runID, try)
	}
	return err
}

func (l *Locator) tryHeld(ctx context.Context, runID string, try func(held bool) (moved bool, err error)) (moved bool, err error) {
	ref, err := l.FindRun(ctx, runID)
	if err != nil {
		return false, err
	}
	_, unlock, err := l.LockExperiment(ctx, ref.Experiment.ID)
	if err != nil {
		return errors.Is(err, mlruns.ErrNotFound), err
	}
	defer l.Unlock(unlock)
	return try(true)
}
