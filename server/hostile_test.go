package server_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/mlruns/mlruns"
	"github.com/mlruns/mlruns/filestore"
	"github.com/mlruns/mlruns/internal/memfs"
	"github.com/mlruns/mlruns/internal/proof"
	"github.com/mlruns/mlruns/server"
)

// wrongValues are what may stand in the place of any value.
var wrongValues = []string{
	`null`, `true`, `false`, `0`, `-1`, `3.5`, `1e400`, `-1e-400`, `1e999999999`, `99999999999999999999`, `NaN`, `-Infinity`, `""`, `" "`, `"x"`, `"1e+05"`, `"NaN"`, `"\u0000"`, `"\ud83d\ude00"`, `"\ud800"`,
	`[]`, `[null]`, `[[]]`, `[0]`, `["x"]`, `[{}]`, `{}`, `{"key":"x"}`, `{"":{"":[]}}`,
	`"` + strings.Repeat("x", 70_000) + `"`, `"` + strings.Repeat("a/", 300) + `"`, strings.Repeat("[", 99) + strings.Repeat("]", 99), strings.Repeat("[", 5000), "\"\xff\"", "",
}

var mlflowID = regexp.MustCompile(`\b[0-9a-f]{32}\b`)

// TestWrongTypes takes what MLflow's client sends and puts something else in the place of each
// value, one at a time: no answer is 500, each that refuses is JSON and has a code, and the store
// stays whole.
func TestWrongTypes(t *testing.T) {
	text, err := os.ReadFile("testdata/mlflow-2.9.jsonl")
	if err != nil {
		t.Fatal(err)
	}
	random, one := proof.Rand(t), proof.Choose(12, 2, 1)
	store, err := filestore.Open("/mlruns", filestore.WithFs(memfs.New()), filestore.WithTruncation())
	if err != nil {
		t.Fatal(err)
	}
	web := httptest.NewServer(server.New(store))
	defer web.Close()
	a := &asked{t, store, web}
	id := a.run()
	seen := map[string]bool{}
	n := 0
	for line := range bytes.Lines(text) {
		var x exchange
		if err := json.Unmarshal(line, &x); err != nil {
			t.Fatal(err)
		}
		if x.Method == http.MethodGet || !strings.Contains(x.Type, "json") || seen[x.URL] {
			continue
		}
		seen[x.URL] = true
		body := mlflowID.ReplaceAllString(x.Body, id)
		for _, at := range places(t, body) {
			for _, wrong := range wrongValues {
				if random.IntN(one) > 0 {
					continue
				}
				n++
				sent := body[:at[0]] + wrong + body[at[1]:]
				got := a.send(x.Method, x.URL, sent)
				var refused struct {
					Code string `json:"error_code"`
				}
				if err := json.Unmarshal([]byte(got.body), &refused); err != nil || got.status >= 400 && refused.Code == "" || got.status == http.StatusInternalServerError {
					t.Errorf("%s %.300q is answered %d %.300s", x.URL, sent, got.status, got.body)
				}
				if err := a.store.RestoreRun(t.Context(), id); err != nil {
					t.Fatal(err)
				}
			}
		}
	}
	if len(seen) < 15 || n < 100 {
		t.Errorf("%d calls, %d requests", len(seen), n)
	}
	t.Logf("%d calls, %d requests", len(seen), n)
	for p, err := range store.Verify(t.Context(), mlruns.VerifyQuery{}) {
		if err != nil {
			t.Fatal(err)
		}
		if !slices.Contains([]mlruns.ProblemKind{mlruns.ProblemNotPortable, mlruns.ProblemSuspicious, mlruns.ProblemDuplicateLine}, p.Kind) {
			t.Errorf("a problem: %v", p)
		}
	}
	if err := store.Close(); err != nil {
		t.Error(err)
	}
}

// places gives where the values of a JSON text are, lists and objects too.
func places(t *testing.T, text string) (found [][2]int) {
	t.Helper()
	dec := json.NewDecoder(strings.NewReader(text))
	var open []int
	for {
		begin := int(dec.InputOffset())
		token, err := dec.Token()
		if err == io.EOF {
			return found
		}
		if err != nil {
			t.Fatalf("%s: %v", text, err)
		}
		end := int(dec.InputOffset())
		begin += strings.IndexFunc(text[begin:end], func(r rune) bool { return !strings.ContainsRune(" ,:\n", r) })
		switch token {
		case json.Delim('{'), json.Delim('['):
			open = append(open, begin)
			continue
		case json.Delim('}'), json.Delim(']'):
			begin, open = open[len(open)-1], open[:len(open)-1]
		}
		if isName := strings.HasPrefix(strings.TrimLeft(text[end:], " "), ":"); !isName {
			found = append(found, [2]int{begin, end})
		}
	}
}

