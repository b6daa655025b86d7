package filestore

import (
	"context"
	"iter"

	"github.com/mlruns/mlruns"
)

// Verify implements mlruns.Verifier. It reads the meta.yaml of every experiment and run, of inputs,
// outputs and the data sets that inputs name, and every value and point. Of artifacts it looks
// whether there is a folder where a run says that it has some, and names those that no listing
// shows and those that a file system which folds case would merge; it opens none. Logged models,
// traces and the registry are not looked into. What a process is writing at the moment can appear
// as a leftover. The names and ids of all experiments and the ids of all runs are held in memory,
// and of one run at a time its params, tags and problems and, for a metric whose points are out of
// order, 8 bytes a point.
func (s *Store) Verify(ctx context.Context, q mlruns.VerifyQuery) iter.Seq2[mlruns.Problem, error] {
	return func(yield func(mlruns.Problem, error) bool) {
		if err := s.begin(ctx); err != nil {
			yield(mlruns.Problem{}, fail("verify", "", err))
			return
		}
		for problem, err := range s.checker.Verify(ctx, q) {
			if !yield(problem, fail("verify", "", err)) {
				return
			}
		}
	}
}
