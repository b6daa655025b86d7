package wire_test

import (
	"math"
	"net/url"
	"reflect"
	"testing"
	"time"

	"github.com/mlruns/mlruns"
	"github.com/mlruns/mlruns/internal/wire"
)

// read gives what a call makes of a body.
type read func(*wire.Request) any

func metric(r *wire.Request) any     { return r.Metric() }
func batch(r *wire.Request) any      { return r.Batch() }
func runQuery(r *wire.Request) any   { return r.RunQuery() }
func runUpdate(r *wire.Request) any  { return r.RunUpdate() }
func runID(r *wire.Request) any      { return r.RunID() }
func inputs(r *wire.Request) any     { return r.Inputs() }
func outputs(r *wire.Request) any    { return r.Outputs() }
func model(r *wire.Request) any      { return r.ModelRecord() }
func experiment(r *wire.Request) any { return r.ExperimentSpec() }

// TestBodies reads the bodies that Python, R and Java send.
func TestBodies(t *testing.T) {
	point := mlruns.Metric{Key: "m", Value: 1.5, Time: at(1700000000456), Step: -3}
	for name, c := range map[string]struct {
		body string
		read read
		want any
	}{
		"Python":           {`{"run_uuid": "r", "key": "m", "value": 1.5, "timestamp": 1700000000456, "step": -3, "run_id": "r"}`, metric, point},
		"Java":             {`{"runUuid":"r","key":"m","value":1.5,"timestamp":"1700000000456","step":"-3"}`, metric, point},
		"R":                {`{"run_id":"r","key":"m","value":"1e+05","timestamp":"1.7e+12","step":"1e+05"}`, metric, mlruns.Metric{Key: "m", Value: 1e5, Time: at(1_700_000_000_000), Step: 100_000}},
		"infinite":         {`{"key":"m","value":"-Infinity","timestamp":0}`, metric, mlruns.Metric{Key: "m", Value: math.Inf(-1), Time: at(0)}},
		"bare":             {`{"key":"m","value":Infinity,"timestamp":3.0,"step":null}`, metric, mlruns.Metric{Key: "m", Value: math.Inf(1), Time: at(3)}},
		"data set":         {`{"key":"m","value":0,"timestamp":0,"dataset_name":"d","dataset_digest":"x","model_id":"m-1"}`, metric, mlruns.Metric{Key: "m", Time: at(0), DatasetName: "d", DatasetDigest: "x", ModelID: "m-1"}},
		"encoded twice":    {`"{\"run_id\":\"r\"}"`, runID, "r"},
		"run_uuid":         {`{"run_uuid":"r","run_id":null}`, runID, "r"},
		"runId":            {`{"runId":"r"}`, runID, "r"},
		"the last counts":  {`{"run_id":"r","run_id":"s"}`, runID, "s"},
		"status by name":   {`{"run_id":"r","status":"KILLED","end_time":1700000009999,"run_name":"n"}`, runUpdate, mlruns.RunUpdate{Status: mlruns.StatusKilled, End: at(1700000009999), Name: "n"}},
		"status by number": {`{"status":3}`, runUpdate, mlruns.RunUpdate{Status: mlruns.StatusFinished}},
		"1.30 page": {`{"experiment_ids":["0"],"filter":"","run_view_type":"ACTIVE_ONLY","max_results":null,"order_by":[],"page_token":null}`, runQuery,
			mlruns.RunQuery{Experiments: []string{"0"}, OrderBy: []string{}, MaxResults: 1000}},
		"R search": {`{"experiment_ids":["0","1"],"run_view_type":"ALL","max_results":"1000","order_by":null}`, runQuery,
			mlruns.RunQuery{Experiments: []string{"0", "1"}, View: mlruns.ViewAll, OrderBy: []string{}, MaxResults: 1000}},
		"Java search": {`{"experimentIds":["0"],"runViewType":"DELETED_ONLY","maxResults":7,"orderBy":["metrics.m ASC"],"pageToken":"t","unknown":{}}`, runQuery,
			mlruns.RunQuery{Experiments: []string{"0"}, View: mlruns.ViewDeleted, OrderBy: []string{"metrics.m ASC"}, MaxResults: 7, PageToken: "t"}},
		"batch": {`{"run_id":"r","metrics":[{"key":"m","value":1.5,"timestamp":1700000000456,"step":-3}],"params":[{"key":"p","value":""}],"tags":[{"key":"t","value":"é"}]}`, batch,
			mlruns.Batch{Metrics: []mlruns.Metric{point}, Params: []mlruns.Param{{Key: "p"}}, Tags: []mlruns.Tag{{Key: "t", Value: "é"}}}},
		"empty batch": {`{"run_id":"r","metrics":null}`, batch, mlruns.Batch{Metrics: []mlruns.Metric{}}},
		"inputs": {`{"datasets":[{"tags":[{"key":"k","value":"v"}],"dataset":{"name":"d","digest":"x","source_type":"local","source":"{}","schema":"s"}}],"models":[{"model_id":"m-1"}]}`, inputs,
			mlruns.Inputs{Datasets: []mlruns.DatasetInput{{Tags: map[string]string{"k": "v"}, Dataset: mlruns.Dataset{Name: "d", Digest: "x", SourceType: "local", Source: "{}", Schema: "s"}}}, Models: []mlruns.ModelInput{{ModelID: "m-1"}}}},
		"outputs":    {`{"models":[{"model_id":"m-2","step":"4"}]}`, outputs, mlruns.Outputs{Models: []mlruns.ModelOutput{{ModelID: "m-2", Step: 4}}}},
		"experiment": {`{"name":"e","tags":[{"key":"a","value":"1"},{"key":"a","value":"2"}]}`, experiment, mlruns.ExperimentSpec{Name: "e", Tags: map[string]string{"a": "2"}}},
		"new model": {`{"experiment_id":"0","name":"n","model_type":"agent","source_run_id":"r","params":[{"key":"p","value":"1"}],"tags":null}`, func(r *wire.Request) any { return r.ModelSpec() },
			mlruns.ModelSpec{ExperimentID: "0", Name: "n", Type: "agent", SourceRunID: "r", Params: map[string]string{"p": "1"}}},
		"model status": {`{"status":"LOGGED_MODEL_UPLOAD_FAILED"}`, func(r *wire.Request) any { return r.ModelStatus() }, mlruns.ModelFailed},
		"model search": {`{"experiment_ids":["0"],"filter":"name = 'n'","datasets":[{"dataset_name":"d"}],"max_results":5,"order_by":[{"field_name":"metrics.m","ascending":false,"dataset_name":"d","dataset_digest":"x"},{"field_name":"name"}]}`,
			func(r *wire.Request) any { return r.ModelQuery() }, mlruns.ModelQuery{Experiments: []string{"0"}, Filter: "name = 'n'", Datasets: []mlruns.ModelDataset{{Name: "d"}}, MaxResults: 5,
				OrderBy: []mlruns.ModelOrder{{Field: "metrics.m", Descending: true, Dataset: mlruns.ModelDataset{Name: "d", Digest: "x"}}, {Field: "name"}}}},
		"model": {`{"run_id":"r","model_json":"{\"artifact_path\":\"m\",\"flavors\":{},\"utc_time_created\":\"2026-11-27 01:02:03.5\",\"run_id\":\"r\",\"model_uuid\":\"u\"}"}`, func(r *wire.Request) any {
			m := r.ModelRecord()
			m.Flavors = nil
			return m
		}, mlruns.ModelRecord{ArtifactPath: "m", ModelUUID: "u", Created: time.Date(2026, 11, 27, 1, 2, 3, 5e8, time.UTC)}},
	} {
		r := wire.ParseBody([]byte(c.body))
		if got := c.read(r); r.Err() != nil || !reflect.DeepEqual(got, c.want) {
			t.Errorf("%s: read as\n%+v, %v, want\n%+v", name, got, r.Err(), c.want)
		}
	}
}

