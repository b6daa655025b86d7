package wire_test

import (
	"encoding/json"
	"math"
	"slices"
	"testing"
	"time"

	"github.com/mlruns/mlruns"
	"github.com/mlruns/mlruns/internal/wire"
)

func at(ms int64) time.Time { return time.UnixMilli(ms).UTC() }

func TestShapes(t *testing.T) {
	for name, c := range map[string]struct {
		shape any
		want  string
	}{
		"experiment": {
			wire.ExperimentAnswer{Experiment: wire.NewExperiment(mlruns.Experiment{ID: "1", Name: "e", ArtifactLocation: "file:///a", Stage: mlruns.StageActive,
				Created: at(5), Tags: map[string]string{"b": "2", "a": "1"}})},
			`{"experiment":{"experiment_id":"1","name":"e","artifact_location":"file:///a","lifecycle_stage":"active","creation_time":5,` +
				`"tags":[{"key":"a","value":"1"},{"key":"b","value":"2"}]}}`,
		},
		"no experiments": {wire.NewExperimentPage(&mlruns.ExperimentPage{}), `{"experiments":[]}`},
		"run": {
			wire.NewRunAnswer(&mlruns.Run{
				Info: mlruns.RunInfo{ID: "r", Name: "n", ExperimentID: "1", User: "u", Status: mlruns.StatusFinished, Start: at(0), End: at(7), Stage: mlruns.StageDeleted},
				Data: mlruns.RunData{
					Metrics: map[string]mlruns.Metric{"z": {Key: "z", Value: math.Inf(-1), Time: at(3), Step: -1}, "a": {Key: "a", Value: 1e300, Time: at(2), DatasetName: "d", DatasetDigest: "x"}},
					Params:  map[string]string{"p": ""},
				},
				Inputs: mlruns.Inputs{
					Datasets: []mlruns.DatasetInput{{Dataset: mlruns.Dataset{Name: "d", Digest: "x", SourceType: "local", Source: "{}"}, Tags: map[string]string{"k": "v"}}},
					Models:   []mlruns.ModelInput{{ModelID: "m-1"}},
				},
				Outputs:  mlruns.Outputs{Models: []mlruns.ModelOutput{{ModelID: "m-2", Step: 4}}},
				Problems: []mlruns.Problem{{Kind: mlruns.ProblemEmpty, Path: "1/r/metrics/e", Reason: "why"}},
			}),
			`{"run":{"info":{"run_id":"r","run_uuid":"r","run_name":"n","experiment_id":"1","user_id":"u","status":"FINISHED","start_time":0,"end_time":7,` +
				`"artifact_uri":"","lifecycle_stage":"deleted"},"data":{"metrics":[{"key":"a","value":1e+300,"timestamp":2,"step":0,"dataset_name":"d","dataset_digest":"x"},` +
				`{"key":"z","value":"-Infinity","timestamp":3,"step":-1}],"params":[{"key":"p","value":""}],"tags":[]},` +
				`"inputs":{"dataset_inputs":[{"tags":[{"key":"k","value":"v"}],"dataset":{"name":"d","digest":"x","source_type":"local","source":"{}"}}],"model_inputs":[{"model_id":"m-1"}]},` +
				`"outputs":{"model_outputs":[{"model_id":"m-2","step":4}]}},"problems":[{"kind":"empty","path":"1/r/metrics/e","reason":"why","repairable":false}]}`,
		},
		"page of runs": {
			wire.NewRunPage(&mlruns.RunPage{Runs: []*mlruns.Run{{Info: mlruns.RunInfo{ID: "r", Status: mlruns.StatusRunning, Stage: mlruns.StageActive}}}, NextPageToken: "t"}),
			`{"runs":[{"info":{"run_id":"r","run_uuid":"r","run_name":"","experiment_id":"","user_id":"","status":"RUNNING","artifact_uri":"","lifecycle_stage":"active"},` +
				`"data":{"metrics":[],"params":[],"tags":[]},"inputs":{"dataset_inputs":[]}}],"next_page_token":"t"}`,
		},
		"model": {
			wire.ModelAnswer{Model: wire.NewModel(&mlruns.LoggedModel{ID: "m-1", ExperimentID: "0", Name: "n", Type: "agent", SourceRunID: "r", Status: mlruns.ModelReady, Created: at(1), Updated: at(2),
				ArtifactLocation: "file:///a", Params: map[string]string{"p": "1"}, Metrics: []mlruns.Metric{{Key: "m", Value: 1, Time: at(3), RunID: "r", ModelID: "m-1"}}})},
			`{"model":{"info":{"model_id":"m-1","experiment_id":"0","name":"n","creation_timestamp_ms":1,"last_updated_timestamp_ms":2,"artifact_uri":"file:///a","status":"LOGGED_MODEL_READY",` +
				`"model_type":"agent","source_run_id":"r","tags":[]},"data":{"params":[{"key":"p","value":"1"}],"metrics":[{"key":"m","value":1,"timestamp":3,"step":0,"model_id":"m-1","run_id":"r"}]}}}`,
		},
		"artifacts": {
			wire.NewArtifactList("file:///a", []mlruns.FileInfo{{Path: "d", IsDir: true}, {Path: "f", Size: 0}}),
			`{"root_uri":"file:///a","files":[{"path":"d","is_dir":true},{"path":"f","is_dir":false,"file_size":0}]}`,
		},
	} {
		got, err := json.Marshal(c.shape)
		if err != nil || string(got) != c.want {
			t.Errorf("%s: %v\n got %s\nwant %s", name, err, got, c.want)
		}
	}
}

