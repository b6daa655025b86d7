package batch

import (
	"context"
	"errors"
	"io/fs"

	"github.com/mlruns/mlruns"
	"github.com/mlruns/mlruns/filestore/internal/dir"
	"github.com/mlruns/mlruns/filestore/internal/records"
	"github.com/mlruns/mlruns/filestore/layout"
)

// apply writes a batch: of its params those that were found not to be there.
func (w *Writer) apply(ctx context.Context, run *appender, plan *plan, params []mlruns.Param) error {
	ref, info := run.Value.ref, run.Value.info
	sync := w.syncs(info)
	var all dir.Durability
	for _, p := range params {
		err := w.tree.PublishValue(run.Dir, layout.Params, p.Key, []byte(p.Value), sync)
		if errors.Is(err, fs.ErrExist) { // MLflow was faster
			err = w.sameParam(ctx, ref, p)
		}
		if err := all.Step(err); err != nil {
			return err
		}
	}
	for _, m := range plan.series {
		if err := all.Step(run.Append(ctx, m.Key, m.Lines, sync)); err != nil {
			return err
		}
	}
	for _, m := range plan.models {
		if err := all.Step(w.appendToModel(ctx, ref.Experiment, m)); err != nil {
			return err
		}
	}
	for _, t := range plan.tags {
		if err := all.Step(w.tree.WriteValue(run.Dir, layout.Tags, t.Key, t.Value, sync)); err != nil {
			return err
		}
		if t.Key == mlruns.TagRunName && t.Value != "" {
			info.Name = t.Value
		}
	}
	if info.Name == run.Value.info.Name {
		return all.Last(nil)
	}
	_, doc, err := w.records.RunDocument(ctx, ref)
	if err != nil {
		return err
	}
	return all.Last(records.ReplaceRunInfo(w.tree, ref, info, doc))
}
