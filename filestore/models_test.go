package filestore

import (
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/mlruns/mlruns"
)

// openForModels is a store with a clock of its own, an experiment and a run.
func openForModels(t *testing.T, opts ...Option) (s *Store, dir string, run *mlruns.Run) {
	t.Helper()
	dir = t.TempDir()
	now := time.UnixMilli(1700000026000)
	s, err := Open(dir, append([]Option{WithClock(func() time.Time { return now })}, opts...)...)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = s.Close() })
	if run, err = s.CreateRun(t.Context(), mlruns.RunSpec{ID: "88c500e318764808a78f41798cde0a1b"}); err != nil {
		t.Fatal(err)
	}
	return s, dir, run
}

func nothingWrong(t *testing.T, s *Store) {
	t.Helper()
	for p, err := range s.Verify(t.Context(), mlruns.VerifyQuery{}) {
		t.Error("verify:", p, err)
	}
}

func contentOf(t *testing.T, parts ...string) string {
	t.Helper()
	data, err := os.ReadFile(filepath.Join(parts...))
	if err != nil {
		t.Error(err)
	}
	return string(data)
}

// TestModelLifecycle makes, changes and deletes a logged model, and compares the files with those
// of MLflow 3.17.
func TestModelLifecycle(t *testing.T) {
	ctx := t.Context()
	s, dir, run := openForModels(t)
	m, err := s.CreateLoggedModel(ctx, mlruns.ModelSpec{
		ID: "m-495a38d09ce6481bb6154826b1548e26", Name: "resnet", SourceRunID: run.Info.ID, Params: map[string]string{"lr": "0.1", "a/b": "x"},
	})
	if err != nil {
		t.Fatal(err)
	}
	at := filepath.Join(dir, "0", "models", m.ID)
	meta := func(status, stage, updated string) string {
		return "artifact_location: " + m.ArtifactLocation + "\ncreation_timestamp: 1700000026000\nexperiment_id: '0'\nlast_updated_timestamp: " + updated + "\n" + stage +
			"model_id: " + m.ID + "\nmodel_type: null\nname: resnet\nsource_run_id: " + run.Info.ID + "\nstatus: " + status + "\nstatus_message: null\n"
	}
	if got, want := contentOf(t, at, "meta.yaml"), meta("1", "lifecycle_stage: active\n", "1700000026000"); got != want {
		t.Errorf("made: got\n%s, want\n%s", got, want)
	}
	if want := "/0/models/" + m.ID + "/artifacts"; !strings.HasSuffix(m.ArtifactLocation, want) {
		t.Errorf("the artifacts are at %s", m.ArtifactLocation)
	}
	if _, err := os.Stat(filepath.Join(at, "tags")); !errors.Is(err, os.ErrNotExist) {
		t.Error("a model without tags has the folder:", err)
	}
	points := []mlruns.Metric{
		{Key: "acc", Value: 0.5, Step: 7, Time: time.UnixMilli(1588888888000), ModelID: m.ID},
		{Key: "acc", Value: 0.25, Step: 8, Time: time.UnixMilli(1588888888001), ModelID: m.ID, DatasetName: "iris", DatasetDigest: "d1"},
		{Key: "loss", Value: 1, Time: time.UnixMilli(1588888888002)},
	}
	if err := s.LogBatch(ctx, run.Info.ID, mlruns.Batch{Metrics: points[1:]}); err != nil {
		t.Fatal(err)
	}
	if err := s.LogMetric(ctx, run.Info.ID, points[0]); err != nil {
		t.Fatal(err)
	}
	if got, want := contentOf(t, at, "metrics", "acc"), "1588888888001 0.25 8 "+run.Info.ID+" iris d1\n1588888888000 0.5 7 "+run.Info.ID+"\n"; got != want {
		t.Errorf("the model's points: got %q, want %q", got, want)
	}
	if got, want := contentOf(t, dir, "0", run.Info.ID, "metrics", "acc"), "1588888888001 0.25 8 iris d1\n1588888888000 0.5 7\n"; got != want {
		t.Errorf("the run's points: got %q, want %q", got, want)
	}
	if _, err := os.Stat(filepath.Join(at, "metrics", "loss")); !errors.Is(err, os.ErrNotExist) {
		t.Error("a point of no model is the model's:", err)
	}
	if err := errors.Join(s.SetLoggedModelTags(ctx, m.ID, map[string]string{"team": "red", "gone": "x"}), s.DeleteLoggedModelTag(ctx, m.ID, "gone"),
		s.LogLoggedModelParams(ctx, m.ID, map[string]string{"lr": "0.2", "new": ""})); err != nil {
		t.Fatal(err)
	}
	final, err := s.FinalizeLoggedModel(ctx, m.ID, mlruns.ModelReady)
	if err != nil || final.Status != mlruns.ModelReady || final.Params["lr"] != "0.2" || final.Tags["team"] != "red" || len(final.Tags) != 1 || len(final.Metrics) != 2 {
		t.Errorf("finalized: got %+v, %v", final, err)
	}
	if p := final.Metrics[0]; p.DatasetName != "iris" || p.RunID != run.Info.ID || p.ModelID != m.ID {
		t.Errorf("the first data set logged comes first: got %+v", final.Metrics)
	}
	if got, want := contentOf(t, at, "meta.yaml"), meta("2", "", "1700000026000"); got != want {
		t.Errorf("finalized: got\n%s, want\n%s", got, want)
	}
	if err := s.WriteModelArtifact(ctx, m.ID, "model/MLmodel", strings.NewReader("flavors: {}\n")); err != nil {
		t.Fatal(err)
	}
	if list, err := s.ModelArtifacts(ctx, m.ID, "model"); err != nil || len(list) != 1 || list[0].Path != "model/MLmodel" {
		t.Errorf("artifacts: got %v, %v", list, err)
	}
	if got := contentOf(t, at, "artifacts", "model", "MLmodel"); got != "flavors: {}\n" {
		t.Errorf("the artifact is %q", got)
	}
	nothingWrong(t, s)
	if err := s.DeleteLoggedModel(ctx, m.ID); err != nil {
		t.Fatal(err)
	}
	if got, want := contentOf(t, at, "meta.yaml"), meta("2", "lifecycle_stage: deleted\n", "1700000026000"); got != want {
		t.Errorf("deleted: got\n%s, want\n%s", got, want)
	}
	for what, err := range map[string]error{
		"get": second(s.LoggedModel(ctx, m.ID)), "delete": s.DeleteLoggedModel(ctx, m.ID), "finalize": second(s.FinalizeLoggedModel(ctx, m.ID, mlruns.ModelFailed)),
		"tags": s.SetLoggedModelTags(ctx, m.ID, map[string]string{"a": "b"}), "params": s.LogLoggedModelParams(ctx, m.ID, map[string]string{"a": "b"}),
		"delete tag": s.DeleteLoggedModelTag(ctx, m.ID, "team"), "artifacts": second(s.ModelArtifacts(ctx, m.ID, "")),
	} {
		if !errors.Is(err, mlruns.ErrNotFound) || mlruns.MessageOf(err) != "Model '"+m.ID+"' not found" {
			t.Errorf("%s of a deleted model: %v", what, err)
		}
	}
	page, err := s.SearchLoggedModels(ctx, mlruns.ModelQuery{View: mlruns.ViewDeleted, Filter: "metrics.acc < 0.3"})
	if err != nil || len(page.Models) != 1 || page.Models[0].Stage != mlruns.StageDeleted {
		t.Errorf("a query for deleted ones: got %+v, %v", page, err)
	}
	nothingWrong(t, s)
}

