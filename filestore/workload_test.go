package filestore_test

import (
	"context"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"

	"github.com/mlruns/mlruns"
	"github.com/mlruns/mlruns/filestore"
)

// workload is a random mix of all writes by one writer to things of its own, in a store that it may
// share. It needs no store to go on: one with the same seed gives the same steps, so that a process
// can do them and another know, step by step, what the store must say.
type workload struct {
	rng    *rand.Rand
	prefix string // of all its ids and names
	local  string // a folder for files to be logged, "" leaves such steps out
	favour string // a kind of step to come every other time
	n      int

	facts       facts
	promised    promises
	experiments []*ownExperiment
	runs        []*ownRun
}

// facts is what a store says, one fact a key: "e/<id>/name", "r/<id>/tag/<key>" and so on. A metric
// is its points, a line each.
type facts map[string]string

type ownExperiment struct {
	id      string
	deleted bool
}

type ownRun struct {
	id         string
	experiment *ownExperiment // nil: one that the workload does not own, and so never deletes
	deleted    bool
	ended      bool
}

// step is one call and the facts that it changes. Each fact changes for itself, unless the step is
// whole.
type step struct {
	kind  string
	do    func(context.Context, *filestore.Store) error
	to    facts
	gone  []string
	whole bool
	then  func() // to what the workload knows of its experiments and runs
	run   *ownRun
}

func newWorkload(seed uint64, prefix, local string) *workload {
	return &workload{rng: rand.New(rand.NewPCG(seed, 0)), prefix: prefix, local: local, facts: facts{}, promised: newPromises()}
}

// next draws a step. The caller acknowledges it once it is done, before the next.
func (w *workload) next() step {
	w.n++
	kind := stepKinds[w.rng.IntN(len(stepKinds))]
	if w.favour != "" && w.rng.IntN(2) == 0 {
		kind = stepKinds[slices.IndexFunc(stepKinds, func(k stepKind) bool { return k.name == w.favour })]
	}
	s := kind.make(w)
	if s.do == nil || w.local == "" && kind.local {
		// What it needs is not there: make it.
		if s = createRun(w); w.rng.IntN(3) == 0 {
			s = createExperiment(w)
		}
		return s
	}
	s.kind = kind.name
	return s
}

// acknowledge takes a step for done.
func (w *workload) acknowledge(s step) {
	w.promised.touch(s)
	for key, value := range s.to {
		w.facts[key] = value
	}
	for _, key := range s.gone {
		delete(w.facts, key)
	}
	if s.then != nil {
		s.then()
	}
	w.promised.note(w, s)
}

// own are the facts of a store that are about the workload's things.
func (w *workload) own(all facts) facts {
	mine := facts{}
	for key, value := range all {
		if strings.HasPrefix(key[2:], w.prefix+"-") {
			mine[key] = value
		}
	}
	return mine
}

// judge compares what a store says after a crash with what was acknowledged. under is the step
// under way at the crash, if one was. What is wrong is listed.
func (w *workload) judge(said facts, under *step) (wrong []string) {
	said = w.own(said)
	changed := 0
	for _, key := range sortedKeys(w.facts, said) {
		want, acknowledged := w.facts[key]
		got, there := said[key]
		switch {
		case acknowledged == there && want == got:
		case under != nil && under.allows(key, want, got, there):
			changed++
		case w.promised.allows(key, got, there):
		case !there:
			wrong = append(wrong, fmt.Sprintf("%s is missing, acknowledged was %.80q", key, want))
		case !acknowledged:
			wrong = append(wrong, fmt.Sprintf("%s is %.80q, which was never written", key, got))
		default:
			wrong = append(wrong, fmt.Sprintf("%s is %.80q, acknowledged was %.80q", key, got, want))
		}
	}
	if under != nil && under.whole && changed != 0 && changed != len(under.to)+len(under.gone) {
		wrong = append(wrong, fmt.Sprintf("of the %d facts of %s %d are there", len(under.to), under.kind, changed))
	}
	return wrong
}

// allows reports whether a fact may be as it is because the step had begun: old, which the caller
// has looked at, or new; of points any first part.
func (s step) allows(key, old, got string, there bool) bool {
	if slices.Contains(s.gone, key) {
		return !there
	}
	after, changes := s.to[key]
	if !changes || !there {
		return false
	}
	return got == after || strings.Contains(key, "/metric/") && strings.HasPrefix(got, old) && strings.HasPrefix(after, got)
}

// name gives a name that the workload has not used before.
func (w *workload) name(kind string) string { return fmt.Sprintf("%s-%s%d", w.prefix, kind, w.n) }

// text is a value of a length that is seldom large and never seen before.
func (w *workload) text() string {
	return fmt.Sprintf("%d.", w.n) + strings.Repeat("ab", []int{0, 3, 40, 2500}[w.rng.IntN(4)])
}

// key is one of few, so that values are replaced.
func (w *workload) key() string { return []string{"a", "b", "c/d", "c/e"}[w.rng.IntN(4)] }

// experiment gives one of the workload's own.
func (w *workload) experiment(deleted bool) *ownExperiment {
	return choose(w.rng, w.experiments, func(e *ownExperiment) bool { return e.deleted == deleted })
}

func (w *workload) run(deleted bool) *ownRun {
	return choose(w.rng, w.runs, func(r *ownRun) bool { return r.deleted == deleted && (r.experiment == nil || !r.experiment.deleted) })
}

// choose draws one of those that fit, nil if there is none.
func choose[T any](rng *rand.Rand, list []*T, fits func(*T) bool) *T {
	var some []*T
	for _, x := range list {
		if fits(x) {
			some = append(some, x)
		}
	}
	if some == nil {
		return nil
	}
	return some[rng.IntN(len(some))]
}

func sortedKeys(a, b facts) []string {
	var keys []string
	for key := range a {
		keys = append(keys, key)
	}
	for key := range b {
		if _, ok := a[key]; !ok {
			keys = append(keys, key)
		}
	}
	slices.Sort(keys)
	return keys
}

// factsOf reads all of a store.
func factsOf(ctx context.Context, s *filestore.Store) (facts, error) {
	all := facts{}
	for e, err := range s.Experiments(ctx, mlruns.ExperimentQuery{View: mlruns.ViewAll}) {
		if err != nil {
			return nil, err
		}
		at := "e/" + e.ID + "/"
		all[at+"name"], all[at+"stage"] = e.Name, string(e.Stage)
		for key, value := range e.Tags {
			all[at+"tag/"+key] = value
		}
	}
	for r, err := range s.Runs(ctx, mlruns.RunQuery{View: mlruns.ViewAll}) {
		if err != nil {
			return nil, err
		}
		if err := addRun(ctx, s, all, r); err != nil {
			return nil, fmt.Errorf("run %s: %w", r.Info.ID, err)
		}
	}
	return all, nil
}
