package filestore

import (
	"context"
	"errors"

	"github.com/mlruns/mlruns"
	"github.com/mlruns/mlruns/filestore/internal/dir"
	"github.com/mlruns/mlruns/filestore/internal/locate"
	"github.com/mlruns/mlruns/filestore/internal/records"
	"github.com/mlruns/mlruns/internal/dirlock"
	"github.com/mlruns/mlruns/internal/failure"
)

// loggedRun is an active run that is locked to be logged to.
type loggedRun struct {
	ref  records.RunRef
	info mlruns.RunInfo
}

type appender = dir.Appender[loggedRun]

// logKept writes a batch by the handles that are kept of its run. It is not done, and has changed
// nothing, if the run is to be looked for.
func (s *Store) logKept(ctx context.Context, runID string, plan *batchPlan) (done bool, err error) {
	run, err := s.handles.Lock(ctx, runID, plan.onlyMetric())
	if run == nil {
		return err != nil, err
	}
	defer run.Unlock()
	if run.Value.info.Stage != mlruns.StageActive {
		return true, failure.RunNotActive(runID)
	}
	err = s.logTo(ctx, run, plan)
	return !errors.Is(err, locate.ErrRunMoved), err
}

// logFound looks for the run, and keeps its handles where that may be. moved says that it was no
// longer there when it was to be locked or read, or that its experiment is to be held.
func (s *Store) logFound(ctx context.Context, runID string, held bool, plan *batchPlan) (moved bool, err error) {
	ref, err := s.find.FindRun(ctx, runID)
	if err != nil {
		return false, err
	}
	run, err := s.handles.Open(ctx, runID, ref.Dir, func(ctx context.Context) (loggedRun, error) {
		info, _, err := s.records.RunDocument(ctx, ref)
		return loggedRun{ref: ref, info: info}, err
	})
	if err != nil {
		return errors.Is(err, dirlock.ErrGone) || errors.Is(err, mlruns.ErrNotFound), err
	}
	defer run.Unlock()
	switch {
	case run.Value.info.Stage != mlruns.StageActive:
		return false, failure.RunNotActive(runID)
	case !ref.Experiment.Trashed:
		run.Keep()
	case !held:
		return true, locate.ErrRunMoved
	}
	return false, s.logTo(ctx, run, plan)
}

// logTo writes a batch to a run that is locked. A batch that is refused writes nothing.
func (s *Store) logTo(ctx context.Context, run *appender, plan *batchPlan) error {
	params, err := s.check(ctx, run, plan)
	if err != nil {
		return err
	}
	return s.apply(ctx, run, plan, params)
}
