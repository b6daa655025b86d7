package lifecycle

import (
	"context"
	"errors"
	"time"

	"github.com/mlruns/mlruns"
	"github.com/mlruns/mlruns/filestore/internal/codec"
	"github.com/mlruns/mlruns/filestore/internal/dir"
	"github.com/mlruns/mlruns/filestore/internal/locate"
	"github.com/mlruns/mlruns/filestore/internal/records"
	"github.com/mlruns/mlruns/filestore/layout"
	"github.com/mlruns/mlruns/internal/failure"
)

// RestoreExperiment is filestore's RestoreExperiment.
func (m *Mover) RestoreExperiment(ctx context.Context, id string) error {
	// While an experiment is on its way from the trash to the root a look in the one and then the
	// other misses its name.
	unlockRoot, err := m.find.LockRoot(ctx)
	if err != nil {
		return err
	}
	defer m.find.Unlock(unlockRoot)
	if err := m.tree.RefuseLink(layout.Trash); err != nil {
		return err
	}
	ref, unlock, err := m.lockTrashed(ctx, id)
	if err != nil {
		return err
	}
	defer m.find.Unlock(unlock)
	experiment, doc, err := m.records.ExperimentDocument(ctx, ref)
	if err != nil && ref.Trashed {
		return records.ExperimentError(id, ref.Dir, err)
	}
	var all dir.Durability
	if !ref.Trashed {
		if err != nil {
			return notDeleted(id)
		}
		if recorded, err := codec.StageOf(&doc); err != nil || recorded == mlruns.StageActive {
			return notDeleted(id)
		}
	} else {
		active := records.NewExperimentRef(id, false)
		if err := m.find.NameFreeToRestore(ctx, experiment); err != nil {
			return err
		}
		if err := m.PrepareMove(ctx, ref, active); err != nil {
			return err
		}
		if err := all.Step(m.Move(ctx, ref, active)); err != nil {
			return err
		}
		ref = active
	}
	if err := m.SetStages(ctx, ref, time.Time{}, &all, func(r mlruns.RunInfo) bool { return r.Stage == mlruns.StageDeleted }); err != nil {
		return err
	}
	return all.Last(m.records.ChangeExperiment(ctx, ref, func(d *codec.Document) { codec.TouchExperiment(d, mlruns.StageActive, m.now()) }))
}

func notDeleted(id string) error {
	return &failure.Reason{Kind: mlruns.ErrNotFound, Text: "Could not find deleted experiment with ID " + id}
}

// lockTrashed locks the experiment in the trash, or the active one whose restoring may have been
// interrupted.
func (m *Mover) lockTrashed(ctx context.Context, id string) (records.ExperimentRef, locate.UnlockFunc, error) {
	ref, unlock, err := m.find.LockExperiment(ctx, id)
	if errors.Is(err, mlruns.ErrNotFound) {
		return ref, nil, notDeleted(id)
	}
	if err == nil && !ref.Trashed && m.tree.IsDir(records.NewExperimentRef(id, true).Dir) {
		if m.HalfMoved(id) {
			if err = m.DiscardCopy(ctx, id); err != nil {
				m.find.Unlock(unlock)
			}
			return ref, unlock, err
		}
		m.find.Unlock(unlock)
		err = IdTaken(id)
	}
	return ref, unlock, err
}
