package batch

import (
	"context"
	"time"

	"github.com/mlruns/mlruns"
	"github.com/mlruns/mlruns/filestore/internal/codec"
	"github.com/mlruns/mlruns/filestore/internal/dir"
	"github.com/mlruns/mlruns/filestore/internal/locate"
	"github.com/mlruns/mlruns/filestore/internal/records"
	"github.com/mlruns/mlruns/filestore/layout"
)

// Add writes a batch to a run in whatever stage, and then does more with it, all under its locks. A
// name of a run among the tags does not rename it.
func (w *Writer) Add(ctx context.Context, runID string, b mlruns.Batch, now time.Time,
	more func(all *dir.Durability, ref records.RunRef, info mlruns.RunInfo, doc codec.Document) error) error {
	plan := planOf(runID, b, now)
	if err := plan.validateNames(); err != nil {
		return err
	}
	w.Forget(runID)
	return w.find.WithRun(ctx, runID, locate.Always, func(ref records.RunRef, info mlruns.RunInfo, doc codec.Document) error {
		fresh, err := w.checkAdded(ctx, ref, &plan)
		if err != nil {
			return err
		}
		var all dir.Durability
		sync := w.syncs(info)
		for _, p := range fresh {
			if err := all.Step(w.tree.PublishValue(ref.Dir, layout.Params, p.Key, []byte(p.Value), sync)); err != nil {
				return err
			}
		}
		for _, m := range plan.series {
			if err := all.Step(w.tree.Append(ctx, ref.Dir, m.Key, m.Lines, sync)); err != nil {
				return err
			}
		}
		for _, t := range plan.tags {
			if err := all.Step(w.tree.WriteValue(ref.Dir, layout.Tags, t.Key, t.Value, sync)); err != nil {
				return err
			}
		}
		return all.Last(more(&all, ref, info, doc))
	})
}

// checkAdded refuses what cannot be written before anything is, and gives the params that are not
// there with the same value.
func (w *Writer) checkAdded(ctx context.Context, ref records.RunRef, plan *plan) (fresh []mlruns.Param, err error) {
	metrics, params, tags := plan.keys()
	for _, part := range [...]struct {
		folder, what string
		keys         []string
	}{{layout.Metrics, "metric", metrics}, {layout.Params, "param", params}, {layout.Tags, "tag", tags}} {
		if err := w.tree.RefuseLinks(ref.Dir, part.folder, part.keys...); err != nil {
			return nil, err
		}
		if err := w.tree.RefuseMerged(ref.Dir, part.folder, part.keys); err != nil {
			return nil, err
		}
		for i, key := range part.keys {
			present, err := w.tree.KeyPresent(ref.Dir, part.folder, part.what, key)
			switch {
			case err != nil:
				return nil, err
			case part.folder != layout.Params:
			case !present:
				fresh = append(fresh, plan.params[i])
			default:
				if err := w.sameParam(ctx, ref, plan.params[i]); err != nil {
					return nil, err
				}
			}
		}
	}
	return fresh, nil
}
