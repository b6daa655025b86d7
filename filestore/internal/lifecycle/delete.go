package lifecycle

import (
	"context"
	"errors"

	"github.com/mlruns/mlruns"
	"github.com/mlruns/mlruns/filestore/internal/codec"
	"github.com/mlruns/mlruns/filestore/internal/dir"
	"github.com/mlruns/mlruns/filestore/internal/records"
	"github.com/mlruns/mlruns/filestore/layout"
	"github.com/mlruns/mlruns/internal/failure"
)

// DeleteExperiment is filestore's DeleteExperiment.
func (m *Mover) DeleteExperiment(ctx context.Context, id string) error {
	if id == mlruns.DefaultExperimentID {
		return &failure.Reason{Kind: mlruns.ErrInvalid, Code: failure.CodeInternal,
			Text: "Cannot delete the default experiment '0'. This is an internally reserved experiment."}
	}
	if err := m.tree.RefuseLink(layout.Trash); err != nil {
		return err
	}
	ref, unlock, err := m.find.LockExperiment(ctx, id)
	if err != nil {
		return err
	}
	defer m.find.Unlock(unlock)
	if ref.Trashed {
		return failure.ExperimentNotFound(id)
	}
	before, doc, err := m.records.ExperimentDocument(ctx, ref)
	if err != nil {
		return records.ExperimentError(id, ref.Dir, err)
	}
	if err := m.tree.MakeFolder(layout.Trash, m.tree.Durable); err != nil {
		return err
	}
	trashed := records.NewExperimentRef(id, true)
	if err := m.PrepareMove(ctx, ref, trashed); err != nil {
		return err
	}
	var all dir.Durability
	now := m.now()
	begun, err := MarkedDeleted(&doc, before) // by a call that was interrupted
	if err != nil {
		return err
	}
	if err := all.Step(m.records.ChangeExperiment(ctx, ref, func(d *codec.Document) { codec.TouchExperiment(d, mlruns.StageDeleted, now) })); err != nil {
		return err
	}
	marked := map[string]bool{}
	if err := m.SetStages(ctx, ref, now, &all, func(r mlruns.RunInfo) bool {
		mark := r.Stage == mlruns.StageActive || r.Deleted.Equal(begun)
		marked[r.ID] = mark
		return mark
	}); err != nil {
		return err
	}
	err = all.Step(m.Move(ctx, ref, trashed))
	if err != nil {
		return errors.Join(err, m.Unmark(ctx, ref, doc, func(r mlruns.RunInfo) bool { return marked[r.ID] && r.Stage == mlruns.StageDeleted }))
	}
	return all.Last(nil)
}
