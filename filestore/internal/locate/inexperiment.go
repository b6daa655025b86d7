package locate

import (
	"context"

	"github.com/mlruns/mlruns"
	"github.com/mlruns/mlruns/filestore/internal/records"
)

// InExperiment calls do with an experiment that is locked, its meta.yaml read, for what is to be
// made or changed in it. One in the trash is refused with notActive. claim, unless it is nil, says
// before whether an id that the caller chose may be taken, for which nothing else in the store may
// have it: the root is locked then.
func (l *Locator) InExperiment(ctx context.Context, id string, claim func() error, notActive func(id string) error, do func(records.ExperimentRef, mlruns.Experiment) error) error {
	if claim != nil {
		unlock, err := l.LockRoot(ctx)
		if err != nil {
			return err
		}
		defer l.Unlock(unlock)
		if err := claim(); err != nil {
			return err
		}
	}
	ref, unlock, err := l.LockExperiment(ctx, id)
	if err != nil {
		return err
	}
	defer l.Unlock(unlock)
	e, _, err := l.Records.ExperimentDocument(ctx, ref)
	if err != nil {
		return records.ExperimentError(id, ref.Dir, err)
	}
	if ref.Trashed {
		return notActive(id)
	}
	return do(ref, e)
}
