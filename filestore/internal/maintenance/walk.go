package maintenance

import (
	"context"
	"errors"
	"fmt"

	"github.com/mlruns/mlruns"
	"github.com/mlruns/mlruns/filestore/internal/dir"
	"github.com/mlruns/mlruns/filestore/internal/records"
	"github.com/mlruns/mlruns/internal/vfs"
)

// walk is a walk through the store for a call that goes on after what it cannot do.
type walk struct {
	store    *Maintainer
	problems *records.Problems
	stopped  bool // the caller wants no more

	at       mlruns.Progress
	progress func(mlruns.Progress) // nil tells nobody
	steps    dir.Durability
	failed   error // the first failure
	failures int
}

// experiments lists what is to be gone through.
func (u *walk) experiments() ([]records.ExperimentRef, error) {
	refs, err := u.store.find.ExperimentRefs(mlruns.ViewAll, u.problems)
	u.at.Total += len(refs)
	return refs, err
}

// runs calls each for the runs of an experiment with a readable meta.yaml, and unreadable, unless
// it is nil, for the others, until the caller wants no more. The only error is one of the call, see
// records.CallError.
func (u *walk) runs(ctx context.Context, e records.ExperimentRef, each func(records.RunRef, mlruns.RunInfo), unreadable func(records.RunRef)) error {
	_, refs, f, err := u.store.find.OpenRuns(e, u.problems)
	if vfs.IsMissing(err) {
		return ctx.Err()
	}
	if err != nil {
		return u.problems.Unreadable(ctx, mlruns.ProblemUnreadable, e.Dir, err)
	}
	defer f.Close()
	u.at.Total += len(refs)
	for _, ref := range refs {
		if u.stopped || ctx.Err() != nil {
			break
		}
		info, err := u.store.records.ListedRun(ctx, f, ref, u.problems)
		if end := records.CallError(ctx, err); end != nil {
			return end
		}
		switch {
		case err == nil:
			each(ref, info)
		case unreadable != nil && ctx.Err() == nil:
			unreadable(ref)
		}
		u.done(ref.Dir)
	}
	return ctx.Err()
}

// done tells that one more experiment or run was looked at.
func (u *walk) done(path string) {
	u.at.Done++
	u.at.Path = path
	if u.progress != nil {
		u.progress(u.at)
	}
}

// did takes the error of one change and reports whether the change stands.
func (u *walk) did(path string, err error) bool {
	if err = u.steps.Step(err); err == nil {
		return true
	}
	u.store.logger.Warn("not done", "path", path, "error", err)
	if u.failures++; u.failed == nil {
		u.failed = fmt.Errorf("%s: %w", path, err)
	}
	return false
}

// last takes the error that ended the walk, if any, and gives that of the call.
func (u *walk) last(err error) error {
	switch {
	case err != nil:
		return errors.Join(err, u.failed)
	case u.failures > 1:
		return fmt.Errorf("%w (and %d more were not done)", u.failed, u.failures-1)
	case u.failed != nil:
		return u.failed
	}
	return u.steps.Last(nil)
}
