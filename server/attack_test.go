package server_test

import (
	"bufio"
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/mlruns/mlruns"
	"github.com/mlruns/mlruns/filestore"
	"github.com/mlruns/mlruns/internal/memfs"
	"github.com/mlruns/mlruns/server"
)

// FuzzCalls sends anything to every call, beginning with what MLflow's client sends: no answer is
// 500, each is JSON where an error is, and the store stays whole.
func FuzzCalls(f *testing.F) {
	text, err := os.ReadFile("testdata/mlflow-2.9.jsonl")
	if err != nil {
		f.Fatal(err)
	}
	for line := range bytes.Lines(text) {
		var x exchange
		if err := json.Unmarshal(line, &x); err != nil {
			f.Fatal(err)
		}
		f.Add(x.Method, x.URL, x.Body)
	}
	f.Add("POST", "/graphql", `{"query":"{mlflowGetRun(input:{runId:\"r\"}){run{info{runId}}}}"}`)
	f.Add("GET", "/ajax-api/2.0/mlflow/metrics/get-history-bulk-interval?run_ids=r&metric_key=m&start_step=-1&end_step=5", "")
	f.Add("POST", "/api/2.0/mlflow/runs/log-batch", `{"run_id":"r","metrics":[{"key":"a","value":NaN,"timestamp":"1e3","step":"1e+05"}]}`)
	f.Add("GET", "/get-artifact?run_id=r&path=%252e%252e/x", "")
	f.Fuzz(func(t *testing.T, method, url, body string) {
		store, err := filestore.Open("/mlruns", filestore.WithFs(memfs.New()), filestore.WithTruncation(), filestore.WithLocking(filestore.LockNone))
		if err != nil {
			t.Fatal(err)
		}
		if _, err := store.CreateRun(t.Context(), mlruns.RunSpec{ID: "r"}); err != nil {
			t.Fatal(err)
		}
		r, err := http.NewRequestWithContext(t.Context(), method, "http://localhost"+url, strings.NewReader(body))
		if err != nil {
			return
		}
		r.Header.Set("Content-Type", "application/json")
		w := httptest.NewRecorder()
		server.New(store).ServeHTTP(w, r)
		if w.Code == http.StatusInternalServerError {
			t.Errorf("%s %q %q is answered %d %s", method, url, body, w.Code, w.Body)
		}
		if isJSON := json.Valid(w.Body.Bytes()); w.Code >= 400 && !isJSON {
			t.Errorf("%s %q %q is answered with %d and no JSON: %s", method, url, body, w.Code, w.Body)
		}
		for p, err := range store.Verify(t.Context(), mlruns.VerifyQuery{}) {
			if err != nil {
				t.Fatal(err)
			}
			if p.Kind != mlruns.ProblemNotPortable && p.Kind != mlruns.ProblemSuspicious {
				t.Errorf("%s %q %q leaves %v", method, url, body, p)
			}
		}
		if err := store.Close(); err != nil {
			t.Error(err)
		}
	})
}

