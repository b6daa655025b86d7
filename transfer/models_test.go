package transfer_test

import (
	"context"
	"fmt"
	"iter"
	"math"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/mlruns/mlruns"
	"github.com/mlruns/mlruns/filestore"
	"github.com/mlruns/mlruns/remote"
	"github.com/mlruns/mlruns/transfer"
)

// fillModels makes a store with models: one that a run made and another run evaluated, one that
// nobody made.
func fillModels(t testing.TB, s *filestore.Store) {
	t.Helper()
	ctx := context.Background()
	// The one that uses the model began before the one that made it.
	must(t, errOf(s.CreateRun(ctx, mlruns.RunSpec{ID: "uses", Name: "uses", Start: at(1)})), errOf(s.CreateRun(ctx, mlruns.RunSpec{ID: "makes", Name: "makes", Start: at(2)})))
	for _, spec := range []mlruns.ModelSpec{
		{ID: "m-made", Name: "made", Type: "agent", SourceRunID: "makes", Params: map[string]string{"depth": "3"}, Tags: map[string]string{"k": "v"}}, {ID: "m-alone", Name: "alone"},
	} {
		must(t, errOf(s.CreateLoggedModel(ctx, spec)), s.WriteModelArtifact(ctx, spec.ID, "MLmodel", strings.NewReader(spec.Name)))
	}
	must(t, errOf(s.FinalizeLoggedModel(ctx, "m-made", mlruns.ModelReady)))
	must(t, s.LogOutputs(ctx, "makes", mlruns.Outputs{Models: []mlruns.ModelOutput{{ModelID: "m-made", Step: 7}}}), s.LogInputs(ctx, "uses", mlruns.Inputs{Models: []mlruns.ModelInput{{ModelID: "m-made"}}}))
	for i := range int64(3) {
		p := point("acc", float64(i), i)
		p.ModelID = "m-made"
		must(t, s.LogMetric(ctx, "makes", p))
	}
	must(t, s.EndRun(ctx, "uses", 0, at(9)), s.EndRun(ctx, "makes", 0, at(9)))
}

// modelsIn is all that a store says of its models, by name.
func modelsIn(t testing.TB, s *filestore.Store) map[string]any {
	t.Helper()
	ctx := context.Background()
	all := map[string]any{}
	for m, err := range s.LoggedModels(ctx, mlruns.ModelQuery{View: mlruns.ViewAll}) {
		must(t, err)
		var points []string
		for p, err := range s.ModelPoints(ctx, m.ID) {
			must(t, err)
			points = append(points, fmt.Sprint(p.Key, p.Time.UnixMilli(), p.Value, p.Step, p.RunID))
		}
		slices.Sort(points)
		all["points of "+m.Name] = points
		m.ArtifactLocation = ""
		all[m.Name] = *m
		if m.Stage == mlruns.StageActive {
			list, err := s.ModelArtifacts(ctx, m.ID, "")
			must(t, err)
			all["files of "+m.Name] = list
		}
	}
	return all
}

