package filestore

import (
	"context"
	"iter"

	"github.com/mlruns/mlruns"
)

// SearchLoggedModels implements mlruns.ModelStore. The filter and the order decide which files of
// each model are opened; only the models of the page are read whole.
func (s *Store) SearchLoggedModels(ctx context.Context, q mlruns.ModelQuery) (*mlruns.ModelPage, error) {
	const op = "search logged models"
	if err := s.begin(ctx); err != nil {
		return nil, fail(op, "", err)
	}
	page, err := s.search.ModelPage(ctx, q)
	return page, fail(op, "", err)
}

// LoggedModels implements mlruns.ModelStore. Which models there are and their order is settled
// before the first is yielded.
func (s *Store) LoggedModels(ctx context.Context, q mlruns.ModelQuery) iter.Seq2[*mlruns.LoggedModel, error] {
	return func(yield func(*mlruns.LoggedModel, error) bool) {
		err := s.begin(ctx)
		if err == nil {
			err = s.search.EachModel(ctx, q, yield)
		}
		if err != nil {
			yield(nil, fail("logged models", "", err))
		}
	}
}
