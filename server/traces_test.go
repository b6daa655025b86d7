package server_test

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http/httptest"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/mlruns/mlruns"
	"github.com/mlruns/mlruns/server"
)

// traceStore has one trace, and keeps what it was asked.
type traceStore struct {
	mlruns.UnimplementedStore
	mlruns.ArtifactStore
	mlruns.TraceStore
	trace    mlruns.Trace
	query    mlruns.TraceQuery
	deletion mlruns.TraceDeletion
}

func (s *traceStore) Trace(_ context.Context, id string) (*mlruns.Trace, error) {
	if id != s.trace.ID {
		return nil, mlruns.ErrNotFound
	}
	return &s.trace, nil
}

func (s *traceStore) SearchTraces(_ context.Context, q mlruns.TraceQuery) (*mlruns.TracePage, error) {
	s.query = q
	return &mlruns.TracePage{Traces: []*mlruns.Trace{&s.trace}, NextPageToken: "next"}, nil
}

func (s *traceStore) TraceData(ctx context.Context, id string) (json.RawMessage, error) {
	_, err := s.Trace(ctx, id)
	return json.RawMessage(`{"spans":[]}`), err
}

func (s *traceStore) SetTraceTag(_ context.Context, _, key, value string) error {
	s.trace.Tags[key] = value
	return nil
}

func (s *traceStore) DeleteTraceTag(_ context.Context, _, key string) error {
	delete(s.trace.Tags, key)
	return nil
}

func (s *traceStore) DeleteTraces(_ context.Context, d mlruns.TraceDeletion) (int, error) {
	s.deletion = d
	return 1, nil
}