// Models come along with runs: in folders as they are, their histories too.
func TestMergeModels(t *testing.T) {
	ctx := context.Background()
	src, dst := open(t), open(t)
	fillModels(t, src)
	items := copyAll(t, dst, src, transfer.Query{})
	if diff := cmp.Diff(modelsIn(t, src), modelsIn(t, dst)); diff != "" {
		t.Errorf("(-source +destination):\n%s", diff)
	}
	if it := items["model m-made"]; it.Action != transfer.ActionCreated || it.Points != 3 || it.Files != 1 || !it.Whole() {
		t.Errorf("%+v", it)
	}
	sound(t, dst)
	for key, it := range copyAll(t, dst, src, transfer.Query{}) {
		if it.Action != transfer.ActionNone || !it.Whole() {
			t.Errorf("copied twice, %s: %+v", key, it)
		}
	}
	p := point("acc", 9, 9)
	p.ModelID = "m-made"
	must(t, src.LogMetric(ctx, "makes", p), src.SetLoggedModelTags(ctx, "m-made", map[string]string{"new": "1", "k": "w"}), errOf(src.FinalizeLoggedModel(ctx, "m-alone", mlruns.ModelFailed)))
	must(t, src.WriteModelArtifact(ctx, "m-made", "more", strings.NewReader("more")))
	items = copyAll(t, dst, src, transfer.Query{})
	if it := items["model m-made"]; it.Action != transfer.ActionUnited || it.Points != 1 || it.Tags != 1 || it.Files != 1 || len(it.Conflicts) != 1 || it.Conflicts[0].Field != "tags.k" {
		t.Errorf("%+v", it)
	}
	copyAll(t, dst, src, transfer.Query{Prefer: transfer.PreferSource})
	if diff := cmp.Diff(modelsIn(t, src), modelsIn(t, dst)); diff != "" {
		t.Errorf("united (-source +destination):\n%s", diff)
	}
	must(t, dst.LogLoggedModelParams(ctx, "m-made", map[string]string{"depth": "4"})) // a param is never replaced
	it := copyAll(t, dst, src, transfer.Query{Prefer: transfer.PreferSource})["model m-made"]
	if diff := cmp.Diff([]transfer.Conflict{{Field: "params.depth", Source: "3", Destination: "4"}}, it.Conflicts); diff != "" || it.Action != transfer.ActionNone {
		t.Errorf("%+v\n%s", it, diff)
	}
	must(t, dst.LogLoggedModelParams(ctx, "m-made", map[string]string{"depth": "3"}))
	must(t, src.DeleteLoggedModel(ctx, "m-alone"))
	fresh := open(t)
	copyAll(t, fresh, src, transfer.Query{Deleted: true})
	if diff := cmp.Diff(modelsIn(t, src), modelsIn(t, fresh)); diff != "" {
		t.Errorf("with a deleted one (-source +destination):\n%s", diff)
	}
	sound(t, fresh)
}

// To a server models go under ids of its own, and all that refers to them is rewritten.
func TestPushModels(t *testing.T) {
	ctx := context.Background()
	src, files := open(t), open(t)
	fillModels(t, src)
	dst, w := overHTTP(t, files)
	items := copyAll(t, dst, src, transfer.Query{})
	made, alone, makes, uses := items["model m-made"], items["model m-alone"], items["run makes"], items["run uses"]
	if made.ID == "" || made.ID == "m-made" || alone.ID == "" {
		t.Fatalf("%+v", items)
	}
	m, err := files.LoggedModel(ctx, made.ID)
	must(t, err)
	want, err := src.LoggedModel(ctx, "m-made")
	must(t, err)
	want.ID, want.SourceRunID = made.ID, makes.ID
	for i := range want.Metrics {
		want.Metrics[i].RunID, want.Metrics[i].ModelID = makes.ID, made.ID
	}
	delete(m.Tags, transfer.TagSourceModel)
	if diff := cmp.Diff(want, m, cmpopts.IgnoreFields(mlruns.LoggedModel{}, "Created", "Updated", "ArtifactLocation")); diff != "" {
		t.Errorf("model (-want +got):\n%s", diff)
	}
	r, err := files.Run(ctx, makes.ID)
	must(t, err)
	if diff := cmp.Diff([]mlruns.ModelOutput{{ModelID: made.ID, Step: 7}}, r.Outputs.Models); diff != "" {
		t.Errorf("outputs:\n%s", diff)
	}
	r, err = files.Run(ctx, uses.ID)
	must(t, err)
	if diff := cmp.Diff([]mlruns.ModelInput{{ModelID: made.ID}}, r.Inputs.Models); diff != "" {
		t.Errorf("inputs:\n%s", diff)
	}
	list, err := files.ModelArtifacts(ctx, made.ID, "")
	if err != nil || len(list) != 1 {
		t.Errorf("%v, %v", list, err)
	}
	sound(t, files)
	w.writes = nil
	copyAll(t, dst, src, transfer.Query{})
	if len(w.writes) > 0 {
		t.Errorf("the second push sends %q", w.writes)
	}
	back := open(t)
	copyAll(t, back, dst, transfer.Query{})
	// Of a model's points a server tells the latest, which its run has too.
	wantModels := modelsIn(t, files)
	wantModels["points of made"] = wantModels["points of made"].([]string)[2:]
	if diff := cmp.Diff(wantModels, modelsIn(t, back)); diff != "" {
		t.Errorf("pulled (-server +folder):\n%s", diff)
	}
}

