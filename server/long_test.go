package server_test

import (
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/mlruns/mlruns/filestore"
)

// TestLongNames asks by names that are longer than any file's: nothing has them, and that is no
// failure of the server, after which clients would ask again for minutes.
func TestLongNames(t *testing.T) {
	for where, a := range map[string]*asked{"memory": serve(t), "disk": serveStore(t, onDisk(t))} {
		id := a.run()
		for _, long := range []string{strings.Repeat("x", 300), strings.Repeat("é", 200), strings.Repeat("a/", 200) + "b"} {
			query, escaped := url.QueryEscape(long), url.PathEscape(long)
			const bad, none, done = http.StatusBadRequest, http.StatusNotFound, http.StatusOK
			for _, r := range []struct {
				method, path, body string
				status             int // 0 is any that says who is wrong
			}{
				{"GET", "mlflow/runs/get?run_id=" + query, "", bad},
				{"GET", "mlflow/experiments/get?experiment_id=" + query, "", bad},
				{"GET", "mlflow/experiments/get-by-name?experiment_name=" + query, "", none},
				{"GET", "mlflow/metrics/get-history?run_id=" + id + "&metric_key=" + query, "", done},
				{"GET", "mlflow/metrics/get-history-bulk?run_id=" + id + "&metric_key=" + query, "", done},
				{"GET", "mlflow/metrics/get-history-bulk-interval?run_ids=" + id + "&metric_key=" + query, "", done},
				{"GET", "mlflow/artifacts/list?run_id=" + id + "&path=" + query, "", done},
				{"GET", "mlflow-artifacts/artifacts?path=" + url.QueryEscape("0/"+id+"/artifacts/"+long), "", done},
				{"GET", strings.TrimPrefix(proxied(id, "/"+escaped), "/api/2.0/"), "", none},
				{"PUT", strings.TrimPrefix(proxied(id, "/"+escaped), "/api/2.0/"), "x", bad},
				{"DELETE", strings.TrimPrefix(proxied(id, "/"+escaped), "/api/2.0/"), "", done},
				{"GET", "mlflow/logged-models/" + escaped, "", 0},
				{"DELETE", "mlflow/logged-models/" + escaped, "{}", 0},
				{"GET", "mlflow/traces/" + escaped, "", 0},
				{"PATCH", "mlflow/traces/" + escaped + "/tags", `{"key":"k","value":"v"}`, 0},
				{"POST", "mlflow/runs/delete-tag", `{"run_id":"ID","key":"LONG"}`, none},
				{"POST", "mlflow/runs/set-tag", `{"run_id":"ID","key":"LONG","value":"v"}`, bad},
				{"POST", "mlflow/runs/log-parameter", `{"run_id":"ID","key":"LONG","value":"v"}`, bad},
				{"POST", "mlflow/runs/log-metric", `{"run_id":"ID","key":"LONG","value":1,"timestamp":1}`, bad},
				{"POST", "mlflow/runs/delete", `{"run_id":"LONG"}`, bad},
				{"POST", "mlflow/runs/create", `{"run_id":"LONG"}`, bad},
				{"POST", "mlflow/runs/create", `{"tags":[{"key":"LONG","value":"v"}]}`, bad},
				{"POST", "mlflow/runs/outputs", `{"run_id":"ID","models":[{"model_id":"LONG","step":1}]}`, 0},
				{"POST", "mlflow/runs/log-inputs", `{"run_id":"ID","models":[{"model_id":"LONG"}]}`, 0},
				{"POST", "mlflow/experiments/set-experiment-tag", `{"experiment_id":"0","key":"LONG","value":"v"}`, bad},
				{"POST", "mlflow/experiments/delete-experiment-tag", `{"experiment_id":"0","key":"LONG"}`, 0},
				{"POST", "mlflow/runs/search", `{"experiment_ids":["0"],"filter":"tags.` + "`LONG`" + ` = 'x'","order_by":["metrics.` + "`LONG`" + `"]}`, done},
				{"POST", "mlflow/logged-models/search", `{"experiment_ids":["LONG"]}`, 0},
				{"POST", "mlflow/traces/search", `{"experiment_ids":["LONG"]}`, 0},
			} {
				got := a.send(r.method, "/api/2.0/"+r.path, strings.NewReplacer("ID", id, "LONG", long).Replace(r.body))
				if ok := got.status == r.status || r.status == 0 && (got.status < 500 || got.status == http.StatusNotImplemented); !ok {
					t.Errorf("%s: %s %.60s %.60s with %d bytes is answered %d %.300s", where, r.method, r.path, r.body, len(long), got.status, strings.ReplaceAll(got.body, long, "LONG"))
				}
			}
		}
	}
}

func onDisk(t *testing.T) *filestore.Store {
	t.Helper()
	store, err := filestore.Open(t.TempDir(), filestore.WithTruncation())
	if err != nil {
		t.Fatal(err)
	}
	return store
}
