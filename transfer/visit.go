package transfer

import (
	"context"
	"errors"
	"sync"
	"time"

	"github.com/mlruns/mlruns"
)

// visit is one experiment of the source while its runs are copied.
type visit struct {
	*copier
	pool       *pool
	experiment mlruns.Experiment
	tell       func(Item)

	placed bool
	at     place
	models *models  // nil where there are none
	late   []string // runs that refer to what is not there yet
	// matched are the runs that the filter selects, nil without one
	matched map[string]bool
}

// place finds or makes the experiment in the destination.
func (v *visit) place(ctx context.Context) error {
	if v.placed {
		return nil
	}
	v.placed = true
	it := Item{Kind: KindExperiment, Action: ActionNone, SourceID: v.experiment.ID, Name: v.experiment.Name}
	var err error
	if v.at, err = v.to.experiment(ctx, &v.experiment, &it); err != nil {
		if it.Err, v.at.blocked = err, true; v.at.id == "" {
			it.notMade()
		}
	}
	it.ID = v.at.id
	if it.Action != ActionNone || len(it.Conflicts) > 0 || !it.Whole() {
		v.tell(it)
	}
	if !v.at.blocked {
		if v.models, err = v.modelsOf(ctx, v.experiment.ID, v.at); err != nil {
			return err
		}
	}
	if v.models != nil {
		it := v.item()
		if err := v.models.removeEmpty(ctx, false, &it); err != nil {
			return err
		}
		if len(it.Removed) > 0 {
			v.tell(it)
		}
	}
	if v.q.Filter == "" && v.models != nil {
		if v.keepsIDs() {
			v.copyModels(ctx, v.models.rest(), "")
		} else {
			v.copyModels(ctx, v.models.take(""), "")
		}
	}
	return ctx.Err()
}

// item is one about the experiment.
func (v *visit) item() Item {
	return Item{Kind: KindExperiment, Action: ActionNone, SourceID: v.experiment.ID, ID: v.at.id, Name: v.experiment.Name}
}

// copyModels copies models that a run made.
func (v *visit) copyModels(ctx context.Context, list []*mlruns.LoggedModel, run string) {
	for _, m := range list {
		if ctx.Err() == nil {
			begun := time.Now()
			it := v.models.copy(ctx, m, run)
			if it.Action != ActionNone {
				v.working.add(time.Since(begun))
			}
			if v.seen == nil || it.Action != ActionNone || !it.Whole() {
				v.tell(it)
			}
		}
	}
}

// restOfModels are those whose run was not copied. With a filter they stay.
func (v *visit) restOfModels() []*mlruns.LoggedModel {
	if v.models == nil || v.q.Filter != "" {
		return nil
	}
	return v.models.rest()
}

// begin starts the copies of the experiment's runs. Those whose parent is not there yet are left
// for later.
func (v *visit) begin(ctx context.Context) error {
	if v.q.Filter == "" {
		if err := v.place(ctx); err != nil {
			return err
		}
	}
	q := mlruns.RunQuery{Experiments: []string{v.experiment.ID}, Filter: v.q.Filter, View: v.q.view(), OrderBy: []string{"attributes.start_time ASC"}, OnProblem: v.q.onProblem()}
	for r, err := range v.src.Runs(ctx, q) {
		if err != nil {
			return err
		}
		if v.q.Filter != "" {
			if v.matched == nil {
				v.matched = map[string]bool{}
			}
			v.matched[r.Info.ID] = true
		}
		if err := v.place(ctx); err != nil {
			return err
		}
		if v.at.blocked {
			return nil
		}
		if !v.keepsIDs() {
			if r, err = v.whole(ctx, r); err != nil {
				return err
			}
		}
		waits, err := v.waits(ctx, r)
		if err != nil {
			return err
		}
		if waits {
			v.late = append(v.late, r.Info.ID)
			continue
		}
		v.start(ctx, r)
	}
	return nil
}

