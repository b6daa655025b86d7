package transfer

import (
	"context"
	"errors"
	"iter"
	"sync"

	"github.com/mlruns/mlruns"
)

// workers is how many things are copied at once, as a rule.
const workers = 4

// atOnce is how many runs are copied at once. From a server more than a few would be a burden to
// it.
func (c *copier) atOnce() int {
	if many, ok := c.dst.(mlruns.ManyImporter); ok && c.merges() {
		return max(workers, many.ImportsAtOnce())
	}
	return workers
}

// copier is one copy.
type copier struct {
	dst, src   mlruns.Store
	q          Query
	to         target
	from, into *files

	mu       sync.Mutex
	ids      map[string]string // of runs, source to destination, once they are known
	modelIDs map[string]string // of models, source to destination
	// what runs looked like when they were copied; nil unless it is a watch
	seen    map[string]uint64
	working working       // of a watch
	few     chan struct{} // see oneOfFew
}

// target is how the destination takes things.
type target interface {
	// experiment finds the place of an experiment, and makes it unless it is a dry run.
	experiment(ctx context.Context, e *mlruns.Experiment, it *Item) (place, error)
	// finish ends an experiment whose runs are all there.
	finish(ctx context.Context, e *mlruns.Experiment, at place, it *Item) error
	// find gives the run of the destination that is r of the source, nil if there is none, and
	// tells of others that are r too.
	find(ctx context.Context, r *mlruns.Run, at place, it *Item) (*mlruns.Run, error)
	// known gives the id in the destination of a run of the source, "" if it is not there.
	known(ctx context.Context, id string) (string, error)
	// planned tells what create, in a dry run, would leave to be added of the run that a job wants.
	planned(j *runJob) mlruns.Run
	// create makes the run that a job wants. bare says that its points are to be added.
	create(ctx context.Context, j *runJob) (have *mlruns.Run, bare bool, err error)
	// holds takes out of what a run lacks what the destination cannot hold, and records that.
	holds(lacks *mlruns.Run, it *Item)
	// add adds what a run lacks and points, and at last what its Info says.
	add(ctx context.Context, lacks *mlruns.Run, points []mlruns.Metric, it *Item) error
	// sort orders histories of a run whose two sides have gone on differently, by their keys and
	// after how many points.
	sort(ctx context.Context, id string, forked map[string]int, it *Item) error
	// seal ends a run of which all is there, or tells in a dry run whether that would write.
	seal(ctx context.Context, j *runJob, have *mlruns.Run) error
}

// place is an experiment in the destination.
type place struct {
	id      string // "" in a dry run, where it would be made
	deleted bool
	blocked bool // nothing of it is copied
}

func newCopier(dst, src mlruns.Store, q Query) *copier {
	c := &copier{dst: dst, src: src, q: q, ids: map[string]string{}, modelIDs: map[string]string{}, few: make(chan struct{}, workers), from: runFiles(src), into: runFiles(dst)}
	if importer, ok := dst.(mlruns.Importer); ok {
		c.to = &importing{c, importer}
	} else {
		c.to = newPushing(c)
	}
	return c
}

// keepsIDs reports whether the destination is an Importer.
func (c *copier) keepsIDs() bool { _, keeps := c.to.(*importing); return keeps }

// merges reports whether both sides are folders: a history of the source then has the order in
// which it was logged, which one of a database has not.
func (c *copier) merges() bool {
	_, folder := c.src.(mlruns.Importer)
	return folder && c.keepsIDs()
}

// total is how many runs there are to look at, 0 where that is not known or nobody asks.
func (c *copier) total(ctx context.Context) (n int) {
	if c.q.Progress == nil || c.q.Filter != "" {
		return 0
	}
	for e, err := range c.experiments(ctx) {
		if err != nil {
			return 0
		}
		for _, err := range c.src.RunInfos(ctx, e.ID, c.q.view()) {
			if err != nil {
				return 0
			}
			n++
		}
	}
	return n
}

// experiments goes through those of the source that the query selects.
func (c *copier) experiments(ctx context.Context) iter.Seq2[mlruns.Experiment, error] {
	if len(c.q.Experiments) == 0 {
		return c.src.Experiments(ctx, mlruns.ExperimentQuery{View: c.q.view(), OrderBy: []string{"creation_time ASC"}, OnProblem: c.q.onProblem()})
	}
	return func(yield func(mlruns.Experiment, error) bool) {
		gone := map[string]bool{} // through: two copies of it at once would add the same
		for _, id := range c.q.Experiments {
			e, err := c.src.Experiment(ctx, id)
			if err != nil {
				yield(mlruns.Experiment{}, err)
				return
			}
			if !gone[e.ID] && !yield(*e, nil) {
				return
			}
			gone[e.ID] = true
		}
	}
}

// pass goes once through the source, some runs at a time.
func (c *copier) pass(ctx context.Context, tell func(Item)) error {
	pool := newPool(c.atOnce())
	defer pool.wait()
	var all []*visit
	for e, err := range c.experiments(ctx) {
		if err != nil {
			return err
		}
		if !c.q.view().Shows(e.Stage) {
			it := Item{Kind: KindExperiment, Action: ActionNone, SourceID: e.ID, Name: e.Name}
			it.refuse("experiment", "it is deleted, and what is deleted is to stay")
			tell(it)
			continue
		}
		v := &visit{copier: c, pool: pool, experiment: e, tell: tell}
		if err := v.begin(ctx); err != nil {
			return err
		}
		if v.placed && !v.at.blocked {
			all = append(all, v)
		}
	}
	pool.wait()
	if err := passLate(ctx, all); err != nil {
		return err
	}
	for _, v := range all {
		if err := ctx.Err(); err != nil {
			return err
		}
		v.copyModels(ctx, v.restOfModels(), "")
		if err := v.copyTraces(ctx); err != nil {
			return err
		}
		it := v.item()
		if v.models != nil && v.models.made {
			if err := v.models.removeEmpty(ctx, true, &it); err != nil {
				return err
			}
		}
		if err := c.to.finish(ctx, &v.experiment, v.at, &it); err != nil {
			return err
		}
		if len(it.Removed) > 0 {
			tell(it)
		}
	}
	return nil
}

// oneOfFew waits until less than workers are between it and end. It is for what only few runs may
// do at once, whatever atOnce says: histories of both sides that differ are held in memory, and
// adding to a run waits for locks, which have a time limit.
func (c *copier) oneOfFew(ctx context.Context) (end func(), err error) {
	select {
	case c.few <- struct{}{}:
		return func() { <-c.few }, nil
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

// copied notes the id of a run in the destination.
func (c *copier) copied(source, destination string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.ids[source] = destination
}

// counterpart gives the id in the destination of a run of the source, "" if it is not there.
func (c *copier) counterpart(ctx context.Context, id string) (string, error) {
	c.mu.Lock()
	known, ok := c.ids[id]
	c.mu.Unlock()
	if ok {
		return known, nil
	}
	known, err := c.to.known(ctx, id)
	if errors.Is(err, mlruns.ErrNotFound) || errors.Is(err, mlruns.ErrInvalid) || errors.Is(err, mlruns.ErrCorrupt) {
		return "", nil
	}
	if err == nil && known != "" {
		c.copied(id, known)
	}
	return known, err
}
