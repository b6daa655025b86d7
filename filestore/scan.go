package filestore

import (
	"context"
	"errors"
	"sync"
	"sync/atomic"

	"github.com/mlruns/mlruns"
	"github.com/mlruns/mlruns/filestore/layout"
)

// match gives the first runs that a query selects, in its order and as many as limit says.
func (s *Store) match(ctx context.Context, q mlruns.RunQuery, limit int, p *problems) ([]candidate, mlruns.Scan, error) {
	pl, err := planRuns(q)
	if err != nil {
		return nil, mlruns.Scan{}, err
	}
	refs, err := s.queried(q, p)
	if err != nil {
		return nil, mlruns.Scan{}, err
	}
	scan := &scan{store: s, plan: pl, problems: p, found: best{order: pl.order, limit: limit}}
	for _, e := range refs {
		if err := scan.experiment(ctx, e); err != nil {
			return nil, mlruns.Scan{}, err
		}
	}
	found := scan.found.sorted()
	reportSameIDs(found, p)
	return found, mlruns.Scan{Reads: pl.reads(), Opened: int(scan.opened.Load()), Scanned: int(scan.scanned.Load()), Matched: scan.found.offered}, nil
}

// queried gives the experiments a query is about, each once. Ids of which there is no experiment have no runs.
func (s *Store) queried(q mlruns.RunQuery, p *problems) ([]experimentRef, error) {
	var refs []experimentRef
	seen := map[string]bool{}
	if q.Experiments == nil {
		view := mlruns.ViewAll
		if q.View == mlruns.ViewActive {
			view = mlruns.ViewActive
		}
		all, err := s.experimentRefs(view, p)
		for _, ref := range all {
			if !seen[ref.id] {
				seen[ref.id] = true
				refs = append(refs, ref)
			}
		}
		return refs, err
	}
	for _, id := range q.Experiments {
		ref, err := s.findExperiment(id)
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
	store    *Store
	plan     plan
	problems *problems

	scanned, opened atomic.Int64
	found           best
}

// experiment scans one experiment. What cannot be read is a problem; the only error is the end of ctx.
func (sc *scan) experiment(ctx context.Context, e experimentRef) error {
	e, refs, f, err := sc.store.openRuns(e, sc.problems)
	if err != nil {
		if !isMissing(err) {
			sc.problems.add(problemOf(mlruns.ProblemUnreadable, e.dir, err))
		}
		return ctx.Err()
	}
	defer closeQuietly(f)
	name := sync.OnceValue(func() string {
		experiment, _, err := sc.store.readExperimentOnly(ctx, e)
		if err != nil && ctx.Err() == nil {
			sc.problems.add(problemOf(mlruns.ProblemUnreadableMeta, layout.Join(e.dir, layout.Meta), err))
		}
		return experiment.Name
	})
	var next atomic.Int64
	var workers sync.WaitGroup
	for range min(sc.store.parallelism, len(refs)) {
		workers.Go(func() {
			r := &runRecord{ctx: ctx, store: sc.store, experiment: f, experimentName: name, problems: sc.problems, needs: sc.plan.needs, opened: &sc.opened}
			for {
				i := int(next.Add(1)) - 1
				if i >= len(refs) || ctx.Err() != nil {
					return
				}
				sc.run(refs[i], r)
			}
		})
	}
	workers.Wait()
	return ctx.Err()
}

// run tests one run with a record that is used again for the next.
func (sc *scan) run(ref runRef, r *runRecord) {
	sc.scanned.Add(1)
	sc.opened.Add(1)
	info, err := sc.store.listedRun(r.ctx, r.experiment, ref, sc.problems)
	if err != nil || !sc.plan.view.Shows(info.Stage) {
		return
	}
	r.reset(ref, info)
	if !sc.plan.filter.Match(r) {
		return
	}
	r.key = sc.plan.order.KeyInto(r.key, r)
	if r.ctx.Err() != nil {
		return // a value may be missing only because the time was up
	}
	r.key = sc.found.offer(candidate{ref: ref, key: r.key})
}
