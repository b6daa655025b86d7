package remote_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"testing"

	"github.com/mlruns/mlruns"
	"github.com/mlruns/mlruns/filestore"
	"github.com/mlruns/mlruns/internal/proof"
	"github.com/mlruns/mlruns/remote"
)

// faults are what can happen to a request. certain says that nothing was done, so that even what
// adds may be sent again.
var faults = []struct {
	name    string
	do      fault
	certain bool
}{
	{"cut before", cutBefore, false},
	{"answer lost after the commit", cutAfter, false},
	{"answer cut in the middle", cutAnswer, false},
	{"500", says(500), false},
	{"502", says(502), false},
	{"504", says(504), false},
	{"503", says(503), true},
	{"429", says(429, "Retry-After", "0"), true},
	{"500 after the commit", saysAfter(500), false},
	{"502 after the commit", saysAfter(502), false},
}

// world is a folder, a server over it, a proxy before that, and a store that asks the proxy.
type world struct {
	*testing.T
	ctx    context.Context
	folder *filestore.Store
	proxy  *proxy
	store  *remote.Store
	// of the folder
	run, model, experiment string
}

func newWorld(t *testing.T, plain bool, opts ...remote.Option) *world {
	t.Helper()
	w := &world{T: t, ctx: t.Context(), folder: inMemory(t)}
	w.proxy = newProxy(t, serve(t, w.folder))
	w.proxy.plain = plain
	w.store = open(t, w.proxy.URL, opts...)
	w.experiment = must(w.folder.CreateExperiment(w.ctx, mlruns.ExperimentSpec{Name: "one"}))(w).ID
	w.run = must(w.folder.CreateRun(w.ctx, mlruns.RunSpec{ExperimentID: w.experiment}))(w).Info.ID
	w.model = must(w.folder.CreateLoggedModel(w.ctx, mlruns.ModelSpec{ExperimentID: w.experiment, Tags: map[string]string{"old": "1"}}))(w).ID
	for i := range 3 {
		w.check(w.folder.LogMetric(w.ctx, w.run, mlruns.Metric{Key: "old", Value: float64(i), Step: int64(i)}))
	}
	w.check(w.folder.SetTag(w.ctx, w.run, "old", "1"))
	w.check(w.folder.WriteArtifact(w.ctx, w.run, "old.txt", strings.NewReader("old")))
	must(w.folder.StartTrace(w.ctx, mlruns.Trace{ID: "tr-1", ExperimentID: w.experiment, Start: someTime, Tags: map[string]string{"old": "1"}}))(w)
	must(w.folder.CreateAssessment(w.ctx, "tr-1", json.RawMessage(oldAssessment)))(w)
	w.check(w.folder.SetExperimentTag(w.ctx, w.experiment, "old", "1"))
	// what a store asks once is asked now
	must(w.store.CreateRun(w.ctx, mlruns.RunSpec{ExperimentID: mlruns.DefaultExperimentID}))(w)
	return w
}

func must[T any](v T, err error) func(*world) T {
	return func(w *world) T {
		w.Helper()
		w.check(err)
		return v
	}
}

func (w *world) check(err error) {
	w.Helper()
	if err != nil {
		w.Fatal(err)
	}
}

func (w *world) read() *mlruns.Run { w.Helper(); return must(w.folder.Run(w.ctx, w.run))(w) }

func (w *world) points(key string) (n int) {
	w.Helper()
	for _, err := range w.folder.MetricHistory(w.ctx, w.run, key, mlruns.HistoryQuery{}) {
		w.check(err)
		n++
	}
	return n
}

func count(b bool) int {
	if b {
		return 1
	}
	return 0
}

