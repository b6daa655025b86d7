package server_test

import (
	"bufio"
	"cmp"
	"encoding/json"
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"

	gocmp "github.com/google/go-cmp/cmp"
)

// exchange is a request of MLflow's client and what MLflow's server answered.
type exchange struct {
	Method string          `json:"method"`
	URL    string          `json:"url"`
	Type   string          `json:"type"`
	Body   string          `json:"body"`
	Status int             `json:"status"`
	Answer json.RawMessage `json:"answer"` // absent where only the status is compared
}

// otherStatus has the answers that differ on purpose; docs/compat.md says why.
var otherStatus = map[string]int{
	`500 "INVALID_STATE"`:  409, // not tried again for minutes
	`500 "INTERNAL_ERROR"`: 400,
}

// otherText are the beginnings of messages that are MLflow's own.
var otherText = []string{"Invalid comparator '><'", "No such artifact: "}

// volatile are fields whose values no two servers share, and those that this one leaves out.
var volatile = []string{"creation_time", "last_update_time", "start_time", "end_time", "run_name", "workspace", "mlflow.runName", "problems"}

// TestReplay repeats what MLflow 2.9's client said to MLflow 3.17's server over a file store: about
// 80 of its calls. The ids that a server chooses are put in place of those that MLflow chose.
func TestReplay(t *testing.T) {
	a := serve(t)
	file, err := os.Open("testdata/mlflow-2.9.jsonl")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = file.Close() }()
	lines := bufio.NewScanner(file)
	lines.Buffer(nil, 1<<20)
	var ids []string // old, new
	n := 0
	for lines.Scan() {
		n++
		var x exchange
		if err := json.Unmarshal(lines.Bytes(), &x); err != nil {
			t.Fatal(err)
		}
		if strings.Contains(x.URL, "registered-models") || strings.Contains(x.URL, "model-versions") {
			continue // TestRegistry
		}
		ours := strings.NewReplacer(ids...)
		header := []string{"Content-Type", x.Type}
		if x.Type == "" {
			header = nil
		}
		got := a.send(x.Method, ours.Replace(x.URL), ours.Replace(x.Body), header...)
		what := fmt.Sprintf("%d: %s %s %.200s", n, x.Method, x.URL, x.Body)
		want := x.Status
		if other, ok := otherStatus[fmt.Sprintf("%d %s", x.Status, field(x.Answer, "error_code"))]; ok {
			want = other
		}
		if got.status != want {
			t.Errorf("%s is answered %d %s, want %d", what, got.status, got.body, want)
			continue
		}
		ids = append(ids, chosen(x.Answer, got.body)...)
		compare(t, what, x.Answer, got.body, strings.NewReplacer(ids...))
	}
	if err := lines.Err(); err != nil || n < 100 {
		t.Errorf("%d exchanges were read, %v", n, err)
	}
}

// chosen pairs the id that MLflow chose for what a call made with the one chosen here.
func chosen(theirs json.RawMessage, ours string) []string {
	var t, o any
	if json.Unmarshal(theirs, &t) != nil || json.Unmarshal([]byte(ours), &o) != nil {
		return nil
	}
	for _, path := range [][]any{{"experiment_id"}, {"run", "info", "run_id"}} {
		old, isText := at(t, path...).(string)
		if id, ok := at(o, path...).(string); ok && isText && old != id {
			return []string{old, id}
		}
	}
	return nil
}

func compare(t *testing.T, what string, theirs json.RawMessage, ours string, replace *strings.Replacer) {
	t.Helper()
	var want, got any
	if theirs == nil {
		return
	}
	if err := json.Unmarshal([]byte(replace.Replace(string(theirs))), &want); err != nil {
		t.Fatal(err)
	}
	if text, ok := want.(string); ok {
		if ours != text && ours != "{}\n" {
			t.Errorf("%s is answered %q, want %q", what, ours, text)
		}
		return
	}
	if err := json.Unmarshal([]byte(ours), &got); err != nil {
		t.Fatalf("%s is answered with %s, which is no JSON: %v", what, ours, err)
	}
	for _, text := range otherText {
		if strings.HasPrefix(fmt.Sprint(at(want, "message")), text) && at(got, "error_code") == at(want, "error_code") {
			return
		}
	}
	if d := gocmp.Diff(settled(want), settled(got)); d != "" {
		t.Errorf("%s: -theirs +ours\n%s", what, d)
	}
}

// settled is an answer without what is volatile, empty or in no order.
func settled(v any) any {
	switch v := v.(type) {
	case map[string]any:
		m := map[string]any{}
		for name, field := range v {
			if s := settled(field); s != nil && !slices.Contains(volatile, name) && s != float64(0) {
				m[name] = s
			}
		}
		if slices.Contains(volatile, fmt.Sprint(m["key"])) || len(m) == 0 {
			return nil
		}
		return m
	case []any:
		var l []any
		for _, element := range v {
			if s := settled(element); s != nil {
				l = append(l, s)
			}
		}
		slices.SortStableFunc(l, func(a, b any) int { return cmp.Compare(fmt.Sprint(a), fmt.Sprint(b)) })
		if len(l) == 0 {
			return nil
		}
		return l
	}
	return v
}

func field(object json.RawMessage, name string) string {
	var fields map[string]json.RawMessage
	_ = json.Unmarshal(object, &fields)
	return string(fields[name])
}
