package server_test

import (
	"context"
	"encoding/json"
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
	for call, status := range map[string]int{"GET traces/tr-2": 404, "POST traces": 501, "PATCH traces/tr-1": 405, "GET traces/tr-1/info": 501} {
		method, path, _ := strings.Cut(call, " ")
		if got := a.send(method, "/api/3.0/mlflow/"+path, "{}"); got.status != status {
			t.Errorf("%s is answered %d %s, want %d", call, got.status, got.body, status)
		}
	}
	if got := a.send("PUT", "/api/2.0/mlflow-artifacts/artifacts/0/traces/tr-1/artifacts/traces.json", "{}"); got.status != 400 {
		t.Errorf("spans that are sent are answered %d %s", got.status, got.body)
	}
}
