package server_test

import (
	"fmt"
	"math"
	"net/url"
	"strconv"
	"strings"
	"testing"

	"github.com/mlruns/mlruns"
)

// foreignForms are how other clients than Python's write what they send. R has every number as a
// text, large round ones as 1e+05, and null for what it does not say; Java has 64-bit integers as
// texts. Numbers in bodies here are written {n}.
var foreignForms = map[string]func(n int64) string{
	"Python": func(n int64) string { return fmt.Sprint(n) },
	"R": func(n int64) string {
		text, short := fmt.Sprint(n), fmt.Sprintf("%.15g", float64(n))
		if zeros := len(text) - len(strings.TrimRight(text, "0")); n != 0 && zeros >= 5 {
			mantissa := strings.TrimRight(text, "0")
			if len(mantissa) > 1 {
				mantissa = mantissa[:1] + "." + mantissa[1:]
			}
			short = fmt.Sprintf("%se+%02d", mantissa, len(text)-1)
		}
		return fmt.Sprintf("%q", short)
	},
	"Java": func(n int64) string { return fmt.Sprintf("%q", fmt.Sprint(n)) },
}

// TestForeignForms makes every call that R's and Java's clients have, in the form of each, and
// reads what is then in the store: the same, and the same as Python's.
func TestForeignForms(t *testing.T) {
	for name, number := range foreignForms {
		t.Run(name, func(t *testing.T) {
			a := serve(t)
			null := ""
			if name == "R" {
				null = `,"page_token":null,"order_by":[],"filter":null,"tags":null`
			}
			q := strconv.Quote
			made := a.post("experiments/create", `{"name":"forms","artifact_location":null,"tags":null}`)
			experiment, _ := made["experiment_id"].(string)
			a.post("experiments/set-experiment-tag", fmt.Sprintf(`{"experiment_id":%s,"key":"k","value":"v"}`, q(experiment)))
			a.post("experiments/update", fmt.Sprintf(`{"experiment_id":%s,"new_name":"renamed"}`, q(experiment)))
			created := a.post("runs/create", fmt.Sprintf(`{"experiment_id":%s,"user_id":"u","run_name":null,"start_time":%s,"tags":[{"key":"t","value":"1"}]}`, q(experiment), number(1_700_000_000_000)))
			id, _ := at(created, "run", "info", "run_id").(string)
			a.post("runs/log-metric", fmt.Sprintf(`{"run_uuid":%s,"run_id":%s,"key":"m","value":"0.5","timestamp":%s,"step":%s}`, q(id), q(id), number(1_700_000_000_000), number(100_000)))
			a.post("runs/log-metric", fmt.Sprintf(`{"runId":%s,"key":"m","value":1.5,"timestamp":%s,"step":%s}`, q(id), number(1_700_000_000_001), number(100_001)))
			a.post("runs/log-metric", fmt.Sprintf(`{"run_id":%s,"key":"zero","value":"0","timestamp":%s,"step":%s}`, q(id), number(0), number(-1_000_000)))
			a.post("runs/log-batch", fmt.Sprintf(`{"run_id":%s,"metrics":[{"key":"n","value":"NaN","timestamp":%s,"step":%s},{"key":"i","value":"-Infinity","timestamp":%s}],"params":[{"key":"p","value":"1"}],"tags":null}`,
				q(id), number(1), number(0), number(1)))
			a.post("runs/log-parameter", fmt.Sprintf(`{"run_uuid":%s,"run_id":%s,"key":"q","value":"1e+05"}`, q(id), q(id)))
			a.post("runs/set-tag", fmt.Sprintf(`{"run_uuid":%s,"run_id":%s,"key":"u","value":"2"}`, q(id), q(id)))
			a.post("runs/set-tag", fmt.Sprintf(`{"run_id":%s,"key":"gone","value":"2"}`, q(id)))
			a.post("runs/delete-tag", fmt.Sprintf(`{"run_id":%s,"key":"gone"}`, q(id)))
			a.post("runs/log-model", fmt.Sprintf(`{"run_id":%s,"model_json":"{\"artifact_path\":\"model\",\"run_id\":\"r\",\"utc_time_created\":\"2026-11-27 01:02:03.120000\",\"flavors\":{\"crate\":{\"version\":\"1\"}}}"}`, q(id)))
			a.post("runs/update", fmt.Sprintf(`{"run_uuid":%s,"run_id":%s,"status":"FINISHED","end_time":%s}`, q(id), q(id), number(1_800_000_000_000)))

			run, err := a.store.Run(t.Context(), id)
			if err != nil {
				t.Fatal(err)
			}
			m, d := run.Data.Metrics["m"], run.Data
			if m.Value != 1.5 || m.Step != 100_001 || m.Time.UnixMilli() != 1_700_000_000_001 || d.Metrics["zero"].Step != -1_000_000 || !math.IsNaN(d.Metrics["n"].Value) || !math.IsInf(d.Metrics["i"].Value, -1) {
				t.Errorf("the metrics are %+v", d.Metrics)
			}
			if d.Params["p"] != "1" || d.Params["q"] != "1e+05" || d.Tags["u"] != "2" || d.Tags["t"] != "1" || d.Tags["gone"] != "" || !strings.Contains(d.Tags[mlruns.TagModelHistory], "crate") {
				t.Errorf("the params are %v, the tags %v", d.Params, d.Tags)
			}
			if i := run.Info; i.Status != mlruns.StatusFinished || i.Start.UnixMilli() != 1_700_000_000_000 || i.End.UnixMilli() != 1_800_000_000_000 {
				t.Errorf("the run is %+v", i)
			}

			history := a.get("metrics/get-history?run_uuid=" + id + "&run_id=" + id + "&metric_key=m&max_results=" + url.QueryEscape(strings.Trim(number(1000), `"`)))
			if at(history, "metrics", 0, "step") != 1e5 || at(history, "metrics", 1, "value") != 1.5 {
				t.Errorf("the history is %v", history)
			}
			found := a.post("runs/search", fmt.Sprintf(`{"experiment_ids":[%s],"run_view_type":"ACTIVE_ONLY","max_results":%s`, q(experiment), number(100_000/2))+null+"}")
			if at(found, "runs", 0, "info", "run_id") != id {
				t.Errorf("found %v", found)
			}
			experiments := a.post("experiments/search", fmt.Sprintf(`{"view_type":"ALL","max_results":%s`, number(1000))+null+"}")
			if at(experiments, "experiments", 0, "name") != "renamed" && at(experiments, "experiments", 1, "name") != "renamed" {
				t.Errorf("found %v", experiments)
			}
			listed := a.get("artifacts/list?run_uuid=" + id + "&run_id=" + id + "&path=")
			if at(listed, "root_uri") != "mlflow-artifacts:/"+experiment+"/"+id+"/artifacts" {
				t.Errorf("listed %v", listed)
			}
			for _, call := range []string{"runs/delete", "runs/restore"} {
				a.post(call, fmt.Sprintf(`{"run_id":%s}`, q(id)))
			}
			for _, call := range []string{"experiments/delete", "experiments/restore"} {
				a.post(call, fmt.Sprintf(`{"experiment_id":%s}`, q(experiment)))
			}
			for _, step := range []string{`"1.5"`, `"1e-05"`, `"x"`, `"1e400"`, `"0x10"`, `true`, `[]`} {
				got := a.send("POST", "/api/2.0/mlflow/runs/log-metric", fmt.Sprintf(`{"run_id":%q,"key":"m","value":"1","timestamp":"1","step":%s}`, id, step))
				if got.status != 400 || !strings.Contains(got.body, "for parameter 'step' supplied") {
					t.Errorf("a step of %s is answered %d %s", step, got.status, got.body)
				}
			}
		})
	}
}
