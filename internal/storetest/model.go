package storetest

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"testing"
	"time"

	gocmp "github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"pgregory.net/rapid"

	"github.com/mlruns/mlruns"
)

// RunModel does random sequences of operations to a store and to maps, and compares what they
// answer. open gives a new and empty store and what closes it. A failure prints the operations and
// the seed with which -rapid.seed repeats it.
func RunModel(t *testing.T, open func() (mlruns.Store, func())) {
	rapid.Check(t, func(t *rapid.T) {
		store, done := open()
		defer done()
		m := &model{ctx: context.Background(), store: store, runs: map[string]*modelRun{},
			experiments: map[string]*modelExperiment{mlruns.DefaultExperimentID: {name: "Default", tags: map[string]string{}}}}
		t.Repeat(map[string]func(*rapid.T){
			"CreateExperiment":  m.createExperiment,
			"RenameExperiment":  m.renameExperiment,
			"DeleteExperiment":  m.deleteExperiment,
			"RestoreExperiment": m.restoreExperiment,
			"SetExperimentTag":  m.setExperimentTag,
			"CreateRun":         m.createRun,
			"UpdateRun":         m.updateRun,
			"DeleteRun":         m.deleteRun,
			"RestoreRun":        m.restoreRun,
			"LogMetrics":        m.logMetrics,
			"LogParam":          m.logParam,
			"SetTag":            m.setTag,
			"DeleteTag":         m.deleteTag,
			"LogBatch":          m.logBatch,
			"":                  m.compareOne,
		})
		m.compare(t)
		if v, ok := store.(mlruns.Verifier); ok {
			for p, err := range v.Verify(m.ctx, mlruns.VerifyQuery{}) {
				// the model logs what was drawn twice
				if err != nil || p.Kind != mlruns.ProblemDuplicateLine {
					t.Errorf("Verify: %v %v", p, err)
				}
			}
		}
	})
}

// model is what a store must answer, in maps.
type model struct {
	ctx         context.Context
	store       mlruns.Store
	experiments map[string]*modelExperiment
	runs        map[string]*modelRun
	touched     string // the run written to last
}

type modelExperiment struct {
	name    string
	deleted bool
	tags    map[string]string
}

type modelRun struct {
	experiment, name string
	status           mlruns.Status
	deleted          bool
	start            time.Time
	params, tags     map[string]string
	metrics          map[string][]mlruns.Metric
}

// Few names, so that operations meet. Each draw makes its generator: rapid.Generator is not safe
// for tests that run in parallel.

func experimentIDs() *rapid.Generator[string] {
	return rapid.SampledFrom([]string{"0", "e1", "e2", "e3"})
}
func experimentNames() *rapid.Generator[string] {
	return rapid.SampledFrom([]string{"Default", "one", "two", "three"})
}
func runIDs() *rapid.Generator[string] {
	return rapid.SampledFrom([]string{"r1", "r2", "r3", "r4", "r5"})
}
func modelKeys() *rapid.Generator[string] {
	return rapid.SampledFrom([]string{"a", "b", "c/d", "c/e", "f"})
}
func modelValues() *rapid.Generator[string] {
	return rapid.SampledFrom([]string{"", "1", "two\n", "dréi"})
}

func statuses() *rapid.Generator[mlruns.Status] {
	return rapid.SampledFrom([]mlruns.Status{0, mlruns.StatusRunning, mlruns.StatusFinished, mlruns.StatusFailed})
}

func modelMetrics() *rapid.Generator[mlruns.Metric] {
	return rapid.Custom(func(t *rapid.T) mlruns.Metric {
		return mlruns.Metric{Key: modelKeys().Draw(t, "key"), Value: rapid.SampledFrom([]float64{nan, inf, -1, 0, 1, 2.5}).Draw(t, "value"),
			Step: rapid.Int64Range(-2, 2).Draw(t, "step"), Time: at(rapid.Int64Range(1, 3).Draw(t, "time"))}
	})
}

// agree checks that a call failed with the sentinel that the model expects, nil for a success. It
// gives true for a success.
func agree(t *rapid.T, err, want error) bool {
	if !errors.Is(err, want) {
		t.Fatalf("got error %v, want %v", err, want)
	}
	return want == nil
}

