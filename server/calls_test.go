package server_test

import (
	"encoding/json"
	"fmt"
	"math"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/mlruns/mlruns"
	"github.com/mlruns/mlruns/filestore"
	"github.com/mlruns/mlruns/server"
)

// TestPaths asks for one call by every path that a client or the page of some version uses.
func TestPaths(t *testing.T) {
	a := serve(t)
	for _, path := range []string{
		"/api/2.0/mlflow/experiments/get", "/ajax-api/2.0/mlflow/experiments/get", "/api/3.0/mlflow/experiments/get", "/ajax-api/3.0/mlflow/experiments/get",
		"/api/2.0/preview/mlflow/experiments/get", "/ajax-api/2.0/preview/mlflow/experiments/get", "//api/2.0/mlflow/experiments/get", "/api//2.0/mlflow//experiments/get",
	} {
		if got := a.send("GET", path+"?experiment_id=0", ""); got.status != http.StatusOK || !strings.Contains(got.body, `"Default"`) {
			t.Errorf("%s is answered %d %s", path, got.status, got.body)
		}
	}
	for _, c := range []struct {
		method, path string
		status       int
		allow        string
	}{
		{"GET", "/api/2.0/mlflow/runs/none", 404, ""}, {"GET", "/api/1.0/mlflow/experiments/get", 404, ""}, {"GET", "/none", 404, ""}, {"GET", "/v1/traces", 404, ""},
		{"GET", "/api/2.0/mlflow/experiments/get/", 404, ""}, {"GET", "/ajax-api/2.0/mlflow/users/current", 404, ""}, {"GET", "/api/2.0/mlflow/runs/create", 405, "POST"},
		{"POST", "/api/2.0/mlflow/experiments/get", 405, "GET"}, {"POST", "/health", 405, "GET"}, {"PATCH", "/api/2.0/mlflow-artifacts/artifacts/0/r/artifacts/f", 405, "DELETE, GET, PUT"},
	} {
		got := a.send(c.method, c.path, "")
		var e struct {
			Code string `json:"error_code"`
		}
		if err := json.Unmarshal([]byte(got.body), &e); got.status != c.status || err != nil || e.Code != "ENDPOINT_NOT_FOUND" || got.header.Get("Allow") != c.allow {
			t.Errorf("%s %s is answered %d %s, Allow %q; want %d and ENDPOINT_NOT_FOUND", c.method, c.path, got.status, got.body, got.header.Get("Allow"), c.status)
		}
	}
}

// TestOldLists are the calls that MLflow 2 removed and that clients before it need.
func TestOldLists(t *testing.T) {
	a := serve(t)
	a.post("experiments/create", `{"name":"gone"}`)
	gone := a.get("experiments/get-by-name?experiment_name=gone")
	a.post("experiments/delete", fmt.Sprintf(`{"experiment_id":%q}`, at(gone, "experiment", "experiment_id")))
	for query, want := range map[string]string{"": "Default", "?view_type=ACTIVE_ONLY": "Default", "?view_type=DELETED_ONLY": "gone"} {
		answer := a.get("experiments/list" + query)
		if name := at(answer, "experiments", 0, "name"); name != want || at(answer, "experiments", 1) != nil {
			t.Errorf("list%s gives %v, want %s", query, answer, want)
		}
	}
	if got := a.send("GET", "/ajax-api/2.0/preview/mlflow/registered-models/list", ""); got.status != http.StatusOK || got.body != "{}\n" {
		t.Errorf("registered-models/list is answered %d %s", got.status, got.body)
	}
}

