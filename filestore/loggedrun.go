package filestore

import (
	"context"
	"errors"

	"github.com/mlruns/mlruns"
	"github.com/mlruns/mlruns/filestore/internal/locate"
	"github.com/mlruns/mlruns/filestore/internal/records"
	"github.com/mlruns/mlruns/internal/dirlock"
	"github.com/mlruns/mlruns/internal/failure"
)

// loggedRun is an active run, locked to be logged to.
type loggedRun struct {
	ref  records.RunRef
	info mlruns.RunInfo
	kept *keptRun // nil where no handles are kept
}

// withLoggedRun is withActiveRun by the handles that are kept of the run, where they hold. placed
// says of a kept run that do looks first that one of its files is where it was, or else returns
// errRunMoved.
func (s *Store) withLoggedRun(ctx context.Context, runID string, placed func(*keptRun) bool, do func(loggedRun) error) error {
	if r := s.kept.take(runID); r != nil {
		if done, err := s.logKept(ctx, r, placed, do); done {
			return err
		}
	}
	return s.find.UntilFound(ctx, runID, locate.WhenMoved, func(held bool) (bool, error) { return s.logFound(ctx, runID, held, do) })
}

// logKept is not done, and has changed nothing, if the run is to be looked for.
func (s *Store) logKept(ctx context.Context, r *keptRun, placed func(*keptRun) bool, do func(loggedRun) error) (done bool, err error) {
	stale := true
	defer func() { s.kept.release(r, stale) }()
	ok, err := r.lock.Lock(ctx)
	if errors.Is(err, dirlock.ErrBusy) || err != nil && ctx.Err() != nil {
		stale = false
		return true, err
	}
	if err != nil || !ok {
		return false, nil // a lock that is taken anew says what is wrong
	}
	defer s.find.Unlock(r.lock.Unlock)
	if !s.refresh(ctx, r, placed(r)) {
		return false, nil
	}
	if r.info.Stage != mlruns.StageActive {
		return true, failure.RunNotActive(r.ref.ID)
	}
	err = do(loggedRun{ref: r.ref, info: r.info, kept: r})
	stale = errors.Is(err, locate.ErrRunMoved)
	return !stale, err
}

// logFound looks for the run, and keeps its handles where that may be. moved says that it was no
// longer there when it was to be locked or read, or that its experiment is to be held.
func (s *Store) logFound(ctx context.Context, runID string, held bool, do func(loggedRun) error) (moved bool, err error) {
	fresh := &keptRun{}
	ref, unlock, err := s.find.LockRun(ctx, runID, func(ctx context.Context, name string) (_ func() error, err error) {
		if s.kept != nil {
			if fresh.lock, err = s.locks.Keep(ctx, name); err != nil {
				return nil, err
			}
		}
		if fresh.lock != nil {
			return fresh.lock.Unlock, nil
		}
		return s.locks.Lock(ctx, name)
	})
	if err != nil {
		return errors.Is(err, dirlock.ErrGone), err
	}
	run := loggedRun{ref: ref}
	defer func() {
		s.find.Unlock(unlock)
		switch {
		case run.kept != nil:
			s.kept.release(run.kept, false)
		case fresh.lock != nil:
			_ = fresh.close() // nothing was written through it
		}
	}()
	fresh.ref = ref
	keep, settled := fresh.lock != nil && !ref.Experiment.Trashed, false
	if keep {
		settled, err = s.openMeta(fresh)
		keep = err == nil
	}
	if run.info, _, err = s.records.RunDocument(ctx, ref); err != nil {
		return errors.Is(err, mlruns.ErrNotFound), err
	}
	if run.info.Stage != mlruns.StageActive {
		return false, failure.RunNotActive(runID)
	}
	if ref.Experiment.Trashed && !held {
		return true, locate.ErrRunMoved
	}
	if keep {
		fresh.info, fresh.settled, run.kept = run.info, settled, fresh
		s.kept.add(fresh)
	}
	return false, do(run)
}
