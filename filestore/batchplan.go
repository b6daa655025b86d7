package filestore

import (
	"context"
	"errors"
	"io/fs"
	"slices"

	"github.com/mlruns/mlruns"
	"github.com/mlruns/mlruns/filestore/internal/codec"
	"github.com/mlruns/mlruns/filestore/internal/dir"
	"github.com/mlruns/mlruns/filestore/internal/locate"
	"github.com/mlruns/mlruns/filestore/internal/records"
	"github.com/mlruns/mlruns/filestore/layout"
	"github.com/mlruns/mlruns/internal/failure"
)

// batchPlan is what a batch changes.
type batchPlan struct {
	params []mlruns.Param
	series []codec.Series
	tags   []mlruns.Tag

	looked bool  // the one metric's file is open and in its place,
	size   int64 // and has this size
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

// placed reports whether a batch is the lines of one metric whose file is open: a look at that file
// says that the run is where it was.
func (p *batchPlan) placed(r *keptRun) bool {
	return p.single() && r.has(p.series[0].Key)
}

// check compares a batch with what is on disk, and leaves out the params that are there with the
// same value.
func (s *Store) check(ctx context.Context, run loggedRun, plan *batchPlan) error {
	if plan.placed(run.kept) {
		key := plan.series[0].Key
		if plan.size, plan.looked = s.inPlace(run.kept.metrics[key]); plan.looked {
			return nil
		}
		s.dropMetric(run.kept, key)
		if here, err := run.kept.lock.Here(); err != nil || !here {
			return locate.ErrRunMoved
		}
	}
	dir := run.ref.Dir
	metrics, params, tags := plan.keys()
	if err := errors.Join(s.tree.RefuseLinks(dir, layout.Metrics, metrics...), s.tree.RefuseLinks(dir, layout.Params, params...),
		s.tree.RefuseLinks(dir, layout.Tags, tags...)); err != nil {
		return err
	}
	for _, err := range [...]error{s.tree.RefuseMerged(dir, layout.Metrics, metrics), s.tree.RefuseMerged(dir, layout.Params, params), s.tree.RefuseMerged(dir, layout.Tags, tags)} {
		if err != nil {
			return err
		}
	}
	var fresh []mlruns.Param
	for _, p := range plan.params {
		present, err := s.tree.KeyPresent(dir, layout.Params, "param", p.Key)
		if err != nil {
			return err
		}
		if !present {
			fresh = append(fresh, p)
			continue
		}
		if err := s.sameParam(ctx, run.ref, p); err != nil {
			return err
		}
	}
	plan.params = fresh
	for _, m := range plan.series {
		if run.kept.has(m.Key) {
			if _, ok := s.inPlace(run.kept.metrics[m.Key]); ok {
				continue
			}
		}
		if _, err := s.tree.KeyPresent(dir, layout.Metrics, "metric", m.Key); err != nil {
			return err
		}
	}
	for _, t := range plan.tags {
		if _, err := s.tree.KeyPresent(dir, layout.Tags, "tag", t.Key); err != nil {
			return err
		}
	}
	return nil
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

func (s *Store) apply(ctx context.Context, run loggedRun, plan batchPlan) error {
	sync := s.syncsValues(run.info)
	in := run.ref.Dir
	var all dir.Durability
	for _, p := range plan.params {
		err := s.tree.PublishValue(in, layout.Params, p.Key, []byte(p.Value), sync)
		if s.spare(run.kept, err) {
			err = s.tree.PublishValue(in, layout.Params, p.Key, []byte(p.Value), sync)
		}
		if errors.Is(err, fs.ErrExist) { // MLflow was faster
			err = s.sameParam(ctx, run.ref, p)
		}
		if err := all.Step(err); err != nil {
			return err
		}
	}
	for _, m := range plan.series {
		size := int64(-1)
		if plan.looked {
			size = plan.size
		}
		err := s.appendPoints(ctx, run, m, size, sync)
		if s.spare(run.kept, err) {
			err = s.appendPoints(ctx, run, m, size, sync)
		}
		if err := all.Step(err); err != nil {
			return err
		}
	}
	info := run.info
	for _, t := range plan.tags {
		err := s.tree.WriteValue(in, layout.Tags, t.Key, t.Value, sync)
		if s.spare(run.kept, err) {
			err = s.tree.WriteValue(in, layout.Tags, t.Key, t.Value, sync)
		}
		if err := all.Step(err); err != nil {
			return err
		}
		if t.Key == mlruns.TagRunName && t.Value != "" {
			info.Name = t.Value
		}
	}
	if info.Name == run.info.Name {
		return all.Last(nil)
	}
	_, doc, err := s.records.RunDocument(ctx, run.ref)
	if err != nil {
		return err
	}
	return all.Last(records.ReplaceRunInfo(s.tree, run.ref, info, doc))
}