// TestRunLifecycle goes through what a run can be, with what is told of it.
func TestRunLifecycle(t *testing.T) {
	a := serve(t)
	created := a.post("runs/create", `{"experiment_id":"0","user_id":"u","start_time":1700000000000,"tags":[{"key":"t","value":"1"}]}`)
	id, _ := at(created, "run", "info", "run_id").(string)
	if at(created, "run", "info", "run_uuid") != id || at(created, "run", "info", "status") != "RUNNING" || at(created, "run", "info", "artifact_uri") != "mlflow-artifacts:/0/"+id+"/artifacts" {
		t.Fatalf("created: %v", created)
	}
	own := a.post("runs/create", `{"run_id":"my-own-id","run_name":"n"}`)
	if at(own, "run", "info", "run_id") != "my-own-id" {
		t.Errorf("with an id of one's own: %v", own)
	}
	body := fmt.Sprintf(`{"run_id":%q}`, id)
	updated := a.post("runs/update", fmt.Sprintf(`{"run_id":%q,"status":"FAILED","end_time":1700000001000,"run_name":"x"}`, id))
	if at(updated, "run_info", "status") != "FAILED" || at(updated, "run_info", "run_name") != "x" || at(updated, "run_info", "end_time") != 1.700000001e12 {
		t.Errorf("updated: %v", updated)
	}
	a.post("runs/log-inputs", fmt.Sprintf(`{"run_id":%q,"datasets":[{"tags":[{"key":"mlflow.data.context","value":"train"}],"dataset":{"name":"d","digest":"x","source_type":"local","source":"{}"}}]}`, id))
	a.post("runs/outputs", fmt.Sprintf(`{"run_id":%q,"models":[{"model_id":"m-1","step":"2"}]}`, id))
	a.post("runs/log-model", fmt.Sprintf(`{"run_id":%q,"model_json":"{\"artifact_path\":\"m\",\"flavors\":{\"python_function\":{}},\"utc_time_created\":\"2026-11-27 01:02:03.000001\",\"run_id\":\"r\"}"}`, id))
	got := a.get("runs/get?run_uuid=" + id)
	if at(got, "run", "inputs", "dataset_inputs", 0, "dataset", "name") != "d" || at(got, "run", "outputs", "model_outputs", 0, "step") != 2.0 || !strings.Contains(fmt.Sprint(got), "mlflow.log-model.history") {
		t.Errorf("inputs, outputs, models: %v", got)
	}
	summaries := a.post("experiments/search-datasets", `{"experiment_ids":["0"]}`)
	if want := []any{map[string]any{"experiment_id": "0", "name": "d", "digest": "x", "context": "train"}}; !reflect.DeepEqual(summaries["dataset_summaries"], want) {
		t.Errorf("data sets: %v", summaries)
	}
	a.post("runs/delete", body)
	if got := a.get("runs/get?run_id=" + id); at(got, "run", "info", "lifecycle_stage") != "deleted" {
		t.Errorf("deleted: %v", got)
	}
	found := a.post("runs/search", `{"experiment_ids":["0"],"run_view_type":"DELETED_ONLY"}`)
	if at(found, "runs", 0, "info", "run_id") != id || at(found, "runs", 0, "info", "artifact_uri") != "mlflow-artifacts:/0/"+id+"/artifacts" {
		t.Errorf("found: %v", found)
	}
	a.post("runs/restore", body)
	if found := a.post("runs/search", `{"experiment_ids":[]}`); len(found) != 0 {
		t.Errorf("a search that names no experiment finds %v", found)
	}
}

// TestPromptlabRun is a prompt that was tried on the page.
func TestPromptlabRun(t *testing.T) {
	a := serve(t)
	got := a.post("runs/create-promptlab-run", `{"experiment_id":"0","run_name":"n","user_id":"u","start_time":456,"prompt_template":"say {{k}}","prompt_parameters":[{"key":"k","value":"v"}],
		"model_route":"r","model_parameters":[{"key":"temperature","value":0.1}],"model_input":"say v","model_output":"v","model_output_parameters":[{"key":"latency","value":100}],"mlflow_version":"3.0.0"}`)
	if at(got, "run", "info", "status") != "FINISHED" || at(got, "run", "info", "start_time") != 456.0 || at(got, "run", "info", "user_id") != "u" || at(got, "run", "info", "run_name") != "n" {
		t.Errorf("the run is %v", got)
	}
	id, _ := at(got, "run", "info", "run_id").(string)
	run, err := a.store.Run(t.Context(), id)
	if err != nil || run.Data.Params["temperature"] != "0.1" || run.Data.Params["prompt_template"] != "say {{k}}" || run.Data.Tags["mlflow.runSourceType"] != "PROMPT_ENGINEERING" {
		t.Errorf("the run has %+v, %v", run, err)
	}
	table := a.send("GET", "/get-artifact?path=eval_results_table.json&run_id="+id, "")
	if want := `{"columns":["k","prompt","output","latency"],"data":[["v","say v","v","100"]]}`; table.body != want {
		t.Errorf("the table is %s, want %s", table.body, want)
	}
}

