package lifecycle

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/mlruns/mlruns"
	"github.com/mlruns/mlruns/filestore/internal/codec"
	"github.com/mlruns/mlruns/filestore/internal/dir"
	"github.com/mlruns/mlruns/filestore/internal/records"
	"github.com/mlruns/mlruns/filestore/layout"
)

func (m *Mover) SetStage(ref records.RunRef, info mlruns.RunInfo, doc codec.Document, deleted time.Time) error {
	info.Deleted, info.Stage = deleted, mlruns.StageActive
	if !deleted.IsZero() {
		info.Stage = mlruns.StageDeleted
	}
	return records.ReplaceRunInfo(m.tree, ref, info, doc)
}

// MarkedDeleted gives the time with which an active experiment, and the runs that go with it, were
// marked deleted by a call that was interrupted, zero if it is not marked.
func MarkedDeleted(doc *codec.Document, e mlruns.Experiment) (time.Time, error) {
	recorded, err := codec.StageOf(doc)
	if err != nil || e.Stage != mlruns.StageActive || recorded != mlruns.StageDeleted {
		return time.Time{}, err
	}
	return e.Updated, nil
}

// Unmark makes an experiment, whose meta.yaml was doc, and runs of it active that were marked
// deleted.
func (m *Mover) Unmark(ctx context.Context, ref records.ExperimentRef, doc codec.Document, marked func(mlruns.RunInfo) bool) error {
	var all dir.Durability
	err := m.SetStages(context.WithoutCancel(ctx), ref, time.Time{}, &all, marked)
	if err == nil {
		doc.SetString(codec.KeyLifecycleStage, string(mlruns.StageActive))
		err = all.Last(records.ReplaceMeta(m.tree, ref.Dir, doc))
	}
	if err != nil {
		return fmt.Errorf("the experiment and runs of it stay marked deleted, which a repair or restoring it mends: %w", err)
	}
	return nil
}

// SetStages marks those runs of an experiment deleted at a time, or active where that is zero, that
// are chosen, one at a time. The caller holds the experiment's lock.
func (m *Mover) SetStages(ctx context.Context, e records.ExperimentRef, deleted time.Time, all *dir.Durability, chosen func(mlruns.RunInfo) bool) error {
	refs, err := m.find.RunRefs(e, nil)
	if err != nil {
		return err
	}
	for _, ref := range refs {
		if err := ctx.Err(); err != nil {
			return err
		}
		is, err := m.find.IsRun(ref)
		if err != nil {
			return err
		}
		if !is {
			continue
		}
		if err := all.Step(m.setRunStage(ctx, ref, deleted, chosen)); err != nil {
			return fmt.Errorf("run %s: %w", ref.ID, err)
		}
	}
	return nil
}

func (m *Mover) setRunStage(ctx context.Context, ref records.RunRef, deleted time.Time, chosen func(mlruns.RunInfo) bool) error {
	unlock, err := m.locks.Lock(ctx, m.tree.Path(layout.Join(ref.Dir, layout.Lock)))
	if err != nil {
		return err
	}
	defer m.find.Unlock(unlock)
	info, doc, err := m.records.RunDocument(ctx, ref)
	if err == nil && chosen(info) {
		err = m.SetStage(ref, info, doc, deleted)
	}
	if errors.Is(err, mlruns.ErrCorrupt) {
		m.logger.Warn("a run's meta.yaml cannot be read; its stage stays as it is", "run", ref.ID, "error", err)
		return nil
	}
	return err
}
