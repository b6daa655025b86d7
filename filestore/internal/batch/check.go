package batch

import (
	"context"
	"errors"

	"github.com/mlruns/mlruns"
	"github.com/mlruns/mlruns/filestore/internal/records"
	"github.com/mlruns/mlruns/filestore/layout"
	"github.com/mlruns/mlruns/internal/failure"
)

// check compares a batch with what is on disk, and gives the params that are not there with the
// same value.
func (w *Writer) check(ctx context.Context, run *appender, plan *plan) (fresh []mlruns.Param, err error) {
	if plan.onlyMetric() != "" && run.Ready(plan.onlyMetric()) {
		return nil, nil
	}
	dir := run.Dir
	metrics, params, tags := plan.keys()
	if err := run.FreshNames(metrics); err != nil {
		return nil, err
	}
	if err := errors.Join(w.tree.RefuseLinks(dir, layout.Metrics, metrics...), w.tree.RefuseLinks(dir, layout.Params, params...),
		w.tree.RefuseLinks(dir, layout.Tags, tags...)); err != nil {
		return nil, err
	}
	for _, err := range [...]error{w.tree.RefuseMerged(dir, layout.Metrics, metrics), w.tree.RefuseMerged(dir, layout.Params, params), w.tree.RefuseMerged(dir, layout.Tags, tags)} {
		if err != nil {
			return nil, err
		}
	}
	for _, p := range plan.params {
		present, err := w.tree.KeyPresent(dir, layout.Params, "param", p.Key)
		if err != nil {
			return nil, err
		}
		if !present {
			fresh = append(fresh, p)
			continue
		}
		if err := w.sameParam(ctx, run.Value.ref, p); err != nil {
			return nil, err
		}
	}
	for _, m := range plan.series {
		if run.Ready(m.Key) {
			continue
		}
		if _, err := w.tree.KeyPresent(dir, layout.Metrics, "metric", m.Key); err != nil {
			return nil, err
		}
	}
	for _, t := range plan.tags {
		if _, err := w.tree.KeyPresent(dir, layout.Tags, "tag", t.Key); err != nil {
			return nil, err
		}
	}
	return fresh, w.checkModels(run.Value.ref.Experiment, plan.models)
}

// sameParam refuses another value for a param that is there.
func (w *Writer) sameParam(ctx context.Context, ref records.RunRef, p mlruns.Param) error {
	f, err := w.tree.Folder(layout.Join(ref.Dir, layout.Params))
	if err != nil {
		return err
	}
	defer f.Close()
	old, err := records.ReadValue(ctx, f, p.Key)
	if err == nil && old != p.Value {
		err = failure.ParamChanged(p.Key, old, p.Value, ref.ID)
	}
	return err
}