// TestPages follows the tokens of every call that has pages.
func TestPages(t *testing.T) {
	a := serve(t)
	for i := range 5 {
		a.run()
		a.post("experiments/create", fmt.Sprintf(`{"name":"e%d"}`, i))
	}
	id := a.run()
	for i := range 6 {
		a.post("runs/log-metric", fmt.Sprintf(`{"run_id":%q,"key":"m","value":%d,"timestamp":1,"step":%d}`, id, i, i))
	}
	for name, page := range map[string]func(token string) map[string]any{
		"runs": func(token string) map[string]any {
			return a.post("runs/search", fmt.Sprintf(`{"experiment_ids":["0"],"max_results":2,"page_token":%q}`, token))
		},
		"experiments": func(token string) map[string]any {
			return a.get("experiments/search?max_results=2&page_token=" + url.QueryEscape(token))
		},
		"metrics": func(token string) map[string]any {
			return a.get("metrics/get-history?max_results=2&metric_key=m&run_id=" + id + "&page_token=" + url.QueryEscape(token))
		},
	} {
		seen, token, pages := map[string]bool{}, "", 0
		for {
			answer := page(token)
			list, _ := answer[name].([]any)
			for _, e := range list {
				seen[fmt.Sprint(e)] = true
			}
			pages++
			if token, _ = answer["next_page_token"].(string); token == "" || pages > 3 {
				break
			}
		}
		if len(seen) != 6 || pages != 3 {
			t.Errorf("%s: %d in %d pages, want 6 in 3", name, len(seen), pages)
		}
	}
}

