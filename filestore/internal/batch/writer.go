package batch

import (
	"context"
	"errors"
	"time"

	"github.com/mlruns/mlruns"
	"github.com/mlruns/mlruns/filestore/internal/dir"
	"github.com/mlruns/mlruns/filestore/internal/locate"
	"github.com/mlruns/mlruns/filestore/internal/records"
	"github.com/mlruns/mlruns/internal/dirlock"
	"github.com/mlruns/mlruns/internal/failure"
)

// Writer writes batches to the runs of a store. It is safe for concurrent use.
type Writer struct {
	tree    *dir.Tree
	records *records.Reader
	find    *locate.Locator
	handles *dir.Handles[loggedRun]
	syncs   func(mlruns.RunInfo) bool
}

// New is the Writer of a store. It keeps handles open where that is wanted and may be. syncs says
// whether a value of a run is made durable at once.
func New(find *locate.Locator, keep bool, syncs func(mlruns.RunInfo) bool) *Writer {
	return &Writer{tree: find.Tree, records: find.Records, find: find, handles: dir.NewHandles[loggedRun](find.Tree, find.Locks, keep), syncs: syncs}
}

// Close closes the handles that are kept.
func (w *Writer) Close() error { return w.handles.Close() }

// Forget closes what is kept of a run that is not expected to be written to again.
func (w *Writer) Forget(runID string) { w.handles.Forget(runID) }

// Log writes a batch, whose points without a time are of now, to a run.
func (w *Writer) Log(ctx context.Context, runID string, b mlruns.Batch, now time.Time) error {
	plan := planOf(runID, b, now)
	if err := plan.validateNames(); err != nil {
		return err
	}
	experiment := locate.WhenMoved
	if len(plan.models) > 0 {
		experiment = locate.Always // its lock is that of its models
	} else if done, err := w.logKept(ctx, runID, &plan); done {
		return err
	}
	return w.find.UntilFound(ctx, runID, experiment, func(held bool) (bool, error) { return w.logFound(ctx, runID, held, &plan) })
}

// loggedRun is an active run that is locked to be logged to.
type loggedRun struct {
	ref  records.RunRef
	info mlruns.RunInfo
}

type appender = dir.Appender[loggedRun]

// logKept writes a batch by the handles that are kept of its run. It is not done, and has changed
// nothing, if the run is to be looked for.
func (w *Writer) logKept(ctx context.Context, runID string, plan *plan) (done bool, err error) {
	run, err := w.handles.Lock(ctx, runID, plan.onlyMetric())
	if run == nil {
		return err != nil, err
	}
	defer run.Unlock()
	if run.Value.info.Stage != mlruns.StageActive {
		return true, failure.RunNotActive(runID)
	}
	err = w.logTo(ctx, run, plan)
	return !errors.Is(err, locate.ErrRunMoved), err
}

// logFound looks for the run, and keeps its handles where that may be. moved says that it was no
// longer there when it was to be locked or read, or that its experiment is to be held.
func (w *Writer) logFound(ctx context.Context, runID string, held bool, plan *plan) (moved bool, err error) {
	ref, err := w.find.FindRun(ctx, runID)
	if err != nil {
		return false, err
	}
	run, err := w.handles.Open(ctx, runID, ref.Dir, func(ctx context.Context) (loggedRun, error) {
		info, _, err := w.records.RunDocument(ctx, ref)
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
	return false, w.logTo(ctx, run, plan)
}

// logTo writes a batch to a run that is locked. A batch that is refused writes nothing.
func (w *Writer) logTo(ctx context.Context, run *appender, plan *plan) error {
	params, err := w.check(ctx, run, plan)
	if err != nil {
		return err
	}
	return w.apply(ctx, run, plan, params)
}