// A run that logs points of a model waits until the model is there, whoever made it. Of two that
// wait for each other one is told to lack what it should have.
func TestPushPointsOfOthersModels(t *testing.T) {
	ctx := context.Background()
	of := func(model string) mlruns.Metric {
		p := point("acc of "+model, 1, 1)
		p.ModelID = model
		return p
	}
	for name, c := range map[string]struct {
		maker string // of the model that "early" has points of
		ring  bool
		told  int
	}{"another run": {maker: "late"}, "nobody": {}, "a run that is not there": {maker: "no-such-run"}, "each other": {maker: "late", ring: true, told: 1}} {
		src, files := open(t), open(t)
		must(t, errOf(src.CreateRun(ctx, mlruns.RunSpec{ID: "early", Start: at(1)})), errOf(src.CreateRun(ctx, mlruns.RunSpec{ID: "late", Start: at(2)})),
			errOf(src.CreateLoggedModel(ctx, mlruns.ModelSpec{ID: "m-1", Name: "one", SourceRunID: c.maker})), src.LogMetric(ctx, "early", of("m-1")))
		want := []string{"one"}
		if c.ring {
			must(t, errOf(src.CreateLoggedModel(ctx, mlruns.ModelSpec{ID: "m-2", Name: "two", SourceRunID: "early"})), src.LogMetric(ctx, "late", of("m-2")))
			want = append(want, "two")
			must(t, src.LogInputs(ctx, "late", mlruns.Inputs{Models: []mlruns.ModelInput{{ModelID: "m-2"}}}))
		}
		dst, w := overHTTP(t, files)
		told, got := 0, []string(nil)
		for _, it := range copyAll(t, dst, src, transfer.Query{}) {
			told += len(it.Refused)
		}
		w.writes = nil
		copyAll(t, dst, src, transfer.Query{})
		if len(w.writes) > 0 {
			t.Errorf("%s: pushed again, sends %q", name, w.writes)
		}
		for m, err := range files.LoggedModels(ctx, mlruns.ModelQuery{}) {
			must(t, err)
			if len(m.Metrics) == 1 {
				got = append(got, m.Name)
			}
		}
		if slices.Sort(got); told != c.told || len(got) != len(want)-c.told {
			t.Errorf("%s: %d were told, models with points %q of %q", name, told, got, want)
		}
		sound(t, files)
	}
}