// TestRefusedCalls has the answers to what is wrong: MLflow's code and words, and a status that no
// client tries again.
func TestRefusedCalls(t *testing.T) {
	a := serve(t)
	id := a.run()
	a.post("experiments/create", `{"name":"e"}`)
	const docs = " See the API docs for more information about request parameters."
	for _, c := range []struct {
		call, body string
		status     int
		code, text string
	}{
		{"runs/log-metric", `{}`, 400, "INVALID_PARAMETER_VALUE", "Missing value for required parameter 'run_id'." + docs},
		{"runs/log-metric", `no JSON`, 400, "INVALID_PARAMETER_VALUE", "Missing value for required parameter 'run_id'." + docs},
		{"runs/log-metric", `{"run_id":"ID","key":"m","value":"x","timestamp":1}`, 400, "INVALID_PARAMETER_VALUE", `Invalid value "x" for parameter 'value' supplied:  Hint: Value was of type 'str'.` + docs},
		{"runs/log-metric", `{"run_id":"ID","key":"m","value":1,"timestamp":1,"step":0.5}`, 400, "INVALID_PARAMETER_VALUE", `Invalid value 0.5 for parameter 'step' supplied:  Hint: Value was of type 'float'.` + docs},
		{"runs/log-metric", `{"run_id":"ID","key":"a/../b","value":1,"timestamp":1}`, 400, "INVALID_PARAMETER_VALUE", "would resolve to 'b'"},
		{"runs/log-metric", `{"run_id":"00000000000000000000000000000000","key":"m","value":1,"timestamp":1}`, 404, "RESOURCE_DOES_NOT_EXIST", "Run '00000000000000000000000000000000' not found"},
		{"runs/log-batch", `{"run_id":"ID","params":[{"key":"p","value":"1"},{"key":"p","value":"2"}]}`, 400, "INVALID_PARAMETER_VALUE", "Duplicate parameter keys have been submitted: ['p']."},
		{"runs/log-batch", `{"run_id":"ID","metrics":[` + strings.TrimSuffix(strings.Repeat(`{"key":"m","value":1,"timestamp":1},`, 1001), ",") + `]}`, 400, "INVALID_PARAMETER_VALUE",
			"A batch logging request can contain at most 1000 metrics. Got 1001 metrics. Please split up metrics across multiple requests and try again."},
		{"runs/update", `{"run_id":"ID","status":"BOGUS"}`, 400, "INVALID_PARAMETER_VALUE", `Invalid value "BOGUS" for parameter 'status'`},
		{"runs/create", `{"experiment_id":"999"}`, 404, "RESOURCE_DOES_NOT_EXIST", "Could not find experiment with ID 999"},
		{"runs/search", `{"experiment_ids":["0"],"max_results":50001}`, 400, "INVALID_PARAMETER_VALUE", "Invalid value 50001 for parameter 'max_results' supplied:  Hint: Value was of type 'int'." + docs},
		{"runs/search", `{"experiment_ids":["0"],"filter":"metrics.m >"}`, 400, "INVALID_PARAMETER_VALUE", ""},
		{"experiments/create", `{"name":"e"}`, 400, "RESOURCE_ALREADY_EXISTS", "Experiment 'e' already exists."},
		{"experiments/create", `{}`, 400, "INVALID_PARAMETER_VALUE", "Missing value for required parameter 'name'." + docs},
		{"experiments/delete", `{"experiment_id":"0"}`, 400, "INTERNAL_ERROR", "Cannot delete the default experiment '0'."},
		{"experiments/search-datasets", `{"experiment_ids":[]}`, 400, "INVALID_PARAMETER_VALUE", "at least one experiment_id"},
		{"runs/log-model", `{"run_id":"ID","model_json":"x"}`, 400, "INVALID_PARAMETER_VALUE", "Malformed model info."},
		{"registered-models/create", `{"name":"m"}`, 501, "FEATURE_DISABLED", "Model Registry features are not supported by the store with URI: '"},
		{"logged-models", `{}`, 400, "INVALID_PARAMETER_VALUE", "Missing value for required parameter 'experiment_id'"},
		{"webhooks", `{}`, 501, "FEATURE_DISABLED", "This server does not offer webhooks"},
		{"gateway-proxy", `{}`, 400, "INVALID_PARAMETER_VALUE", "Deployments proxy request must specify a gateway_path."},
		{"gateway-proxy", `{"gateway_path":"foo/bar/baz"}`, 400, "INVALID_PARAMETER_VALUE", "Invalid gateway_path: foo/bar/baz for method: POST"},
		{"gateway-proxy", `{"gateway_path":"gateway/x/invocations"}`, 501, "FEATURE_DISABLED", "This server does not offer the gateway"},
		{"runs/create-promptlab-run", `{}`, 400, "INVALID_PARAMETER_VALUE", "CreatePromptlabRun request must specify experiment_id."},
		{"runs/create-promptlab-run", `{"experiment_id":"0","prompt_template":"t","prompt_parameters":[{"key":"k","value":"v"}],"model_route":"r","model_input":"i"}`, 400, "INVALID_PARAMETER_VALUE",
			"CreatePromptlabRun request must specify mlflow_version."},
	} {
		got := a.send("POST", "/api/2.0/mlflow/"+c.call, strings.ReplaceAll(c.body, "ID", id))
		var e struct {
			Code    string `json:"error_code"`
			Message string `json:"message"`
		}
		if err := json.Unmarshal([]byte(got.body), &e); got.status != c.status || err != nil || e.Code != c.code || !strings.Contains(e.Message, c.text) {
			t.Errorf("%s %.200s\nis answered %d %.500s\nwant %d %s %s", c.call, c.body, got.status, got.body, c.status, c.code, c.text)
		}
	}
	if got := a.send("GET", "/ajax-api/2.0/mlflow/gateway-proxy?gateway_path=hello/world", ""); got.status != 400 || !strings.Contains(got.body, "Invalid gateway_path: hello/world for method: GET") {
		t.Errorf("gateway-proxy is answered %d %s", got.status, got.body)
	}
	for header, text := range map[string]string{"": "Bad Request. Content-Type header is missing.", "text/plain": "Bad Request. Content-Type must be one of ['application/json']."} {
		r, err := http.NewRequestWithContext(t.Context(), http.MethodPost, a.http.URL+"/api/2.0/mlflow/runs/delete", strings.NewReader("{}"))
		if err != nil {
			t.Fatal(err)
		}
		if header != "" {
			r.Header.Set("Content-Type", header)
		}
		if got := a.do(r); got.status != 400 || !strings.Contains(got.body, text) {
			t.Errorf("with the content type %q: %d %s", header, got.status, got.body)
		}
	}
	if got := a.send("POST", "/api/2.0/mlflow/runs/delete", `{"run_id":"`+strings.Repeat("x", 17<<20)+`"}`); got.status != http.StatusRequestEntityTooLarge {
		t.Errorf("17 MiB are answered %d %.100s", got.status, got.body)
	}
	if got := a.send("GET", "/api/2.0/mlflow/runs/get?run_id="+id, "", "X-Mlflow-Workspace", "team"); got.status != 501 {
		t.Errorf("another workspace is answered %d %s", got.status, got.body)
	}
}

