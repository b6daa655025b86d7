package filestore_test

import (
	"testing"
	"time"

	"github.com/spf13/afero"

	"github.com/mlruns/mlruns"
	"github.com/mlruns/mlruns/filestore"
	"github.com/mlruns/mlruns/filestore/internal/filestoretest"
	"github.com/mlruns/mlruns/internal/memfs"
)

// FuzzModelCalls makes every call of logged models and traces with anything for an argument: no
// call panics, each error has a code, and nothing is wrong with the store afterwards.
func FuzzModelCalls(f *testing.F) {
	for _, s := range []string{"", "m-1", "tr-1", "a/b", "../x", "..", "0", "e1", "models", "traces", ".mlruns-tmp-1", "mlflow.artifactLocation", "\xff", "\x00", "é", "a:b", "metrics.m", "name = 'x'", "~", ".DS_Store", "x (1)", "trace_info.yaml"} {
		f.Add(s, "value", int64(1), 0.5)
		f.Add("m-1", s, int64(-1), 1e300)
		f.Add("tr-1", s, int64(1)<<50, 0.0)
	}
	f.Fuzz(func(t *testing.T, a, b string, n int64, v float64) {
		ctx, s := t.Context(), filestoretest.Open(t, "/mlruns", filestore.WithFs(memfs.New()), filestore.WithSync(filestore.SyncNever))
		filestoretest.Must(t, filestoretest.ErrOf(s.CreateExperiment(ctx, mlruns.ExperimentSpec{ID: "e1", Name: "one"})), filestoretest.ErrOf(s.CreateRun(ctx, mlruns.RunSpec{ID: "run", ExperimentID: "e1"})),
			filestoretest.ErrOf(s.CreateLoggedModel(ctx, mlruns.ModelSpec{ID: "m-1", ExperimentID: "e1"})), filestoretest.ErrOf(s.StartTrace(ctx, mlruns.Trace{ID: "tr-1", ExperimentID: "e1"})))
		when := time.UnixMilli(n)
		for _, err := range []error{
			filestoretest.ErrOf(s.CreateLoggedModel(ctx, mlruns.ModelSpec{ID: a, ExperimentID: "e1", Name: b, Type: b, SourceRunID: a, Params: map[string]string{a: b, b: a}, Tags: map[string]string{b: a}})),
			filestoretest.ErrOf(s.CreateLoggedModel(ctx, mlruns.ModelSpec{ExperimentID: a, Name: b})),
			s.SetLoggedModelTags(ctx, "m-1", map[string]string{a: b, b: a}), s.SetLoggedModelTags(ctx, a, map[string]string{b: a}), s.DeleteLoggedModelTag(ctx, "m-1", a), s.DeleteLoggedModelTag(ctx, b, a),
			s.LogLoggedModelParams(ctx, "m-1", map[string]string{a: b}), s.LogLoggedModelParams(ctx, b, map[string]string{a: b}),
			s.LogMetric(ctx, "run", mlruns.Metric{Key: a, Value: v, Step: n, Time: when, ModelID: "m-1", DatasetName: b, DatasetDigest: a}), s.LogMetric(ctx, "run", mlruns.Metric{Key: "k", Value: v, ModelID: b}),
			filestoretest.ErrOf(s.LoggedModel(ctx, a)), filestoretest.ErrOf(s.FinalizeLoggedModel(ctx, "m-1", mlruns.ModelStatus(n))), filestoretest.ErrOf(s.FinalizeLoggedModel(ctx, a, mlruns.ModelReady)),
			filestoretest.ErrOf(s.SearchLoggedModels(ctx, mlruns.ModelQuery{Filter: a, OrderBy: []mlruns.ModelOrder{{Field: b, Dataset: mlruns.ModelDataset{Name: a}}}, View: mlruns.View(n)})),
			filestoretest.ErrOf(s.SearchLoggedModels(ctx, mlruns.ModelQuery{Experiments: []string{a}, Datasets: []mlruns.ModelDataset{{Name: a, Digest: b}}, PageToken: b, MaxResults: int(n)})),
			filestoretest.ErrOf(s.ModelArtifacts(ctx, "m-1", a)), filestoretest.ErrOf(s.ModelArtifactRoot(ctx, a)), filestoretest.ErrOf(s.OpenModelArtifact(ctx, "m-1", b)), s.DeleteModelArtifacts(ctx, "m-1", a),
			filestoretest.ErrOf(s.StartTrace(ctx, mlruns.Trace{ID: a, ExperimentID: "e1", Start: when, RequestPreview: b, ClientRequestID: b, Metadata: map[string]string{a: b}, Tags: map[string]string{b: a, a: b}})),
			filestoretest.ErrOf(s.StartTrace(ctx, mlruns.Trace{ID: "tr-2", ExperimentID: a, State: mlruns.TraceState(b)})),
			s.SetTraceTag(ctx, "tr-1", a, b), s.SetTraceTag(ctx, a, b, a), s.DeleteTraceTag(ctx, "tr-1", a), s.DeleteTraceTag(ctx, b, a), filestoretest.ErrOf(s.Trace(ctx, a)), filestoretest.ErrOf(s.TraceData(ctx, b)),
			filestoretest.ErrOf(s.SearchTraces(ctx, mlruns.TraceQuery{Filter: a, OrderBy: []string{b}})), filestoretest.ErrOf(s.SearchTraces(ctx, mlruns.TraceQuery{Experiments: []string{b}, PageToken: a, MaxResults: int(n)})),
			filestoretest.ErrOf(s.DeleteTraces(ctx, mlruns.TraceDeletion{ExperimentID: a, IDs: []string{b}})), filestoretest.ErrOf(s.DeleteTraces(ctx, mlruns.TraceDeletion{ExperimentID: "e1", IDs: []string{a}, Until: when, Max: int(n)})),
			s.DeleteLoggedModel(ctx, a),
		} {
			if err != nil && mlruns.CodeOf(err) == "" {
				t.Errorf("%v has no code", err)
			}
		}
		filestoretest.NoProblems(t, s, mlruns.ProblemNotPortable)
	})
}