const docs = " See the API docs for more information about request parameters."

// TestRefusals has what MLflow refuses, in its words, and what it stores as something else without
// a word.
func TestRefusals(t *testing.T) {
	for _, c := range []struct {
		body string
		read read
		want string
	}{
		{``, runID, "Missing value for required parameter 'run_id'." + docs},
		{`not JSON`, runID, "Missing value for required parameter 'run_id'." + docs},
		{`not JSON`, runQuery, "The request body is not valid JSON, at byte 0: no value begins here"},
		{`[]`, runQuery, "The request body is a JSON list, and must be an object"},
		{`{"run_id":""}`, runID, "Missing value for required parameter 'run_id'." + docs},
		{`{"run_id":3}`, runID, "Invalid value 3 for parameter 'run_id' supplied:  Hint: Value was of type 'int'." + docs},
		{`{"run_id":"a","runId":"b"}`, runID, "'run_id' and 'runId' are the same parameter, and only one may be given"},
		{`{"key":"m","value":1}`, metric, "Missing value for required parameter 'timestamp'." + docs},
		{`{"key":"m","timestamp":1}`, metric, "Missing value for required parameter 'value'." + docs},
		{`{"key":"m","value":"foo","timestamp":1}`, metric, `Invalid value "foo" for parameter 'value' supplied:  Hint: Value was of type 'str'.` + docs},
		{`{"key":"m","value":1e400,"timestamp":1}`, metric, `Invalid value 1e400 for parameter 'value' supplied:  Hint: Value was of type 'float'.` + docs},
		{`{"key":"m","value":1,"timestamp":1,"step":3.5}`, metric, `Invalid value 3.5 for parameter 'step' supplied:  Hint: Value was of type 'float'.` + docs},
		{`{"key":"m","value":1,"timestamp":99999999999999999999}`, metric, `Invalid value 99999999999999999999 for parameter 'timestamp' supplied:  Hint: Value was of type 'int'.` + docs},
		{`{"key":"m","value":1,"timestamp":true}`, metric, `Invalid value true for parameter 'timestamp' supplied:  Hint: Value was of type 'bool'.` + docs},
		{`{"status":"BOGUS"}`, runUpdate, `Invalid value "BOGUS" for parameter 'status' supplied:  Hint: Value was of type 'str'.` + docs},
		{`{"status":6}`, runUpdate, `Invalid value 6 for parameter 'status' supplied:  Hint: Value was of type 'int'.` + docs},
		{`{"max_results":50001}`, runQuery, `Invalid value 50001 for parameter 'max_results' supplied:  Hint: Value was of type 'int'.` + docs},
		{`{"max_results":0}`, runQuery, `Invalid value 0 for parameter 'max_results' supplied:  Hint: Value was of type 'int'.` + docs},
		{`{"experiment_ids":"0"}`, runQuery, `Invalid value "0" for parameter 'experiment_ids' supplied:  Hint: Value was of type 'str'.` + docs},
		{`{"metrics":[{"key":"mae","value":2.5}]}`, batch, "Missing value for required parameter 'metrics[0].timestamp'." + docs},
		{`{"metrics":[{"key":"a","value":1,"timestamp":1},{"value":1,"timestamp":1}]}`, batch, "Missing value for required parameter 'metrics[1].key'." + docs},
		{`{"metrics":"foo"}`, batch, `Invalid value "foo" for parameter 'metrics' supplied:  Hint: Value was of type 'str'.` + docs},
		{`{"metrics":["foo"]}`, batch, `Invalid value ["foo"] for parameter 'metrics' supplied:  Hint: Value was of type 'list'.` + docs},
		{`{"params":[{"value":"a"}]}`, batch, "Missing value for required parameter 'params[0].key'." + docs},
		{`{"datasets":[{"dataset":{"name":7}}]}`, inputs, "Invalid value 7 for parameter 'datasets[0].dataset.name' supplied:  Hint: Value was of type 'int'." + docs},
		{`{"model_json":"{"}`, model, "Malformed model info. \n \"{\" \n failed to load model json: unexpected end of JSON input"},
		{`{"model_json":"{\"run_id\":\"r\",\"flavors\":{}}"}`, model, "Model json is missing mandatory fields: {'artifact_path', 'utc_time_created'}"},
	} {
		r := wire.ParseBody([]byte(c.body))
		if c.read(r); r.Err() == nil || r.Err().Error() != c.want {
			t.Errorf("%s gives\n%v, want\n%s", c.body, r.Err(), c.want)
		}
	}
}