// waits reports whether a run has a parent that is not there, or used a model that another run made
// and that is not there, or has points of one. Where ids are kept none waits.
func (v *visit) waits(ctx context.Context, r *mlruns.Run) (bool, error) {
	if v.keepsIDs() {
		return false, nil
	}
	if v.models != nil && v.models.awaitedBy(r.Info.ID) {
		return true, nil
	}
	for _, m := range r.Inputs.Models {
		if comes, err := v.comes(ctx, m.ModelID, r.Info.ID); comes || err != nil {
			return comes, err
		}
	}
	parent := r.Data.Tags[mlruns.TagParentRunID]
	if parent == "" {
		return false, nil
	}
	id, err := v.counterpart(ctx, parent)
	return id == "", err
}

func (v *visit) start(ctx context.Context, r *mlruns.Run) {
	v.pool.do(func() {
		switch {
		case ctx.Err() != nil:
		case v.seen != nil:
			v.watched(ctx, r)
		default:
			v.tell(v.run(ctx, r))
		}
	})
}

// passLate copies the runs that were left, parents first. What is left after that has a parent
// that is not copied, or belongs to a ring of parents: it is copied with the id that its parent has
// in the source, and gets the right one once that is known.
func passLate(ctx context.Context, all []*visit) error {
	for {
		started := false
		for _, v := range all {
			left := v.late
			v.late = nil
			for _, id := range left {
				r, err := v.reread(ctx, id)
				if err != nil {
					return err
				}
				if r == nil {
					continue
				}
				waits, err := v.waits(ctx, r)
				if err != nil {
					return err
				}
				if waits {
					v.late = append(v.late, id)
					continue
				}
				started = true
				v.start(ctx, r)
			}
			v.pool.wait()
		}
		for _, v := range all {
			if !started && v.models != nil && v.q.Filter == "" && len(v.late) > 0 {
				orphans := v.models.without(v.late)
				v.copyModels(ctx, orphans, "")
				started = len(orphans) > 0
			}
		}
		if !started {
			break
		}
	}
	return passOrphans(ctx, all)
}

// passOrphans copies runs whose parents, or the models of which they have points, cannot come
// first.
func passOrphans(ctx context.Context, all []*visit) error {
	for _, v := range all {
		var last []*mlruns.Run
		for _, id := range v.late {
			r, err := v.reread(ctx, id)
			if err != nil {
				return err
			}
			switch {
			case r == nil:
			case v.models != nil && v.models.awaitedBy(id):
				last = append(last, r)
			default:
				v.start(ctx, r)
			}
		}
		v.pool.wait()
		for _, r := range last { // by then a model may be there
			v.start(ctx, r)
			v.pool.wait()
		}
	}
	for _, v := range all {
		for _, id := range v.late {
			r, err := v.reread(ctx, id)
			if err != nil {
				return err
			}
			if r == nil || v.q.DryRun {
				continue
			}
			waits, err := v.waits(ctx, r)
			if err != nil {
				return err
			}
			if waits {
				continue
			}
			if it := v.run(ctx, r); it.Err != nil { // it was told of already
				v.tell(it)
			}
		}
	}
	return nil
}

// whole gives all of a run that a search gave. A server of MLflow leaves out the models that it
// used.
func (v *visit) whole(ctx context.Context, r *mlruns.Run) (*mlruns.Run, error) {
	if _, folder := v.src.(mlruns.Importer); folder {
		return r, nil
	}
	whole, err := v.reread(ctx, r.Info.ID)
	if whole == nil && err == nil { // it is gone by now
		return r, nil
	}
	return whole, err
}

// reread reads a run of the source again; nil if it is gone by now.
func (v *visit) reread(ctx context.Context, id string) (*mlruns.Run, error) {
	r, err := v.src.Run(ctx, id)
	if errors.Is(err, mlruns.ErrNotFound) || errors.Is(err, mlruns.ErrCorrupt) {
		return nil, nil
	}
	return r, err
}

// pool does some things at once.
type pool struct {
	free chan struct{}
	all  sync.WaitGroup
}

func newPool(n int) *pool { return &pool{free: make(chan struct{}, n)} }

func (p *pool) do(work func()) {
	p.free <- struct{}{}
	p.all.Go(func() {
		defer func() { <-p.free }()
		work()
	})
}

func (p *pool) wait() { p.all.Wait() }
