package query

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"slices"

	"github.com/mlruns/mlruns"
	"github.com/mlruns/mlruns/filestore/internal/index"
	"github.com/mlruns/mlruns/filestore/internal/records"
	"github.com/mlruns/mlruns/internal/failure"
	"github.com/mlruns/mlruns/internal/parallel"
	"github.com/mlruns/mlruns/internal/vfs"
	"github.com/mlruns/mlruns/search"
)

// RunPage gives one page of a query.
func (s *Searcher) RunPage(ctx context.Context, q mlruns.RunQuery) (*mlruns.RunPage, error) {
	limit, offset, err := pageOf(q.MaxResults, q.PageToken)
	if err != nil {
		return nil, err
	}
	p := &records.Problems{Report: q.OnProblem, Explained: s.find.ArtifactAreas(ctx).Explain}
	atMost := unlimited
	if offset < unlimited-limit {
		atMost = offset + limit + 1 // the one more tells whether there is a next page
	}
	c := s.begin()
	defer c.end()
	found, report, err := s.match(ctx, q, atMost, c, p)
	if err != nil {
		return nil, err
	}
	page := &mlruns.RunPage{Runs: []*mlruns.Run{}, Scan: report}
	found, page.NextPageToken = cutPage(found, offset, limit)
	for run, err := range s.readAll(ctx, found, c, p) {
		if err != nil {
			return nil, err
		}
		page.Runs = append(page.Runs, run)
	}
	page.Scan.Returned = len(page.Runs)
	c.report(&page.Scan)
	page.Problems = p.Sorted()
	return page, nil
}

var errNoPages = failure.Invalid("Invalid value for parameter 'page_token' supplied: one scan has no pages")

// EachRun yields all runs of a query in one scan.
func (s *Searcher) EachRun(ctx context.Context, q mlruns.RunQuery, yield func(*mlruns.Run, error) bool) error {
	if q.PageToken != "" {
		return errNoPages
	}
	if _, _, err := pageOf(q.MaxResults, ""); err != nil {
		return err
	}
	c := s.begin()
	defer c.end()
	return s.eachOf(ctx, q, c, yield)
}

func (s *Searcher) eachOf(ctx context.Context, q mlruns.RunQuery, c *session, yield func(*mlruns.Run, error) bool) error {
	p := s.find.ProblemsFor(q.OnProblem)
	limit := unlimited
	if q.MaxResults > 0 {
		limit = q.MaxResults
	}
	found, _, err := s.match(ctx, q, limit, c, p)
	if err != nil {
		return err
	}
	for run, err := range s.readAll(ctx, found, c, p) {
		if err != nil {
			return err
		}
		if !yield(run, nil) {
			return nil
		}
	}
	return nil
}

// readAll reads runs whole, several at once, and yields them in their order. One that has gone
// since it was found is left out; damage goes to p and to the run.
func (s *Searcher) readAll(ctx context.Context, found []candidate, c *session, p *records.Problems) iter.Seq2[*mlruns.Run, error] {
	return func(yield func(*mlruns.Run, error) bool) {
		for some := range slices.Chunk(found, readChunk) {
			for run, err := range s.readSome(ctx, some, c, p) {
				if !yield(run, err) || err != nil {
					return
				}
			}
		}
	}
}

const (
	// readChunk is for how many runs the index is read at once.
	readChunk = 4096
	// fillSize is how many of them one goroutine takes at once at most: that is quickly done, where
	// looks are.
	fillSize = 16
)

// readRun is a run that was found and read, or why it was not.
type readRun struct {
	run *mlruns.Run
	err error
}

