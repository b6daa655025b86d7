package filestoretest

import (
	"context"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"

	"github.com/mlruns/mlruns"
	"github.com/mlruns/mlruns/filestore"
)

// Workload is a random mix of all writes by one writer to things of its own, in a store that it may
// share. It needs no store to go on: one with the same seed gives the same steps, so that a process
// can do them and another know, step by step, what the store must say.
type Workload struct {
	rng    *rand.Rand
	Prefix string // of all its ids and names
	local  string // a folder for files to be logged, "" leaves such steps out
	Favour string // a kind of step to come every other time
	N      int

	facts       Facts
	Promised    promises
	Experiments []*ownExperiment
	Runs        []*ownRun

	models, traces []*ownPart
}

// Facts is what a store says, one fact a key: "e/<id>/name", "r/<id>/tag/<key>" and so on. A metric
// is its points, a line each.
type Facts map[string]string

type ownExperiment struct {
	ID      string
	deleted bool
}

type ownRun struct {
	ID         string
	experiment *ownExperiment // nil: one that the workload does not own, and so never deletes
	deleted    bool
	Ended      bool
}

// Step is one call and the facts that it changes. Each fact changes for itself, unless the Step is
// whole.
type Step struct {
	Kind  string
	Do    func(context.Context, *filestore.Store) error
	To    Facts
	gone  []string
	whole bool
	then  func() // to what the workload knows of its experiments and runs
	Run   *ownRun
}

func NewWorkload(seed uint64, prefix, local string) *Workload {
	return &Workload{rng: rand.New(rand.NewPCG(seed, 0)), Prefix: prefix, local: local, facts: Facts{}, Promised: newPromises()}
}

// Next draws a step. The caller acknowledges it once it is done, before the Next.
func (w *Workload) Next() Step {
	w.N++
	kind := StepKinds[w.rng.IntN(len(StepKinds))]
	if w.Favour != "" && w.rng.IntN(2) == 0 {
		kind = StepKinds[slices.IndexFunc(StepKinds, func(k stepKind) bool { return k.Name == w.Favour })]
	}
	s := kind.make(w)
	if s.Do == nil || w.local == "" && kind.local {
		// What it needs is not there: make it.
		if s = createRun(w); w.rng.IntN(3) == 0 {
			s = createExperiment(w)
		}
		return s
	}
	s.Kind = kind.Name
	return s
}

// Acknowledge takes a step for done.
func (w *Workload) Acknowledge(s Step) {
	w.Promised.Touch(s)
	for key, value := range s.To {
		w.facts[key] = value
	}
	for _, key := range s.gone {
		delete(w.facts, key)
	}
	if s.then != nil {
		s.then()
	}
	w.Promised.note(w, s)
}

// own are the facts of a store that are about the workload's things.
func (w *Workload) own(all Facts) Facts {
	mine := Facts{}
	for key, value := range all {
		if strings.HasPrefix(key[2:], w.Prefix+"-") {
			mine[key] = value
		}
	}
	return mine
}

// Judge compares what a store says after a crash with what was acknowledged. under is the step
// under way at the crash, if one was. What is wrong is listed.
func (w *Workload) Judge(said Facts, under *Step) (wrong []string) {
	said = w.own(said)
	changed := 0
	for _, key := range SortedKeys(w.facts, said) {
		want, acknowledged := w.facts[key]
		got, there := said[key]
		switch {
		case acknowledged == there && want == got:
		case under != nil && under.allows(key, want, got, there):
			changed++
		case w.Promised.allows(key, got, there):
		case !there:
			wrong = append(wrong, fmt.Sprintf("%s is missing, acknowledged was %.80q", key, want))
		case !acknowledged:
			wrong = append(wrong, fmt.Sprintf("%s is %.80q, which was never written", key, got))
		default:
			wrong = append(wrong, fmt.Sprintf("%s is %.80q, acknowledged was %.80q", key, got, want))
		}
	}
	if under != nil && under.whole && changed != 0 && changed != len(under.To)+len(under.gone) {
		wrong = append(wrong, fmt.Sprintf("of the %d facts of %s %d are there", len(under.To), under.Kind, changed))
	}
	return wrong
}

// allows reports whether a fact may be as it is because the step had begun: old, which the caller
// has looked at, or new; of points any first part.
func (s Step) allows(key, old, got string, there bool) bool {
	if slices.Contains(s.gone, key) {
		return !there
	}
	after, changes := s.To[key]
	if !changes || !there {
		return false
	}
	return got == after || strings.Contains(key, "/metric/") && strings.HasPrefix(got, old) && strings.HasPrefix(after, got)
}

// name gives a name that the workload has not used before.
func (w *Workload) name(kind string) string { return fmt.Sprintf("%s-%s%d", w.Prefix, kind, w.N) }

// text is a value of a length that is seldom large and never seen before.
func (w *Workload) text() string {
	return fmt.Sprintf("%d.", w.N) + strings.Repeat("ab", []int{0, 3, 40, 2500}[w.rng.IntN(4)])
}

// key is one of few, so that values are replaced.
func (w *Workload) key() string { return []string{"a", "b", "c/d", "c/e"}[w.rng.IntN(4)] }

// experiment gives one of the workload's own.
func (w *Workload) experiment(deleted bool) *ownExperiment {
	return choose(w.rng, w.Experiments, func(e *ownExperiment) bool { return e.deleted == deleted })
}

func (w *Workload) run(deleted bool) *ownRun {
	return choose(w.rng, w.Runs, func(r *ownRun) bool { return r.deleted == deleted && (r.experiment == nil || !r.experiment.deleted) })
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

func SortedKeys(a, b Facts) []string {
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

// FactsOf reads all of a store.
func FactsOf(ctx context.Context, s *filestore.Store) (Facts, error) {
	all := Facts{}
	var experiments []string
	for e, err := range s.Experiments(ctx, mlruns.ExperimentQuery{View: mlruns.ViewAll}) {
		if err != nil {
			return nil, err
		}
		experiments = append(experiments, e.ID)
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
	return all, addModelsAndTraces(ctx, s, all, experiments)
}
