package filestore

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
//	root        .mlruns.lock        names and ids of experiments, run ids that callers chose
//	experiment  .mlruns.<id>.lock   its meta.yaml and tags, its place, the making of runs in it
//	run         <run>/.mlruns.lock  all that is in the run's folder
//
// Readers take none. An experiment's lock lies in the root: the folder moves while the lock is
// held, which Windows forbids for a folder with an open file.

type unlockFunc func() error

func (s *Store) lockRoot(ctx context.Context) (unlockFunc, error) {
	unlock, err := s.locks.Lock(ctx, s.tree.Path(layout.Lock))
	if err != nil {
		err = s.orRootGone(err)
	}
	return unlock, err
}

// unlock gives a lock back; that cannot fail in a way the caller could mend.
func (s *Store) unlock(unlock unlockFunc) {
	switch err := unlock(); {
	case errors.Is(err, dirlock.ErrLost):
		s.logger.Warn("a lock was lost while it was held, and another machine may have written at the same time", "error", err)
	case err != nil:
		s.logger.Warn("unlock failed", "error", err)
	}
}

// lockExperiment locks an experiment and tells where it lies now: it may have moved while the lock
// was waited for.
func (s *Store) lockExperiment(ctx context.Context, id string) (records.ExperimentRef, unlockFunc, error) {
	if ref, err := s.findExperiment(id); err != nil {
		return ref, nil, err // no lock file for what does not exist
	}
	unlock, err := s.locks.Lock(ctx, s.tree.Path(layout.ExperimentLock(id)))
	if err != nil {
		return records.ExperimentRef{}, nil, err
	}
	ref, err := s.findExperiment(id)
	if err != nil {
		s.unlock(unlock)
	}
	return ref, unlock, err
}

// lockRun locks a run where it lies now, by lock. dirlock.ErrGone if its experiment moved
// meanwhile.
func (s *Store) lockRun(ctx context.Context, id string, lock func(context.Context, string) (func() error, error)) (records.RunRef, unlockFunc, error) {
	ref, err := s.findRun(ctx, id)
	if err != nil {
		return ref, nil, err
	}
	unlock, err := lock(ctx, s.tree.Path(layout.Join(ref.Dir, layout.Lock)))
	return ref, unlock, err
}

// hold says whether who locks a run holds its experiment from the beginning, which keeps the run in
// its place.
type hold bool

const (
	// whenMoved is for an active run: who deletes its experiment waits for its lock. Its experiment
	// is held once it has moved or is in the trash, for who restores that does not wait.
	whenMoved hold = false
	// always is for who changes the stage, which whoever deletes the experiment has set.
	always hold = true
)

// errRunMoved is a run that is to be looked for again. Nothing was written.
var errRunMoved = errors.New("the run is not where it was")

// untilFound tries again, with the run's experiment locked, when the run was found and then no
// longer there. Only who takes no locks can move it after that.
func (s *Store) untilFound(ctx context.Context, runID string, hold hold, try func(held bool) (moved bool, err error)) (err error) {
	moved := true
	if hold == whenMoved {
		moved, err = try(false)
	}
	for i := 1; moved && i < maxLooks; i++ {
		moved, err = s.tryHeld(ctx, runID, try)
	}
	return err
}

func (s *Store) tryHeld(ctx context.Context, runID string, try func(held bool) (moved bool, err error)) (moved bool, err error) {
	ref, err := s.findRun(ctx, runID)
	if err != nil {
		return false, err
	}
	_, unlock, err := s.lockExperiment(ctx, ref.Experiment.ID)
	if err != nil {
		return errors.Is(err, mlruns.ErrNotFound), err
	}
	defer s.unlock(unlock)
	return try(true)
}

// placedRun is a locked run whose experiment is locked too, which keeps the run where it is.
type placedRun struct{ run, experiment func() }

// lockPlacedRun locks a run that was listed and its experiment, and tells where it lies now. It is
// nil where the run is gone.
func (s *Store) lockPlacedRun(ctx context.Context, ref records.RunRef) (records.RunRef, *placedRun, error) {
	e, unlock, err := s.lockExperiment(ctx, ref.Experiment.ID)
	if errors.Is(err, mlruns.ErrNotFound) {
		return ref, nil, nil
	}
	if err != nil {
		return ref, nil, err
	}
	ref = records.NewRunRef(e, ref.ID)
	is, err := s.isRun(ref)
	if is {
		var unlockRun unlockFunc
		if unlockRun, err = s.locks.Lock(ctx, s.tree.Path(layout.Join(ref.Dir, layout.Lock))); err == nil {
			return ref, &placedRun{run: func() { s.unlock(unlockRun) }, experiment: func() { s.unlock(unlock) }}, nil
		}
	}
	s.unlock(unlock)
	if errors.Is(err, dirlock.ErrGone) {
		err = nil
	}
	return ref, nil, err
}
