package storetest

import (
	"io"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/mlruns/mlruns"
)

// models skips a scenario on a store that has no logged models.
func (f *fixture) models() mlruns.ModelStore {
	f.Helper()
	s, ok := f.client.Store().(mlruns.ModelStore)
	if !ok {
		f.Skip("the store has no logged models")
	}
	return s
}

func (f *fixture) newModel(spec mlruns.ModelSpec) *mlruns.LoggedModel {
	f.Helper()
	return need(f.client.CreateLoggedModel(f.ctx, spec))(f)
}

func (f *fixture) foundModels(q mlruns.ModelQuery) (names []string) {
	f.Helper()
	for m, err := range f.client.LoggedModels(f.ctx, q) {
		f.must(err)
		names = append(names, m.Name)
	}
	page := need(f.client.SearchLoggedModels(f.ctx, q))(f)
	var paged []string
	for _, m := range page.Models {
		paged = append(paged, m.Name)
	}
	equal(f, "a page as one scan", paged, names)
	return names
}

var modelScenarios = []scenario{
	{name: "create with all", run: func(f *fixture) {
		f.models()
		run := f.newRun()
		spec := mlruns.ModelSpec{Name: "resnet 50", Type: "agent", SourceRunID: run, Params: map[string]string{"a/b": "", "é": "x\ny"}, Tags: map[string]string{"t": "it's: y"}}
		m := f.newModel(spec)
		if !strings.HasPrefix(m.ID, "m-") || len(m.ID) != 34 {
			f.Errorf("the id is %s", m.ID)
		}
		got := need(f.client.LoggedModel(f.ctx, m.ID))(f)
		equal(f, "name", got.Name, spec.Name)
		equal(f, "type", got.Type, spec.Type)
		equal(f, "run", got.SourceRunID, run)
		equal(f, "status", got.Status, mlruns.ModelPending)
		equal(f, "params", got.Params, spec.Params)
		equal(f, "tags", got.Tags, spec.Tags)
		equal(f, "as it was made", got, m)
		f.refused(second(f.client.CreateLoggedModel(f.ctx, mlruns.ModelSpec{Name: "resnet: 50"})), mlruns.ErrInvalid, mlruns.CodeInvalidParameter,
			`Invalid model name ('resnet: 50') provided. Model name must be a non-empty string and cannot contain the following characters: ('/', ':', '.', '%', '"', "'")`)
		equal(f, "experiment", got.ExperimentID, mlruns.DefaultExperimentID)
	}},
	{name: "status and deletion", run: func(f *fixture) {
		f.models()
		m := f.newModel(mlruns.ModelSpec{})
		for _, status := range []mlruns.ModelStatus{mlruns.ModelReady, mlruns.ModelFailed, mlruns.ModelUnspecified, mlruns.ModelPending} {
			equal(f, "finalized", need(f.client.FinalizeLoggedModel(f.ctx, m.ID, status))(f).Status, status)
		}
		f.must(f.client.DeleteLoggedModel(f.ctx, m.ID))
		missing := "Model '" + m.ID + "' not found"
		f.refused(second(f.client.LoggedModel(f.ctx, m.ID)), mlruns.ErrNotFound, mlruns.CodeNotFound, missing)
		f.refused(f.client.DeleteLoggedModel(f.ctx, m.ID), mlruns.ErrNotFound, mlruns.CodeNotFound, missing)
		equal(f, "active", f.foundModels(mlruns.ModelQuery{}), nil)
		equal(f, "deleted", f.foundModels(mlruns.ModelQuery{View: mlruns.ViewDeleted}), []string{m.Name})
	}},
	{name: "values", run: func(f *fixture) {
		f.models()
		m := f.newModel(mlruns.ModelSpec{Tags: map[string]string{"old": "1"}})
		f.must(f.client.SetLoggedModelTags(f.ctx, m.ID, map[string]string{"old": "2", "new/below": "x"}))
		f.must(f.client.LogLoggedModelParams(f.ctx, m.ID, map[string]string{"lr": "0.1"}))
		f.must(f.client.LogLoggedModelParams(f.ctx, m.ID, map[string]string{"lr": "0.2"}))
		f.must(f.client.DeleteLoggedModelTag(f.ctx, m.ID, "new/below"))
		f.refused(f.client.DeleteLoggedModelTag(f.ctx, m.ID, "new/below"), mlruns.ErrNotFound, mlruns.CodeNotFound, "No tag with key 'new/below' found for model with ID '"+m.ID+"'.")
		got := need(f.client.LoggedModel(f.ctx, m.ID))(f)
		equal(f, "tags", got.Tags, map[string]string{"old": "2"})
		equal(f, "params", got.Params, map[string]string{"lr": "0.2"})
		if err := f.client.SetLoggedModelTags(f.ctx, m.ID, map[string]string{"a": "1", "bad!": "1"}); err == nil {
			f.Error("a bad key is taken")
		}
		equal(f, "what is refused leaves no trace", need(f.client.LoggedModel(f.ctx, m.ID))(f), got)
	}},
	{name: "points", run: func(f *fixture) {
		f.models()
		run := f.newRun()
		m := f.newModel(mlruns.ModelSpec{Name: "measured"})
		f.newModel(mlruns.ModelSpec{Name: "other"})
		at := time.UnixMilli(1700000000000).UTC()
		points := []mlruns.Metric{
			{Key: "acc", Value: 0.25, Time: at, Step: 1, ModelID: m.ID, DatasetName: "b", DatasetDigest: "1"},
			{Key: "acc", Value: 0.5, Time: at.Add(time.Second), Step: 2, ModelID: m.ID, DatasetName: "b", DatasetDigest: "1"},
			{Key: "acc", Value: 0.75, Time: at, Step: 1, ModelID: m.ID},
		}
		f.must(f.client.LogMetric(f.ctx, run, points[0]))
		f.must(f.client.LogBatch(f.ctx, run, mlruns.Batch{Metrics: points[1:]}))
		want := slices.Clone(points[1:])
		for i := range want {
			want[i].RunID = run
		}
		equal(f, "the model's", need(f.client.LoggedModel(f.ctx, m.ID))(f).Metrics, want)
		history := slices.Collect(func(yield func(float64) bool) {
			for p, err := range f.client.MetricHistory(f.ctx, run, "acc", mlruns.HistoryQuery{}) {
				f.must(err)
				if !yield(p.Value) {
					return
				}
			}
		})
		equal(f, "the run's", history, []float64{0.25, 0.5, 0.75})
		for filter, names := range map[string][]string{
			"metrics.acc = 0.5": {"measured"}, "metrics.acc = 0.75": nil, "dataset.name = 'b'": {"measured"}, "NOT metrics.acc = 0.5": nil, "name = 'other' OR metrics.acc > 0.4": {"measured", "other"},
		} {
			got := f.foundModels(mlruns.ModelQuery{Filter: filter})
			slices.Sort(got)
			equal(f, filter, got, names)
		}
		equal(f, "on a data set", f.foundModels(mlruns.ModelQuery{Datasets: []mlruns.ModelDataset{{Name: "b"}}}), []string{"measured"})
		equal(f, "ordered by a metric", f.foundModels(mlruns.ModelQuery{OrderBy: []mlruns.ModelOrder{{Field: "metrics.acc"}}}), []string{"measured", "other"})
	}},
	{name: "artifacts and the trash", run: func(f *fixture) {
		f.models()
		experiment := f.newExperiment("one")
		m := f.newModel(mlruns.ModelSpec{ExperimentID: experiment})
		f.must(f.client.WriteModelArtifact(f.ctx, m.ID, "model/MLmodel", strings.NewReader("x")))
		file := need(f.client.OpenModelArtifact(f.ctx, m.ID, "model/MLmodel"))(f)
		text := need(io.ReadAll(file))(f)
		f.must(file.Close())
		equal(f, "the artifact", string(text), "x")
		f.must(f.client.DeleteExperiment(f.ctx, experiment))
		f.refused(second(f.client.LoggedModel(f.ctx, m.ID)), mlruns.ErrNotFound, mlruns.CodeNotFound, "Model '"+m.ID+"' not found")
		equal(f, "a search of a deleted experiment", f.foundModels(mlruns.ModelQuery{Experiments: []string{experiment}}), []string{m.Name})
		f.must(f.client.RestoreExperiment(f.ctx, experiment))
		equal(f, "restored", need(f.client.LoggedModel(f.ctx, m.ID))(f), m)
		f.must(f.client.DeleteModelArtifacts(f.ctx, m.ID, "model"))
		equal(f, "no artifacts", len(need(f.client.ModelArtifacts(f.ctx, m.ID, ""))(f)), 0)
	}},
}

