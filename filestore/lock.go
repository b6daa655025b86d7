package filestore

import (
	"context"
	"errors"

	"github.com/mlruns/mlruns/filestore/layout"
	"github.com/mlruns/mlruns/internal/dirlock"
)

// The locks, in the order in which they are taken; of runs only one at a time.
//
//	root        .mlruns.lock               names and ids of experiments, run ids that callers chose
//	experiment  <experiment>/.mlruns.lock  its meta.yaml and tags, its place, the making of runs in it
//	run         <run>/.mlruns.lock         all that is in the run's folder
//
// Readers take none.

type unlockFunc func() error

func (s *Store) lockRoot(ctx context.Context) (unlockFunc, error) {
	return s.locks.Lock(ctx, s.tree.name(layout.Lock))
}

// unlock gives a lock back; that cannot fail in a way the caller could mend.
func (s *Store) unlock(unlock unlockFunc) {
	if err := unlock(); err != nil {
		s.logger.Warn("unlock failed", "error", err)
	}
}

// lockExperiment locks an experiment where it lies now: it may move between the trash and the root while the lock is waited for.
func (s *Store) lockExperiment(ctx context.Context, id string) (experimentRef, unlockFunc, error) {
	for {
		ref, err := s.findExperiment(id)
		if err != nil {
			return ref, nil, err
		}
		unlock, err := s.locks.Lock(ctx, s.tree.name(layout.Join(ref.dir, layout.Lock)))
		if errors.Is(err, dirlock.ErrGone) {
			continue
		}
		return ref, unlock, err
	}
}

// lockRun locks a run where it lies now: its experiment may move while the lock is waited for.
func (s *Store) lockRun(ctx context.Context, id string) (runRef, unlockFunc, error) {
	for {
		ref, err := s.findRun(ctx, id)
		if err != nil {
			return ref, nil, err
		}
		unlock, err := s.locks.Lock(ctx, s.tree.name(layout.Join(ref.dir, layout.Lock)))
		if errors.Is(err, dirlock.ErrGone) {
			s.hints.forget(id)
			continue
		}
		return ref, unlock, err
	}
}