// calls are all that change a store: done counts how often the folder shows the effect, 0 or 1
// where it may not be doubled.
var calls = []struct {
	name string
	adds bool
	// unsure says that on a server that chooses ids a lost answer leaves it open who did it.
	unsure bool
	// plain says that the requests are others where the server chooses ids.
	plain  bool
	before func(*world) error
	do     func(*world) error
	done   func(*world) int
}{
	{name: "CreateExperiment", unsure: true, plain: true, do: func(w *world) error {
		_, err := w.store.CreateExperiment(w.ctx, mlruns.ExperimentSpec{Name: "two"})
		return err
	}, done: func(w *world) int {
		_, err := w.folder.ExperimentByName(w.ctx, "two")
		return count(err == nil)
	}},
	{name: "RenameExperiment", do: func(w *world) error { return w.store.RenameExperiment(w.ctx, w.experiment, "three") }, done: func(w *world) int {
		return count(must(w.folder.Experiment(w.ctx, w.experiment))(w).Name == "three")
	}},
	{name: "DeleteExperiment", do: func(w *world) error { return w.store.DeleteExperiment(w.ctx, w.experiment) }, done: func(w *world) int {
		return count(must(w.folder.Experiment(w.ctx, w.experiment))(w).Stage == mlruns.StageDeleted)
	}},
	{name: "RestoreExperiment", before: func(w *world) error { return w.folder.DeleteExperiment(w.ctx, w.experiment) },
		do: func(w *world) error { return w.store.RestoreExperiment(w.ctx, w.experiment) }, done: func(w *world) int {
			return count(must(w.folder.Experiment(w.ctx, w.experiment))(w).Stage == mlruns.StageActive)
		}},
	{name: "SetExperimentTag", do: func(w *world) error { return w.store.SetExperimentTag(w.ctx, w.experiment, "k", "v") }, done: func(w *world) int {
		return count(must(w.folder.Experiment(w.ctx, w.experiment))(w).Tags["k"] == "v")
	}},
	{name: "DeleteExperimentTag", do: func(w *world) error { return w.store.DeleteExperimentTag(w.ctx, w.experiment, "old") }, done: func(w *world) int {
		return count(must(w.folder.Experiment(w.ctx, w.experiment))(w).Tags["old"] == "")
	}},
	{name: "CreateRun", plain: true, do: func(w *world) error {
		_, err := w.store.CreateRun(w.ctx, mlruns.RunSpec{ExperimentID: w.experiment, Name: "made"})
		return err
	}, done: func(w *world) int {
		runs := must(w.folder.SearchRuns(w.ctx, mlruns.RunQuery{Experiments: []string{w.experiment}, Filter: "attributes.run_name = 'made'"}))(w).Runs
		for _, r := range runs {
			if len(runs) == 1 && len(r.Data.Tags) != 1 {
				w.Errorf("the run has the tags %v, want its name alone", r.Data.Tags)
			}
		}
		return len(runs)
	}},
	{name: "UpdateRun", do: func(w *world) error { return w.store.UpdateRun(w.ctx, w.run, mlruns.RunUpdate{Name: "new"}) }, done: func(w *world) int {
		return count(w.read().Info.Name == "new")
	}},
	{name: "EndRun", do: func(w *world) error { return w.store.EndRun(w.ctx, w.run, mlruns.StatusFailed, someTime) }, done: func(w *world) int {
		return count(w.read().Info.Status == mlruns.StatusFailed && w.read().Info.End.Equal(someTime))
	}},
	{name: "DeleteRun", do: func(w *world) error { return w.store.DeleteRun(w.ctx, w.run) }, done: func(w *world) int {
		return count(w.read().Info.Stage == mlruns.StageDeleted)
	}},
	{name: "RestoreRun", before: func(w *world) error { return w.folder.DeleteRun(w.ctx, w.run) }, do: func(w *world) error { return w.store.RestoreRun(w.ctx, w.run) }, done: func(w *world) int {
		return count(w.read().Info.Stage == mlruns.StageActive)
	}},
	{name: "LogMetric", adds: true, do: func(w *world) error {
		return w.store.LogMetric(w.ctx, w.run, mlruns.Metric{Key: "m", Value: 1, Time: someTime})
	}, done: func(w *world) int { return w.points("m") }},
	{name: "LogParam", do: func(w *world) error { return w.store.LogParam(w.ctx, w.run, "p", "v") }, done: func(w *world) int {
		return count(w.read().Data.Params["p"] == "v")
	}},
	{name: "SetTag", do: func(w *world) error { return w.store.SetTag(w.ctx, w.run, "k", "v") }, done: func(w *world) int { return count(w.read().Data.Tags["k"] == "v") }},
	{name: "DeleteTag", do: func(w *world) error { return w.store.DeleteTag(w.ctx, w.run, "old") }, done: func(w *world) int { return count(w.read().Data.Tags["old"] == "") }},
	{name: "LogBatch with metrics", adds: true, do: func(w *world) error {
		return w.store.LogBatch(w.ctx, w.run, mlruns.Batch{Metrics: []mlruns.Metric{{Key: "m", Value: 1, Time: someTime}}, Params: []mlruns.Param{{Key: "p", Value: "v"}}})
	}, done: func(w *world) int { return w.points("m") }},
	{name: "LogBatch without", do: func(w *world) error {
		return w.store.LogBatch(w.ctx, w.run, mlruns.Batch{Params: []mlruns.Param{{Key: "p", Value: "v"}}, Tags: []mlruns.Tag{{Key: "k", Value: "v"}}})
	}, done: func(w *world) int { return count(w.read().Data.Params["p"] == "v" && w.read().Data.Tags["k"] == "v") }},
	{name: "LogInputs", do: func(w *world) error {
		return w.store.LogInputs(w.ctx, w.run, mlruns.Inputs{Datasets: []mlruns.DatasetInput{{Dataset: mlruns.Dataset{Name: "d", Digest: "1", SourceType: "local", Source: "x"}}}})
	}, done: func(w *world) int { return len(w.read().Inputs.Datasets) }},
	{name: "LogOutputs", do: func(w *world) error {
		return w.store.LogOutputs(w.ctx, w.run, mlruns.Outputs{Models: []mlruns.ModelOutput{{ModelID: "m-1", Step: 2}}})
	}, done: func(w *world) int { return len(w.read().Outputs.Models) }},
	{name: "RecordLoggedModel", adds: true, do: func(w *world) error {
		return w.store.RecordLoggedModel(w.ctx, w.run, mlruns.ModelRecord{ArtifactPath: "a", Created: someTime})
	}, done: func(w *world) int { return count(w.read().Data.Tags[mlruns.TagModelHistory] != "") }},
	{name: "CreateLoggedModel", plain: true, do: func(w *world) error {
		_, err := w.store.CreateLoggedModel(w.ctx, mlruns.ModelSpec{ExperimentID: w.experiment, Name: "made"})
		return err
	}, done: func(w *world) int {
		models := must(w.folder.SearchLoggedModels(w.ctx, mlruns.ModelQuery{Experiments: []string{w.experiment}, Filter: "name = 'made'"}))(w).Models
		for _, m := range models {
			if len(models) == 1 && len(m.Tags) > 0 {
				w.Errorf("the model has the tags %v, want none", m.Tags)
			}
		}
		return len(models)
	}},
	{name: "FinalizeLoggedModel", do: func(w *world) error {
		_, err := w.store.FinalizeLoggedModel(w.ctx, w.model, mlruns.ModelReady)
		return err
	}, done: func(w *world) int {
		return count(must(w.folder.LoggedModel(w.ctx, w.model))(w).Status == mlruns.ModelReady)
	}},
	{name: "DeleteLoggedModel", do: func(w *world) error { return w.store.DeleteLoggedModel(w.ctx, w.model) }, done: func(w *world) int {
		_, err := w.folder.LoggedModel(w.ctx, w.model)
		return count(errors.Is(err, mlruns.ErrNotFound))
	}},
	{name: "SetLoggedModelTags", do: func(w *world) error { return w.store.SetLoggedModelTags(w.ctx, w.model, map[string]string{"k": "v"}) },
		done: func(w *world) int { return count(must(w.folder.LoggedModel(w.ctx, w.model))(w).Tags["k"] == "v") }},
	{name: "DeleteLoggedModelTag", do: func(w *world) error { return w.store.DeleteLoggedModelTag(w.ctx, w.model, "old") },
		done: func(w *world) int { return count(must(w.folder.LoggedModel(w.ctx, w.model))(w).Tags["old"] == "") }},
	{name: "LogLoggedModelParams", do: func(w *world) error { return w.store.LogLoggedModelParams(w.ctx, w.model, map[string]string{"k": "v"}) },
		done: func(w *world) int { return count(must(w.folder.LoggedModel(w.ctx, w.model))(w).Params["k"] == "v") }},
	{name: "StartTrace", do: func(w *world) error {
		_, err := w.store.StartTrace(w.ctx, mlruns.Trace{ID: "tr-2", ExperimentID: w.experiment, Start: someTime})
		return err
	}, done: func(w *world) int {
		_, err := w.folder.Trace(w.ctx, "tr-2")
		return count(err == nil)
	}},
	{name: "SetTraceTag", do: func(w *world) error { return w.store.SetTraceTag(w.ctx, "tr-1", "k", "v") }, done: func(w *world) int {
		return count(must(w.folder.Trace(w.ctx, "tr-1"))(w).Tags["k"] == "v")
	}},
	{name: "DeleteTraceTag", do: func(w *world) error { return w.store.DeleteTraceTag(w.ctx, "tr-1", "old") }, done: func(w *world) int {
		return count(must(w.folder.Trace(w.ctx, "tr-1"))(w).Tags["old"] == "")
	}},
	{name: "DeleteTraces", do: func(w *world) error {
		_, err := w.store.DeleteTraces(w.ctx, mlruns.TraceDeletion{ExperimentID: w.experiment, IDs: []string{"tr-1"}})
		return err
	}, done: func(w *world) int {
		_, err := w.folder.Trace(w.ctx, "tr-1")
		return count(errors.Is(err, mlruns.ErrNotFound))
	}},
	{name: "EndTrace", do: func(w *world) error {
		_, err := w.store.EndTrace(w.ctx, "tr-1", mlruns.TraceEnd{State: mlruns.TraceError, End: someTime, Tags: map[string]string{"k": "v"}})
		return err
	}, done: func(w *world) int {
		t := must(w.folder.Trace(w.ctx, "tr-1"))(w)
		return count(t.State == mlruns.TraceError && t.Tags["k"] == "v")
	}},
	{name: "CreateAssessment", unsure: true, plain: true, do: func(w *world) error {
		_, err := w.store.CreateAssessment(w.ctx, "tr-1", json.RawMessage(`{"assessment_name":"new","feedback":{"value":1}}`))
		return err
	}, done: func(w *world) int { return len(must(w.folder.Trace(w.ctx, "tr-1"))(w).Assessments) - 1 }},
	{name: "UpdateAssessment", do: func(w *world) error {
		_, err := w.store.UpdateAssessment(w.ctx, "tr-1", "a-old", json.RawMessage(`{"rationale":"new"}`))
		return err
	}, done: func(w *world) int {
		return strings.Count(string(must(w.folder.Assessment(w.ctx, "tr-1", "a-old"))(w)), `"new"`)
	}},
	{name: "DeleteAssessment", do: func(w *world) error { return w.store.DeleteAssessment(w.ctx, "tr-1", "a-old") }, done: func(w *world) int {
		return count(len(must(w.folder.Trace(w.ctx, "tr-1"))(w).Assessments) == 0)
	}},
	{name: "ImportTrace", plain: true, do: func(w *world) error {
		_, err := w.store.ImportTrace(w.ctx, mlruns.Trace{ID: "tr-2", ExperimentID: w.experiment, Start: someTime, Assessments: []json.RawMessage{json.RawMessage(oldAssessment)}})
		return err
	}, done: func(w *world) int {
		t, err := w.folder.Trace(w.ctx, "tr-2")
		return count(err == nil && len(t.Assessments) == 1)
	}},
	{name: "AddToTrace", do: func(w *world) error {
		return w.store.AddToTrace(w.ctx, mlruns.Trace{ID: "tr-1", Tags: map[string]string{"k": "v"}, Metadata: map[string]string{"m": "v"}})
	}, done: func(w *world) int {
		t := must(w.folder.Trace(w.ctx, "tr-1"))(w)
		return count(t.Tags["k"] == "v" && t.Metadata["m"] == "v")
	}},
	{name: "WriteTraceArtifact", before: located, do: func(w *world) error {
		return w.store.WriteTraceArtifact(w.ctx, "tr-1", "traces.json", strings.NewReader(`{"spans":[]}`))
	}, done: func(w *world) int { return len(must(w.folder.TraceArtifacts(w.ctx, "tr-1", ""))(w)) }},
	{name: "WriteArtifact", before: located, do: func(w *world) error { return w.store.WriteArtifact(w.ctx, w.run, "a/b.txt", strings.NewReader("text")) },
		done: func(w *world) int { return count(w.artifact("a/b.txt") == "text") }},
	{name: "WriteModelArtifact", before: located, do: func(w *world) error {
		return w.store.WriteModelArtifact(w.ctx, w.model, "b.txt", onlyReader{strings.NewReader("text")})
	},
		done: func(w *world) int { return len(must(w.folder.ModelArtifacts(w.ctx, w.model, ""))(w)) }},
	{name: "DeleteArtifacts", before: located, do: func(w *world) error { return w.store.DeleteArtifacts(w.ctx, w.run, "old.txt") }, done: func(w *world) int {
		return count(w.artifact("old.txt") == "")
	}},
}