// TestTraces reads the traces that a store has, and keeps them in order.
func TestTraces(t *testing.T) {
	start := time.UnixMilli(1_700_000_000_123).UTC()
	store := &traceStore{trace: mlruns.Trace{ID: "tr-1", ExperimentID: "0", State: mlruns.TraceOK, Start: start, End: start.Add(255 * time.Millisecond), RequestPreview: "in",
		Tags: map[string]string{mlruns.TagTraceArtifactLocation: "file:///mlruns/0/traces/tr-1/artifacts"}, Metadata: map[string]string{"m": "1"}, Assessments: []json.RawMessage{json.RawMessage(`{"a":1}`)}}}
	web := httptest.NewServer(server.New(store))
	defer web.Close()
	a := &asked{t, nil, web}
	want := map[string]any{
		"trace_id": "tr-1", "trace_location": map[string]any{"type": "MLFLOW_EXPERIMENT", "mlflow_experiment": map[string]any{"experiment_id": "0"}}, "request_time": "2023-11-14T22:13:20.123Z",
		"execution_duration": "0.255s", "state": "OK", "request_preview": "in", "trace_metadata": map[string]any{"m": "1"}, "assessments": []any{map[string]any{"a": 1.0}},
		"tags": map[string]any{"mlflow.artifactLocation": "mlflow-artifacts:/0/traces/tr-1/artifacts"},
	}
	if got := at(a.answer(a.send("GET", "/api/3.0/mlflow/traces/tr-1", ""), "get"), "trace", "trace_info"); !reflect.DeepEqual(got, want) {
		t.Errorf("got\n%v\nwant\n%v", got, want)
	}
	found := a.answer(a.send("POST", "/ajax-api/3.0/mlflow/traces/search", `{"locations":[{"type":"MLFLOW_EXPERIMENT","mlflow_experiment":{"experiment_id":"0"}}],"filter":"x","max_results":25,"order_by":["timestamp DESC"]}`), "search")
	if !reflect.DeepEqual(at(found, "traces", 0), want) || found["next_page_token"] != "next" {
		t.Errorf("found %v", found)
	}
	if want := (mlruns.TraceQuery{Experiments: []string{"0"}, Filter: "x", MaxResults: 25, OrderBy: []string{"timestamp DESC"}}); !reflect.DeepEqual(store.query, want) {
		t.Errorf("asked for %+v, want %+v", store.query, want)
	}
	for _, path := range []string{"/ajax-api/2.0/mlflow/get-trace-artifact?request_id=tr-1", "/api/2.0/mlflow-artifacts/artifacts/0/traces/tr-1/artifacts/traces.json"} {
		got := a.send("GET", path, "")
		if got.body != `{"spans":[]}` || got.header.Get("Content-Security-Policy") != "sandbox; default-src 'none'" || !strings.HasPrefix(got.header.Get("Content-Disposition"), "attachment") {
			t.Errorf("%s: %+v", path, got)
		}
	}
	a.answer(a.send("PATCH", "/api/2.0/mlflow/traces/tr-1/tags", `{"key":"k","value":"v"}`), "tag")
	if store.trace.Tags["k"] != "v" {
		t.Errorf("tags: %v", store.trace.Tags)
	}
	a.answer(a.send("DELETE", "/api/2.0/mlflow/traces/tr-1/tags", `{"key":"k"}`), "delete tag")
	if _, ok := store.trace.Tags["k"]; ok {
		t.Errorf("tags: %v", store.trace.Tags)
	}
	if got := a.post("traces/delete-traces", `{"experiment_id":"0","max_timestamp_millis":5,"max_traces":3}`); got["traces_deleted"] != 1.0 || !reflect.DeepEqual(store.deletion, mlruns.TraceDeletion{ExperimentID: "0", Until: time.UnixMilli(5).UTC(), Max: 3, IDs: []string{}}) {
		t.Errorf("deleted %v by %+v", got, store.deletion)
	}
	for call, status := range map[string]int{
		"GET traces/tr-2": 404, "PATCH traces/tr-1": 501, "GET traces/get?trace_id=tr-1": 501, "POST traces/tr-1/assessments": 501, "GET traces/tr-1/assessments/a-1": 501, "DELETE traces/tr-1": 405,
	} {
		method, path, _ := strings.Cut(call, " ")
		if got := a.send(method, "/api/3.0/mlflow/"+path, "{}"); got.status != status {
			t.Errorf("%s is answered %d %s, want %d", call, got.status, got.body, status)
		}
	}
	if got := a.send("PUT", "/api/2.0/mlflow-artifacts/artifacts/0/traces/tr-1/artifacts/traces.json", "{}"); got.status != 501 {
		t.Errorf("spans that are sent are answered %d %s", got.status, got.body)
	}
	none := httptest.NewServer(server.New(mlruns.UnimplementedStore{}))
	defer none.Close()
	if got := (&asked{t, nil, none}).send("POST", "/api/3.0/mlflow/traces", "{}"); got.status != 501 || !strings.Contains(got.body, "FEATURE_DISABLED") {
		t.Errorf("a store without traces answers %d %s", got.status, got.body)
	}
}