func second[T any](_ T, err error) error { return err }

// TestModelRefused is what is refused, each in MLflow's words, with nothing written.
func TestModelRefused(t *testing.T) {
	ctx := t.Context()
	s, dir, run := openForModels(t)
	if _, err := s.CreateExperiment(ctx, mlruns.ExperimentSpec{ID: "7", Name: "gone"}); err != nil {
		t.Fatal(err)
	}
	if err := s.DeleteExperiment(ctx, "7"); err != nil {
		t.Fatal(err)
	}
	const badKey = "Names may only contain alphanumerics"
	for _, c := range []struct {
		what string
		err  error
		kind error
		text string
	}{
		{"name", second(s.CreateLoggedModel(ctx, mlruns.ModelSpec{Name: "a/b"})), mlruns.ErrInvalid, "Invalid model name ('a/b') provided."},
		{"experiment", second(s.CreateLoggedModel(ctx, mlruns.ModelSpec{ExperimentID: "42"})), mlruns.ErrNotFound, "Could not find experiment with ID 42"},
		{"deleted", second(s.CreateLoggedModel(ctx, mlruns.ModelSpec{ExperimentID: "7"})), mlruns.ErrNotActive, "Could not create model under non-active experiment with ID 7."},
		{"tag", second(s.CreateLoggedModel(ctx, mlruns.ModelSpec{Tags: map[string]string{"bad!": ""}})), mlruns.ErrInvalid, badKey},
		{"param", second(s.CreateLoggedModel(ctx, mlruns.ModelSpec{Params: map[string]string{strings.Repeat("k", 251): ""}})), mlruns.ErrInvalid, "'Param key' exceeds the maximum length of 250 characters"},
		{"a copy's name", s.LogMetric(ctx, run.Info.ID, mlruns.Metric{Key: "k", ModelID: "x (1)"}), mlruns.ErrInvalid, "desktops and sync tools"},
		{"a and a below", second(s.CreateLoggedModel(ctx, mlruns.ModelSpec{Params: map[string]string{"a": "", "a/b": ""}})), mlruns.ErrInvalid, "a/b"},
		{"id", second(s.CreateLoggedModel(ctx, mlruns.ModelSpec{ID: "../x"})), mlruns.ErrInvalid, "model_id"},
		{"unknown", second(s.LoggedModel(ctx, "../m-x")), mlruns.ErrNotFound, "Model '../m-x' not found"},
		{"point", s.LogMetric(ctx, run.Info.ID, mlruns.Metric{Key: "k", ModelID: "../x"}), mlruns.ErrInvalid, "model_id"},
		{"point in a batch", s.LogBatch(ctx, run.Info.ID, mlruns.Batch{Metrics: []mlruns.Metric{{Key: "k"}, {Key: "k", ModelID: ".."}}}), mlruns.ErrInvalid, "metrics[1].model_id"},
	} {
		if !errors.Is(c.err, c.kind) || !strings.Contains(mlruns.MessageOf(c.err), c.text) {
			t.Errorf("%s: got %v, want %s", c.what, c.err, c.text)
		}
	}
	for _, name := range []string{"0/models", "x", "0/x"} {
		if _, err := os.Stat(filepath.Join(dir, name)); !errors.Is(err, os.ErrNotExist) {
			t.Errorf("%s was written: %v", name, err)
		}
	}
	if entries, err := os.ReadDir(filepath.Join(dir, "0", run.Info.ID, "metrics")); err != nil || len(entries) > 0 {
		t.Errorf("a refused point was written: %v, %v", entries, err)
	}
	nothingWrong(t, s)
}