// TestSmuggledRequests sends what two servers in a row could take for one request or for two. Each
// is refused, or is one request and ends the connection.
func TestSmuggledRequests(t *testing.T) {
	a := serve(t)
	id := a.run()
	hidden := "POST /api/2.0/mlflow/runs/delete HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nContent-Length: 47\r\n\r\n{\"run_id\":\"" + id + "\"}  "
	const head = "POST /api/2.0/mlflow/runs/search HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"
	for name, request := range map[string]string{
		"length and chunks":     head + "Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n" + hidden,
		"two lengths":           head + "Content-Length: 2\r\nContent-Length: 200\r\n\r\n{}" + hidden,
		"a list of lengths":     head + "Content-Length: 2, 200\r\n\r\n{}" + hidden,
		"a signed length":       head + "Content-Length: +2\r\n\r\n{}" + hidden,
		"chunks twice":          head + "Transfer-Encoding: chunked\r\nTransfer-Encoding: identity\r\n\r\n0\r\n\r\n" + hidden,
		"odd coding":            head + "Transfer-Encoding: xchunked\r\n\r\n0\r\n\r\n" + hidden,
		"a blank before colon":  head + "Content-Length : 2\r\n\r\n{}" + hidden,
		"a folded header":       head + "X: a\r\n Content-Length: 2\r\n\r\n{}" + hidden,
		"a bad chunk":           head + "Transfer-Encoding: chunked\r\n\r\n-1\r\n" + hidden,
		"two hosts":             "GET /health HTTP/1.1\r\nHost: localhost\r\nHost: evil.example\r\n\r\n",
		"a whole URL":           "GET http://evil.example/health HTTP/1.1\r\nHost: localhost\r\n\r\n",
		"no host":               "GET /health HTTP/1.1\r\n\r\n",
		"a control in the path": "GET /hea\x01lth HTTP/1.1\r\nHost: localhost\r\n\r\n",
		"a bare return":         "GET /health HTTP/1.1\r\nHost: localhost\rX: y\r\n\r\n",
	} {
		conn, err := net.Dial("tcp", a.http.Listener.Addr().String())
		if err != nil {
			t.Fatal(err)
		}
		_ = conn.SetDeadline(time.Now().Add(5 * time.Second))
		if _, err := io.WriteString(conn, request); err != nil {
			t.Fatal(err)
		}
		res, err := http.ReadResponse(bufio.NewReader(conn), nil)
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		_ = res.Body.Close()
		_ = conn.Close()
		if res.StatusCode < 400 && !res.Close && name != "a folded header" {
			t.Errorf("%s is answered %d and the connection stays", name, res.StatusCode)
		}
	}
	if got := a.get("runs/get?run_id=" + id); at(got, "run", "info", "lifecycle_stage") != "active" {
		t.Errorf("the hidden request was carried out: %v", got)
	}
}

// TestIdleConnections keeps connections open that ask for nothing, or for half of something: nobody
// else waits for them.
func TestIdleConnections(t *testing.T) {
	a := serve(t)
	id := a.run()
	for i := range 300 {
		conn, err := net.Dial("tcp", a.http.Listener.Addr().String())
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = conn.Close() })
		if i%2 == 0 {
			if _, err := fmt.Fprintf(conn, "PUT %s HTTP/1.1\r\nHost: localhost\r\nContent-Length: 100\r\n\r\nx", proxied(id, fmt.Sprintf("/f%d", i))); err != nil {
				t.Fatal(err)
			}
		}
	}
	begin := time.Now()
	for i := range 20 {
		a.post("runs/log-metric", fmt.Sprintf(`{"run_id":%q,"key":"m","value":1,"timestamp":1,"step":%d}`, id, i))
	}
	if took := time.Since(begin); took > 5*time.Second {
		t.Errorf("20 points took %v", took)
	}
}

// zeros gives n zero bytes.
type zeros struct{ n int64 }

func (z *zeros) Read(p []byte) (int, error) {
	if z.n == 0 {
		return 0, io.EOF
	}
	n := min(int64(len(p)), z.n)
	clear(p[:n])
	z.n -= n
	return int(n), nil
}

// TestArtifactsAreStreamed sends and fetches a file that is larger than what is allocated
// meanwhile, in server and client together.
func TestArtifactsAreStreamed(t *testing.T) {
	const size, most = 128 << 20, 8 << 20
	store, err := filestore.Open(t.TempDir(), filestore.WithSync(filestore.SyncNever))
	if err != nil {
		t.Fatal(err)
	}
	a := serveStore(t, store)
	id := a.run()
	allocated := func(do func()) uint64 {
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		do()
		runtime.ReadMemStats(&after)
		return after.TotalAlloc - before.TotalAlloc
	}
	if n := allocated(func() {
		r, err := http.NewRequestWithContext(t.Context(), http.MethodPut, a.http.URL+proxied(id, "/big"), &zeros{size})
		if err != nil {
			t.Fatal(err)
		}
		if got := a.do(r); got.status != http.StatusOK {
			t.Fatalf("the file is answered %d %s", got.status, got.body)
		}
	}); n > most {
		t.Errorf("to store %d bytes took %d of memory", size, n)
	}
	if n := allocated(func() {
		res, err := a.http.Client().Get(a.http.URL + proxied(id, "/big"))
		if err != nil {
			t.Fatal(err)
		}
		defer func() { _ = res.Body.Close() }()
		if got, err := io.Copy(io.Discard, res.Body); err != nil || got != size {
			t.Errorf("fetched %d bytes, %v", got, err)
		}
	}); n > most {
		t.Errorf("to fetch %d bytes took %d of memory", size, n)
	}
}
