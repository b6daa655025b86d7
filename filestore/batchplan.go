package filestore

import (
	"context"
	"errors"
	"io/fs"
	"slices"

	"github.com/mlruns/mlruns"
	"github.com/mlruns/mlruns/filestore/internal/codec"
	"github.com/mlruns/mlruns/filestore/internal/dir"
	"github.com/mlruns/mlruns/filestore/internal/records"
	"github.com/mlruns/mlruns/filestore/layout"
	"github.com/mlruns/mlruns/internal/failure"
)

// batchPlan is what a batch changes.
type batchPlan struct {
	params []mlruns.Param
	series []codec.Series
	tags   []mlruns.Tag
	models []codec.ModelSeries // points that are of logged models too
}

func keysOf[T any](list []T, key func(T) string) []string {
	if len(list) == 0 {
		return nil
	}
	keys := make([]string, len(list))
	for i, item := range list {
		keys[i] = key(item)
	}
	return keys
}

func (p *batchPlan) keys() (metrics, params, tags []string) {
	return keysOf(p.series, func(m codec.Series) string { return m.Key }), keysOf(p.params, func(p mlruns.Param) string { return p.Key }),
		keysOf(p.tags, func(t mlruns.Tag) string { return t.Key })
}

// single reports whether a batch is the lines of one metric.
func (p *batchPlan) single() bool { return len(p.series) == 1 && len(p.params)+len(p.tags) == 0 }

// validateNames refuses keys that the platform cannot hold, and keys of one batch that exclude each
// other.
func (p *batchPlan) validateNames() error {
	if p.single() {
		return validateName("name", p.series[0].Key)
	}
	metrics, params, tags := p.keys()
	for _, list := range [...]struct {
		what, field string
		keys        []string
	}{{"metric", "name", metrics}, {"param", "key", params}, {"tag", "key", tags}} {
		slices.Sort(list.keys)
		list.keys = slices.Compact(list.keys)
		for _, key := range list.keys {
			if err := validateName(list.field, key); err != nil {
				return err
			}
		}
		if err := dir.Disjoint(list.what, list.keys); err != nil {
			return err
		}
	}
	return nil
}

// onlyMetric is the key of a batch that is the lines of one metric, "" of any other.
func (p *batchPlan) onlyMetric() string {
	if p.single() && len(p.models) == 0 {
		return p.series[0].Key
	}
	return ""
}

// check compares a batch with what is on disk, and gives the params that are not there with the
// same value.
func (s *Store) check(ctx context.Context, run *appender, plan *batchPlan) (fresh []mlruns.Param, err error) {
	if plan.onlyMetric() != "" && run.Ready(plan.onlyMetric()) {
		return nil, nil
	}
	dir := run.Dir
	metrics, params, tags := plan.keys()
	if err := run.FreshNames(metrics); err != nil {
		return nil, err
	}
	if err := errors.Join(s.tree.RefuseLinks(dir, layout.Metrics, metrics...), s.tree.RefuseLinks(dir, layout.Params, params...),
		s.tree.RefuseLinks(dir, layout.Tags, tags...)); err != nil {
		return nil, err
	}
	for _, err := range [...]error{s.tree.RefuseMerged(dir, layout.Metrics, metrics), s.tree.RefuseMerged(dir, layout.Params, params), s.tree.RefuseMerged(dir, layout.Tags, tags)} {
		if err != nil {
			return nil, err
		}
	}
	for _, p := range plan.params {
		present, err := s.tree.KeyPresent(dir, layout.Params, "param", p.Key)
		if err != nil {
			return nil, err
		}
		if !present {
			fresh = append(fresh, p)
			continue
		}
		if err := s.sameParam(ctx, run.Value.ref, p); err != nil {
			return nil, err
		}
	}
	for _, m := range plan.series {
		if run.Ready(m.Key) {
			continue
		}
		if _, err := s.tree.KeyPresent(dir, layout.Metrics, "metric", m.Key); err != nil {
			return nil, err
		}
	}
	for _, t := range plan.tags {
		if _, err := s.tree.KeyPresent(dir, layout.Tags, "tag", t.Key); err != nil {
			return nil, err
		}
	}
	return fresh, s.checkModels(run.Value.ref.Experiment, plan.models)
}

// sameParam refuses another value for a param that is there.
func (s *Store) sameParam(ctx context.Context, ref records.RunRef, p mlruns.Param) error {
	f, err := s.tree.Folder(layout.Join(ref.Dir, layout.Params))
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

// apply writes a batch: of its params those that were found not to be there.
func (s *Store) apply(ctx context.Context, run *appender, plan *batchPlan, params []mlruns.Param) error {
	ref, info := run.Value.ref, run.Value.info
	sync := s.syncsValues(info)
	var all dir.Durability
	for _, p := range params {
		err := s.tree.PublishValue(run.Dir, layout.Params, p.Key, []byte(p.Value), sync)
		if errors.Is(err, fs.ErrExist) { // MLflow was faster
			err = s.sameParam(ctx, ref, p)
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
		if err := all.Step(s.appendToModel(ctx, ref.Experiment, m)); err != nil {
			return err
		}
	}
	for _, t := range plan.tags {
		if err := all.Step(s.tree.WriteValue(run.Dir, layout.Tags, t.Key, t.Value, sync)); err != nil {
			return err
		}
		if t.Key == mlruns.TagRunName && t.Value != "" {
			info.Name = t.Value
		}
	}
	if info.Name == run.Value.info.Name {
		return all.Last(nil)
	}
	_, doc, err := s.records.RunDocument(ctx, ref)
	if err != nil {
		return err
	}
	return all.Last(records.ReplaceRunInfo(s.tree, ref, info, doc))
}