// located has the store know where the artifacts are.
func located(w *world) error {
	_, err := w.store.ArtifactRoot(w.ctx, w.run)
	_, failed := w.store.ModelArtifactRoot(w.ctx, w.model)
	_, without := w.store.TraceArtifacts(w.ctx, "tr-1", "")
	return errors.Join(err, failed, without)
}

// oldAssessment is one that a trace has.
const oldAssessment = `{"assessment_id":"a-old","assessment_name":"old","feedback":{"value":1}}`

// onlyReader hides that a reader can do more.
type onlyReader struct{ io.Reader }

// artifact gives the content of a file of the run, "" if there is none.
func (w *world) artifact(name string) string {
	w.Helper()
	f, err := w.folder.OpenArtifact(w.ctx, w.run, name)
	if errors.Is(err, mlruns.ErrNotFound) {
		return ""
	}
	w.check(err)
	defer f.Close()
	return string(must(io.ReadAll(f))(w))
}

// TestEveryFault has every request of every call met by every fault. The call succeeds and its
// effect is there once; or it was one that adds, the error is ErrUnconfirmed, and the effect is
// there once or not at all.
func TestEveryFault(t *testing.T) {
	for _, plain := range []bool{false, true} {
		for _, c := range calls {
			if plain && !c.plain {
				continue // the same requests
			}
			t.Run(fmt.Sprintf("%s/ids chosen by the server %v", c.name, plain), func(t *testing.T) {
				t.Parallel()
				for _, f := range proof.Sample(t, faults) {
					for i := 0; ; i++ {
						w := newWorld(t, plain)
						if c.before != nil {
							w.check(c.before(w))
						}
						w.proxy.arm(i, f.do)
						err := c.do(w)
						met := w.proxy.met()
						w.proxy.arm(-2, nil)
						what := fmt.Sprintf("%s at request %d", f.name, i)
						n := c.done(w)
						switch {
						case err == nil && n == 1:
						case errors.Is(err, mlruns.ErrUnconfirmed) && n <= 1 && (c.adds && !f.certain || c.unsure && plain && !f.certain):
							if safe := errors.Is(err, mlruns.ErrBusy); safe {
								t.Errorf("%s: %v says that calling again does no harm", what, err)
							}
						default:
							t.Errorf("%s: %v, and the effect is there %d times; requests %v", what, err, n, w.proxy.requests())
						}
						if !met {
							break
						}
					}
				}
			})
		}
	}
}

