package locate

import (
	"context"
	"errors"

	"github.com/mlruns/mlruns"
	"github.com/mlruns/mlruns/filestore/internal/records"
	"github.com/mlruns/mlruns/filestore/layout"
	"github.com/mlruns/mlruns/internal/dirlock"
)

// The locks, in the order in which they are taken; of runs only one at a time.
//
//	copy        .mlruns-copy.lock   the comparing of a copy, so that no two find the same missing
//	root        .mlruns.lock        names and ids of experiments, run ids that callers chose
//	experiment  .mlruns.<id>.lock   its meta.yaml and tags, its place, the making of runs in it
//	run         <run>/.mlruns.lock  all that is in the run's folder
//
// Readers take none. An experiment's lock lies in the root: the folder moves while the lock is
// held, which Windows forbids for a folder with an open file.

type UnlockFunc func() error

func (l *Locator) LockRoot(ctx context.Context) (UnlockFunc, error) {
	return l.lockInRoot(ctx, layout.Lock)
}

// LockCopies locks out other copies into the store.
func (l *Locator) LockCopies(ctx context.Context) (UnlockFunc, error) {
	return l.lockInRoot(ctx, layout.CopyLock)
}

func (l *Locator) lockInRoot(ctx context.Context, name string) (UnlockFunc, error) {
	unlock, err := l.Locks.Lock(ctx, l.Tree.Path(name))
	if err != nil {
		err = l.orRootGone(err)
	}
	return unlock, err
}

// Unlock gives a lock back; that cannot fail in a way the caller could mend.
func (l *Locator) Unlock(unlock UnlockFunc) { l.Tree.Unlock(unlock) }

// LockExperiment locks an experiment and tells where it lies now: it may have moved while the lock
// was waited for.
func (l *Locator) LockExperiment(ctx context.Context, id string) (records.ExperimentRef, UnlockFunc, error) {
	if ref, err := l.FindExperiment(id); err != nil {
		return ref, nil, err // no lock file for what does not exist
	}
	unlock, err := l.Locks.Lock(ctx, l.Tree.Path(layout.ExperimentLock(id)))
	if err != nil {
		return records.ExperimentRef{}, nil, err
	}
	ref, err := l.FindExperiment(id)
	if err != nil {
		l.Unlock(unlock)
	}
	return ref, unlock, err
}

// LockRun locks a run where it lies now. dirlock.ErrGone if its experiment moved meanwhile.
func (l *Locator) LockRun(ctx context.Context, id string) (records.RunRef, UnlockFunc, error) {
	ref, err := l.FindRun(ctx, id)
	if err != nil {
		return ref, nil, err
	}
	unlock, err := l.Locks.Lock(ctx, l.Tree.Path(layout.Join(ref.Dir, layout.Lock)))
	return ref, unlock, err
}

// RunLocks is a locked run whose experiment is locked too, which keeps the run where it is.
type RunLocks struct{ Run, Experiment func() }

// LockListedRun locks a run that was listed and its experiment, and tells where it lies now. It is
// nil where the run is gone.
func (l *Locator) LockListedRun(ctx context.Context, ref records.RunRef) (records.RunRef, *RunLocks, error) {
	e, unlock, err := l.LockExperiment(ctx, ref.Experiment.ID)
	if errors.Is(err, mlruns.ErrNotFound) {
		return ref, nil, nil
	}
	if err != nil {
		return ref, nil, err
	}
	ref = records.NewRunRef(e, ref.ID)
	is, err := l.IsRun(ref)
	if is {
		var unlockRun UnlockFunc
		if unlockRun, err = l.Locks.Lock(ctx, l.Tree.Path(layout.Join(ref.Dir, layout.Lock))); err == nil {
			return ref, &RunLocks{Run: func() { l.Unlock(unlockRun) }, Experiment: func() { l.Unlock(unlock) }}, nil
		}
	}
	l.Unlock(unlock)
	if errors.Is(err, dirlock.ErrGone) {
		err = nil
	}
	return ref, nil, err
}
