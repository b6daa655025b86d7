package wire

import (
	"encoding/json"
	"errors"
	"math"
	"reflect"
	"strings"
	"testing"
)

// writtenColumns are the columns of some runs as a reader of JSON has them.
func writtenColumns(t *testing.T, runs ...Run) map[string]any {
	t.Helper()
	columns := NewRunColumns()
	for _, r := range runs {
		columns.Add(r)
	}
	var text strings.Builder
	if err := columns.WriteJSON(&text); err != nil {
		t.Fatal(err)
	}
	var read map[string]any
	if err := json.Unmarshal([]byte(text.String()), &read); err != nil {
		t.Fatalf("%v in %s", err, text.String())
	}
	return read
}

// TestRunColumns has the columns say what the runs say, of runs with everything, with gaps, and
// with nothing.
func TestRunColumns(t *testing.T) {
	var full Run
	filled(reflect.ValueOf(&full).Elem(), `é"`)
	sparse := Run{Info: RunInfo{ID: "b"}, Data: RunData{
		Metrics: []Metric{{Key: "m", Value: Number(math.NaN()), Timestamp: 3, Step: -1}},
		Params:  []Tag{{"p", "1"}},
	}}
	list := []Run{full, sparse, {}}
	read := writtenColumns(t, list...)
	if read["rows"] != 3.0 {
		t.Errorf("rows: %v", read["rows"])
	}
	var texts []string
	for _, r := range list {
		texts = append(texts, encoded(t, r))
	}
	var want []map[string]any
	if err := json.Unmarshal([]byte("["+strings.Join(texts, ",")+"]"), &want); err != nil {
		t.Fatal(err)
	}
	for row, run := range want {
		info := run["info"].(map[string]any)
		delete(info, "run_uuid")     // the same id
		delete(info, "deleted_time") // MLflow's answers do not tell it
		for name, column := range read["info"].(map[string]any) {
			if got := column.([]any)[row]; got != info[name] {
				t.Errorf("%s of run %d is %v, want %v", name, row, got, info[name])
			}
			delete(info, name)
		}
		if len(info) > 0 {
			t.Errorf("there are no columns for %v", info)
		}
		data := run["data"].(map[string]any)
		for _, kind := range []string{"metrics", "params", "tags"} {
			entries, _ := data[kind].([]any)
			if got := ofRow(read[kind].([]any), row); len(got) != len(entries) {
				t.Errorf("%s of run %d are %v, want %v", kind, row, got, entries)
			}
			for i, got := range ofRow(read[kind].([]any), row) {
				for name, value := range got {
					if entries[i].(map[string]any)[name] != value {
						t.Errorf("%s of run %d: %v, want %v", kind, row, got, entries[i])
					}
				}
			}
		}
	}
	rest := read["rest"].([]any)
	if len(rest) != 1 {
		t.Fatalf("rest: %v", rest)
	}
	first := rest[0].(map[string]any)
	for name, in := range map[string]any{"inputs": want[0]["inputs"], "outputs": want[0]["outputs"], "metrics": want[0]["data"].(map[string]any)["metrics"], "row": 0.0} {
		if !reflect.DeepEqual(first[name], in) {
			t.Errorf("%s of the first run are %v, want %v", name, first[name], in)
		}
	}
	if got := encoded(t, writtenColumns(t)); !strings.Contains(got, `"rows":0`) || !strings.Contains(got, `"run_id":[]`) {
		t.Errorf("no runs are %s", got)
	}
}

// ofRow is what columns hold of a run.
func ofRow(columns []any, row int) (found []map[string]any) {
	for _, c := range columns {
		column := c.(map[string]any)
		at := row
		if rows, ok := column["rows"].([]any); ok {
			at = -1
			for i, r := range rows {
				if r == float64(row) {
					at = i
				}
			}
		}
		if at < 0 {
			continue
		}
		entry := map[string]any{"key": column["key"]}
		for name, values := range column {
			if name != "key" && name != "rows" {
				entry[name] = values.([]any)[at]
			}
		}
		found = append(found, entry)
	}
	return found
}

type failing struct{}

func (failing) Write([]byte) (int, error) { return 0, errors.New("gone") }

// TestRunColumnsEnd has a writer that fails end the columns.
func TestRunColumnsEnd(t *testing.T) {
	if err := NewRunColumns().WriteJSON(failing{}); err == nil || err.Error() != "gone" {
		t.Errorf("a writer that fails gives %v", err)
	}
}
