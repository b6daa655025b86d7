//go:build interop

package interop

import (
	"math"
	"strconv"
	"testing"
	"time"

	"github.com/mlruns/mlruns"
	"github.com/mlruns/mlruns/internal/pyfmt"
)

// told writes to a store and keeps what it was told, independent of what the store says. A call
// that fails ends the test.
type told struct {
	*mlruns.Client
	t    *testing.T
	all  snapshot
	time time.Time
}

func newTold(t *testing.T) *told {
	return &told{t: t, all: snapshot{Experiments: map[string]experiment{}, Runs: map[string]run{}, Artifacts: map[string]map[string]string{}},
		time: time.UnixMilli(1_700_000_000_000).UTC()}
}

// clock is that of the store: each look at it is a millisecond later, and the last one is
// remembered.
func (w *told) clock() time.Time {
	w.time = w.time.Add(time.Millisecond)
	return w.time
}

func (w *told) check(err error) {
	w.t.Helper()
	if err != nil {
		w.t.Fatal(err)
	}
}

func (w *told) run(id string, change func(*run)) {
	r := w.all.Runs[id]
	change(&r)
	w.all.Runs[id] = r
}

func (w *told) experiment(id string, change func(*experiment)) {
	e := w.all.Experiments[id]
	change(&e)
	w.all.Experiments[id] = e
}

func (w *told) createExperiment(spec mlruns.ExperimentSpec) string {
	w.t.Helper()
	e, err := w.CreateExperiment(w.t.Context(), spec)
	w.check(err)
	location := spec.ArtifactLocation
	if location == "" {
		location = e.ArtifactLocation // that it is below the store is a matter of other tests
	}
	now := millis(w.time)
	w.all.Experiments[e.ID] = experiment{Name: spec.Name, Location: location, Stage: "active", Tags: copyOf(spec.Tags), Created: now, Updated: now}
	return e.ID
}

// stage follows a deleted or restored experiment: its runs go with it.
func (w *told) stage(id, stage string) {
	w.experiment(id, func(e *experiment) { e.Stage, e.Updated = stage, millis(w.time) })
	for runID, r := range w.all.Runs {
		if r.Experiment == id {
			w.run(runID, func(r *run) { r.Stage = stage })
		}
	}
}

func (w *told) createRun(spec mlruns.RunSpec) string {
	w.t.Helper()
	r, err := w.CreateRun(w.t.Context(), spec)
	w.check(err)
	name, user := spec.Name, spec.User
	if name == "" {
		name = spec.Tags[mlruns.TagRunName]
	}
	if name == "" {
		name = r.Info.Name // made up
	}
	if user == "" {
		user = spec.Tags[mlruns.TagUser]
	}
	if user == "" {
		user = "unknown"
	}
	tags := copyOf(spec.Tags)
	tags[mlruns.TagRunName] = name
	w.all.Runs[r.Info.ID] = run{Experiment: spec.ExperimentID, Name: name, User: user, Status: "RUNNING", Stage: "active", Start: millis(spec.Start), URI: r.Info.ArtifactURI,
		Params: map[string]string{}, Tags: tags, Latest: map[string]point{}, History: map[string][]point{}}
	return r.Info.ID
}

func (w *told) point(id string, m mlruns.Metric) {
	w.run(id, func(r *run) {
		r.History[m.Key] = append(r.History[m.Key], pointOf(m))
		r.Latest[m.Key] = latest(r.History[m.Key])
	})
}

func (w *told) logBatch(id string, b mlruns.Batch) {
	w.t.Helper()
	w.check(w.LogBatch(w.t.Context(), id, b))
	for _, m := range b.Metrics {
		w.point(id, m)
	}
	for _, p := range b.Params {
		w.all.Runs[id].Params[p.Key] = p.Value
	}
	for _, tag := range b.Tags {
		w.all.Runs[id].Tags[tag.Key] = tag.Value
	}
}

// latest is MLflow's rule, told once more: the first of the points that no other exceeds in (step,
// time, value), where nothing exceeds NaN nor NaN anything.
func latest(points []point) point {
	best := points[0]
	for _, p := range points[1:] {
		a, b := number(p), number(best)
		if p.Step > best.Step || p.Step == best.Step && (p.Time > best.Time || p.Time == best.Time && a > b) {
			best = p
		}
	}
	return best
}

func number(p point) float64 {
	f, err := pyfmt.ParseFloat(p.Value)
	if err != nil {
		return math.NaN()
	}
	return f
}

func copyOf(m map[string]string) map[string]string {
	c := map[string]string{}
	for k, v := range m {
		c[k] = v
	}
	return c
}

func itoa(n int) string { return strconv.Itoa(n) }