// FuzzModelRepair puts anything into the files of a model and a trace: a repair keeps every
// original, and a second has nothing to do.
func FuzzModelRepair(f *testing.F) {
	f.Add("1 1.0 1 run\n2 2.0", "request_time: x", "a: [", "assessments/a-1.yaml")
	f.Add("\ufeff1 1.0 1 run\n\n1 1.0 1 run\n", "", "artifact_location: 1\n", "tags/x (1)")
	f.Add("1 1.0 1\n", "trace_id: tr-1\nrequest_time: '2023-11-14T22:13:20Z'\nstate: OK\nmore: {}\n", "model_id: m-1\nexperiment_id: e1\n", "assessments/.DS_Store")
	f.Fuzz(func(t *testing.T, points, info, meta, name string) {
		d := filestoretest.NewPatient(t, func(f afero.Fs) afero.Fs { return f })
		d.AddModels()
		d.Write(map[string]string{filestoretest.ModelAcc: points, filestoretest.PatientModel + "/metrics/acc (1)": points, filestoretest.PatientTrace + "/trace_info.yaml": info, filestoretest.PatientModel + "/meta.yaml": meta})
		if path := "/mlruns/" + filestoretest.PatientTrace + "/" + name; name != "" && name[0] != '/' && !hasDots(name) {
			_ = afero.WriteFile(d.Mem, path, []byte(meta), 0o666) // where that can be
		}
		before := d.Tree()
		for _, r := range d.Repair(mlruns.RepairQuery{}) {
			if r.SavedTo != "" && d.Tree()[r.SavedTo] != before[r.Path] {
				t.Errorf("%s was kept as something else", r.Path)
			}
		}
		after := d.Tree()
		for _, r := range d.Repair(mlruns.RepairQuery{}) {
			if r.Action != "" {
				t.Errorf("a second repair: %+v", r)
			}
		}
		if len(after) != len(d.Tree()) {
			t.Error("a second repair has changed the store")
		}
	})
}

// hasDots reports whether a path could lead out of its folder.
func hasDots(name string) bool {
	for i := range len(name) - 1 {
		if name[i:i+2] == ".." {
			return true
		}
	}
	return false
}