func TestNumber(t *testing.T) {
	for want, v := range map[string]float64{"0": 0, "-0.0": math.Copysign(0, -1), "0.1": 0.1, "1e+300": 1e300, "5e-324": 5e-324, `"NaN"`: math.NaN(), `"Infinity"`: math.Inf(1), `"-Infinity"`: math.Inf(-1)} {
		text, err := json.Marshal(wire.Number(v))
		if err != nil || string(text) != want {
			t.Errorf("%v is written %s, %v; want %s", v, text, err, want)
		}
		var back wire.Number
		if err := json.Unmarshal(text, &back); err != nil || math.Float64bits(float64(back)) != math.Float64bits(v) && !math.IsNaN(v) || math.IsNaN(v) != math.IsNaN(float64(back)) {
			t.Errorf("%s is read as %v, %v", text, back, err)
		}
	}
	var n wire.Number
	for _, text := range []string{`"nan"`, `"1"`, `true`, `[]`, `1e999`} {
		if err := json.Unmarshal([]byte(text), &n); err == nil {
			t.Errorf("%s is read as %v, want an error", text, n)
		}
	}
}

func TestParseBatch(t *testing.T) {
	id, b, err := wire.ParseBatch([]byte(`{"run_id":"R","metrics":[{"key":"a","value":"NaN","timestamp":1,"step":-3},{"key":"b","value":2}],"params":[{"key":"k","value":""}],"tags":[{"key":"t","value":"v"}]}`))
	if err != nil {
		t.Fatal(err)
	}
	if id != "R" || len(b.Metrics) != 2 || !math.IsNaN(b.Metrics[0].Value) || b.Metrics[0].Time.UnixMilli() != 1 || b.Metrics[0].Step != -3 ||
		b.Metrics[1].Value != 2 || !b.Metrics[1].Time.IsZero() || b.Params[0] != (mlruns.Param{Key: "k"}) || b.Tags[0] != (mlruns.Tag{Key: "t", Value: "v"}) {
		t.Errorf("read as %q, %+v", id, b)
	}
	for text, want := range map[string]string{
		``:                          "it is empty",
		`{"metrics":[`:              "the JSON ends too early",
		`{} {}`:                     "there is more after the JSON object",
		`{"metric":[]}`:             `json: unknown field "metric"`,
		`{"metrics":[{"key":"a"}]}`: "Missing value for required parameter 'metrics[0].value'.",
		`{"params":[{"key":"a"}]}`:  "Missing value for required parameter 'params[0].value'.",
		`{"tags":[{"key":"a"}]}`:    "Missing value for required parameter 'tags[0].value'.",
		`{"metrics":[{"key":"a","value":1,"step":1.5}]}`: "metrics.step cannot be a JSON number 1.5",
	} {
		if _, _, err := wire.ParseBatch([]byte(text)); err == nil || err.Error() != want {
			t.Errorf("%s gives %v, want %s", text, err, want)
		}
	}
}

// FuzzParseBatch wants that only JSON is read, and that a body which is read is read the same once
// more.
func FuzzParseBatch(f *testing.F) {
	f.Add([]byte(`{"metrics":[{"key":"a","value":"NaN","timestamp":1,"step":-3}],"params":[{"key":"k","value":"v"}],"tags":[]}`))
	f.Add([]byte(`{"run_id":"R"} `))
	f.Add([]byte(`[]`))
	f.Fuzz(func(t *testing.T, text []byte) {
		id, b, err := wire.ParseBatch(text)
		if err != nil {
			return
		}
		if !json.Valid(text) {
			t.Errorf("%q is no JSON and is read", text)
		}
		again, c, err := wire.ParseBatch(append([]byte(" "), text...))
		if err != nil || again != id || len(b.Metrics) != len(c.Metrics) || !slices.Equal(b.Params, c.Params) || !slices.Equal(b.Tags, c.Tags) {
			t.Errorf("%q is read as %q, %+v and then as %q, %+v, %v", text, id, b, again, c, err)
		}
	})
}