// TestPointOfUnknownModel is a point of a model that does not exist: it is accepted, as in MLflow,
// and makes a folder that is no model.
func TestPointOfUnknownModel(t *testing.T) {
	ctx := t.Context()
	s, dir, run := openForModels(t)
	if err := s.LogMetric(ctx, run.Info.ID, mlruns.Metric{Key: "k", Value: 1, ModelID: "m-none"}); err != nil {
		t.Fatal(err)
	}
	if got := contentOf(t, dir, "0", "models", "m-none", "metrics", "k"); got != "1700000026000 1.0 0 "+run.Info.ID+"\n" {
		t.Errorf("got %q", got)
	}
	if _, err := s.LoggedModel(ctx, "m-none"); !errors.Is(err, mlruns.ErrNotFound) {
		t.Error(err)
	}
	page, err := s.SearchLoggedModels(ctx, mlruns.ModelQuery{Experiments: []string{"0", "nope!"}})
	if err != nil || len(page.Models) > 0 || len(page.Problems) > 0 {
		t.Errorf("got %+v, %v", page, err)
	}
	nothingWrong(t, s)
}

// TestTraceLifecycle starts a trace, changes its tags and deletes it.
func TestTraceLifecycle(t *testing.T) {
	ctx := t.Context()
	s, dir, _ := openForModels(t)
	start := time.UnixMilli(1700000000100).UTC()
	want := mlruns.Trace{
		ID: "tr-26c4f50e5d1079d4afd813a7c81b2c19", ExperimentID: "0", ClientRequestID: "client-1", State: mlruns.TraceOK, Start: start, End: start.Add(50 * time.Millisecond),
		RequestPreview: `{"q": "what? ünï"}`, ResponsePreview: `{"a": "that"}`, Metadata: map[string]string{"k": "v"}, Tags: map[string]string{mlruns.TagTraceName: "first"},
	}
	tr, err := s.StartTrace(ctx, want)
	if err != nil {
		t.Fatal(err)
	}
	at := filepath.Join(dir, "0", "traces", tr.ID)
	if got, want := contentOf(t, at, "trace_info.yaml"), `client_request_id: client-1
execution_duration_ms: 50
request_preview: '{"q": "what? ünï"}'
request_time: '2023-11-14T22:13:20.100Z'
response_preview: '{"a": "that"}'
state: OK
trace_id: tr-26c4f50e5d1079d4afd813a7c81b2c19
trace_location:
  mlflow_experiment:
    experiment_id: '0'
  type: MLFLOW_EXPERIMENT
`; got != want {
		t.Errorf("got\n%s, want\n%s", got, want)
	}
	if got := contentOf(t, at, "tags", "mlflow.artifactLocation"); !strings.HasSuffix(got, "/0/traces/"+tr.ID+"/artifacts") || contentOf(t, at, "request_metadata", "k") != "v" {
		t.Errorf("the artifacts are at %s", got)
	}
	if _, err := s.StartTrace(ctx, want); !errors.Is(err, mlruns.ErrExists) {
		t.Errorf("twice: %v", err)
	}
	if err := errors.Join(s.SetTraceTag(ctx, tr.ID, "color", "red"), s.SetTraceTag(ctx, tr.ID, "gone", "x"), s.DeleteTraceTag(ctx, tr.ID, "gone")); err != nil {
		t.Fatal(err)
	}
	got, err := s.Trace(ctx, tr.ID)
	if err != nil || got.Tags["color"] != "red" || len(got.Tags) != 3 || !got.End.Equal(want.End) || got.RequestPreview != want.RequestPreview {
		t.Errorf("got %+v, %v", got, err)
	}
	if _, err := s.TraceData(ctx, tr.ID); !errors.Is(err, mlruns.ErrNotFound) || !strings.HasPrefix(mlruns.MessageOf(err), "Trace data not found for path=") {
		t.Errorf("spans of a trace that has none: %v", err)
	}
	for text, kind := range map[string]error{"": mlruns.ErrNotFound, "{": mlruns.ErrCorrupt} {
		if err := errors.Join(os.MkdirAll(filepath.Join(at, "artifacts"), 0o777), os.WriteFile(filepath.Join(at, "artifacts", "traces.json"), []byte(text), 0o666)); err != nil {
			t.Fatal(err)
		}
		if _, err := s.TraceData(ctx, tr.ID); !errors.Is(err, kind) {
			t.Errorf("spans %q: %v", text, err)
		}
	}
	for _, id := range []string{"tr-2", "tr-3", "tr-4"} {
		if _, err := s.StartTrace(ctx, mlruns.Trace{ID: id, Start: start.Add(time.Second)}); err != nil {
			t.Fatal(err)
		}
	}
	nothingWrong(t, s)
	if n, err := s.DeleteTraces(ctx, mlruns.TraceDeletion{ExperimentID: "0", Until: start.Add(time.Second), Max: 2}); n != 2 || err != nil {
		t.Errorf("the two oldest: %d, %v", n, err)
	}
	if n, err := s.DeleteTraces(ctx, mlruns.TraceDeletion{ExperimentID: "0", IDs: []string{"tr-3", "nope", "../models", "tr-3"}}); n != 1 || err != nil {
		t.Errorf("by ids: %d, %v", n, err)
	}
	var left []string
	for tr, err := range s.Traces(ctx, mlruns.TraceQuery{}) {
		if err != nil {
			t.Fatal(err)
		}
		left = append(left, tr.ID)
	}
	if !slices.Equal(left, []string{"tr-4"}) {
		t.Errorf("left: %v", left)
	}
	nothingWrong(t, s)
}