// TestSearchesOfWhatIsNotOffered answer with nothing, since clients and the page ask every store.
func TestSearchesOfWhatIsNotOffered(t *testing.T) {
	a := serve(t)
	for _, c := range [][2]string{
		{"GET", "registered-models/search"}, {"GET", "model-versions/search?filter=run_id%3D%27x%27"}, {"POST", "logged-models/search"}, {"POST", "traces/search"}, {"GET", "registered-models/list"},
	} {
		body := ""
		if c[0] == "POST" {
			body = "{}"
		}
		if got := a.send(c[0], "/api/2.0/mlflow/"+c[1], body); got.status != http.StatusOK || got.body != "{}\n" {
			t.Errorf("%s is answered %d %s", c[1], got.status, got.body)
		}
	}
}

// TestHistories is about what the page draws.
func TestHistories(t *testing.T) {
	a := serve(t)
	ids := []string{a.run(), a.run()}
	for i, id := range ids {
		var b mlruns.Batch
		for step := range 100 {
			b.Metrics = append(b.Metrics, mlruns.Metric{Key: "m", Value: float64(step), Step: int64(step + i*30), Time: time.UnixMilli(int64(1000 - step))})
		}
		b.Metrics = append(b.Metrics, mlruns.Metric{Key: "m", Value: math.Inf(1), Step: -5, Time: time.UnixMilli(1)})
		if err := a.store.LogBatch(t.Context(), id, b); err != nil {
			t.Fatal(err)
		}
	}
	both := "run_ids=" + ids[1] + "&run_ids=" + ids[0]
	steps := func(answer map[string]any, id string) (steps []float64) {
		list, _ := answer["metrics"].([]any)
		for _, m := range list {
			if at(m, "run_id") == id {
				steps = append(steps, at(m, "step").(float64))
			}
		}
		return steps
	}
	answer := a.get("metrics/get-history-bulk-interval?metric_key=m&max_results=10&" + both)
	if got, want := steps(answer, ids[0]), []float64{0, 13, 26, 30, 39, 52, 65, 78, 91, 99}; !reflect.DeepEqual(got, want) {
		t.Errorf("10 of 130 steps, and the first and last of each run: %v, want %v", got, want)
	}
	if got, want := steps(answer, ids[1]), []float64{30, 39, 52, 65, 78, 91, 99, 104, 117, 129}; !reflect.DeepEqual(got, want) {
		t.Errorf("10 of 130 steps: %v, want %v", got, want)
	}
	if first := at(answer, "metrics", 0, "run_id"); first != ids[1] {
		t.Errorf("the first run is %v, want the order asked for", first)
	}
	answer = a.get("metrics/get-history-bulk-interval?metric_key=m&max_results=3&start_step=-5&end_step=1&run_ids=" + ids[0])
	if got, want := steps(answer, ids[0]), []float64{-5, 0, 1}; !reflect.DeepEqual(got, want) {
		t.Errorf("within bounds: %v, want %v", got, want)
	}
	answer = a.get("metrics/get-history-bulk?metric_key=m&max_results=150&run_id=" + ids[0] + "&run_id=" + ids[1])
	if list, _ := answer["metrics"].([]any); len(list) != 150 || at(list, 0, "value") != "Infinity" || at(list, 1, "timestamp") != 901.0 {
		t.Errorf("in bulk: %d, %v", len(list), list[:2])
	}
	for query, text := range map[string]string{
		"get-history-bulk-interval?metric_key=m":                                         "Missing value for required parameter 'run_ids'.",
		"get-history-bulk?metric_key=m":                                                  "GetMetricHistoryBulk request must specify at least one run_id.",
		"get-history-bulk?run_id=" + ids[0]:                                              "GetMetricHistoryBulk request must specify a metric_key.",
		"get-history-bulk-interval?metric_key=m&" + strings.Repeat("run_ids=a&", 101):    "GetMetricHistoryBulkInterval request must specify at most 100 run_ids.",
		"get-history-bulk-interval?metric_key=m&start_step=1&" + both:                    "both must be specified",
		"get-history-bulk-interval?metric_key=m&start_step=2&end_step=1&" + both:         "end_step must be greater than start_step",
		"get-history-bulk-interval?metric_key=m&max_results=2501&" + both:                "max_results must be between 1 and 2500",
		"get-history-bulk-interval?" + both:                                              "Missing value for required parameter 'metric_key'",
		"get-history?metric_key=m&max_results=0&run_id=" + ids[0]:                        "Invalid value",
		"get-history?metric_key=m&page_token=x&run_id=" + ids[0]:                         "Invalid page token",
		"get-history-bulk?metric_key=m&" + strings.Repeat("run_id="+ids[0]+"&", 101):     "more than 100 run_ids",
		"get-history?metric_key=m&run_id=00000000000000000000000000000000&max_results=5": "not found",
	} {
		if got := a.send("GET", "/ajax-api/2.0/mlflow/metrics/"+query, ""); got.status != 400 && got.status != 404 || !strings.Contains(got.body, text) {
			t.Errorf("%.100s is answered %d %s, want %s", query, got.status, got.body, text)
		}
	}
}

