package remote

import (
	"context"
	"fmt"
	"time"
	"unicode/utf8"

	"github.com/mlruns/mlruns"
	"github.com/mlruns/mlruns/internal/failure"
	"github.com/mlruns/mlruns/internal/validate"
)

// maxExperimentTag is the length of an experiment's tag that MLflow's server keeps.
const maxExperimentTag = 20000

// uncut refuses a text that MLflow's server would cut without a word. A server of this module keeps
// it whole, or refuses it itself.
func (s *Store) uncut(ctx context.Context, what, text string, limit int) error {
	if len(text) <= limit || utf8.RuneCountInString(text) <= limit {
		return nil
	}
	e, err := s.extensions(ctx)
	if err != nil || e.Version != "" {
		return err
	}
	return failure.Invalid(fmt.Sprintf("%s has %d characters; the server at %s would keep %d of them", what, utf8.RuneCountInString(text), s.base, limit))
}

// timestamp checks a time that is to be sent; the zero time is now.
func timestamp(field string, t time.Time) (int64, error) {
	if !t.IsZero() && !validate.TimeInRange(t) {
		return 0, failure.Invalid(fmt.Sprintf("Invalid value %d for parameter '%s' supplied: it must be a nonnegative number of milliseconds", t.UnixMilli(), field))
	}
	return milliseconds(t), nil
}

// pageSize checks how many results a page is to have, in MLflow's words.
func pageSize(n, standard int) (int, error) {
	switch {
	case n < 0:
		return 0, failure.Invalid(fmt.Sprintf("Invalid value %d for parameter 'max_results' supplied. It must be a positive integer", n))
	case n > mlruns.MaxResultsLimit:
		return 0, failure.Invalid(fmt.Sprintf("Invalid value for request parameter max_results. It must be at most %d, but got value %d", mlruns.MaxResultsLimit, n))
	case n == 0:
		return standard, nil
	}
	return n, nil
}

// experimentPageSize is pageSize in the words that MLflow has for experiments.
func experimentPageSize(n int) (int, error) {
	if n > mlruns.MaxResultsLimit {
		return 0, failure.Invalid(fmt.Sprintf("Invalid value %d for parameter 'max_results' supplied. It must be at most %d", n, mlruns.MaxResultsLimit))
	}
	return pageSize(n, mlruns.DefaultMaxResults)
}
