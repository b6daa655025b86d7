package filestore

import (
	"context"
	"iter"

	"github.com/mlruns/mlruns"
)

// SearchTraces implements mlruns.TraceStore. Only the traces of the page are read whole.
func (s *Store) SearchTraces(ctx context.Context, q mlruns.TraceQuery) (*mlruns.TracePage, error) {
	const op = "search traces"
	if err := s.begin(ctx); err != nil {
		return nil, fail(op, "", err)
	}
	page, err := s.search.TracePage(ctx, q)
	return page, fail(op, "", err)
}

// Traces implements mlruns.TraceStore. Which traces there are and their order is settled before the
// first is yielded.
func (s *Store) Traces(ctx context.Context, q mlruns.TraceQuery) iter.Seq2[*mlruns.Trace, error] {
	return func(yield func(*mlruns.Trace, error) bool) {
		err := s.begin(ctx)
		if err == nil {
			err = s.search.EachTrace(ctx, q, yield)
		}
		if err != nil {
			yield(nil, fail("traces", "", err))
		}
	}
}