// A database of MLflow has of a model one point of a run at a time and a step, and 0 for NaN. The
// model has there the point that it is compared by, the run has all, and what the model lacks or
// has otherwise is told, again the next time. A server of this module has all of it.
func TestPushPointsOfOnePlace(t *testing.T) {
	ctx := context.Background()
	src := open(t)
	fillModels(t, src)
	of := func(key string, value float64, step int64, dataset string) mlruns.Metric {
		p := point(key, value, step)
		p.ModelID, p.DatasetName, p.DatasetDigest = "m-made", dataset, dataset
		return p
	}
	must(t, src.LogBatch(ctx, "uses", mlruns.Batch{Metrics: []mlruns.Metric{
		of("many", 1, 0, ""), of("many", 3, 0, ""), of("many", 2, 0, ""), of("many", 3, 0, ""), of("many", math.NaN(), 0, ""),
		of("loss", 1, 0, ""), of("loss", math.NaN(), 1, ""), of("loss", math.NaN(), 1, ""),
		of("sets", 1, 0, "a"), of("sets", 2, 0, "b"), of("sets", 5, 1, "c"),
	}}))
	for _, database := range []bool{true, false} {
		files := open(t)
		over, w := overHTTP(t, files)
		var dst mlruns.Store = over
		var want []string
		if database {
			w.hides = []string{"/api/3.0/mlflow/server-info"}
			dst = &modelsInDatabase{Store: over, points: map[string]float64{}}
			want = []string{"metrics.loss: 1 NaN are there as 0 among the points of their model",
				"metrics.sets: 1 points are not there as points of their model, which has another one of that time and step"}
		}
		for pass := range 3 {
			w.writes = nil
			items := copyAll(t, dst, src, transfer.Query{})
			var told []string
			for _, r := range items["run uses"].Refused {
				told = append(told, r.String())
			}
			if diff := cmp.Diff(want, told); diff != "" {
				t.Errorf("database %v, pass %d (-want +told):\n%s", database, pass, diff)
			}
			if it := items["run makes"]; !it.Whole() || pass > 0 && len(w.writes) > 0 {
				t.Errorf("database %v, pass %d: %+v, %q", database, pass, it, w.writes)
			}
		}
		if diff := cmp.Diff(historiesOf(t, src, "uses"), historiesOf(t, files, copyAll(t, dst, src, transfer.Query{})["run uses"].ID)); diff != "" {
			t.Errorf("database %v: histories of the run (-source +destination):\n%s", database, diff)
		}
		got := map[string][]float64{}
		for m, err := range files.LoggedModels(ctx, mlruns.ModelQuery{Filter: "name = 'made'"}) {
			must(t, err)
			for p, err := range files.ModelPoints(ctx, m.ID) {
				must(t, err)
				got[p.Key] = append(got[p.Key], p.Value)
			}
		}
		points := map[string][]float64{"acc": {0, 1, 2}, "many": {1, 3, 2, 3, math.NaN()}, "loss": {1, math.NaN(), math.NaN()}, "sets": {1, 2, 5}}
		if database {
			points["many"], points["loss"], points["sets"] = []float64{3, 3}, []float64{1, math.NaN()}, []float64{2, 5}
		}
		if diff := cmp.Diff(points, got, cmpopts.EquateNaNs()); diff != "" {
			t.Errorf("database %v: points of the model (-want +got):\n%s", database, diff)
		}
		for key, it := range copyAll(t, src, dst, transfer.Query{}) { // it has all, NaN too
			if it.Action != transfer.ActionNone {
				t.Errorf("database %v, pulled back: %s: %+v", database, key, it)
			}
		}
		sound(t, files)
		sound(t, src)
	}
}

func historiesOf(t *testing.T, s *filestore.Store, run string) (points []string) {
	t.Helper()
	for _, key := range []string{"many", "loss", "sets"} {
		for m, err := range s.MetricHistory(context.Background(), run, key, mlruns.HistoryQuery{}) {
			must(t, err)
			points = append(points, fmt.Sprint(m.Key, m.Time.UnixMilli(), m.Value, m.Step, m.DatasetName))
		}
	}
	return points
}

// modelsInDatabase is a server that keeps the points of models as MLflow's databases do.
type modelsInDatabase struct {
	*remote.Store
	mu     sync.Mutex
	points map[string]float64
}

func (s *modelsInDatabase) LogBatch(ctx context.Context, id string, b mlruns.Batch) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, m := range b.Metrics {
		at := fmt.Sprint(id, m.ModelID, m.Key, m.Time.UnixMilli(), m.Step)
		if have, is := s.points[at]; is && m.ModelID != "" && have != m.Value {
			return mlruns.ErrExists
		}
		s.points[at] = m.Value
	}
	return s.Store.LogBatch(ctx, id, b)
}

func (s *modelsInDatabase) LoggedModel(ctx context.Context, id string) (*mlruns.LoggedModel, error) {
	m, err := s.Store.LoggedModel(ctx, id)
	return withoutNaN(m), err
}

func (s *modelsInDatabase) LoggedModels(ctx context.Context, q mlruns.ModelQuery) iter.Seq2[*mlruns.LoggedModel, error] {
	return func(yield func(*mlruns.LoggedModel, error) bool) {
		for m, err := range s.Store.LoggedModels(ctx, q) {
			if !yield(withoutNaN(m), err) {
				return
			}
		}
	}
}

