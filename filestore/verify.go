package filestore

import (
	"context"
	"iter"

	"github.com/mlruns/mlruns"
)

// Verify implements mlruns.Verifier. It reads every meta.yaml, value and point; artifacts, logged models and traces are not looked into.
// What a process is writing at the moment can appear as a leftover. The names of all experiments and the ids of all runs are held in memory,
// and the problems of one run at a time.
func (s *Store) Verify(ctx context.Context) iter.Seq2[mlruns.Problem, error] {
	return func(yield func(mlruns.Problem, error) bool) {
		if err := s.begin(ctx); err != nil {
			yield(mlruns.Problem{}, fail("verify", "", err))
			return
		}
		err := s.inspect(ctx, func(f found) bool {
			for _, problem := range f.problems {
				if !yield(problem, nil) {
					return false
				}
			}
			return true
		})
		if err != nil {
			yield(mlruns.Problem{}, fail("verify", "", err))
		}
	}
}
