package query

import (
	"context"
	"sync/atomic"

	"github.com/mlruns/mlruns"
	"github.com/mlruns/mlruns/filestore/internal/codec"
	"github.com/mlruns/mlruns/filestore/internal/records"
	"github.com/mlruns/mlruns/filestore/layout"
	"github.com/mlruns/mlruns/internal/failure"
	"github.com/mlruns/mlruns/search"
)

// ModelPage gives one page of a query.
func (s *Searcher) ModelPage(ctx context.Context, q mlruns.ModelQuery) (*mlruns.ModelPage, error) {
	if q.MaxResults == 0 {
		q.MaxResults = mlruns.DefaultModelResults
	}
	limit, offset, err := pageOf(q.MaxResults, q.PageToken)
	if err != nil {
		return nil, err
	}
	p := &records.Problems{Report: q.OnProblem}
	models, experiments, err := s.planModels(ctx, q, p)
	if err != nil {
		return nil, err
	}
	page := &mlruns.ModelPage{}
	if page.Models, page.NextPageToken, page.Scan, err = models.page(ctx, s, experiments, limit, offset, problemsOfModel); err != nil {
		return nil, err
	}
	page.Problems = p.Sorted()
	return page, nil
}

// EachModel yields all of a query in one scan.
func (s *Searcher) EachModel(ctx context.Context, q mlruns.ModelQuery, yield func(*mlruns.LoggedModel, error) bool) error {
	if q.PageToken != "" {
		return errNoPages
	}
	if _, _, err := pageOf(q.MaxResults, ""); err != nil {
		return err
	}
	models, experiments, err := s.planModels(ctx, q, s.find.ProblemsFor(q.OnProblem))
	if err != nil {
		return err
	}
	return models.each(ctx, s, experiments, q.MaxResults, problemsOfModel, yield)
}

func problemsOfModel(m *mlruns.LoggedModel) []mlruns.Problem { return m.Problems }

// planModels makes a query ready, and gives the experiments that it is asked of.
func (s *Searcher) planModels(ctx context.Context, q mlruns.ModelQuery, p *records.Problems) (models partQuery[records.ModelRef, *mlruns.LoggedModel], experiments []records.ExperimentRef, err error) {
	filter, err := search.ParseModels(q.Filter)
	if err != nil {
		return models, nil, queryError(err)
	}
	order, err := search.ParseModelOrder(modelOrder(q.OrderBy))
	if err != nil {
		return models, nil, queryError(err)
	}
	var on []search.Dataset
	for _, d := range q.Datasets {
		if d.Name == "" {
			return models, nil, failure.Invalid("`dataset_name` in the `datasets` clause must be specified.")
		}
		on = append(on, search.Dataset{Name: d.Name, Digest: d.Digest})
	}
	pl := plan{filter: filter, order: order, needs: filter.Needs().Union(order.Needs()), view: q.View}
	var opened atomic.Int64
	asked := len(on) > 0 && len(filter.Needs().Metrics) == 0
	models = partQuery[records.ModelRef, *mlruns.LoggedModel]{
		plan: pl, problems: p, reads: pl.readsOfModel(asked), opened: &opened,
		refs: func(e records.ExperimentRef) ([]records.ModelRef, error) { return s.find.ModelRefs(e, p) },
		match: func(ctx context.Context, ref records.ModelRef) (search.Key, bool, error) {
			r, err := s.openModel(ctx, ref, on, p, &opened)
			if err != nil {
				return search.Key{}, false, err
			}
			defer r.folder.Close()
			ok := pl.view.Shows(r.meta.Stage) && (!asked || r.isOn(on)) && filter.Match(r)
			var key search.Key
			if ok {
				key = order.Key(r)
			}
			return key, ok && r.err == nil, r.err
		},
		read: s.records.Model,
		problem: func(ref records.ModelRef, err error) mlruns.Problem {
			return records.ProblemOf(mlruns.ProblemUnreadableMeta, layout.Join(ref.Dir, layout.Meta), err)
		},
	}
	experiments, err = s.named(q.Experiments, p, func(string) error { return nil })
	return models, experiments, err
}

func modelOrder(terms []mlruns.ModelOrder) []search.ModelOrderItem {
	items := make([]search.ModelOrderItem, len(terms))
	for i, t := range terms {
		items[i] = search.ModelOrderItem{Field: t.Field, Descending: t.Descending, On: search.Dataset{Name: t.Dataset.Name, Digest: t.Dataset.Digest}}
	}
	return items
}

