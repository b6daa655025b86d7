package batch

import (
	"context"

	"github.com/mlruns/mlruns/filestore/internal/codec"
	"github.com/mlruns/mlruns/filestore/internal/records"
	"github.com/mlruns/mlruns/filestore/layout"
)

// A point that names a logged model is written to the run and to the model of that id in the run's
// experiment. As in MLflow nobody looks whether there is such a model: for an id of none a folder
// without a meta.yaml comes to be. The caller holds the experiment's lock, which is that of its
// models.

// checkModels refuses points that cannot be written to their models.
func (w *Writer) checkModels(e records.ExperimentRef, series []codec.ModelSeries) error {
	for _, m := range series {
		if err := records.CheckKey("model_id", m.ModelID); err != nil {
			return err
		}
		ref := records.NewModelRef(e, m.ModelID)
		for _, folder := range [...]string{layout.Parent(ref.Dir), ref.Dir} {
			if err := w.tree.RefuseLink(folder); err != nil {
				return err
			}
		}
		if err := w.tree.RefuseMerged(e.Dir, layout.Models, []string{m.ModelID}); err != nil {
			return err
		}
		if err := w.tree.RefuseLinks(ref.Dir, layout.Metrics, m.Key); err != nil {
			return err
		}
		if err := w.tree.RefuseMerged(ref.Dir, layout.Metrics, []string{m.Key}); err != nil {
			return err
		}
		if _, err := w.tree.KeyPresent(ref.Dir, layout.Metrics, "metric", m.Key); err != nil {
			return err
		}
	}
	return nil
}

// appendToModel adds points to a model's metric. EndRun makes the values of its run durable and
// none of a model, so this does, unless nothing is to be.
func (w *Writer) appendToModel(ctx context.Context, e records.ExperimentRef, m codec.ModelSeries) error {
	ref := records.NewModelRef(e, m.ModelID)
	sync := w.tree.Durable
	for _, folder := range [...]string{layout.Parent(ref.Dir), ref.Dir} {
		if err := w.tree.MakeFolder(folder, sync); err != nil {
			return err
		}
	}
	return w.tree.Append(ctx, ref.Dir, m.Key, m.Lines, sync)
}
