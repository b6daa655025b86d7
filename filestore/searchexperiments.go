package filestore

import (
	"context"
	"iter"
	"slices"

	"github.com/mlruns/mlruns"
	"github.com/mlruns/mlruns/filestore/layout"
	"github.com/mlruns/mlruns/search"
)

// Experiments implements mlruns.Store.
func (s *Store) Experiments(ctx context.Context, q mlruns.ExperimentQuery) iter.Seq2[mlruns.Experiment, error] {
	return func(yield func(mlruns.Experiment, error) bool) {
		if q.PageToken != "" {
			yield(mlruns.Experiment{}, fail("experiments", "", errNoPages))
			return
		}
		found, _, err := s.matchExperiments(ctx, q, s.logged(q.OnProblem))
		if err != nil {
			yield(mlruns.Experiment{}, fail("experiments", "", err))
			return
		}
		for i, e := range found {
			if q.MaxResults > 0 && i == q.MaxResults || !yield(e, nil) {
				return
			}
		}
	}
}

// SearchExperiments implements mlruns.Store.
func (s *Store) SearchExperiments(ctx context.Context, q mlruns.ExperimentQuery) (*mlruns.ExperimentPage, error) {
	page, err := s.searchExperiments(ctx, q)
	return page, fail("search experiments", "", err)
}

func (s *Store) searchExperiments(ctx context.Context, q mlruns.ExperimentQuery) (*mlruns.ExperimentPage, error) {
	limit, offset, err := pageOf(q.MaxResults, q.PageToken)
	if err != nil {
		return nil, err
	}
	p := &problems{report: q.OnProblem}
	found, report, err := s.matchExperiments(ctx, q, p)
	if err != nil {
		return nil, err
	}
	page := &mlruns.ExperimentPage{Scan: report}
	page.Experiments, page.NextPageToken = cutPage(found, offset, limit)
	page.Scan.Returned = len(page.Experiments)
	page.Problems = p.sorted()
	return page, nil
}

// matchExperiments gives the experiments that a query selects, in its order. Each is read whole: its tags are part of the result.
func (s *Store) matchExperiments(ctx context.Context, q mlruns.ExperimentQuery, p *problems) ([]mlruns.Experiment, mlruns.Scan, error) {
	report := mlruns.Scan{Reads: []string{layout.Meta, layout.Tags}}
	if err := s.begin(ctx); err != nil {
		return nil, report, err
	}
	if _, _, err := pageOf(q.MaxResults, ""); err != nil {
		return nil, report, err
	}
	pl, err := planExperiments(q)
	if err != nil {
		return nil, report, err
	}
	type match struct {
		experiment mlruns.Experiment
		key        search.Key
	}
	var found []match
	for e, err := range s.experiments(ctx, q.View, p, s.readExperiment) {
		if err != nil {
			return nil, report, err
		}
		report.Scanned++
		report.Opened += 1 + len(e.Tags)
		if r := experimentRecord(e); pl.filter.Match(r) {
			found = append(found, match{e, pl.order.Key(r)})
		}
	}
	slices.SortStableFunc(found, func(a, b match) int { return pl.order.Compare(a.key, b.key) })
	report.Matched = len(found)
	list := make([]mlruns.Experiment, len(found))
	for i, m := range found {
		list[i] = m.experiment
	}
	return list, report, nil
}

// experimentRecord is what a filter sees of an experiment.
type experimentRecord mlruns.Experiment

var _ search.Record = experimentRecord{}

// Text implements search.Record.
func (e experimentRecord) Text(a search.Attribute) (string, bool) {
	switch a {
	case search.ExperimentID:
		return e.ID, true
	case search.ExperimentName:
		return e.Name, true
	}
	return "", false
}

// Time implements search.Record.
func (e experimentRecord) Time(a search.Attribute) (int64, bool) {
	switch a {
	case search.CreationTime:
		return milliseconds(e.Created)
	case search.LastUpdateTime:
		return milliseconds(e.Updated)
	}
	return 0, false
}

// Tag implements search.Record.
func (e experimentRecord) Tag(key string) (string, bool) {
	value, ok := e.Tags[key]
	return value, ok
}

// Metric implements search.Record; experiments have none.
func (experimentRecord) Metric(string) (search.Summary, bool) { return search.Summary{}, false }

// Param implements search.Record; experiments have none.
func (experimentRecord) Param(string) (string, bool) { return "", false }

// Datasets implements search.Record; experiments have none.
func (experimentRecord) Datasets() []search.Dataset { return nil }