// TestAbout is what the server says of itself. Clients of 3.4 and later would send traces to one
// that is as new.
func TestAbout(t *testing.T) {
	a := serve(t)
	if got := a.send("GET", "/health", ""); got.status != 200 || got.body != "OK" || !strings.HasPrefix(got.header.Get("Content-Type"), "text/plain") {
		t.Errorf("/health: %+v", got)
	}
	if got := a.send("GET", "/version", ""); got.status != 200 || got.body != "3.3.2+mlruns.dev" {
		t.Errorf("/version: %+v", got)
	}
	if got := a.send("GET", "/api/3.0/mlflow/server-info", ""); got.status != 200 || !strings.Contains(got.body, `"store_type":"FileStore"`) || !strings.Contains(got.body, `"run_id":true`) {
		t.Errorf("server-info: %+v", got)
	}
	if got := a.send("GET", "/ajax-api/3.0/mlflow/ui-telemetry", ""); !strings.Contains(got.body, `"disable_ui_telemetry":true`) {
		t.Errorf("ui-telemetry: %+v", got)
	}
	if got := a.send("HEAD", "/health", ""); got.status != 200 || got.body != "" {
		t.Errorf("HEAD /health: %+v", got)
	}
}

// TestDamagedHistory has what could not be read beside the points that could.
func TestDamagedHistory(t *testing.T) {
	dir := t.TempDir()
	store, err := filestore.Open(dir)
	if err != nil {
		t.Fatal(err)
	}
	run, err := store.CreateRun(t.Context(), mlruns.RunSpec{})
	if err != nil {
		t.Fatal(err)
	}
	id := run.Info.ID
	if err := os.WriteFile(filepath.Join(dir, "0", id, "metrics", "m"), []byte("1 0.5 0\nno point\n2 0.25 1\n"), 0o666); err != nil {
		t.Fatal(err)
	}
	web := httptest.NewServer(server.New(store))
	defer web.Close()
	a := &asked{t, store, web}
	got := a.get("metrics/get-history?metric_key=m&run_id=" + id)
	if at(got, "metrics", 1, "value") != 0.25 || at(got, "problems", 0, "kind") != "malformed" {
		t.Errorf("the history is %v", got)
	}
	got = a.get("runs/get?run_id=" + id)
	if at(got, "run", "data", "metrics", 0, "value") != 0.25 || at(got, "problems", 0, "kind") != "malformed" {
		t.Errorf("the run is %v", got)
	}
	if got := a.get("metrics/get-history?metric_key=none&run_id=" + id); len(got["metrics"].([]any)) != 0 || len(got) != 1 {
		t.Errorf("the history of a metric never logged is %v", got)
	}
	if err := store.Close(); err != nil {
		t.Error(err)
	}
}
