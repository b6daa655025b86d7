package filestore

import (
	"context"
	"errors"

	"github.com/mlruns/mlruns"
	"github.com/mlruns/mlruns/filestore/layout"
	"github.com/mlruns/mlruns/internal/dirlock"
)

// loggedRun is an active run, locked to be logged to.
type loggedRun struct {
	ref  runRef
	info mlruns.RunInfo
	kept *keptRun // nil where no handles are kept
}

// withLoggedRun is withActiveRun by the handles that are kept of the run, where they hold.
func (s *Store) withLoggedRun(ctx context.Context, runID string, do func(loggedRun) error) error {
	if r := s.kept.take(runID); r != nil {
		if done, err := s.logKept(ctx, r, do); done {
			return err
		}
	}
	return s.untilFound(ctx, runID, func() (bool, error) { return s.logFound(ctx, runID, do) })
}

// logKept is not done, and has changed nothing, if the run is to be looked for.
func (s *Store) logKept(ctx context.Context, r *keptRun, do func(loggedRun) error) (done bool, err error) {
	stale := true
	defer func() { s.kept.release(r, stale) }()
	ok, err := r.lock.Lock(ctx)
	if err != nil {
		stale = !errors.Is(err, dirlock.ErrBusy) && ctx.Err() == nil
		return true, err
	}
	if !ok {
		return false, nil
	}
	defer s.unlock(r.lock.Unlock)
	if !s.refresh(ctx, r) {
		return false, nil
	}
	stale = false
	if r.info.Stage != mlruns.StageActive {
		return true, mlruns.RunNotActive(r.ref.id)
	}
	return true, do(loggedRun{ref: r.ref, info: r.info, kept: r})
}

// logFound looks for the run, and keeps its handles where that may be.
func (s *Store) logFound(ctx context.Context, runID string, do func(loggedRun) error) (found bool, err error) {
	var lock *dirlock.Kept
	ref, unlock, err := s.lockRunWith(ctx, runID, func(ctx context.Context, name string) (_ func() error, err error) {
		if s.kept != nil {
			if lock, err = s.locks.Keep(ctx, name); err != nil {
				return nil, err
			}
		}
		if lock != nil {
			return lock.Unlock, nil
		}
		return s.locks.Lock(ctx, name)
	})
	if err != nil {
		return false, err
	}
	run := loggedRun{ref: ref}
	defer func() {
		s.unlock(unlock)
		switch {
		case run.kept != nil:
			s.kept.release(run.kept, false)
		case lock != nil:
			closeQuietly(lock)
		}
	}()
	fresh := &keptRun{ref: ref, lock: lock, meta: s.tree.name(layout.Join(ref.dir, layout.Meta))}
	if lock != nil {
		fresh.seen, fresh.settled, err = s.kept.lookAtMeta(fresh.meta)
	}
	keep := lock != nil && err == nil && fresh.seen.Device == s.kept.device
	if run.info, _, err = s.readLockedRun(ctx, ref); err != nil {
		return false, err
	}
	if run.info.Stage != mlruns.StageActive {
		return true, mlruns.RunNotActive(runID)
	}
	if keep {
		fresh.info, run.kept = run.info, fresh
		s.kept.add(fresh)
	}
	return true, do(run)
}
