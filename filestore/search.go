package filestore

import (
	"context"
	"iter"

	"github.com/mlruns/mlruns"
)

// SearchRuns implements mlruns.Store. The filter and the order decide which files of each run are
// opened; only the runs of the page are read whole. Memory is bounded by the names of the runs and
// what the page, and those before it, are ordered by, plus the page.
func (s *Store) SearchRuns(ctx context.Context, q mlruns.RunQuery) (*mlruns.RunPage, error) {
	const op = "search runs"
	if err := s.begin(ctx); err != nil {
		return nil, fail(op, "", err)
	}
	page, err := s.search.RunPage(ctx, q)
	return page, fail(op, "", err)
}

// Runs implements mlruns.Store. Which runs there are, and their order, is known before the first is
// yielded; they are read a few ahead of their turn.
func (s *Store) Runs(ctx context.Context, q mlruns.RunQuery) iter.Seq2[*mlruns.Run, error] {
	return func(yield func(*mlruns.Run, error) bool) {
		err := s.begin(ctx)
		if err == nil {
			err = s.search.EachRun(ctx, q, yield)
		}
		if err != nil {
			yield(nil, fail("runs", "", err))
		}
	}
}

// SearchExperiments implements mlruns.Store.
func (s *Store) SearchExperiments(ctx context.Context, q mlruns.ExperimentQuery) (*mlruns.ExperimentPage, error) {
	const op = "search experiments"
	if err := s.begin(ctx); err != nil {
		return nil, fail(op, "", err)
	}
	page, err := s.search.ExperimentPage(ctx, q)
	return page, fail(op, "", err)
}

// Experiments implements mlruns.Store.
func (s *Store) Experiments(ctx context.Context, q mlruns.ExperimentQuery) iter.Seq2[mlruns.Experiment, error] {
	return func(yield func(mlruns.Experiment, error) bool) {
		err := s.begin(ctx)
		if err == nil {
			err = s.search.EachExperiment(ctx, q, yield)
		}
		if err != nil {
			yield(mlruns.Experiment{}, fail("experiments", "", err))
		}
	}
}
