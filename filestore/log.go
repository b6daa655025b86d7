package filestore

import (
	"context"
	"errors"
	"slices"

	"github.com/mlruns/mlruns"
	"github.com/mlruns/mlruns/filestore/layout"
)

// LogMetric implements mlruns.Store. The commit point is the write of the line, or the link that makes a new metric's file.
func (s *Store) LogMetric(ctx context.Context, runID string, m mlruns.Metric) error {
	const op = "log metric"
	if err := m.Validate(); err != nil {
		return fail(op, runID, err)
	}
	return fail(op, runID, s.logBatch(ctx, runID, mlruns.Batch{Metrics: []mlruns.Metric{m}}))
}

// LogParam implements mlruns.Store. The commit point is the link that makes the param's file.
func (s *Store) LogParam(ctx context.Context, runID, key, value string) error {
	const op = "log param"
	b := s.truncated(mlruns.Batch{Params: []mlruns.Param{{Key: key, Value: value}}})
	if err := b.Params[0].Validate(); err != nil {
		return fail(op, runID, err)
	}
	return fail(op, runID, s.logBatch(ctx, runID, b))
}

// SetTag implements mlruns.Store. The commit point is the rename of the tag's file. For mlflow.runName meta.yaml follows: a failure between the two
// leaves the old run_name there, and a retry completes it.
func (s *Store) SetTag(ctx context.Context, runID, key, value string) error {
	const op = "set tag"
	tag := mlruns.Tag{Key: key, Value: value}
	if err := tag.Validate(); err != nil {
		return fail(op, runID, err)
	}
	return fail(op, runID, s.logBatch(ctx, runID, mlruns.Batch{Tags: []mlruns.Tag{tag}}))
}

// DeleteTag implements mlruns.Store. The commit point is the removal of the tag's file. Deleting mlflow.runName leaves run_name in meta.yaml, as in MLflow.
func (s *Store) DeleteTag(ctx context.Context, runID, key string) error {
	return fail("delete tag", runID, s.deleteTag(ctx, runID, key))
}

func (s *Store) deleteTag(ctx context.Context, runID, key string) error {
	if err := s.beginWrite(ctx); err != nil {
		return err
	}
	if err := mlruns.ValidateKey("key", key); err != nil {
		return err
	}
	return s.withActiveRun(ctx, runID, func(ref runRef, info mlruns.RunInfo, _ document) error {
		err := s.removeValue(ref.dir, layout.Tags, key, s.syncsValues(info))
		if isMissing(err) {
			return mlruns.TagNotFound(key, runID)
		}
		return err
	})
}

// LogBatch implements mlruns.Store. Each value has a commit point of its own, that of LogMetric, LogParam and SetTag; all points of one metric share one.
// A failure in the middle leaves what was written before it, and a retry of the batch completes it, except that points already written are written twice.
func (s *Store) LogBatch(ctx context.Context, runID string, b mlruns.Batch) error {
	const op = "log batch"
	b = s.truncated(b)
	if err := b.Validate(); err != nil {
		return fail(op, runID, err)
	}
	return fail(op, runID, s.logBatch(ctx, runID, b))
}

func (s *Store) truncated(b mlruns.Batch) mlruns.Batch {
	if s.truncation {
		return b.Truncate()
	}
	return b
}

// withActiveRun is withRun for runs that may be written to.
func (s *Store) withActiveRun(ctx context.Context, runID string, do func(runRef, mlruns.RunInfo, document) error) error {
	return s.withRun(ctx, runID, func(ref runRef, info mlruns.RunInfo, doc document) error {
		if info.Stage != mlruns.StageActive {
			return mlruns.RunNotActive(runID)
		}
		return do(ref, info, doc)
	})
}