// TestTraceRefused is what is refused, each in MLflow's words where it has some.
func TestTraceRefused(t *testing.T) {
	ctx := t.Context()
	s, dir, _ := openForModels(t)
	for _, c := range []struct {
		what string
		err  error
		kind error
		text string
	}{
		{"id", second(s.StartTrace(ctx, mlruns.Trace{ID: ".."})), mlruns.ErrInvalid, "trace_id"},
		{"experiment", second(s.StartTrace(ctx, mlruns.Trace{ID: "t", ExperimentID: "42"})), mlruns.ErrNotFound, "Experiment 42 does not exist."},
		{"time", second(s.StartTrace(ctx, mlruns.Trace{ID: "t", Start: time.UnixMilli(9007199254740993)})), mlruns.ErrInvalid, "9999"},
		{"a copy's name", second(s.StartTrace(ctx, mlruns.Trace{ID: "x (1)"})), mlruns.ErrInvalid, "desktops and sync tools"},
		{"slash", second(s.StartTrace(ctx, mlruns.Trace{ID: "t", Metadata: map[string]string{"a/b": ""}})), mlruns.ErrInvalid, "slash"},
		{"tag", second(s.StartTrace(ctx, mlruns.Trace{ID: "t", Tags: map[string]string{"bad!": ""}})), mlruns.ErrInvalid, "Names may only contain"},
		{"unknown", second(s.Trace(ctx, "nope")), mlruns.ErrNotFound, "Trace with ID 'nope' not found"},
		{"unknown tag", s.DeleteTraceTag(ctx, "nope", "a"), mlruns.ErrNotFound, "Trace with ID 'nope' not found"},
		{"search", second(s.SearchTraces(ctx, mlruns.TraceQuery{Experiments: []string{"42"}})), mlruns.ErrNotFound, "Experiment 42 does not exist."},
		{"page", second(s.SearchTraces(ctx, mlruns.TraceQuery{MaxResults: 50001})), mlruns.ErrInvalid, "Invalid value for request parameter max_results. It must be at most 50000, but got value 50001"},
		{"delete", second(s.DeleteTraces(ctx, mlruns.TraceDeletion{ExperimentID: "0"})), mlruns.ErrInvalid, "Either `max_timestamp_millis` or `trace_ids` must be specified."},
		{"both", second(s.DeleteTraces(ctx, mlruns.TraceDeletion{ExperimentID: "0", Until: time.UnixMilli(1), IDs: []string{"a"}})), mlruns.ErrInvalid, "Only one of"},
		{"most", second(s.DeleteTraces(ctx, mlruns.TraceDeletion{ExperimentID: "0", IDs: []string{"a"}, Max: 1})), mlruns.ErrInvalid, "`max_traces` can't be specified"},
		{"experiment of delete", second(s.DeleteTraces(ctx, mlruns.TraceDeletion{ExperimentID: "42", Until: time.UnixMilli(1)})), mlruns.ErrNotFound, "Experiment 42 does not exist."},
	} {
		if !errors.Is(c.err, c.kind) || !strings.Contains(mlruns.MessageOf(c.err), c.text) {
			t.Errorf("%s: got %v, want %s", c.what, c.err, c.text)
		}
	}
	if _, err := os.Stat(filepath.Join(dir, "0", "traces")); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("traces was written: %v", err)
	}
	nothingWrong(t, s)
}

