package filestore

import (
	"context"
	"iter"

	"github.com/mlruns/mlruns"
	"github.com/mlruns/mlruns/filestore/internal/codec"
	"github.com/mlruns/mlruns/filestore/internal/records"
	"github.com/mlruns/mlruns/internal/validate"
)

// MetricHistory implements mlruns.Store. It holds one chunk of the file in memory. It needs no more
// of the run than the metric's file, so a run whose meta.yaml is damaged has histories too.
func (s *Store) MetricHistory(ctx context.Context, runID, key string, q mlruns.HistoryQuery) iter.Seq2[mlruns.Metric, error] {
	return func(yield func(mlruns.Metric, error) bool) {
		stopped := false
		err := s.history(ctx, runID, key, s.find.ProblemsFor(q.OnProblem), func(pt codec.Point) bool {
			stopped = !yield(pt.Metric(key), nil)
			return !stopped
		})
		if err != nil && !stopped {
			yield(mlruns.Metric{}, fail("metric history", runID, err))
		}
	}
}

func (s *Store) history(ctx context.Context, runID, key string, p *records.Problems, each func(codec.Point) bool) error {
	if err := s.begin(ctx); err != nil {
		return err
	}
	if err := validate.Key("name", key); err != nil {
		return err
	}
	ref, run, err := s.find.OpenRun(ctx, runID)
	if err != nil {
		return err
	}
	defer run.Close()
	return s.records.History(ctx, run, ref.Dir, key, p, each)
}