// TestHostileBodies sends what is large, deep, or no text at all. Calls that do not look at the
// part which is hostile may answer as if it were not there.
func TestHostileBodies(t *testing.T) {
	a := serve(t)
	id := a.run()
	long := func(n int) string { return strings.Repeat("x", n) }
	for name, c := range map[string]struct {
		body   string
		header []string
		status int // of runs/log-metric
	}{
		"deep lists":           {strings.Repeat("[", 1<<20), nil, 400},
		"deep objects":         {strings.Repeat(`{"a":`, 1<<19), nil, 400},
		"deep where unknown":   {`{"run_id":"ID","x":` + strings.Repeat("[", 1<<20) + strings.Repeat("]", 1<<20) + `}`, nil, 400},
		"a text in a text":     {`"\"\\\"x\\\"\""`, nil, 400},
		"many names":           {`{"run_id":"ID"` + strings.Repeat(`,"a":1`, 1<<18) + `}`, nil, 400},
		"many values":          {`{"run_id":"ID","metrics":[` + strings.Repeat(`0,`, 1<<20) + `0]}`, nil, 400},
		"many points":          {`{"run_id":"ID","metrics":[` + strings.Repeat(`{"key":"k","value":1,"timestamp":1},`, 20_000) + `{}]}`, nil, 400},
		"a long key":           {`{"run_id":"ID","key":"` + long(1<<20) + `","value":"1","timestamp":1}`, nil, 400},
		"a long name":          {`{"run_id":"ID","` + long(1<<20) + `":1}`, nil, 400},
		"a long number":        {`{"run_id":"ID","key":"k","value":` + strings.Repeat("9", 1<<20) + `,"timestamp":1}`, nil, 400},
		"a large exponent":     {`{"run_id":"ID","key":"k","value":1e999999999,"timestamp":1e-999999999}`, nil, 400},
		"a mark before it":     {"\ufeff" + `{"run_id":"ID"}`, nil, 400},
		"UTF-16":               {"{\x00\"\x00", nil, 400},
		"compressed":           {"\x1f\x8b\x08\x00\x00\x00\x00\x00", []string{"Content-Encoding", "gzip"}, 400},
		"another charset":      {"{}", []string{"Content-Type", "application/json; charset=utf-7"}, 400},
		"a form":               {"run_id=ID", []string{"Content-Type", "application/x-www-form-urlencoded"}, 400},
		"more than the limit":  {`{"run_id":"` + long(17<<20) + `"}`, nil, 413},
		"a long list of types": {"{}", []string{"Content-Type", "application/json" + strings.Repeat(";a=b", 10_000)}, 400},
	} {
		for _, call := range []string{"runs/log-metric", "runs/log-batch", "traces/search"} {
			got := a.send("POST", "/api/2.0/mlflow/"+call, strings.ReplaceAll(c.body, "ID", id), append([]string{"Content-Type", "application/json"}, c.header...)...)
			if ok := got.status == c.status || call != "runs/log-metric" && (got.status == http.StatusOK || got.status == http.StatusBadRequest); !ok || len(got.body) > 4096 {
				t.Errorf("%s: %s is answered %d with %d bytes, %.300s", name, call, got.status, len(got.body), got.body)
			}
		}
	}
	// a body whose length nobody told
	r, err := http.NewRequestWithContext(t.Context(), http.MethodPost, a.http.URL+"/api/2.0/mlflow/runs/search", io.MultiReader(&zeros{17 << 20}))
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("Content-Type", "application/json")
	if got := a.do(r); got.status != http.StatusRequestEntityTooLarge {
		t.Errorf("17 MiB in chunks are answered %d %.100s", got.status, got.body)
	}
	if history := a.get(fmt.Sprintf("metrics/get-history?run_id=%s&metric_key=k", id)); len(history["metrics"].([]any)) != 0 {
		t.Errorf("there is %v", history)
	}
}
