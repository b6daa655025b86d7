package filestore

import (
	"context"
	"errors"
	"slices"

	"github.com/mlruns/mlruns"
	"github.com/mlruns/mlruns/filestore/layout"
)

// batchPlan is what a batch changes.
type batchPlan struct {
	params []mlruns.Param
	series []series
	tags   []mlruns.Tag
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
	return keysOf(p.series, func(m series) string { return m.key }), keysOf(p.params, func(p mlruns.Param) string { return p.Key }),
		keysOf(p.tags, func(t mlruns.Tag) string { return t.Key })
}

// validateNames refuses keys that the platform cannot hold, and keys of one batch that exclude each other.
func (p *batchPlan) validateNames() error {
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
		if err := disjoint(list.what, list.keys); err != nil {
			return err
		}
	}
	return nil
}

// check compares a batch with what is on disk, and leaves out the params that are there with the same value.
func (s *Store) check(ctx context.Context, run loggedRun, plan *batchPlan) error {
	if len(plan.series) == 1 && len(plan.params)+len(plan.tags) == 0 && run.kept.has(plan.series[0].key) {
		return nil // appendPoints looks at the one file there is to write
	}
	dir := run.ref.dir
	metrics, params, tags := plan.keys()
	if err := errors.Join(s.ownFolders(dir, layout.Metrics, metrics...), s.ownFolders(dir, layout.Params, params...),
		s.ownFolders(dir, layout.Tags, tags...)); err != nil {
		return err
	}
	var fresh []mlruns.Param
	for _, p := range plan.params {
		present, err := s.keyPresent(dir, layout.Params, "param", p.Key)
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
		if s.keptInPlace(run.kept, m.key) {
			continue
		}
		if _, err := s.keyPresent(dir, layout.Metrics, "metric", m.key); err != nil {
			return err
		}
	}
	for _, t := range plan.tags {
		if _, err := s.keyPresent(dir, layout.Tags, "tag", t.Key); err != nil {
			return err
		}
	}
	return nil
}

// sameParam refuses another value for a param that is there.
func (s *Store) sameParam(ctx context.Context, ref runRef, p mlruns.Param) error {
	f, err := s.tree.folder(layout.Join(ref.dir, layout.Params))
	if err != nil {
		return err
	}
	defer closeQuietly(f)
	old, err := readValue(ctx, f, p.Key)
	if err == nil && old != p.Value {
		err = mlruns.ParamChanged(p.Key, old, p.Value, ref.id)
	}
	return err
}

func (s *Store) apply(ctx context.Context, run loggedRun, plan batchPlan) error {
	sync := s.syncsValues(run.info)
	dir := run.ref.dir
	var all steps
	for _, p := range plan.params {
		err := s.publishValue(dir, layout.Params, p.Key, []byte(p.Value), sync)
		if isExist(err) { // MLflow was faster
			err = s.sameParam(ctx, run.ref, p)
		}
		if err := all.step(err); err != nil {
			return err
		}
	}
	for _, m := range plan.series {
		if err := all.step(s.appendPoints(ctx, run, m.key, m.lines, sync)); err != nil {
			return err
		}
	}
	info := run.info
	for _, t := range plan.tags {
		if err := all.step(s.writeValue(dir, layout.Tags, t.Key, t.Value, sync)); err != nil {
			return err
		}
		if t.Key == mlruns.TagRunName && t.Value != "" {
			info.Name = t.Value
		}
	}
	if info.Name == run.info.Name {
		return all.last(nil)
	}
	_, doc, err := s.readLockedRun(ctx, run.ref)
	if err != nil {
		return err
	}
	return all.last(s.replaceRunInfo(run.ref, info, doc))
}