// TestGCModels removes deleted models, by age and by id, with their artifacts in the store, and
// nothing else.
func TestGCModels(t *testing.T) {
	ctx := t.Context()
	s, dir, _ := openForModels(t)
	area := filepath.ToSlash(filepath.Join(dir, "area"))
	if _, err := s.CreateExperiment(ctx, mlruns.ExperimentSpec{ID: "7", Name: "elsewhere", ArtifactLocation: area}); err != nil {
		t.Fatal(err)
	}
	for _, m := range []struct{ id, experiment string }{{"m-kept", "0"}, {"m-gone", "0"}, {"m-spared", "0"}, {"m-far", "7"}} {
		if _, err := s.CreateLoggedModel(ctx, mlruns.ModelSpec{ID: m.id, ExperimentID: m.experiment}); err != nil {
			t.Fatal(err)
		}
		if err := s.WriteModelArtifact(ctx, m.id, "f", strings.NewReader("x")); err != nil {
			t.Fatal(err)
		}
		if m.id != "m-kept" {
			if err := s.DeleteLoggedModel(ctx, m.id); err != nil {
				t.Fatal(err)
			}
		}
	}
	if _, err := os.Stat(filepath.Join(dir, "area", "models", "m-far", "artifacts", "f")); err != nil {
		t.Fatal(err)
	}
	collect := func(q mlruns.GCQuery) (ids []string, err error) {
		for r, e := range s.GC(ctx, q) {
			if e != nil {
				err = e
				break
			}
			ids = append(ids, r.ModelID)
			if r.ModelID == "" || r.Files != 2 {
				t.Errorf("removed %+v", r)
			}
		}
		slices.Sort(ids)
		return ids, err
	}
	if ids, err := collect(mlruns.GCQuery{OlderThan: time.Hour}); err != nil || len(ids) > 0 {
		t.Errorf("older than an hour: %v, %v", ids, err)
	}
	if ids, err := collect(mlruns.GCQuery{DryRun: true}); err != nil || !slices.Equal(ids, []string{"m-far", "m-gone", "m-spared"}) {
		t.Errorf("dry run: %v, %v", ids, err)
	}
	if ids, err := collect(mlruns.GCQuery{Models: []string{"m-gone", "m-kept"}}); !errors.Is(err, mlruns.ErrInvalid) || !slices.Equal(ids, []string{"m-gone"}) {
		t.Errorf("by id, one of them active: %v, %v", ids, err)
	}
	if ids, err := collect(mlruns.GCQuery{}); err != nil || !slices.Equal(ids, []string{"m-far", "m-spared"}) {
		t.Errorf("all: %v, %v", ids, err)
	}
	for name, want := range map[string]bool{
		"0/models/m-kept/artifacts/f": true, "0/models/m-gone": false, "0/models/m-spared": false, "7/models/m-far": false, "area/models/m-far": false,
	} {
		if _, err := os.Stat(filepath.Join(dir, name)); (err == nil) != want {
			t.Errorf("%s: %v", name, err)
		}
	}
	nothingWrong(t, s)
}

