package fsck

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"iter"
	"slices"
	"strings"

	"github.com/mlruns/mlruns"
	"github.com/mlruns/mlruns/filestore/internal/locate"
	"github.com/mlruns/mlruns/filestore/internal/records"
	"github.com/mlruns/mlruns/filestore/layout"
)

// Repair is filestore's Repair of a store that may be written to.
func (c *Checker) Repair(ctx context.Context, q mlruns.RepairQuery) iter.Seq2[mlruns.Repair, error] {
	return func(yield func(mlruns.Repair, error) bool) {
		r := &repair{Checker: c, ctx: ctx, dry: q.DryRun, saved: c.newSaved(c.now()), yield: func(m mlruns.Repair) bool { return yield(m, nil) }}
		err := c.inspect(ctx, q.Progress, r.place)
		if err == nil {
			err = r.err
		}
		if err != nil {
			yield(mlruns.Repair{}, err)
		}
	}
}

// repair is one call of Repair.
type repair struct {
	*Checker
	ctx   context.Context //nolint:containedctx // it lives as long as the call that has it
	dry   bool
	saved string // the folder for originals, made when it is needed first
	yield func(mlruns.Repair) bool
	err   error // what ends the call
}

// remedy is what can be done about problems of one thing. A remedy without do is none.
type remedy struct {
	problems []mlruns.Problem
	action   string
	takes    string // the path of what goes to the saved originals, "" if nothing does
	// which may find, under the lock, that something else is to be done, and say so in action
	do  func(*remedy) error
	err error // why it cannot be done
}

// errMended is given by a remedy that finds nothing to do any more.
var errMended = errors.New("mended meanwhile")

// place repairs what was found in one place.
func (r *repair) place(f finding) bool {
	remedies := r.remedies(f)
	unlock := func() {}
	var locked error
	if !r.dry && slices.ContainsFunc(remedies, func(m remedy) bool { return m.do != nil }) {
		unlock, locked = r.lockPlace(f)
	}
	defer unlock()
	for _, m := range remedies {
		if !r.apply(f, m, cmp.Or(m.err, locked)) {
			return false
		}
	}
	return true
}

// apply does what is to be done, unless this is a dry run, and yields it.
func (r *repair) apply(f finding, m remedy, err error) bool {
	if m.do != nil && !r.dry && err == nil {
		if err = r.ownPath(f, m.takes); err == nil {
			err = m.do(&m)
		}
	}
	if records.EndsCall(r.ctx, err) {
		r.err = r.ctx.Err()
		return false
	}
	if errors.Is(err, errMended) {
		return true
	}
	for _, problem := range m.problems {
		done := mlruns.Repair{Problem: problem}
		undurable := errors.Is(err, mlruns.ErrNotDurable)
		switch {
		case m.do == nil:
			done.Repairable = false
		case err == nil, undurable:
			done.Action = m.action
			if m.takes != "" {
				done.SavedTo = layout.Join(r.saved, m.takes)
			}
			if undurable {
				done.Reason += "; mended, but a power cut may undo it: " + err.Error()
			}
		default:
			done.Reason += "; mending it failed: " + err.Error()
		}
		if !r.yield(done) {
			return false
		}
	}
	return true
}

// ownPath refuses to take a file from behind a link in the place or in the tags of an experiment:
// it may be another's.
func (r *repair) ownPath(f finding, takes string) error {
	below, ok := strings.CutPrefix(takes, f.dir()+"/")
	sub, key, inFolder := strings.Cut(below, "/")
	if !ok || !inFolder {
		return nil
	}
	return r.tree.RefuseLinks(f.dir(), sub, key)
}

// lockPlace takes the locks of a place in their order. That of the experiment keeps its folder
// where it is, and is that of its models and traces.
func (r *repair) lockPlace(f finding) (unlock func(), err error) {
	var held []locate.UnlockFunc
	unlock = func() {
		for _, u := range slices.Backward(held) {
			r.find.Unlock(u)
		}
	}
	lock := func(name string) {
		var u locate.UnlockFunc
		if err != nil {
			return
		}
		if u, err = r.locks.Lock(r.ctx, r.tree.Path(name)); err == nil {
			held = append(held, u)
		}
	}
	switch {
	case f.experiment.ID == "":
		lock(layout.Lock)
	case f.run.ID == "":
		lock(layout.ExperimentLock(f.experiment.ID))
	default:
		lock(layout.ExperimentLock(f.experiment.ID))
		is := false
		if err == nil {
			is, err = r.tree.HasDir(f.run.Dir)
		}
		if is {
			lock(layout.Join(f.run.Dir, layout.Lock))
		}
	}
	dir := f.dir()
	is := false
	if err == nil {
		is, err = r.tree.HasDir(dir)
	}
	if err == nil && !is {
		err = fmt.Errorf("%s is not there any more; it was moved while this was going on", dir)
	}
	for ; err == nil && dir != ""; dir = layout.Parent(dir) {
		err = r.tree.RefuseLink(dir)
	}
	return unlock, err
}

// remedies finds what can be done about what was found in a place. A conflict copy is merged last,
// into a file that is sound by then.
func (r *repair) remedies(f finding) []remedy {
	var first, last []remedy
	ofFile := map[string]int{} // the remedies of metric files among the first
	for _, p := range f.problems {
		i, ok := ofFile[p.Path]
		switch {
		case ok && damages[p.Kind].ofLines:
			first[i].problems = append(first[i].problems, p)
			continue
		case damages[p.Kind].ofLines:
			ofFile[p.Path] = len(first)
		}
		m := r.remedyFor(f, p)
		m.problems = []mlruns.Problem{p}
		if p.Kind == mlruns.ProblemConflict {
			last = append(last, m)
		} else {
			first = append(first, m)
		}
	}
	return append(first, last...)
}