// TestRecordTraces records traces as the clients of MLflow 3 and 2 do.
func TestRecordTraces(t *testing.T) {
	a := serve(t)
	const info = `"trace_id":"tr-1","trace_location":{"type":"MLFLOW_EXPERIMENT","mlflow_experiment":{"experiment_id":"0"}},"request_time":"2023-11-14T22:13:20.123Z","execution_duration":"0.255s","state":"OK",` +
		`"request_preview":"in","trace_metadata":{"m":"1"},"tags":{"t":"1"}`
	begun := a.answer(a.send("POST", "/api/3.0/mlflow/traces", `{"trace":{"trace_info":{`+info+`,"assessments":[{"assessmentName":"n","traceId":"x","feedback":{"value":{"aB":1}}}]}}}`), "start")
	if at(begun, "trace", "trace_info", "tags", "mlflow.artifactLocation") != "mlflow-artifacts:/0/traces/tr-1/artifacts" || at(begun, "trace", "trace_info", "assessments", 0, "feedback", "value", "aB") != 1.0 {
		t.Errorf("started: %v", begun)
	}
	if got := a.send("PUT", "/api/2.0/mlflow-artifacts/artifacts/0/traces/tr-1/artifacts/traces.json", `{"spans":[{"name":"s"}]}`); got.status != 200 {
		t.Errorf("spans are answered %d %s", got.status, got.body)
	}
	a.send("PUT", "/api/2.0/mlflow-artifacts/artifacts/0/traces/tr-1/artifacts/attachments/p.png", "picture")
	for path, want := range map[string]string{
		"/ajax-api/3.0/mlflow/get-trace-artifact?request_id=tr-1": `{"spans":[{"name":"s"}]}`, "/ajax-api/2.0/mlflow/get-trace-artifact?trace_id=tr-1&path=p.png": "picture",
		"/api/2.0/mlflow-artifacts/artifacts/0/traces/tr-1/artifacts/traces.json": `{"spans":[{"name":"s"}]}`,
		"/api/2.0/mlflow-artifacts/artifacts?path=0/traces/tr-1/artifacts":        `{"files":[{"path":"attachments","is_dir":true},{"path":"traces.json","is_dir":false,"file_size":24}]}` + "\n",
	} {
		if got := a.send("GET", path, ""); got.body != want {
			t.Errorf("%s is answered %d %s, want %s", path, got.status, got.body, want)
		}
	}
	for path, status := range map[string]int{"/ajax-api/2.0/mlflow/get-trace-artifact?request_id=tr-1&path=../../x": 400, "/ajax-api/2.0/mlflow/get-trace-artifact?request_id=tr-9": 404, "/ajax-api/2.0/mlflow/get-trace-artifact": 400} {
		if got := a.send("GET", path, ""); got.status != status {
			t.Errorf("%s is answered %d %s, want %d", path, got.status, got.body, status)
		}
	}
	found := a.answer(a.send("POST", "/api/3.0/mlflow/traces/search", `{"locations":[{"mlflow_experiment":{"experiment_id":"0"}}],"filter":"tags.t = '1'"}`), "search")
	if at(found, "traces", 0, "execution_duration") != "0.255s" || at(found, "traces", 0, "request_preview") != "in" {
		t.Errorf("found: %v", found)
	}

	old := a.post("traces", `{"experiment_id":"0","timestamp_ms":1000,"request_metadata":[{"key":"m","value":"1"},{"key":"n","value":"1"}],"tags":[{"key":"t","value":"1"}]}`)
	id, _ := at(old, "trace_info", "request_id").(string)
	if len(id) != 32 || at(old, "trace_info", "status") != "IN_PROGRESS" || at(old, "trace_info", "execution_time_ms") != 0.0 {
		t.Fatalf("started: %v", old)
	}
	ended := a.answer(a.send("PATCH", "/api/2.0/mlflow/traces/"+id, `{"timestamp_ms":"3000","status":"ERROR","request_metadata":[{"key":"m","value":"2"}],"tags":[{"key":"mlflow.artifactLocation","value":"mlflow-artifacts:/x"}]}`), "end")
	for _, got := range []map[string]any{ended, a.get("traces/" + id + "/info")} {
		want := map[string]any{
			"request_id": id, "experiment_id": "0", "timestamp_ms": 1000.0, "execution_time_ms": 2000.0, "status": "ERROR",
			"request_metadata": []any{map[string]any{"key": "m", "value": "2"}, map[string]any{"key": "n", "value": "1"}},
			"tags":             []any{map[string]any{"key": "mlflow.artifactLocation", "value": "mlflow-artifacts:/0/traces/" + id + "/artifacts"}, map[string]any{"key": "t", "value": "1"}},
		}
		if !reflect.DeepEqual(got["trace_info"], want) {
			t.Errorf("got\n%v\nwant\n%v", got["trace_info"], want)
		}
	}
	if read, err := a.store.Trace(t.Context(), id); err != nil || !strings.HasSuffix(read.ArtifactLocation, "/0/traces/"+id+"/artifacts") || strings.HasPrefix(read.ArtifactLocation, "mlflow-artifacts:") {
		t.Errorf("the store has %+v, %v", read, err)
	}
	if found := a.get("traces?experiment_ids=0&filter=status+%3D+%27ERROR%27&max_results=5"); at(found, "traces", 0, "request_id") != id || at(found, "traces", 1) != nil {
		t.Errorf("found: %v", found)
	}
	if none := a.get("traces?filter=x"); len(none) != 0 {
		t.Errorf("a search of no experiments finds %v", none)
	}
}