func (s *Searcher) readSome(ctx context.Context, found []candidate, c *session, p *records.Problems) iter.Seq2[*mlruns.Run, error] {
	return func(yield func(*mlruns.Run, error) bool) {
		reading, stop := context.WithCancel(ctx)
		folders := openFolders{tree: s.tree, all: map[string]vfs.Folder{}}
		defer folders.close()
		rows, size := c.rows(found), 1
		if rows != nil {
			size = max(1, min(fillSize, len(found)/s.parallelism))
		}
		chunk := func(from int) ([]readRun, error) {
			list := make([]readRun, min(size, len(found)-from))
			var cells []index.Cell
			for i := range list {
				if rows != nil {
					cells = rows[from+i].Cells(cells)
				}
				list[i].run, list[i].err = s.readFound(reading, found[from+i], c, &folders, cells)
				if err := list[i].err; err != nil && records.EndsCall(reading, err) {
					return list[:i], err
				}
			}
			return list, nil
		}
		for list, err := range parallel.Map(s.parallelism, starts(len(found), size), chunk, stop) {
			for _, r := range list {
				var lost *foundError
				switch {
				case r.err == nil:
				case errors.As(r.err, &lost):
					p.Add(lost.problem)
					continue
				default:
					continue // gone
				}
				for _, problem := range r.run.Problems {
					p.Add(problem)
				}
				if !yield(r.run, nil) {
					return
				}
			}
			if err != nil {
				yield(nil, records.CallError(ctx, err))
				return
			}
		}
	}
}

// starts are those of pieces of a length.
func starts(n, size int) []int {
	list := make([]int, 0, n/size+1)
	for i := 0; i < n; i += size {
		list = append(list, i)
	}
	return list
}

// foundError is a run that was damaged after it was found.
type foundError struct{ problem mlruns.Problem }

func (e *foundError) Error() string { return e.problem.String() }

func (s *Searcher) readFound(ctx context.Context, found candidate, c *session, folders *openFolders, cells []index.Cell) (*mlruns.Run, error) {
	if len(cells) > 0 {
		if run, err := s.fill(ctx, c, found, folders.of(found.ref.Experiment), cells); run != nil || err != nil {
			return run, err
		}
	}
	ref := found.ref
	experiment := folders.of(ref.Experiment)
	reader, k := *s.records, (*keeper)(nil)
	if c != nil && (!c.index.Served || found.served.known()) {
		k = newKeeper(c, ref, experiment)
		k.served = found.served
		reader.Note = k.note
	}
	run, links, err := reader.RunWithLinks(ctx, ref, s.datasets(c, experiment))
	if err == nil {
		k.keep(run, links)
	}
	if vfs.IsMissing(err) { // its experiment may have moved
		run, err = s.find.Run(ctx, ref.ID)
	}
	if err == nil || records.EndsCall(ctx, err) || errors.Is(err, mlruns.ErrNotFound) {
		return run, err
	}
	return nil, &foundError{records.ProblemOf(mlruns.ProblemUnreadableMeta, ref.Dir, err)}
}

// pageOf checks the page that a query asks for.
func pageOf(maxResults int, token string) (limit, offset int, err error) {
	if maxResults < 0 {
		return 0, 0, failure.Invalid(fmt.Sprintf("Invalid value %d for parameter 'max_results' supplied. It must be a positive integer", maxResults))
	}
	if maxResults > mlruns.MaxResultsLimit {
		return 0, 0, failure.Invalid(fmt.Sprintf("Invalid value for request parameter max_results. It must be at most %d, but got value %d",
			mlruns.MaxResultsLimit, maxResults))
	}
	if maxResults == 0 {
		maxResults = mlruns.DefaultMaxResults
	}
	offset, err = search.DecodeToken(token)
	return maxResults, offset, queryError(err)
}

func cutPage[T any](found []T, offset, limit int) (page []T, next string) {
	offset = min(offset, len(found))
	end := min(offset+limit, len(found))
	if end < len(found) {
		next = search.EncodeToken(end)
	}
	return found[offset:end], next
}

// queryError gives an error of the query language its sentinel and code.
func queryError(err error) error {
	if err == nil {
		return nil
	}
	return &failure.Reason{Kind: mlruns.ErrInvalid, Text: err.Error(), Cause: err}
}
