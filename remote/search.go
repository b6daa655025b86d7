package remote

import (
	"cmp"
	"context"
	"iter"
	"slices"

	"github.com/mlruns/mlruns"
	"github.com/mlruns/mlruns/internal/failure"
	"github.com/mlruns/mlruns/internal/validate"
	"github.com/mlruns/mlruns/internal/wire"
)

// viewNames are MLflow's names of the views.
var viewNames = map[mlruns.View]string{mlruns.ViewActive: "ACTIVE_ONLY", mlruns.ViewDeleted: "DELETED_ONLY", mlruns.ViewAll: "ALL"}

// scanPage is how many results a scan asks for at once.
const scanPage = 1000

// SearchExperiments implements mlruns.Store. The page has no Scan.
func (s *Store) SearchExperiments(ctx context.Context, q mlruns.ExperimentQuery) (*mlruns.ExperimentPage, error) {
	page, err := s.searchExperiments(ctx, q)
	if err == nil && q.OnProblem != nil {
		s.tell(q.OnProblem, page.Problems)
		page.Problems = nil
	}
	return page, fail("search experiments", "", err)
}

func (s *Store) searchExperiments(ctx context.Context, q mlruns.ExperimentQuery) (*mlruns.ExperimentPage, error) {
	size, err := experimentPageSize(q.MaxResults)
	if err = firstOf(err, queryTexts(q.Filter, q.PageToken, q.OrderBy)); err != nil {
		return nil, err
	}
	body := fields{"max_results": size, "view_type": viewNames[q.View]}
	setQuery(body, q.Filter, q.PageToken)
	if len(q.OrderBy) > 0 {
		body["order_by"] = q.OrderBy
	}
	var answer wire.ExperimentPage
	if _, err := s.post(ctx, "2.0/mlflow/experiments/search", reads, body, &answer); err != nil {
		return nil, err
	}
	return answer.Entity(), nil
}

func setQuery(body fields, filter, token string) {
	if filter != "" {
		body["filter"] = filter
	}
	if token != "" {
		body["page_token"] = token
	}
}

// queryTexts refuses what JSON would change.
func queryTexts(filter, token string, orderBy []string) error {
	if err := firstOf(validate.Text("filter", filter), validate.Text("page_token", token)); err != nil {
		return err
	}
	for _, term := range orderBy {
		if err := validate.Text("order_by", term); err != nil {
			return err
		}
	}
	return nil
}

// Experiments implements mlruns.Store. It goes through pages: an experiment that is made meanwhile
// may be left out, and none is given twice.
func (s *Store) Experiments(ctx context.Context, q mlruns.ExperimentQuery) iter.Seq2[mlruns.Experiment, error] {
	return scan(q.MaxResults, q.PageToken, "list experiments", func(size int, token string) ([]mlruns.Experiment, string, error) {
		q := q
		q.MaxResults, q.PageToken = size, token
		page, err := s.searchExperiments(ctx, q)
		if err != nil {
			return nil, "", err
		}
		s.tell(q.OnProblem, page.Problems)
		return page.Experiments, page.NextPageToken, nil
	}, func(e mlruns.Experiment) string { return e.ID })
}

// scan goes through the pages of a search, up to a number of results. What one page had the next
// may have again, when something was made in between: it is given once.
func scan[T any](most int, token, op string, next func(size int, token string) ([]T, string, error), id func(T) string) iter.Seq2[T, error] {
	return func(yield func(T, error) bool) {
		var zero T
		_, err := pageSize(most, scanPage)
		if err == nil && token != "" {
			err = failure.Invalid("Invalid value for parameter 'page_token' supplied: a scan begins at the beginning and has no pages")
		}
		seen := map[string]bool{}
		for token = ""; err == nil; {
			size := scanPage
			if most > 0 {
				size = min(size, most-len(seen))
			}
			var page []T
			if page, token, err = next(size, token); err != nil {
				break
			}
			for _, one := range page {
				if seen[id(one)] {
					continue
				}
				seen[id(one)] = true
				if !yield(one, nil) || len(seen) == most {
					return
				}
			}
			if token == "" || len(page) == 0 {
				return
			}
		}
		yield(zero, fail(op, "", err))
	}
}

