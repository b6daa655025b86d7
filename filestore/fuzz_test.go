package filestore_test

import (
	"bytes"
	"encoding/json"
	"math"
	"testing"
	"time"

	"github.com/mlruns/mlruns"
	"github.com/mlruns/mlruns/filestore"
	"github.com/mlruns/mlruns/filestore/internal/filestoretest"
	"github.com/mlruns/mlruns/internal/memfs"
)

// FuzzPublicCalls puts any text and number into every call: none may panic, and none may leave
// anything that Verify has a word for, but names that other platforms cannot hold.
func FuzzPublicCalls(f *testing.F) {
	for _, s := range []string{"", "a", "a/b", "../x", "..", "/etc/passwd", "0", "e1", "run", ".trash", ".mlruns.lock", "meta.yaml", "tags", "models", "mlflow.runName", "mlflow.log-model.history",
		"[{}]", "{}", "a\n", "\xff", "\x00", "é", "😀", "a:b", "eyJvZmZzZXQiOiAyfQ==", "metrics.m > 1", "null", "~", "1e400", ".DS_Store", ".nfs1"} {
		f.Add(s, "value", int64(1), 0.5)
		f.Add("run", s, int64(-1), 1e300)
		f.Add("e1", s, int64(1)<<62, math.Copysign(0, -1))
	}
	f.Fuzz(func(t *testing.T, a, b string, n int64, v float64) {
		s, err := filestore.Open("/mlruns", filestore.WithFs(memfs.New()), filestore.WithSync(filestore.SyncNever))
		if err != nil {
			t.Fatal(err)
		}
		defer s.Close()
		ctx := t.Context()
		c := mlruns.NewClient(s)
		if err := filestoretest.ErrOf(s.CreateExperiment(ctx, mlruns.ExperimentSpec{ID: "e1", Name: "one"})); err != nil {
			t.Fatal(err)
		}
		if err := filestoretest.ErrOf(s.CreateRun(ctx, mlruns.RunSpec{ID: "run", ExperimentID: "e1"})); err != nil {
			t.Fatal(err)
		}
		when, status, view := time.UnixMilli(n), mlruns.Status(n), mlruns.View(n)
		for _, err := range []error{
			filestoretest.ErrOf(s.CreateExperiment(ctx, mlruns.ExperimentSpec{ID: a, Name: b, ArtifactLocation: a, Tags: map[string]string{a: b, b: a}})),
			filestoretest.ErrOf(s.CreateExperiment(ctx, mlruns.ExperimentSpec{Name: a, ArtifactLocation: b})),
			filestoretest.ErrOf(s.CreateRun(ctx, mlruns.RunSpec{ID: a, ExperimentID: b, Name: b, User: a, Start: when, Tags: map[string]string{a: b}})),
			filestoretest.ErrOf(s.CreateRun(ctx, mlruns.RunSpec{ExperimentID: a, Name: b, Tags: map[string]string{b: a}})),
			s.LogMetric(ctx, "run", mlruns.Metric{Key: b, Value: v, Step: n, Time: when, DatasetName: a, DatasetDigest: a}),
			s.LogMetric(ctx, a, mlruns.Metric{Key: b, Value: v, Step: n}),
			s.LogParam(ctx, "run", a, b), s.LogParam(ctx, a, b, a),
			s.SetTag(ctx, "run", a, b), s.SetTag(ctx, a, b, a),
			s.LogBatch(ctx, "run", mlruns.Batch{Metrics: []mlruns.Metric{{Key: a, Value: v, Time: when}, {Key: b, Value: -v, Step: n}}, Params: []mlruns.Param{{Key: a, Value: a}, {Key: b, Value: b}}, Tags: []mlruns.Tag{{Key: b, Value: a}}}),
			s.LogInputs(ctx, "run", mlruns.Inputs{Datasets: []mlruns.DatasetInput{{Dataset: mlruns.Dataset{Name: a, Digest: b, SourceType: b, Source: a, Schema: b, Profile: a}, Tags: map[string]string{a: b}}}, Models: []mlruns.ModelInput{{ModelID: b}}}),
			s.LogOutputs(ctx, "run", mlruns.Outputs{Models: []mlruns.ModelOutput{{ModelID: a, Step: n}, {ModelID: b}}}),
			s.RecordLoggedModel(ctx, "run", mlruns.ModelRecord{ArtifactPath: a, ModelUUID: b, Created: when, Flavors: map[string]json.RawMessage{a: json.RawMessage(b)}}),
			s.UpdateRun(ctx, "run", mlruns.RunUpdate{Status: status, Name: b, End: when}), s.UpdateRun(ctx, a, mlruns.RunUpdate{Name: b}),
			s.SetExperimentTag(ctx, "e1", a, b), s.SetExperimentTag(ctx, a, b, a), s.DeleteExperimentTag(ctx, "e1", b), s.DeleteExperimentTag(ctx, a, b),
			s.WriteArtifact(ctx, "run", a, bytes.NewReader([]byte(b))), s.WriteArtifact(ctx, a, b, bytes.NewReader(nil)),
			filestoretest.ErrOf(s.Artifacts(ctx, "run", a)), filestoretest.ErrOf(s.OpenArtifact(ctx, "run", b)), filestoretest.ErrOf(s.ArtifactRoot(ctx, a)), s.DeleteArtifacts(ctx, "run", b),
			filestoretest.ErrOf(s.Experiment(ctx, a)), filestoretest.ErrOf(s.ExperimentByName(ctx, a)), filestoretest.ErrOf(s.Run(ctx, a)),
			filestoretest.ErrOf(s.SearchRuns(ctx, mlruns.RunQuery{Experiments: []string{a, b}, View: view})), filestoretest.ErrOf(s.SearchRuns(ctx, mlruns.RunQuery{Filter: a, OrderBy: []string{b}, MaxResults: int(n)})),
			filestoretest.ErrOf(s.SearchRuns(ctx, mlruns.RunQuery{PageToken: a})), filestoretest.ErrOf(s.SearchExperiments(ctx, mlruns.ExperimentQuery{Filter: a, OrderBy: []string{b}, PageToken: b, View: view})),
			filestoretest.ErrOfAll(s.MetricHistory(ctx, "run", a, mlruns.HistoryQuery{})), filestoretest.ErrOfAll(s.MetricHistory(ctx, a, b, mlruns.HistoryQuery{})), filestoretest.ErrOfAll(s.RunInfos(ctx, a, view)),
			filestoretest.ErrOfAll(s.Runs(ctx, mlruns.RunQuery{View: view, MaxResults: int(n)})), filestoretest.ErrOfAll(s.Experiments(ctx, mlruns.ExperimentQuery{View: view})),
			s.DeleteTag(ctx, "run", a), s.DeleteTag(ctx, a, b),
			s.RenameExperiment(ctx, "e1", b), s.RenameExperiment(ctx, a, b),
			s.DeleteRun(ctx, a), s.RestoreRun(ctx, a), s.EndRun(ctx, "run", status, when), s.EndRun(ctx, a, status, when),
			s.DeleteExperiment(ctx, a), s.RestoreExperiment(ctx, a),
			filestoretest.ErrOf(s.DownloadArtifacts(ctx, "run", a, t.TempDir())), s.LogArtifact(ctx, "run", t.TempDir(), a), s.LogArtifacts(ctx, "run", t.TempDir(), b),
			filestoretest.ErrOf(c.GetOrCreateExperiment(ctx, b)), filestoretest.ErrOf(c.ResumeRun(ctx, a)), filestoretest.ErrOf(c.StartRun(ctx, a, mlruns.RunSpec{ID: b, Name: a})),
			filestoretest.ErrOf(c.CreateModelVersion(ctx, a, b, a)), filestoretest.ErrOfAll(c.SearchModelVersions(ctx, a)),
		} {
			if err != nil && mlruns.CodeOf(err) == "" {
				t.Errorf("%v has no code", err)
			}
		}
		run, err := s.Run(ctx, "run")
		if err != nil || len(run.Problems) > 0 {
			t.Errorf("the run: %v, %v", run, err)
		}
		filestoretest.NoProblems(t, s, mlruns.ProblemNotPortable)
	})
}