func (s *Store) logBatch(ctx context.Context, runID string, b mlruns.Batch) error {
	if err := s.beginWrite(ctx); err != nil {
		return err
	}
	if err := validateNames(b); err != nil {
		return err
	}
	return s.withActiveRun(ctx, runID, func(ref runRef, info mlruns.RunInfo, doc document) error {
		plan, err := s.plan(ctx, ref, b)
		if err != nil {
			return err
		}
		return s.apply(ctx, ref, info, doc, plan)
	})
}

// batchPlan is a batch that was checked against what is on disk.
type batchPlan struct {
	params []mlruns.Param // those not there yet
	series []series
	tags   []mlruns.Tag
}

// series is the new lines of one metric.
type series struct {
	key   string
	lines []byte
}

func (s *Store) plan(ctx context.Context, ref runRef, b mlruns.Batch) (batchPlan, error) {
	plan := batchPlan{series: s.seriesOf(b.Metrics), tags: b.Tags}
	metrics, params, tags := keysOf(b)
	if err := errors.Join(s.ownFolders(ref.dir, layout.Metrics, metrics...), s.ownFolders(ref.dir, layout.Params, params...),
		s.ownFolders(ref.dir, layout.Tags, tags...)); err != nil {
		return plan, err
	}
	for _, p := range b.Params {
		present, err := s.keyPresent(ref.dir, layout.Params, "param", p.Key)
		if err != nil {
			return plan, err
		}
		if !present {
			plan.params = append(plan.params, p)
			continue
		}
		if err := s.sameParam(ctx, ref, p); err != nil {
			return plan, err
		}
	}
	for _, m := range plan.series {
		if _, err := s.keyPresent(ref.dir, layout.Metrics, "metric", m.key); err != nil {
			return plan, err
		}
	}
	for _, t := range b.Tags {
		if _, err := s.keyPresent(ref.dir, layout.Tags, "tag", t.Key); err != nil {
			return plan, err
		}
	}
	return plan, nil
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

// seriesOf groups points by key, in the order of the first of each.
func (s *Store) seriesOf(metrics []mlruns.Metric) []series {
	now := s.now()
	var list []series
	index := make(map[string]int, len(metrics))
	for _, m := range metrics {
		if m.Time.IsZero() {
			m.Time = now
		}
		i, ok := index[m.Key]
		if !ok {
			i = len(list)
			index[m.Key] = i
			list = append(list, series{key: m.Key})
		}
		list[i].lines = appendPoint(list[i].lines, m)
	}
	return list
}

func (s *Store) apply(ctx context.Context, ref runRef, info mlruns.RunInfo, doc document, plan batchPlan) error {
	sync := s.syncsValues(info)
	var all steps
	for _, p := range plan.params {
		err := s.publishValue(ref.dir, layout.Params, p.Key, []byte(p.Value), sync)
		if isExist(err) { // MLflow was faster
			err = s.sameParam(ctx, ref, p)
		}
		if err := all.step(err); err != nil {
			return err
		}
	}
	for _, m := range plan.series {
		if err := all.step(s.appendPoints(ctx, ref.dir, m.key, m.lines, sync)); err != nil {
			return err
		}
	}
	name := info.Name
	for _, t := range plan.tags {
		if err := all.step(s.writeValue(ref.dir, layout.Tags, t.Key, t.Value, sync)); err != nil {
			return err
		}
		if t.Key == mlruns.TagRunName && t.Value != "" {
			name = t.Value
		}
	}
	if name == info.Name {
		return all.last(nil)
	}
	info.Name = name
	return all.last(s.replaceRunInfo(ref, info, doc))
}

func keysOf(b mlruns.Batch) (metrics, params, tags []string) {
	for _, m := range b.Metrics {
		metrics = append(metrics, m.Key)
	}
	for _, p := range b.Params {
		params = append(params, p.Key)
	}
	for _, t := range b.Tags {
		tags = append(tags, t.Key)
	}
	return metrics, params, tags
}

// validateNames refuses keys that the platform cannot hold, and keys of one batch that exclude each other.
func validateNames(b mlruns.Batch) error {
	metrics, params, tags := keysOf(b)
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
