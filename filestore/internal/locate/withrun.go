package locate

import (
	"context"
	"errors"

	"github.com/mlruns/mlruns"
	"github.com/mlruns/mlruns/filestore/internal/codec"
	"github.com/mlruns/mlruns/filestore/internal/records"
	"github.com/mlruns/mlruns/internal/dirlock"
	"github.com/mlruns/mlruns/internal/failure"
)

// WithRun calls do with a run locked and its meta.yaml read, whatever the stage.
func (l *Locator) WithRun(ctx context.Context, runID string, experiment ExperimentLocking, do func(records.RunRef, mlruns.RunInfo, codec.Document) error) error {
	return l.UntilFound(ctx, runID, experiment, func(held bool) (moved bool, err error) {
		ref, unlock, err := l.LockRun(ctx, runID)
		if err != nil {
			return errors.Is(err, dirlock.ErrGone), err
		}
		defer l.Unlock(unlock)
		info, doc, err := l.Records.RunDocument(ctx, ref)
		if err != nil {
			return errors.Is(err, mlruns.ErrNotFound), err
		}
		if info.Stage == mlruns.StageActive && ref.Experiment.Trashed && !held {
			return true, ErrRunMoved
		}
		return false, do(ref, info, doc)
	})
}

// WithActiveRun is WithRun for runs that may be written to.
func (l *Locator) WithActiveRun(ctx context.Context, runID string, do func(records.RunRef, mlruns.RunInfo, codec.Document) error) error {
	return l.WithRun(ctx, runID, WhenMoved, func(ref records.RunRef, info mlruns.RunInfo, doc codec.Document) error {
		if info.Stage != mlruns.StageActive {
			return failure.RunNotActive(runID)
		}
		return do(ref, info, doc)
	})
}
