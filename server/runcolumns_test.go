package server_test

import (
	"fmt"
	"net/http/httptest"
	"os"
	"path/filepath"
	"testing"

	"github.com/mlruns/mlruns"
	"github.com/mlruns/mlruns/filestore"
	"github.com/mlruns/mlruns/server"
)

// TestRunColumns asks for columns: the runs, pages and locations are those of the list.
func TestRunColumns(t *testing.T) {
	a := serve(t)
	for i := range 3 {
		id := a.run()
		a.post("runs/log-batch", fmt.Sprintf(`{"run_id":%q,"metrics":[{"key":"m%d","value":"NaN","timestamp":1,"step":0}],"params":[{"key":"p","value":"%d"}]}`, id, i, i))
	}
	token := ""
	for page := range 2 {
		body := fmt.Sprintf(`"experiment_ids":["0"],"max_results":2,"order_by":["params.p"],"page_token":%q}`, token)
		list := a.post("runs/search", "{"+body)
		columns := a.post("runs/search", `{"columns":true,`+body)
		if columns["next_page_token"] != list["next_page_token"] || columns["runs"] != nil {
			t.Errorf("page %d: %v, want the token of %v", page, columns, list)
		}
		runs, _ := list["runs"].([]any)
		if at(columns, "columns", "rows") != float64(len(runs)) || len(runs) == 0 {
			t.Errorf("page %d: %v, want %d rows", page, columns, len(runs))
		}
		for row := range runs {
			for _, name := range []string{"run_id", "artifact_uri"} {
				if got, want := at(columns, "columns", "info", name, row), at(list, "runs", row, "info", name); got != want {
					t.Errorf("%s of row %d is %v, want %v", name, row, got, want)
				}
			}
			if got, want := at(columns, "columns", "params", 0, "value", row), at(list, "runs", row, "data", "params", 0, "value"); got != want {
				t.Errorf("p of row %d is %v, want %v", row, got, want)
			}
			if at(columns, "columns", "metrics", row, "value", 0) != "NaN" || at(columns, "columns", "metrics", row, "key") != at(list, "runs", row, "data", "metrics", 0, "key") {
				t.Errorf("the metrics of page %d are %v", page, at(columns, "columns", "metrics"))
			}
		}
		token, _ = list["next_page_token"].(string)
	}
	if got := a.post("runs/search", `{"columns":true,"experiment_ids":["0"],"filter":"params.p = 'none'"}`); at(got, "columns", "rows") != 0.0 {
		t.Errorf("a search that finds nothing is answered %v", got)
	}
	if got := a.send("POST", "/api/2.0/mlflow/runs/search", `{"columns":3,"experiment_ids":["0"]}`); got.status != 400 {
		t.Errorf("columns of 3 are answered %d %s", got.status, got.body)
	}
	if got := a.get("server-info"); at(got, "mlruns", "run_columns") != true {
		t.Errorf("server-info: %v", got)
	}
}

// TestDamagedRunColumns has the problems that a search met beside the columns.
func TestDamagedRunColumns(t *testing.T) {
	dir := t.TempDir()
	store, err := filestore.Open(dir)
	if err != nil {
		t.Fatal(err)
	}
	run, err := store.CreateRun(t.Context(), mlruns.RunSpec{})
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(dir, "0", run.Info.ID, "metrics", "m"), []byte("no point\n"), 0o666); err != nil {
		t.Fatal(err)
	}
	web := httptest.NewServer(server.New(store))
	defer web.Close()
	a := &asked{t, store, web}
	got := a.post("runs/search", `{"columns":true,"experiment_ids":["0"]}`)
	if at(got, "columns", "rows") != 1.0 || at(got, "problems", 0, "kind") != "malformed" {
		t.Errorf("the columns are %v", got)
	}
	if err := store.Close(); err != nil {
		t.Error(err)
	}
}