// modelRecord is what a filter or an order sees of a model. Its values are read when they are asked
// for, each once.
type modelRecord struct {
	partRecord
	ref     records.ModelRef
	meta    records.ModelMeta
	on      []search.Dataset
	metrics map[string]*search.Measured
	all     bool // metrics has every one
}

var _ search.ModelRecord = (*modelRecord)(nil)

// openModel opens a model's folder, which the caller closes, and reads its meta.yaml.
func (s *Searcher) openModel(ctx context.Context, ref records.ModelRef, on []search.Dataset, p *records.Problems, opened *atomic.Int64) (*modelRecord, error) {
	f, err := s.tree.Folder(ref.Dir)
	if err != nil {
		return nil, err
	}
	opened.Add(1)
	meta, err := records.ReadModelMeta(ctx, f, ref)
	if err != nil {
		_ = f.Close()
		return nil, err
	}
	return &modelRecord{partRecord: partRecord{ctx: ctx, search: s, folder: f, dir: ref.Dir, problems: p, opened: opened}, ref: ref, meta: meta, on: on, metrics: map[string]*search.Measured{}}, nil
}

// Text implements search.Record.
func (r *modelRecord) Text(a search.Attribute) (string, bool) {
	switch a {
	case search.ModelID:
		return r.meta.ID, true
	case search.ModelName:
		return r.meta.Name, true
	case search.ModelType:
		return r.meta.Type, r.meta.HasType
	case search.SourceRunID:
		return r.meta.SourceRunID, r.meta.HasSource
	case search.Status:
		return r.meta.Status.String(), true
	case search.ExperimentID:
		return r.ref.Experiment.ID, true
	case search.ExperimentName:
		return r.experimentName(r.ref.Experiment)
	}
	return "", false
}

// Time implements search.Record.
func (r *modelRecord) Time(a search.Attribute) (int64, bool) {
	switch a {
	case search.CreationTimestamp:
		return milliseconds(r.meta.Created)
	case search.LastUpdatedTimestamp:
		return milliseconds(r.meta.Updated)
	}
	return 0, false
}

// Param implements search.Record.
func (r *modelRecord) Param(key string) (string, bool) { return r.value(layout.Params, key) }

// Metric implements search.Record.
func (r *modelRecord) Metric(key string) (search.Summary, bool) { return r.metric(key).First(r.on) }

// MetricOn implements search.ModelRecord.
func (r *modelRecord) MetricOn(key string, on search.Dataset) (search.Summary, bool) {
	return r.metric(key).Newest(on)
}

// Datasets implements search.Record.
func (r *modelRecord) Datasets() (list []search.Dataset) {
	for _, m := range r.allMetrics() {
		list = append(list, m.Datasets()...)
	}
	return list
}

func (r *modelRecord) isOn(on []search.Dataset) bool {
	for _, m := range r.allMetrics() {
		if m.IsOn(on) {
			return true
		}
	}
	return false
}

func (r *modelRecord) metric(key string) *search.Measured {
	if m, ok := r.metrics[key]; ok || r.all {
		if m == nil {
			m = &search.Measured{}
		}
		return m
	}
	m := &search.Measured{}
	if k, ok := r.keyFile(layout.Metrics, key); ok && r.hasOwn(layout.Metrics, key) {
		r.keep(k.Path, r.measure(k, m))
	}
	r.metrics[key] = m
	return m
}

func (r *modelRecord) allMetrics() map[string]*search.Measured {
	if !r.all {
		r.all, r.metrics = true, map[string]*search.Measured{}
		err := records.WalkModelMetrics(r.ctx, r.folder, r.ref, r.problems, func(k records.KeyFile) error {
			m := &search.Measured{}
			r.metrics[k.Key] = m
			return r.measure(k, m)
		})
		r.end(err)
	}
	return r.metrics
}

func (r *modelRecord) measure(k records.KeyFile, m *search.Measured) error {
	r.opened.Add(1)
	return records.ModelPoints(r.ctx, k, r.problems, func(pt codec.ModelPoint) {
		d := pt.Metric(k.Key)
		m.Add(search.Dataset{Name: d.DatasetName, Digest: d.DatasetDigest}, pt.Value, pt.Millis, pt.Step)
	})
}