func (m *model) nameTaken(name string) error {
	for _, e := range m.experiments {
		if e.name == name {
			return mlruns.ErrExists
		}
	}
	return nil
}

func (m *model) createExperiment(t *rapid.T) {
	id, name := experimentIDs().Draw(t, "id"), experimentNames().Draw(t, "name")
	want := m.nameTaken(name)
	if m.experiments[id] != nil {
		want = mlruns.ErrExists
	}
	_, err := m.store.CreateExperiment(m.ctx, mlruns.ExperimentSpec{ID: id, Name: name, Tags: map[string]string{"made": name}})
	if agree(t, err, want) {
		m.experiments[id] = &modelExperiment{name: name, tags: map[string]string{"made": name}}
	}
}

func (m *model) renameExperiment(t *rapid.T) {
	id, name := experimentIDs().Draw(t, "id"), experimentNames().Draw(t, "name")
	e, want := m.experiments[id], m.nameTaken(name)
	switch {
	case e == nil:
		want = mlruns.ErrNotFound
	case want == nil && e.deleted:
		want = mlruns.ErrNotActive
	}
	if agree(t, m.store.RenameExperiment(m.ctx, id, name), want) {
		e.name = name
	}
}

func (m *model) deleteExperiment(t *rapid.T) {
	id := experimentIDs().Draw(t, "id")
	e := m.experiments[id]
	var want error
	switch {
	case id == mlruns.DefaultExperimentID:
		want = mlruns.ErrInvalid
	case e == nil || e.deleted:
		want = mlruns.ErrNotFound
	}
	if agree(t, m.store.DeleteExperiment(m.ctx, id), want) {
		e.deleted = true
		m.setStages(id, true)
	}
}

func (m *model) restoreExperiment(t *rapid.T) {
	id := experimentIDs().Draw(t, "id")
	e := m.experiments[id]
	var want error
	if e == nil || !e.deleted {
		want = mlruns.ErrNotFound
	}
	if agree(t, m.store.RestoreExperiment(m.ctx, id), want) {
		e.deleted = false
		m.setStages(id, false)
	}
}

func (m *model) setStages(experiment string, deleted bool) {
	for _, r := range m.runs {
		if r.experiment == experiment {
			r.deleted = deleted
		}
	}
}

func (m *model) setExperimentTag(t *rapid.T) {
	id, key, value := experimentIDs().Draw(t, "id"), modelKeys().Draw(t, "key"), modelValues().Draw(t, "value")
	e := m.experiments[id]
	var want error
	switch {
	case e == nil:
		want = mlruns.ErrNotFound
	case e.deleted:
		want = mlruns.ErrNotActive
	}
	if agree(t, m.store.SetExperimentTag(m.ctx, id, key, value), want) {
		e.tags[key] = value
	}
}

func (m *model) createRun(t *rapid.T) {
	id, experiment := runIDs().Draw(t, "id"), experimentIDs().Draw(t, "experiment")
	start := at(rapid.Int64Range(1, 3).Draw(t, "start"))
	e := m.experiments[experiment]
	var want error
	switch {
	case m.runs[id] != nil:
		want = mlruns.ErrExists
	case e == nil:
		want = mlruns.ErrNotFound
	case e.deleted:
		want = mlruns.ErrNotActive
	}
	_, err := m.store.CreateRun(m.ctx, mlruns.RunSpec{ID: id, ExperimentID: experiment, Name: "name", Start: start})
	if agree(t, err, want) {
		m.runs[id] = &modelRun{experiment: experiment, name: "name", status: mlruns.StatusRunning, start: start,
			params: map[string]string{}, tags: map[string]string{mlruns.TagRunName: "name"}, metrics: map[string][]mlruns.Metric{}}
		m.touched = id
	}
}

// draw gives a run and what a write to it must say.
func (m *model) draw(t *rapid.T) (id string, r *modelRun, want error) {
	id = runIDs().Draw(t, "run")
	r = m.runs[id]
	switch {
	case r == nil:
		return id, nil, mlruns.ErrNotFound
	case r.deleted:
		return id, r, mlruns.ErrNotActive
	}
	m.touched = id
	return id, r, nil
}

