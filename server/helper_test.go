package server_test

import (
	"context"
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/mlruns/mlruns"
	"github.com/mlruns/mlruns/filestore"
	"github.com/mlruns/mlruns/internal/memfs"
	"github.com/mlruns/mlruns/server"
)

// asked is a server over a store in memory, and a client of it.
type asked struct {
	*testing.T
	store *filestore.Store
	http  *httptest.Server
}

// serve starts a server over a new store. At the end the store is to be whole.
func serve(t *testing.T, opts ...server.Option) *asked {
	t.Helper()
	store, err := filestore.Open("/mlruns", filestore.WithFs(memfs.New()), filestore.WithTruncation())
	if err != nil {
		t.Fatal(err)
	}
	return serveStore(t, store, opts...)
}

func serveStore(t *testing.T, store *filestore.Store, opts ...server.Option) *asked {
	t.Helper()
	a := &asked{t, store, httptest.NewServer(server.New(store, opts...))}
	t.Cleanup(func() {
		a.http.Close()
		for p, err := range store.Verify(context.WithoutCancel(t.Context()), mlruns.VerifyQuery{}) {
			if err != nil {
				t.Fatal(err)
			}
			t.Errorf("the store has a problem: %v", p)
		}
		if err := store.Close(); err != nil {
			t.Error(err)
		}
	})
	return a
}

// reply is what came back.
type reply struct {
	status int
	header http.Header
	body   string
}

// send sends a request; a body that is not empty is JSON unless the header says otherwise.
func (a *asked) send(method, path, body string, header ...string) reply {
	a.Helper()
	r, err := http.NewRequestWithContext(a.Context(), method, a.http.URL+path, strings.NewReader(body))
	if err != nil {
		a.Fatal(err)
	}
	if body != "" {
		r.Header.Set("Content-Type", "application/json")
	}
	for i := 0; i < len(header); i += 2 {
		if header[i] == "Host" {
			r.Host = header[i+1]
			continue
		}
		r.Header[header[i]] = []string{header[i+1]}
	}
	return a.do(r)
}

func (a *asked) do(r *http.Request) reply {
	a.Helper()
	res, err := a.http.Client().Do(r)
	if err != nil {
		a.Fatal(err)
	}
	defer func() { _ = res.Body.Close() }()
	text, err := io.ReadAll(res.Body)
	if err != nil {
		a.Fatal(err)
	}
	return reply{res.StatusCode, res.Header, string(text)}
}

// post makes a call that must succeed, and gives what it answers.
func (a *asked) post(call, body string) map[string]any {
	a.Helper()
	return a.answer(a.send("POST", "/api/2.0/mlflow/"+call, body), call+" "+body)
}

func (a *asked) get(call string) map[string]any {
	a.Helper()
	return a.answer(a.send("GET", "/api/2.0/mlflow/"+call, ""), call)
}

func (a *asked) answer(r reply, what string) map[string]any {
	a.Helper()
	var object map[string]any
	if err := json.Unmarshal([]byte(r.body), &object); r.status != http.StatusOK || err != nil {
		a.Fatalf("%s is answered %d %s", what, r.status, r.body)
	}
	return object
}

// run makes a run and gives its id.
func (a *asked) run() string {
	a.Helper()
	run, err := a.store.CreateRun(a.Context(), mlruns.RunSpec{Name: "r"})
	if err != nil {
		a.Fatal(err)
	}
	return run.Info.ID
}

// at goes down a JSON answer by names and indices.
func at(v any, path ...any) any {
	for _, p := range path {
		switch p := p.(type) {
		case string:
			m, _ := v.(map[string]any)
			v = m[p]
		case int:
			l, _ := v.([]any)
			if p >= len(l) {
				return nil
			}
			v = l[p]
		}
	}
	return v
}
