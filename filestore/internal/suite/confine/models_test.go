package confine

import (
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/mlruns/mlruns"
	"github.com/mlruns/mlruns/filestore"
	"github.com/mlruns/mlruns/filestore/internal/filestoretest"
)

// TestModelsAndTracesAreConfined plants links that lead out of the store in the place of models,
// traces and their parts. Nothing behind them is read, changed or removed.
func TestModelsAndTracesAreConfined(t *testing.T) {
	ctx := t.Context()
	outside, dir := t.TempDir(), filepath.Join(t.TempDir(), "mlruns")
	store := filestoretest.Open(t, dir, filestore.WithOnProblem(func(mlruns.Problem) {}))
	run, err := store.CreateRun(ctx, mlruns.RunSpec{})
	filestoretest.Must(t, err)
	for _, id := range []string{"m-1", "m-2"} {
		_, err := store.CreateLoggedModel(ctx, mlruns.ModelSpec{ID: id, Name: "inside"})
		filestoretest.Must(t, err)
	}
	_, err = store.StartTrace(ctx, mlruns.Trace{ID: "tr-1"})
	filestoretest.Must(t, err)
	models, traces := filepath.Join(dir, "0", "models"), filepath.Join(dir, "0", "traces")
	meta, err := os.ReadFile(filepath.Join(models, "m-1", "meta.yaml"))
	filestoretest.Must(t, err)
	info, err := os.ReadFile(filepath.Join(traces, "tr-1", "trace_info.yaml"))
	filestoretest.Must(t, err)
	for name, text := range map[string]string{
		"model/meta.yaml": strings.ReplaceAll(string(meta), "m-1", "m-out"), "model/tags/secret": "secret", "model/metrics/k": "1 2.0 3 r\n", "tags/secret": "secret", "artifacts/f": "secret",
		"trace/trace_info.yaml": strings.ReplaceAll(string(info), "tr-1", "tr-out"), "trace/tags/secret": "secret", "assessments/a-out.yaml": "assessment_name: secret\n",
	} {
		name = filepath.Join(outside, name)
		filestoretest.Must(t, errors.Join(os.MkdirAll(filepath.Dir(name), 0o777), os.WriteFile(name, []byte(text), 0o666)))
	}
	before := filestoretest.ReadTree(t, outside)
	for from, to := range map[string]string{
		filepath.Join(models, "m-out"): "model", filepath.Join(models, "m-2", "tags"): "tags", filepath.Join(models, "m-2", "artifacts"): "artifacts", filepath.Join(traces, "tr-out"): "trace",
		filepath.Join(traces, "tr-1", "assessments"): "assessments",
	} {
		if err := os.Symlink(filepath.Join(outside, to), from); err != nil {
			t.Skip("no links here: ", err)
		}
	}
	for what, err := range map[string]error{
		"model":     filestoretest.ErrOf(store.LoggedModel(ctx, "m-out")),
		"trace":     filestoretest.ErrOf(store.Trace(ctx, "tr-out")),
		"spans":     filestoretest.ErrOf(store.TraceData(ctx, "tr-out")),
		"finalize":  filestoretest.ErrOf(store.FinalizeLoggedModel(ctx, "m-out", mlruns.ModelReady)),
		"delete":    store.DeleteLoggedModel(ctx, "m-out"),
		"tag":       store.SetLoggedModelTags(ctx, "m-out", map[string]string{"a": "b"}),
		"a tag":     store.SetLoggedModelTags(ctx, "m-2", map[string]string{"a": "b"}),
		"point":     store.LogMetric(ctx, run.Info.ID, mlruns.Metric{Key: "k", ModelID: "m-out"}),
		"artifact":  filestoretest.ErrOf(store.OpenModelArtifact(ctx, "m-2", "f")),
		"write":     store.WriteModelArtifact(ctx, "m-2", "g", strings.NewReader("x")),
		"trace tag": store.SetTraceTag(ctx, "tr-out", "a", "b"),
		"end":       filestoretest.ErrOf(store.EndTrace(ctx, "tr-out", mlruns.TraceEnd{})),
		"send":      store.WriteTraceArtifact(ctx, "tr-out", "traces.json", strings.NewReader("{}")),
		"assess":    filestoretest.ErrOf(store.CreateAssessment(ctx, "tr-out", json.RawMessage(`{"assessment_name":"n","feedback":{"value":1}}`))),
		"assessed":  filestoretest.ErrOf(store.Assessment(ctx, "tr-1", "a-out")),
		"assess in": filestoretest.ErrOf(store.CreateAssessment(ctx, "tr-1", json.RawMessage(`{"assessment_name":"n","feedback":{"value":1}}`))),
	} {
		if err == nil {
			t.Errorf("%s: what is behind a link is used", what)
		}
	}
	for m, err := range store.LoggedModels(ctx, mlruns.ModelQuery{Filter: "tags.secret = 'secret' OR name != ''"}) {
		if err != nil || m.ID == "m-out" || m.Tags["secret"] != "" {
			t.Errorf("found %+v, %v", m, err)
		}
	}
	for tr, err := range store.Traces(ctx, mlruns.TraceQuery{}) {
		if err != nil || tr.ID == "tr-out" {
			t.Errorf("found %+v, %v", tr, err)
		}
	}
	if n, err := store.DeleteTraces(ctx, mlruns.TraceDeletion{ExperimentID: "0", IDs: []string{"tr-out", "../models", "..", "tr-1"}}); err != nil || n < 1 {
		t.Errorf("deleted %d, %v", n, err)
	}
	for range store.GC(ctx, mlruns.GCQuery{}) { //nolint:revive // all of it is done
	}
	if diff := filestoretest.Changes(before, filestoretest.ReadTree(t, outside)); diff != nil {
		t.Errorf("outside has changed: %v", diff)
	}
}