// TestRelocateModels moves a store, and has the locations of its models and traces follow, dry run
// first. MLflow reads what is recorded there.
func TestRelocateModels(t *testing.T) {
	ctx := t.Context()
	s, dir, _ := openForModels(t)
	m, err := s.CreateLoggedModel(ctx, mlruns.ModelSpec{ID: "m-1", Name: "n"})
	if err != nil {
		t.Fatal(err)
	}
	tr, err := s.StartTrace(ctx, mlruns.Trace{ID: "tr-1"})
	if err != nil {
		t.Fatal(err)
	}
	if err := s.WriteModelArtifact(ctx, m.ID, "f", strings.NewReader("x")); err != nil {
		t.Fatal(err)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	moved := filepath.Join(t.TempDir(), "moved")
	if err := os.Rename(dir, moved); err != nil {
		t.Fatal(err)
	}
	if s, err = Open(moved); err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	if f, err := s.OpenModelArtifact(ctx, m.ID, "f"); err != nil {
		t.Error("the artifacts of a moved store:", err)
	} else {
		_ = f.Close()
	}
	for _, dry := range []bool{true, false} {
		var paths []string
		for r, err := range s.Relocate(ctx, mlruns.RelocateQuery{DryRun: dry}) {
			if err != nil || r.Kept != "" {
				t.Fatal(r, err)
			}
			paths = append(paths, r.Path)
		}
		for _, want := range []string{"0/models/m-1/meta.yaml", "0/traces/tr-1/tags/mlflow.artifactLocation"} {
			if !slices.Contains(paths, want) {
				t.Errorf("dry run %v: %s is not among %v", dry, want, paths)
			}
		}
	}
	now, err := s.LoggedModel(ctx, m.ID)
	if want := strings.Replace(m.ArtifactLocation, filepath.ToSlash(dir), filepath.ToSlash(moved), 1); err != nil || now.ArtifactLocation != want {
		t.Errorf("the model is at %s, %v, want %s", now.ArtifactLocation, err, want)
	}
	nowTrace, err := s.Trace(ctx, tr.ID)
	if want := strings.Replace(tr.ArtifactLocation, filepath.ToSlash(dir), filepath.ToSlash(moved), 1); err != nil || nowTrace.ArtifactLocation != want {
		t.Errorf("the trace is at %s, %v, want %s", nowTrace.ArtifactLocation, err, want)
	}
	for r, err := range s.Relocate(ctx, mlruns.RelocateQuery{}) {
		t.Error("again:", r, err)
	}
	nothingWrong(t, s)
}
