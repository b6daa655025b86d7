package query

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"slices"

	"github.com/mlruns/mlruns"
	"github.com/mlruns/mlruns/filestore/internal/records"
	"github.com/mlruns/mlruns/filestore/layout"
	"github.com/mlruns/mlruns/internal/failure"
	"github.com/mlruns/mlruns/internal/parallel"
	"github.com/mlruns/mlruns/internal/vfs"
	"github.com/mlruns/mlruns/search"
)

// EachExperiment yields all experiments of a query.
func (s *Searcher) EachExperiment(ctx context.Context, q mlruns.ExperimentQuery, yield func(mlruns.Experiment, error) bool) error {
	if q.PageToken != "" {
		return errNoPages
	}
	p := s.find.ProblemsFor(q.OnProblem)
	cached := s.experiments()
	defer cached.end()
	found, _, err := s.matchExperiments(ctx, q, cached, p)
	if err != nil {
		return err
	}
	if q.MaxResults > 0 && q.MaxResults < len(found) {
		found = found[:q.MaxResults]
	}
	for e, err := range s.tagged(ctx, found, q.View, cached, p) {
		if err != nil {
			return err
		}
		if !yield(e, nil) {
			return nil
		}
	}
	return nil
}

// ExperimentPage gives one page of a query.
func (s *Searcher) ExperimentPage(ctx context.Context, q mlruns.ExperimentQuery) (*mlruns.ExperimentPage, error) {
	limit, offset, err := pageOfExperiments(q)
	if err != nil {
		return nil, err
	}
	p := &records.Problems{Report: q.OnProblem, Explained: s.find.ArtifactAreas(ctx).Explain}
	cached := s.experiments()
	defer cached.end()
	found, report, err := s.matchExperiments(ctx, q, cached, p)
	if err != nil {
		return nil, err
	}
	page := &mlruns.ExperimentPage{Scan: report}
	found, page.NextPageToken = cutPage(found, offset, limit)
	page.Experiments = make([]mlruns.Experiment, 0, len(found))
	for e, err := range s.tagged(ctx, found, q.View, cached, p) {
		if err != nil {
			return nil, err
		}
		page.Experiments = append(page.Experiments, e)
	}
	page.Scan.Returned = len(page.Experiments)
	cached.report(&page.Scan)
	page.Problems = p.Sorted()
	return page, nil
}

// pageOfExperiments is pageOf in the words that MLflow has for experiments.
func pageOfExperiments(q mlruns.ExperimentQuery) (limit, offset int, err error) {
	if q.MaxResults > mlruns.MaxResultsLimit {
		return 0, 0, failure.Invalid(fmt.Sprintf("Invalid value %d for parameter 'max_results' supplied. It must be at most %d", q.MaxResults, mlruns.MaxResultsLimit))
	}
	return pageOf(q.MaxResults, q.PageToken)
}

// matchExperiments gives the experiments that a query selects, in its order. Their tags are read
// only if the query asks for tags.
func (s *Searcher) matchExperiments(ctx context.Context, q mlruns.ExperimentQuery, cached *cachedExperiments, p *records.Problems) ([]mlruns.Experiment, mlruns.Scan, error) {
	report := mlruns.Scan{Reads: []string{layout.Meta}}
	if _, _, err := pageOfExperiments(mlruns.ExperimentQuery{MaxResults: q.MaxResults}); err != nil {
		return nil, report, err
	}
	pl, err := planExperiments(q)
	if err != nil {
		return nil, report, err
	}
	read := cached.read
	if len(pl.needs.Tags) > 0 {
		report.Reads = append(report.Reads, layout.Tags)
		read = cached.readWithTags
	}
	type match struct {
		experiment mlruns.Experiment
		key        search.Key
	}
	var found []match
	for e, err := range s.find.Experiments(ctx, q.View, p, cached.list, read) {
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

// tagged gives experiments their tags, several at once and in their order, where the listing did
// not read them. One that has gone since is left out.
func (s *Searcher) tagged(ctx context.Context, found []mlruns.Experiment, view mlruns.View, cached *cachedExperiments, p *records.Problems) iter.Seq2[mlruns.Experiment, error] {
	return func(yield func(mlruns.Experiment, error) bool) {
		root, err := s.tree.Folder("")
		if err != nil {
			yield(mlruns.Experiment{}, err)
			return
		}
		defer root.Close()
		reading, stop := context.WithCancel(ctx)
		read := func(e mlruns.Experiment) (mlruns.Experiment, error) {
			if e.Tags != nil {
				return e, nil
			}
			return s.withTags(reading, root, e, cached, p)
		}
		for e, err := range parallel.Map(s.parallelism, found, read, stop) {
			switch {
			case ctx.Err() != nil:
				yield(mlruns.Experiment{}, ctx.Err())
				return
			case records.EndsCall(ctx, err):
				yield(mlruns.Experiment{}, err)
				return
			// gone since it was found
			case errors.Is(err, mlruns.ErrNotFound) || vfs.IsMissing(err):
				continue
			case err != nil:
				p.Add(records.ProblemOf(mlruns.ProblemUnreadable, records.NewExperimentRef(e.ID, e.Stage == mlruns.StageDeleted).Dir, err))
				continue
			}
			// deleted or restored since it was found: its place in the page stays empty
			if !view.Shows(e.Stage) {
				continue
			}
			if !yield(e, nil) {
				return
			}
		}
	}
}

// withTags reads the tags of an experiment that was listed.
func (s *Searcher) withTags(ctx context.Context, root vfs.Folder, e mlruns.Experiment, cached *cachedExperiments, p *records.Problems) (mlruns.Experiment, error) {
	ref := records.NewExperimentRef(e.ID, e.Stage == mlruns.StageDeleted)
	found := false
	if cached.of(root, ref, func(c cachedExperiment) { e.Tags, found = c.tags() }); found {
		return e, nil
	}
	f, err := root.OpenFolder(ref.Dir)
	if vfs.IsMissing(err) { // it has moved since it was listed
		moved, err := s.find.Experiment(ctx, e.ID, p)
		if err != nil {
			return e, err
		}
		return moved, nil
	}
	if err != nil { // damage is per file: it is listed all the same
		e.Tags = map[string]string{}
		return e, p.Unreadable(ctx, mlruns.ProblemUnreadable, layout.Join(ref.Dir, layout.Tags), err)
	}
	defer f.Close()
	e.Tags, err = cached.readTags(ctx, root, f, ref, p)
	return e, err
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
