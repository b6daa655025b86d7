package query

import (
	"context"
	"errors"
	"iter"
	"slices"
	"sync/atomic"

	"github.com/mlruns/mlruns"
	"github.com/mlruns/mlruns/filestore/internal/records"
	"github.com/mlruns/mlruns/internal/parallel"
	"github.com/mlruns/mlruns/internal/vfs"
	"github.com/mlruns/mlruns/search"
)

// partQuery is how the logged models or the traces of experiments are searched: R is where one
// lies, T what it is.
type partQuery[R, T any] struct {
	plan plan
	refs func(records.ExperimentRef) ([]R, error)
	// match opens one, says whether the query selects it, and gives what it is ordered by.
	match func(context.Context, R) (search.Key, bool, error)
	read  func(context.Context, R) (T, error)
	// problem is what is told of one that match or read could not read.
	problem  func(R, error) mlruns.Problem
	problems *records.Problems
	reads    []string      // for the Scan
	opened   *atomic.Int64 // files, by match
}

type partFound[R any] struct {
	ref R
	key search.Key
	ok  bool
}

// find gives the places of all that the query selects, in its order.
func (q partQuery[R, T]) find(ctx context.Context, parallelism int, experiments []records.ExperimentRef) ([]R, mlruns.Scan, error) {
	var refs []R
	for _, e := range experiments {
		list, err := q.refs(e)
		if err != nil {
			return nil, mlruns.Scan{}, err
		}
		refs = append(refs, list...)
	}
	looking, stop := context.WithCancel(ctx)
	look := func(ref R) (partFound[R], error) {
		key, ok, err := q.match(looking, ref)
		return partFound[R]{ref, key, ok}, q.tell(looking, ref, err)
	}
	var found []partFound[R]
	for f, err := range parallel.Map(parallelism, refs, look, stop) {
		if ctx.Err() != nil {
			return nil, mlruns.Scan{}, ctx.Err()
		}
		if err != nil && !errors.Is(err, errTold) {
			return nil, mlruns.Scan{}, err
		}
		if err == nil && f.ok {
			found = append(found, f)
		}
	}
	slices.SortStableFunc(found, func(a, b partFound[R]) int { return q.plan.order.Compare(a.key, b.key) })
	places := make([]R, len(found))
	for i, f := range found {
		places[i] = f.ref
	}
	return places, mlruns.Scan{Reads: q.reads, Opened: int(q.opened.Load()), Scanned: len(refs), Matched: len(found)}, nil
}

// errTold is an error that has been told as a problem, or that of what has gone since it was
// listed.
var errTold = errors.New("left out")

func (q partQuery[R, T]) tell(ctx context.Context, ref R, err error) error {
	if err == nil || records.EndsCall(ctx, err) {
		return err
	}
	if !vfs.IsMissing(err) {
		q.problems.Add(q.problem(ref, err))
	}
	return errTold
}

// readAll reads what was found, several at once, and yields it in its order.
func (q partQuery[R, T]) readAll(ctx context.Context, parallelism int, places []R, problemsOf func(T) []mlruns.Problem) iter.Seq2[T, error] {
	return func(yield func(T, error) bool) {
		var zero T
		reading, stop := context.WithCancel(ctx)
		read := func(ref R) (T, error) {
			t, err := q.read(reading, ref)
			return t, q.tell(reading, ref, err)
		}
		for t, err := range parallel.Map(parallelism, places, read, stop) {
			switch {
			case ctx.Err() != nil:
				yield(zero, ctx.Err())
				return
			case errors.Is(err, errTold):
				continue
			case err != nil:
				yield(zero, err)
				return
			}
			for _, p := range problemsOf(t) {
				q.problems.Add(p)
			}
			if !yield(t, nil) {
				return
			}
		}
	}
}

// page gives one page of what the query selects.
func (q partQuery[R, T]) page(ctx context.Context, s *Searcher, experiments []records.ExperimentRef, limit, offset int, problemsOf func(T) []mlruns.Problem) (list []T, next string, scan mlruns.Scan, err error) {
	places, scan, err := q.find(ctx, s.parallelism, experiments)
	if err != nil {
		return nil, "", scan, err
	}
	places, next = cutPage(places, offset, limit)
	list = []T{}
	for t, err := range q.readAll(ctx, s.parallelism, places, problemsOf) {
		if err != nil {
			return nil, "", scan, err
		}
		list = append(list, t)
	}
	scan.Returned = len(list)
	return list, next, scan, nil
}

// each yields all that the query selects, up to a number if that is not 0.
func (q partQuery[R, T]) each(ctx context.Context, s *Searcher, experiments []records.ExperimentRef, most int, problemsOf func(T) []mlruns.Problem, yield func(T, error) bool) error {
	places, _, err := q.find(ctx, s.parallelism, experiments)
	if err != nil {
		return err
	}
	if most > 0 && most < len(places) {
		places = places[:most]
	}
	for t, err := range q.readAll(ctx, s.parallelism, places, problemsOf) {
		if err != nil {
			return err
		}
		if !yield(t, nil) {
			return nil
		}
	}
	return nil
}

// named gives the experiments that a query names, each as often as it names it, or else all active
// ones. missing is told of those that are not there.
func (s *Searcher) named(ids []string, p *records.Problems, missing func(id string) error) ([]records.ExperimentRef, error) {
	if len(ids) == 0 {
		return s.find.ExperimentRefs(mlruns.ViewActive, p)
	}
	refs := make([]records.ExperimentRef, 0, len(ids))
	for _, id := range ids {
		ref, err := s.find.FindExperiment(id)
		switch {
		case err == nil:
			refs = append(refs, ref)
		case errors.Is(err, mlruns.ErrNotFound) || errors.Is(err, mlruns.ErrInvalid):
			if err := missing(id); err != nil {
				return nil, err
			}
		default:
			return nil, err
		}
	}
	return refs, nil
}