func TestQueries(t *testing.T) {
	query, err := url.ParseQuery("run_ids=a&run_ids=b&one=c&max_results=25000&allow_deleted=true&view_type=ALL")
	if err != nil {
		t.Fatal(err)
	}
	r := wire.ParseQuery(query)
	got := []any{r.Texts("run_ids"), r.Texts("one"), r.Limit("max_results", 1, 25000), r.Bool("allow_deleted"), r.View("view_type"), r.Text("absent"), r.Has("one")}
	want := []any{[]string{"a", "b"}, []string{"c"}, 25000, true, mlruns.ViewAll, "", true}
	if !reflect.DeepEqual(got, want) || r.Err() != nil {
		t.Errorf("read as %v, %v, want %v", got, r.Err(), want)
	}
	if r.Text("run_ids"); r.Err() == nil {
		t.Error("two values are read as one text")
	}
}

// FuzzRequest reads whatever comes as whatever is wanted: nothing panics, and what is refused says
// why.
func FuzzRequest(f *testing.F) {
	f.Add([]byte(`{"run_id":"r","metrics":[{"key":"a","value":"NaN","timestamp":"1.7e+12","step":"1e+05"}],"params":[{"key":"k","value":"v"}],"tags":[]}`))
	f.Add([]byte(`{"datasets":[{"tags":[],"dataset":{"name":"d","digest":"x","source_type":"local","source":"{}"}}],"models":[{"model_id":"m"}]}`))
	f.Add([]byte(`{"model_json":"{\"artifact_path\":\"m\",\"flavors\":{},\"utc_time_created\":\"x\",\"run_id\":\"r\"}"}`))
	f.Add([]byte(`{"experiment_ids":["0"],"max_results":"1e3","order_by":["a"],"run_view_type":2}`))
	f.Fuzz(func(t *testing.T, body []byte) {
		for _, read := range []read{metric, batch, runQuery, runUpdate, runID, inputs, outputs, model, experiment} {
			r := wire.ParseBody(body)
			read(r)
			if err := r.Err(); err != nil && (err.Error() == "" || mlruns.CodeOf(err) != mlruns.CodeInvalidParameter) {
				t.Errorf("%q: refused with %q, %s", body, err, mlruns.CodeOf(err))
			}
		}
	})
}

func BenchmarkBatch(b *testing.B) {
	body := []byte(`{"run_id":"337368010e7040a7a971e84aef10dc14","metrics":[`)
	for i := range 1000 {
		if i > 0 {
			body = append(body, ',')
		}
		body = append(body, `{"key": "training_loss", "value": 0.12345678901234567, "timestamp": 1795750774318, "step": 1000}`...)
	}
	body = append(body, `]}`...)
	b.SetBytes(int64(len(body)))
	b.ReportAllocs()
	for b.Loop() {
		if r := wire.ParseBody(body); len(r.Batch().Metrics) != 1000 || r.Err() != nil {
			b.Fatal(r.Err())
		}
	}
}