func withoutNaN(m *mlruns.LoggedModel) *mlruns.LoggedModel {
	if m == nil { // there is an error
		return nil
	}
	for i := range m.Metrics {
		if math.IsNaN(m.Metrics[i].Value) {
			m.Metrics[i].Value = 0
		}
	}
	return m
}

// A search on a server may leave out the models that a run used, as MLflow's does: they come along.
func TestPullModelsUsed(t *testing.T) {
	files, dst := open(t), open(t)
	fillModels(t, files)
	copyAll(t, dst, &forgetful{serve(files, false)}, transfer.Query{})
	r, err := dst.Run(context.Background(), "uses")
	must(t, err)
	if diff := cmp.Diff([]mlruns.ModelInput{{ModelID: "m-made"}}, r.Inputs.Models); diff != "" {
		t.Error(diff)
	}
}

// forgetful leaves the models that runs used out of searches.
type forgetful struct{ *fakeServer }

func (s *forgetful) Runs(ctx context.Context, q mlruns.RunQuery) iter.Seq2[*mlruns.Run, error] {
	return func(yield func(*mlruns.Run, error) bool) {
		for r, err := range s.fakeServer.Runs(ctx, q) {
			if r != nil {
				r.Inputs.Models = nil
			}
			if !yield(r, err) {
				return
			}
		}
	}
}

// A model that was pushed and is pulled back into the folder that it came from is the same one: no
// point comes twice, the run leads to no model of the server's, and there is nothing to tell. What
// the server has since is added to it.
func TestPullOfPushedModel(t *testing.T) {
	ctx := context.Background()
	src, files := open(t), open(t)
	dst, w := overHTTP(t, files)
	must(t, errOf(src.CreateRun(ctx, mlruns.RunSpec{ID: "run", Name: "n", Start: at(1)})))
	m, err := src.CreateLoggedModel(ctx, mlruns.ModelSpec{ExperimentID: "0", Name: "model", SourceRunID: "run", Params: map[string]string{"a": "1"}, Tags: map[string]string{"t": "1"}})
	must(t, err)
	for i, value := range []float64{1, math.Inf(1), math.NaN()} {
		p := point("m", value, int64(i))
		p.ModelID = m.ID
		must(t, src.LogMetric(ctx, "run", p))
	}
	must(t, src.WriteModelArtifact(ctx, m.ID, "MLmodel", strings.NewReader("x")), errOf(src.FinalizeLoggedModel(ctx, m.ID, mlruns.ModelReady)),
		src.LogOutputs(ctx, "run", mlruns.Outputs{Models: []mlruns.ModelOutput{{ModelID: m.ID, Step: 1}}}), src.LogInputs(ctx, "run", mlruns.Inputs{Models: []mlruns.ModelInput{{ModelID: m.ID}}}),
		src.EndRun(ctx, "run", 0, at(9)))
	there := copyAll(t, dst, src, transfer.Query{})
	before, want := sideOf(t, src), snapshot(t, src)
	for key, it := range copyAll(t, src, dst, transfer.Query{}) {
		if it.Action != transfer.ActionNone || !it.Whole() {
			t.Errorf("%s: %+v", key, it)
		}
	}
	if diff := cmp.Diff(before, sideOf(t, src), cmp.AllowUnexported(sideRun{})) + cmp.Diff(want, snapshot(t, src), cmpopts.EquateNaNs()); diff != "" {
		t.Errorf("(-before +after):\n%s", diff)
	}
	w.writes = nil
	copyAll(t, dst, src, transfer.Query{})
	if len(w.writes) > 0 {
		t.Errorf("pushed again: %q", w.writes)
	}

	p := point("m", 7, 7)
	p.ModelID = there["model "+m.ID].ID
	must(t, files.LogMetric(ctx, there["run run"].ID, p))
	copyAll(t, src, dst, transfer.Query{})
	points := 0
	for p, err := range src.ModelPoints(ctx, m.ID) {
		must(t, err)
		if points++; p.RunID != "run" {
			t.Errorf("%+v", p)
		}
	}
	if points != 4 {
		t.Errorf("%d points", points)
	}
	sound(t, src)
}