func (m *model) updateRun(t *rapid.T) {
	id, r, want := m.draw(t)
	u := mlruns.RunUpdate{Status: statuses().Draw(t, "status"), Name: rapid.SampledFrom([]string{"", "other"}).Draw(t, "name")}
	if !agree(t, m.store.UpdateRun(m.ctx, id, u), want) {
		return
	}
	if u.Status != 0 {
		r.status = u.Status
	}
	if u.Name != "" {
		r.name, r.tags[mlruns.TagRunName] = u.Name, u.Name
	}
}

func (m *model) deleteRun(t *rapid.T) {
	id, r, want := m.draw(t)
	if want == mlruns.ErrNotActive {
		want = nil
	}
	if agree(t, m.store.DeleteRun(m.ctx, id), want) {
		r.deleted = true
	}
}

func (m *model) restoreRun(t *rapid.T) {
	id, r, want := m.draw(t)
	if want == mlruns.ErrNotActive {
		want = nil
	}
	if agree(t, m.store.RestoreRun(m.ctx, id), want) {
		r.deleted = false
	}
}

func (m *model) logMetrics(t *rapid.T) {
	id, r, want := m.draw(t)
	for _, p := range rapid.SliceOfN(modelMetrics(), 1, 4).Draw(t, "metrics") {
		if agree(t, m.store.LogMetric(m.ctx, id, p), want) {
			r.metrics[p.Key] = append(r.metrics[p.Key], p)
		}
	}
}

func (m *model) logParam(t *rapid.T) {
	id, r, want := m.draw(t)
	key, value := modelKeys().Draw(t, "key"), modelValues().Draw(t, "value")
	if want == nil {
		if old, ok := r.params[key]; ok && old != value {
			want = mlruns.ErrInvalid
		}
	}
	if agree(t, m.store.LogParam(m.ctx, id, key, value), want) {
		r.params[key] = value
	}
}

func (m *model) setTag(t *rapid.T) {
	id, r, want := m.draw(t)
	key, value := modelKeys().Draw(t, "key"), modelValues().Draw(t, "value")
	if agree(t, m.store.SetTag(m.ctx, id, key, value), want) {
		r.tags[key] = value
	}
}

func (m *model) deleteTag(t *rapid.T) {
	id, r, want := m.draw(t)
	key := modelKeys().Draw(t, "key")
	if want == nil {
		if _, ok := r.tags[key]; !ok {
			want = mlruns.ErrNotFound
		}
	}
	if agree(t, m.store.DeleteTag(m.ctx, id, key), want) {
		delete(r.tags, key)
	}
}

func (m *model) logBatch(t *rapid.T) {
	id, r, want := m.draw(t)
	b := mlruns.Batch{Metrics: rapid.SliceOfN(modelMetrics(), 0, 5).Draw(t, "metrics")}
	params := rapid.MapOfN(modelKeys(), modelValues(), 0, 3).Draw(t, "params")
	for _, key := range slices.Sorted(maps.Keys(params)) {
		b.Params = append(b.Params, mlruns.Param{Key: key, Value: params[key]})
		if want != nil {
			continue
		}
		if old, ok := r.params[key]; ok && old != params[key] {
			want = mlruns.ErrInvalid
		}
	}
	if name := rapid.SampledFrom([]string{"", "of the batch"}).Draw(t, "name"); name != "" {
		b.Tags = []mlruns.Tag{{Key: "t", Value: "v"}, {Key: mlruns.TagRunName, Value: name}}
	}
	if !agree(t, m.store.LogBatch(m.ctx, id, b), want) {
		return
	}
	maps.Copy(r.params, params)
	for _, p := range b.Metrics {
		r.metrics[p.Key] = append(r.metrics[p.Key], p)
	}
	for _, tag := range b.Tags {
		r.tags[tag.Key] = tag.Value
		r.name = b.Tags[1].Value
	}
}

func (m *model) diff(t *rapid.T, what string, got, want any) {
	if d := gocmp.Diff(want, got, cmpopts.EquateNaNs(), cmpopts.EquateEmpty()); d != "" {
		t.Fatalf("%s (-want +got):\n%s", what, d)
	}
}