// TestAssessments makes, changes and removes what is said of a trace.
func TestAssessments(t *testing.T) {
	a := serve(t)
	a.answer(a.send("POST", "/api/3.0/mlflow/traces", `{"trace":{"trace_info":{"trace_id":"tr-1"}}}`), "start")
	const base = "/api/3.0/mlflow/traces/tr-1/assessments"
	first := a.answer(a.send("POST", base, `{"assessment":{"assessment_id":"a-mine","assessment_name":"n","feedback":{"value":4},"source":{"sourceType":"HUMAN"},"valid":false}}`), "create")
	id, _ := at(first, "assessment", "assessment_id").(string)
	if id == "a-mine" || at(first, "assessment", "valid") != true || at(first, "assessment", "source", "source_type") != "HUMAN" || at(first, "assessment", "trace_id") != "tr-1" {
		t.Errorf("created: %v", first)
	}
	second := a.answer(a.send("POST", base, fmt.Sprintf(`{"assessment":{"assessment_name":"n","expectation":{"value":[1]},"overrides":%q}}`, id)), "create")
	other, _ := at(second, "assessment", "assessment_id").(string)
	if got := a.answer(a.send("GET", base+"/"+id, ""), "get"); at(got, "assessment", "valid") != false {
		t.Errorf("overridden: %v", got)
	}
	changed := a.answer(a.send("PATCH", base+"/"+id, `{"assessment":{"assessmentName":"m","rationale":"no","feedback":{"value":5}},"update_mask":"assessmentName,feedback"}`), "update")
	if at(changed, "assessment", "assessment_name") != "m" || at(changed, "assessment", "feedback", "value") != 5.0 || at(changed, "assessment", "rationale") != nil {
		t.Errorf("changed: %v", changed)
	}
	a.answer(a.send("DELETE", base+"/"+other, ""), "delete")
	if got := a.answer(a.send("GET", base+"/"+id, ""), "get"); at(got, "assessment", "valid") != true {
		t.Errorf("no longer overridden: %v", got)
	}
	for _, c := range []struct {
		method, path, body string
		status             int
		text               string
	}{
		{"GET", base + "/" + other, "", 404, "not found for trace 'tr-1'"}, {"GET", base + "/..", "", 404, ""}, {"POST", base, `{}`, 400, "Missing value for required parameter 'assessment'"},
		{"POST", base, `{"assessment":{"assessment_name":"n","feedback":{"value":NaN}}}`, 400, "parameter 'assessment'"}, {"POST", base, `{"assessment":[]}`, 400, "parameter 'assessment'"},
		{"PATCH", base + "/" + id, `{"assessment":{}}`, 400, "'update_mask'"}, {"PATCH", base + "/" + id, `{"assessment":{},"update_mask":"valid"}`, 400, "'update_mask'"},
		{"POST", strings.Replace(base, "tr-1", "tr-2", 1), `{"assessment":{"assessment_name":"n","feedback":{}}}`, 404, "Trace with ID 'tr-2' not found"},
		{"POST", "/api/3.0/mlflow/traces", `{"trace":{"trace_info":{}}}`, 400, "'trace.trace_info.trace_id'"}, {"POST", "/api/3.0/mlflow/traces", `{"trace":{"trace_info":{"trace_id":"t","request_time":"x"}}}`, 400, "request_time"},
		{"POST", "/api/3.0/mlflow/traces", `{"trace":{"trace_info":{"trace_id":"t","execution_duration":"5"}}}`, 400, "execution_duration"}, {"POST", "/api/3.0/mlflow/traces", `{"trace":{"trace_info":{"trace_id":"t","state":"NO"}}}`, 400, "state"},
		{"POST", "/api/3.0/mlflow/traces", `{"trace":{"trace_info":{"trace_id":"t","tags":{"a":1}}}}`, 400, "'trace.trace_info.tags'"},
	} {
		if got := a.send(c.method, c.path, c.body); got.status != c.status || !strings.Contains(got.body, c.text) {
			t.Errorf("%s %s %s is answered %d %s, want %d %s", c.method, c.path, c.body, got.status, got.body, c.status, c.text)
		}
	}
}
