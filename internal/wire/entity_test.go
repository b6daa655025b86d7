package wire_test

import (
	"encoding/json"
	"errors"
	"math"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/mlruns/mlruns"
	"github.com/mlruns/mlruns/internal/wire"
)

// through makes JSON of a shape and a shape of that.
func through[T any](t *testing.T, shape T) T {
	t.Helper()
	text, err := json.Marshal(shape)
	if err != nil {
		t.Fatal(err)
	}
	var back T
	if err := json.Unmarshal(text, &back); err != nil {
		t.Fatal(err)
	}
	return back
}

// TestEntities has what is sent come back as it was.
func TestEntities(t *testing.T) {
	at := time.UnixMilli(1700000000123).UTC()
	tags := map[string]string{"a": "", "é/ü": "x\ny"}
	same := func(what string, got, want any) {
		t.Helper()
		if diff := cmp.Diff(want, got, cmpopts.EquateNaNs()); diff != "" {
			t.Errorf("%s (-want +got):\n%s", what, diff)
		}
	}
	e := mlruns.Experiment{ID: "1", Name: "n", ArtifactLocation: "s3://x", Stage: mlruns.StageDeleted, Tags: tags, Created: at, Updated: at.Add(time.Second)}
	same("experiment", through(t, wire.NewExperiment(e)).Entity(), e)
	run := &mlruns.Run{
		Info: mlruns.RunInfo{ID: "r", Name: "n", ExperimentID: "1", User: "u", Status: mlruns.StatusKilled, Start: at, End: at, Deleted: at, ArtifactURI: "x", Stage: mlruns.StageDeleted},
		Data: mlruns.RunData{Metrics: map[string]mlruns.Metric{
			"m": {Key: "m", Value: math.NaN(), Time: at, Step: math.MinInt64, DatasetName: "d", DatasetDigest: "1"},
			"i": {Key: "i", Value: math.Inf(-1), Time: at, Step: math.MaxInt64},
		}, Params: tags, Tags: map[string]string{}},
		Inputs:  mlruns.Inputs{Datasets: []mlruns.DatasetInput{{Dataset: mlruns.Dataset{Name: "d", Digest: "1", SourceType: "s", Source: "x", Schema: "{}"}, Tags: tags}}, Models: []mlruns.ModelInput{{ModelID: "m-1"}}},
		Outputs: mlruns.Outputs{Models: []mlruns.ModelOutput{{ModelID: "m-2", Step: -3}}},
	}
	back, err := through(t, wire.NewRun(run)).Entity()
	if err != nil {
		t.Fatal(err)
	}
	same("run", back, run)
	m := &mlruns.LoggedModel{ID: "m-1", ExperimentID: "1", Name: "n", Type: "t", SourceRunID: "r", Status: mlruns.ModelFailed, StatusMessage: "s", Created: at, Updated: at, ArtifactLocation: "x",
		Stage: mlruns.StageDeleted, Params: tags, Tags: tags, Metrics: []mlruns.Metric{{Key: "m", Value: 1, Time: at, Step: 2, ModelID: "m-1", RunID: "r"}}}
	for m.Status = mlruns.ModelUnspecified; m.Status <= mlruns.ModelFailed; m.Status++ {
		model, err := through(t, wire.NewModel(m)).Entity()
		if err != nil {
			t.Fatal(err)
		}
		same("model", model, m)
	}
	tr := &mlruns.Trace{ID: "tr-1", ClientRequestID: "c", ExperimentID: "1", State: mlruns.TraceInProgress, Start: at, End: at.Add(255 * time.Millisecond), RequestPreview: "a", ResponsePreview: "b",
		Tags: map[string]string{mlruns.TagTraceArtifactLocation: "x"}, Metadata: tags, Assessments: []json.RawMessage{json.RawMessage(`{"a":1}`)}, ArtifactLocation: "x"}
	for _, state := range []mlruns.TraceState{mlruns.TraceUnspecified, mlruns.TraceOK, mlruns.TraceError, mlruns.TraceInProgress} {
		tr.State = state
		trace, err := through(t, wire.NewTrace(tr)).Entity()
		if err != nil {
			t.Fatal(err)
		}
		same("trace", trace, tr)
		old := *tr // the form of MLflow 2 has no more of it
		old.ClientRequestID, old.RequestPreview, old.ResponsePreview, old.Assessments = "", "", "", nil
		if trace, err = through(t, wire.NewTraceV2(tr)).Entity(); err != nil {
			t.Fatal(err)
		}
		same("trace of MLflow 2", trace, &old)
	}
	tr.End = time.Time{}
	trace, err := through(t, wire.NewTraceV2(tr)).Entity()
	if err != nil {
		t.Fatal(err)
	}
	same("end of a trace under way", trace.End, time.Time{})
}

// TestEntityOfLittle reads what old and other servers send.
func TestEntityOfLittle(t *testing.T) {
	var r wire.Run
	text := `{"info":{"run_uuid":"r","status":"FINISHED","start_time":"1700000000123","end_time":0},"data":{"metrics":null,"params":[{"key":"p"}]},"new":1}`
	if err := json.Unmarshal([]byte(text), &r); err != nil {
		t.Fatal(err)
	}
	run, err := r.Entity()
	if err != nil || run.Info.ID != "r" || run.Info.Stage != mlruns.StageActive || run.Info.Start.UnixMilli() != 1700000000123 || !run.Info.End.IsZero() ||
		run.Data.Metrics == nil || run.Data.Tags == nil || len(run.Data.Params) != 1 {
		t.Errorf("got %+v, %v", run, err)
	}
	for _, shape := range []string{`{"timestamp":1.5}`, `{"step":"x"}`, `{"step":true}`, `{"timestamp":99999999999999999999}`} {
		if err := json.Unmarshal([]byte(shape), new(wire.Metric)); err == nil {
			t.Errorf("%s is read", shape)
		}
	}
	_, runErr := wire.Run{Info: wire.RunInfo{Status: "BOGUS"}}.Entity()
	_, modelErr := wire.Model{Info: wire.ModelInfo{Status: "BOGUS"}}.Entity()
	_, stateErr := wire.Trace{State: "BOGUS"}.Entity()
	_, timeErr := wire.Trace{State: "OK", RequestTime: "yesterday"}.Entity()
	for _, err := range []error{runErr, modelErr, stateErr, timeErr} {
		if !errors.Is(err, mlruns.ErrCorrupt) {
			t.Errorf("got %v", err)
		}
	}
}