// compareOne compares the run written to last; it comes after every operation.
func (m *model) compareOne(t *rapid.T) {
	if r := m.runs[m.touched]; r != nil {
		m.compareRun(t, m.touched, r)
	}
}

func (m *model) compareRun(t *rapid.T, id string, r *modelRun) {
	got, err := m.store.Run(m.ctx, id)
	if err != nil {
		t.Fatalf("run %s: %v", id, err)
	}
	want := mlruns.Run{
		Info: mlruns.RunInfo{ID: id, Name: r.name, ExperimentID: r.experiment, User: "unknown", Status: r.status, Start: r.start, Deleted: got.Info.Deleted,
			ArtifactURI: got.Info.ArtifactURI, Stage: stageOf(r.deleted)},
		Data: mlruns.RunData{Metrics: map[string]mlruns.Metric{}, Params: r.params, Tags: r.tags},
	}
	if got.Info.Deleted.IsZero() == r.deleted {
		t.Fatalf("run %s: stage %s with time of deletion %v", id, got.Info.Stage, got.Info.Deleted)
	}
	for key, points := range r.metrics {
		want.Data.Metrics[key] = latest(points)
		var history []mlruns.Metric
		for p, err := range m.store.MetricHistory(m.ctx, id, key, mlruns.HistoryQuery{}) {
			if err != nil {
				t.Fatalf("history %s %s: %v", id, key, err)
			}
			history = append(history, p)
		}
		m.diff(t, "history "+id+" "+key, history, points)
	}
	m.diff(t, "run "+id, *got, want)
}

// latest is the rule in the words of its documentation, not of Metric.After.
func latest(points []mlruns.Metric) mlruns.Metric {
	best := points[0]
	for _, p := range points[1:] {
		if cmp.Or(cmp.Compare(p.Step, best.Step), p.Time.Compare(best.Time)) > 0 ||
			p.Step == best.Step && p.Time.Equal(best.Time) && p.Value > best.Value {
			best = p
		}
	}
	return best
}

func stageOf(deleted bool) mlruns.LifecycleStage {
	if deleted {
		return mlruns.StageDeleted
	}
	return mlruns.StageActive
}

// compare compares everything.
func (m *model) compare(t *rapid.T) {
	for id, r := range m.runs {
		m.compareRun(t, id, r)
	}
	for id, want := range m.experiments {
		got, err := m.store.Experiment(m.ctx, id)
		if err != nil {
			t.Fatalf("experiment %s: %v", id, err)
		}
		m.diff(t, "experiment "+id, []any{got.Name, got.Stage, got.Tags}, []any{want.name, stageOf(want.deleted), want.tags})
	}
	for _, view := range []mlruns.View{mlruns.ViewActive, mlruns.ViewDeleted, mlruns.ViewAll} {
		page, err := m.store.SearchRuns(m.ctx, mlruns.RunQuery{View: view})
		if err != nil {
			t.Fatal(err)
		}
		m.diff(t, fmt.Sprint("runs of view ", view), ids(page.Runs), m.order(view))
		experiments, err := m.store.SearchExperiments(m.ctx, mlruns.ExperimentQuery{View: view})
		if err != nil {
			t.Fatal(err)
		}
		n := 0
		for _, e := range m.experiments {
			if view.Shows(stageOf(e.deleted)) {
				n++
			}
		}
		m.diff(t, fmt.Sprint("number of experiments of view ", view), len(experiments.Experiments), n)
	}
}

// order gives the ids of the runs that a view shows, newest first. A search of active runs leaves
// out deleted experiments, and their runs are active only where they were restored alone.
func (m *model) order(view mlruns.View) string {
	var list []*mlruns.Run
	for id, r := range m.runs {
		if view.Shows(stageOf(r.deleted)) && !(view == mlruns.ViewActive && m.experiments[r.experiment].deleted) {
			list = append(list, &mlruns.Run{Info: mlruns.RunInfo{ID: id, Start: r.start}})
		}
	}
	slices.SortFunc(list, func(a, b *mlruns.Run) int {
		return cmp.Or(b.Info.Start.Compare(a.Info.Start), cmp.Compare(a.Info.ID, b.Info.ID))
	})
	return ids(list)
}