// SearchRuns implements mlruns.Store. The page has no Scan. Where the query names no experiment,
// the active ones are asked for first.
func (s *Store) SearchRuns(ctx context.Context, q mlruns.RunQuery) (*mlruns.RunPage, error) {
	page, err := s.searchRuns(ctx, q)
	if err == nil && q.OnProblem != nil {
		s.tell(q.OnProblem, page.Problems)
		page.Problems = nil
	}
	return page, fail("search runs", "", err)
}

func (s *Store) searchRuns(ctx context.Context, q mlruns.RunQuery) (*mlruns.RunPage, error) {
	size, err := pageSize(q.MaxResults, mlruns.DefaultMaxResults)
	if err = firstOf(err, queryTexts(q.Filter, q.PageToken, q.OrderBy)); err != nil {
		return nil, err
	}
	experiments, err := s.experimentsOf(ctx, q.Experiments, withDeleted(q.View))
	if err != nil {
		return nil, err
	}
	body := fields{"experiment_ids": experiments, "max_results": size, "run_view_type": viewNames[q.View]}
	setQuery(body, q.Filter, q.PageToken)
	if len(q.OrderBy) > 0 {
		body["order_by"] = q.OrderBy
	}
	var answer wire.RunPage
	if _, err := s.post(ctx, "2.0/mlflow/runs/search", reads, body, &answer); err != nil {
		return nil, err
	}
	return answer.Entity()
}

// withDeleted is the view of the experiments that may have runs of a view: those of a deleted one
// are deleted.
func withDeleted(v mlruns.View) mlruns.View {
	if v == mlruns.ViewActive {
		return v
	}
	return mlruns.ViewAll
}

// experimentsOf gives the ids that a query names, or those of a view: a server finds nothing where
// none is named.
func (s *Store) experimentsOf(ctx context.Context, ids []string, view mlruns.View) ([]string, error) {
	for _, id := range ids {
		if err := validate.ExperimentID(id); err != nil {
			return nil, err
		}
	}
	if len(ids) > 0 {
		return ids, nil
	}
	ids = []string{}
	for e, err := range s.Experiments(ctx, mlruns.ExperimentQuery{View: view, OnProblem: func(mlruns.Problem) {}}) {
		if err != nil {
			return nil, err
		}
		ids = append(ids, e.ID)
	}
	return ids, nil
}

// Runs implements mlruns.Store. It goes through pages: a run that is made or changed meanwhile may
// be left out, and none is given twice.
func (s *Store) Runs(ctx context.Context, q mlruns.RunQuery) iter.Seq2[*mlruns.Run, error] {
	return scan(q.MaxResults, q.PageToken, "list runs", func(size int, token string) ([]*mlruns.Run, string, error) {
		if token == "" {
			var err error
			if q.Experiments, err = s.experimentsOf(ctx, q.Experiments, withDeleted(q.View)); err != nil {
				return nil, "", err
			}
			if len(q.Experiments) == 0 {
				return nil, "", nil
			}
		}
		q := q
		q.MaxResults, q.PageToken = size, token
		page, err := s.searchRuns(ctx, q)
		if err != nil {
			return nil, "", err
		}
		s.tell(q.OnProblem, page.Problems)
		return page.Runs, page.NextPageToken, nil
	}, func(r *mlruns.Run) string { return r.Info.ID })
}

// RunInfos implements mlruns.Store. It asks for the runs whole, as there is no other call, and
// gives the first when it has the last: by id, which a server does not order by.
func (s *Store) RunInfos(ctx context.Context, experimentID string, view mlruns.View) iter.Seq2[mlruns.RunInfo, error] {
	return func(yield func(mlruns.RunInfo, error) bool) {
		var infos []mlruns.RunInfo
		for r, err := range s.Runs(ctx, mlruns.RunQuery{Experiments: []string{experimentID}, View: view}) {
			if err != nil {
				yield(mlruns.RunInfo{}, err)
				return
			}
			infos = append(infos, r.Info)
		}
		slices.SortFunc(infos, func(a, b mlruns.RunInfo) int { return cmp.Compare(a.ID, b.ID) })
		for _, info := range infos {
			if !yield(info, nil) {
				return
			}
		}
	}
}