var traceScenarios = []scenario{
	{name: "start, change, delete", run: func(f *fixture) {
		if _, ok := f.client.Store().(mlruns.TraceStore); !ok {
			f.Skip("the store has no traces")
		}
		start := time.UnixMilli(1700000000100).UTC()
		want := mlruns.Trace{ID: "tr-1", State: mlruns.TraceError, Start: start, End: start.Add(5 * time.Millisecond), RequestPreview: "a: b\n", Metadata: map[string]string{"k": "v"}, Tags: map[string]string{mlruns.TagTraceName: "first"}}
		made := need(f.client.StartTrace(f.ctx, want))(f)
		got := need(f.client.Trace(f.ctx, "tr-1"))(f)
		equal(f, "the trace", got, made)
		equal(f, "metadata", got.Metadata, want.Metadata)
		equal(f, "request", got.RequestPreview, want.RequestPreview)
		f.must(f.client.SetTraceTag(f.ctx, "tr-1", "color", "red"))
		f.must(f.client.DeleteTraceTag(f.ctx, "tr-1", mlruns.TagTraceName))
		got = need(f.client.Trace(f.ctx, "tr-1"))(f)
		equal(f, "tags", slices.Sorted(maps.Keys(got.Tags)), []string{"color", mlruns.TagTraceArtifactLocation})
		f.must(second(f.client.StartTrace(f.ctx, mlruns.Trace{ID: "tr-2", Start: start.Add(time.Second)})))
		for filter, ids := range map[string][]string{"": {"tr-2", "tr-1"}, "status = 'ERROR'": {"tr-1"}, "metadata.k = 'v' OR status = 'OK'": {"tr-1"}, "execution_time IS NULL": {"tr-2"}} {
			page := need(f.client.SearchTraces(f.ctx, mlruns.TraceQuery{Filter: filter}))(f)
			var found []string
			for _, tr := range page.Traces {
				found = append(found, tr.ID)
			}
			equal(f, filter, found, ids)
		}
		equal(f, "deleted", need(f.client.DeleteTraces(f.ctx, mlruns.TraceDeletion{ExperimentID: mlruns.DefaultExperimentID, Until: start}))(f), 1)
		f.refused(second(f.client.Trace(f.ctx, "tr-1")), mlruns.ErrNotFound, mlruns.CodeNotFound, "Trace with ID 'tr-1' not found")
	}},
}

func second[T any](_ T, err error) error { return err }
