package query

import (
	"cmp"
	"context"
	"errors"
	"sync"
	"sync/atomic"

	"github.com/mlruns/mlruns"
	"github.com/mlruns/mlruns/filestore/internal/records"
	"github.com/mlruns/mlruns/filestore/layout"
	"github.com/mlruns/mlruns/internal/vfs"
)

// match gives the first runs that a query selects, in its order and as many as limit says.
func (s *Searcher) match(ctx context.Context, q mlruns.RunQuery, limit int, c *session, p *records.Problems) ([]candidate, mlruns.Scan, error) {
	pl, err := planRuns(q)
	if err != nil {
		return nil, mlruns.Scan{}, err
	}
	refs, err := s.queried(q, p)
	if err != nil {
		return nil, mlruns.Scan{}, err
	}
	scan := &scan{search: s, session: c, plan: pl, problems: p, found: topK{order: pl.order, limit: limit}}
	for _, e := range refs {
		if err := scan.experiment(ctx, e); err != nil {
			return nil, mlruns.Scan{}, err
		}
	}
	found := scan.found.sorted()
	reportSameIDs(found, p)
	c.asksFor(pl.reads())
	return found, mlruns.Scan{Reads: pl.reads(), Opened: int(scan.opened.Load() + c.read()), Scanned: int(scan.scanned.Load()), Matched: scan.found.offered}, nil
}

// queried gives the experiments a query is about, each once. Ids of which there is no experiment
// have no runs.
func (s *Searcher) queried(q mlruns.RunQuery, p *records.Problems) ([]records.ExperimentRef, error) {
	var refs []records.ExperimentRef
	seen := map[string]bool{}
	if len(q.Experiments) == 0 {
		view := mlruns.ViewAll
		if q.View == mlruns.ViewActive {
			view = mlruns.ViewActive
		}
		all, err := s.find.ExperimentRefs(view, p)
		for _, ref := range all {
			if !seen[ref.ID] {
				seen[ref.ID] = true
				refs = append(refs, ref)
			}
		}
		return refs, err
	}
	for _, id := range q.Experiments {
		ref, err := s.find.FindExperiment(id)
		switch {
		case errors.Is(err, mlruns.ErrNotFound) || seen[id]:
		case err != nil:
			return nil, err
		default:
			seen[id] = true
			refs = append(refs, ref)
		}
	}
	return refs, nil
}

// scan goes through the runs of experiments with several goroutines.
type scan struct {
	search   *Searcher
	session  *session
	plan     plan
	problems *records.Problems

	scanned, opened atomic.Int64
	found           topK

	failed atomic.Bool
	mu     sync.Mutex
	err    error // what ends the call
}

// end takes the error that ends the call, if it is one, and reports whether there is one by now.
func (sc *scan) end(ctx context.Context, err error) bool {
	if err = records.CallError(ctx, err); err == nil {
		return sc.failed.Load()
	}
	sc.mu.Lock()
	defer sc.mu.Unlock()
	if sc.err == nil {
		sc.err = err
	}
	sc.failed.Store(true)
	return true
}

// experiment scans one experiment. What cannot be read is a problem; the only error is one of the
// call, see records.CallError.
func (sc *scan) experiment(ctx context.Context, e records.ExperimentRef) error {
	e, runs, f, err := sc.runs(e)
	if vfs.IsMissing(err) {
		return ctx.Err()
	}
	if err != nil {
		return sc.problems.Unreadable(ctx, mlruns.ProblemUnreadable, e.Dir, err)
	}
	defer f.Close()
	part := sc.session.part(e.Dir)
	name := sync.OnceValue(func() string {
		experiment, _, err := sc.search.records.ExperimentDocument(ctx, e)
		if err != nil {
			sc.end(ctx, sc.problems.Unreadable(ctx, mlruns.ProblemUnreadableMeta, layout.Join(e.Dir, layout.Meta), err))
		}
		return experiment.Name
	})
	spans, columns := runs.spans(), sc.plan.reads()
	left := runs.left()
	var next atomic.Int64
	var workers sync.WaitGroup
	for range min(sc.search.parallelism, len(spans)) {
		workers.Go(func() {
			r := &runRecord{ctx: ctx, search: sc.search, experiment: f, experimentName: name, problems: sc.problems, needs: sc.plan.needs, opened: &sc.opened,
				cached: cachedRun{session: sc.session, row: part.Cursor(), columns: columns, through: throughFolders(sc.plan.needs)}}
			if r.cached.reading = f; sc.session != nil {
				r.cached.reading = vfs.Noting(f, r.cached.note)
			}
			defer func() { sc.session.count(r.hits, r.cached.looks) }()
			for i := next.Add(1) - 1; int(i) < len(spans); i = next.Add(1) - 1 {
				sc.scanned.Add(int64(spans[i].to - spans[i].from))
				for ref := range runs.in(spans[i], e, r.cached.row) {
					if ctx.Err() != nil || sc.end(ctx, sc.run(ref, r)) {
						return
					}
				}
				left.leave(spans[i], part, r.cached.row)
			}
		})
	}
	workers.Wait()
	return cmp.Or(ctx.Err(), sc.err)
}

// run tests one run with a record that is used again for the next. The only error is one of the
// call.
func (sc *scan) run(ref records.RunRef, r *runRecord) error {
	info, err := r.readInfo(ref)
	defer r.cached.commit(ref)
	if err != nil || !sc.plan.view.Shows(info.Stage) {
		return records.CallError(r.ctx, err)
	}
	r.reset(ref, info)
	if !sc.plan.filter.Match(r) {
		return r.err
	}
	r.key = sc.plan.order.KeyInto(r.key, r)
	if r.ctx.Err() != nil || r.err != nil {
		return r.err // a value may be missing only because the time was up
	}
	r.key = sc.found.offer(candidate{ref, r.key, r.cached.looked, r.cached.served})
	return nil
}