// TestDoubledByAProxy has a request sent twice by who stands between: what is told apart by an id
// or a key is there once.
func TestDoubledByAProxy(t *testing.T) {
	for _, c := range calls {
		if c.adds {
			continue // nothing tells the second from another point of the same value
		}
		w := newWorld(t, false)
		if c.before != nil {
			w.check(c.before(w))
		}
		w.proxy.arm(0, twice)
		err := c.do(w)
		w.proxy.arm(-2, nil)
		if n := c.done(w); err != nil || n != 1 {
			t.Errorf("%s: %v, and the effect is there %d times", c.name, err, n)
		}
	}
}

// TestServerIsAway has every request of every call fail: the error says that calling again does no
// harm where that is so, and nothing is done.
func TestServerIsAway(t *testing.T) {
	for _, f := range []struct {
		name string
		do   fault
		sure bool
	}{{"cut", cutBefore, false}, {"503", says(503), true}, {"502", says(502), false}} {
		for _, c := range calls {
			w := newWorld(t, false)
			if c.before != nil {
				w.check(c.before(w))
			}
			w.proxy.arm(-1, f.do)
			err := c.do(w)
			tries := len(w.proxy.requests())
			w.proxy.arm(-2, nil)
			want := []error{mlruns.ErrBusy}
			if !f.sure {
				want = []error{mlruns.ErrUnconfirmed, mlruns.ErrBusy}
				if c.adds {
					want = []error{mlruns.ErrUnconfirmed}
				}
			}
			for _, kind := range []error{mlruns.ErrBusy, mlruns.ErrUnconfirmed} {
				if errors.Is(err, kind) != slices.Contains(want, kind) {
					t.Errorf("%s, %s: %v: is %v %v", c.name, f.name, err, kind, errors.Is(err, kind))
				}
			}
			if wantTries := map[bool]int{false: 6, true: 1}[c.adds && !f.sure]; tries < wantTries {
				t.Errorf("%s, %s: %d tries, want %d", c.name, f.name, tries, wantTries)
			}
			if n := c.done(w); n != 0 {
				t.Errorf("%s, %s: done %d times", c.name, f.name, n)
			}
		}
	}
}
