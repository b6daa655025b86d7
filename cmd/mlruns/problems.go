package main

import (
	"context"
	"iter"

	"github.com/mlruns/mlruns"
	"github.com/mlruns/mlruns/filestore"
)

// The calls that tell of problems, with the names of flags in the place of the library's options.

func flaggedAll(problems []mlruns.Problem) {
	for i := range problems {
		problems[i].Reason = flagged(problems[i].Reason)
	}
}

// telling passes problems on to tell.
func telling(tell func(mlruns.Problem)) func(mlruns.Problem) {
	return func(p mlruns.Problem) {
		p.Reason = flagged(p.Reason)
		tell(p)
	}
}

func (s *session) SearchRuns(ctx context.Context, q mlruns.RunQuery) (*mlruns.RunPage, error) {
	page, err := s.Client.SearchRuns(ctx, q)
	if err == nil {
		flaggedAll(page.Problems)
	}
	return page, err
}

func (s *session) SearchExperiments(ctx context.Context, q mlruns.ExperimentQuery) (*mlruns.ExperimentPage, error) {
	page, err := s.Client.SearchExperiments(ctx, q)
	if err == nil {
		flaggedAll(page.Problems)
	}
	return page, err
}

func (s *session) Run(ctx context.Context, id string) (*mlruns.Run, error) {
	run, err := s.Client.Run(ctx, id)
	if err == nil {
		flaggedAll(run.Problems)
	}
	return run, err
}

func (s *session) MetricHistory(ctx context.Context, id, key string, q mlruns.HistoryQuery) iter.Seq2[mlruns.Metric, error] {
	q.OnProblem = telling(q.OnProblem)
	return s.Client.MetricHistory(ctx, id, key, q)
}

func (s *session) Verify(ctx context.Context, q mlruns.VerifyQuery) iter.Seq2[mlruns.Problem, error] {
	return func(yield func(mlruns.Problem, error) bool) {
		for p, err := range s.Client.Verify(ctx, q) {
			p.Reason = flagged(p.Reason)
			if !yield(p, err) {
				return
			}
		}
	}
}

func (s *session) Repair(ctx context.Context, q mlruns.RepairQuery) iter.Seq2[mlruns.Repair, error] {
	return func(yield func(mlruns.Repair, error) bool) {
		for r, err := range s.Client.Repair(ctx, q) {
			r.Reason = flagged(r.Reason)
			if !yield(r, err) {
				return
			}
		}
	}
}

func (s *session) GC(ctx context.Context, q mlruns.GCQuery) iter.Seq2[mlruns.Removal, error] {
	q.OnProblem = telling(q.OnProblem)
	return s.Client.GC(ctx, q)
}

func (s *session) Relocate(ctx context.Context, q mlruns.RelocateQuery) iter.Seq2[mlruns.Relocation, error] {
	q.OnProblem = telling(q.OnProblem)
	return s.Client.Relocate(ctx, q)
}

func (s *session) info(ctx context.Context) (filestore.Info, error) {
	info, err := s.store.Info(ctx)
	flaggedAll(info.Problems)
	return info, err
}
