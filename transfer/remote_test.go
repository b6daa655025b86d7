package transfer_test

import (
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/mlruns/mlruns"
	"github.com/mlruns/mlruns/filestore"
	"github.com/mlruns/mlruns/internal/proof"
	"github.com/mlruns/mlruns/remote"
	"github.com/mlruns/mlruns/server"
	"github.com/mlruns/mlruns/transfer"
)

// wire counts requests, and fails those that fault says: before they arrive, or after, so that the
// answer is lost.
type wire struct {
	mu     sync.Mutex
	n      int
	writes []string
	fault  func(n int) (before, after error)
	// hides names calls that the server is not to have
	hides []string
}

func (w *wire) RoundTrip(r *http.Request) (*http.Response, error) {
	for _, hidden := range w.hides {
		if strings.HasPrefix(r.URL.Path, hidden) {
			return &http.Response{StatusCode: http.StatusNotFound, Header: http.Header{}, Body: http.NoBody, Request: r}, nil
		}
	}
	w.mu.Lock()
	n := w.n
	w.n++
	switch r.URL.Path {
	case "/api/2.0/mlflow/experiments/search", "/api/2.0/mlflow/runs/search", "/api/2.0/mlflow/logged-models/search", "/api/3.0/mlflow/traces/search":
	default:
		if r.Method != http.MethodGet {
			w.writes = append(w.writes, r.Method+" "+r.URL.Path)
		}
	}
	fault := w.fault
	w.mu.Unlock()
	var before, after error
	if fault != nil {
		before, after = fault(n)
	}
	failed := func(err error) (*http.Response, error) {
		if s := status(0); errors.As(err, &s) {
			return s.answer(r), nil
		}
		return nil, err
	}
	if before != nil {
		if r.Body != nil {
			_ = r.Body.Close()
		}
		return failed(before)
	}
	answer, err := http.DefaultTransport.RoundTrip(r)
	if err == nil && after != nil {
		_, _ = io.Copy(io.Discard, answer.Body)
		_ = answer.Body.Close()
		return failed(after)
	}
	return answer, err
}

// overHTTP is a folder behind a server behind a wire.
func overHTTP(t testing.TB, files *filestore.Store) (*remote.Store, *wire) {
	t.Helper()
	return overWire(t, files, &wire{})
}

func overWire(t testing.TB, files *filestore.Store, w *wire) (*remote.Store, *wire) {
	t.Helper()
	s := httptest.NewServer(server.New(files))
	t.Cleanup(s.Close)
	r, err := remote.Open(context.Background(), s.URL, remote.WithTransport(w), remote.WithRetries(0, time.Millisecond))
	must(t, err)
	t.Cleanup(func() { must(t, r.Close()) })
	return r, w
}

// All four directions over the wire: what arrives is what was sent, and a second copy sends no
// write.
func TestCopyOverHTTP(t *testing.T) {
	src, files := open(t), open(t)
	fill(t, src)
	want := snapshot(t, src)
	dst, w := overHTTP(t, files)
	copyAll(t, dst, src, transfer.Query{Deleted: true})
	if diff := cmp.Diff(want, unmapped(snapshot(t, files)), timesOfServer); diff != "" {
		t.Errorf("folder to server (-source +destination):\n%s", diff)
	}
	sound(t, files)
	w.writes = nil
	copyAll(t, dst, src, transfer.Query{Deleted: true})
	if len(w.writes) > 0 {
		t.Errorf("the second push sends %q", w.writes)
	}

	back := open(t)
	copyAll(t, back, dst, transfer.Query{Deleted: true})
	if diff := cmp.Diff(want, unmapped(snapshot(t, back)), timesOfServer); diff != "" {
		t.Errorf("server to folder (-want +got):\n%s", diff)
	}
	sound(t, back)

	otherFiles := open(t)
	other, w := overHTTP(t, otherFiles)
	copyAll(t, other, dst, transfer.Query{Deleted: true})
	if diff := cmp.Diff(want, unmapped(snapshot(t, otherFiles)), timesOfServer); diff != "" {
		t.Errorf("server to server (-want +got):\n%s", diff)
	}
	w.writes = nil
	copyAll(t, other, dst, transfer.Query{Deleted: true})
	if len(w.writes) > 0 {
		t.Errorf("server to server, the second time sends %q", w.writes)
	}
}

// status is an answer of a server, or of a proxy before it, in the place of the right one.
type status int

func (s status) Error() string { return http.StatusText(int(s)) }

func (s status) answer(r *http.Request) *http.Response {
	return &http.Response{StatusCode: int(s), Header: http.Header{"Retry-After": {"0"}}, Body: http.NoBody, Request: r}
}

// A copy meets every fault at every request, before it arrives or after, once or for good, and is
// made again: what is there is what an undisturbed copy makes, no run, trace and point twice, none
// missing.
func TestCopyUnderEveryFault(t *testing.T) {
	cut := errors.New("the connection is cut")
	q := transfer.Query{Deleted: true}
	for _, d := range directions[1:] {
		t.Run(d.name, func(t *testing.T) {
			behind, _ := past(t)
			w := &wire{}
			src, _ := over(t, behind, d.fromServer, w)
			undisturbed := open(t)
			dst, _ := over(t, undisturbed, d.intoServer, w)
			w.n = 0
			copyAll(t, dst, src, q)
			requests, want := w.n, unmapped(snapshot(t, undisturbed))
			step, faults := proof.Choose(11, 3, 1), 0
			defer func() { t.Logf("%d faults among %d requests", faults, requests) }()
			for _, f := range []struct {
				name          string
				before, after error
				forGood       bool
			}{
				{name: "cut before", before: cut}, {name: "cut for good", before: cut, forGood: true}, {name: "answer lost", after: cut}, {name: "answer lost, then cut for good", after: cut, forGood: true},
				{name: "500", before: status(500)}, {name: "502 after the commit", after: status(502)}, {name: "503", before: status(503)}, {name: "429", before: status(429)},
			} {
				for i := proof.Rand(t).IntN(step); i < requests; i += step {
					files := open(t)
					src, _ := over(t, behind, d.fromServer, w) // what it has asked once it does not ask again
					dst, _ := over(t, files, d.intoServer, w)
					w.n, w.fault = 0, func(n int) (error, error) {
						switch {
						case n == i:
							return f.before, f.after
						case f.forGood && n > i:
							return cut, nil
						}
						return nil, nil
					}
					var told error
					for it, err := range transfer.Copy(context.Background(), dst, src, q) {
						told = errors.Join(told, err, it.Err)
					}
					met := w.n > i+1
					faults++
					w.fault = nil
					copyAll(t, dst, src, q)
					if diff := cmp.Diff(want, unmapped(snapshot(t, files)), timesOfServer); diff != "" {
						t.Fatalf("%s at %d of %d, told %v (-want +got):\n%s", f.name, i, requests, told, diff)
					}
					if f.forGood && met && told == nil {
						t.Errorf("%s at %d, and nothing is told", f.name, i)
					}
					w.writes = nil
					copyAll(t, dst, src, q)
					if len(w.writes) > 0 {
						t.Errorf("%s at %d: the third copy sends %q", f.name, i, w.writes)
					}
					sound(t, files)
				}
			}
		})
	}
}

// TestWatchOfUnknownHost goes on as with any server that is away, and tells it once.
func TestWatchOfUnknownHost(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	var looked atomic.Int64
	dial := func(context.Context, string, string) (net.Conn, error) {
		if looked.Add(1) == 10 {
			cancel()
		}
		return nil, &net.OpError{Op: "dial", Net: "tcp", Err: &net.DNSError{Err: "no such host", Name: "trakcing.example", IsNotFound: true}}
	}
	dst, err := remote.Open(ctx, "http://trakcing.example:5000", remote.WithTransport(&http.Transport{DialContext: dial}), remote.WithRetries(3, time.Microsecond))
	if err != nil {
		t.Fatal(err)
	}
	told := map[string]int{}
	for it, err := range transfer.Watch(ctx, dst, open(t), transfer.Query{}, time.Millisecond) {
		if told[it.Err.Error()]++; err != nil || !errors.Is(it.Err, mlruns.ErrBusy) || !strings.Contains(it.Err.Error(), "lookup trakcing.example: no such host") {
			t.Errorf("told %v, %v", it.Err, err)
		}
	}
	if len(told) == 0 || looked.Load() < 10 {
		t.Errorf("told %v after %d looks", told, looked.Load())
	}
	for text, n := range told {
		if n != 1 {
			t.Errorf("told %d times: %s", n, text)
		}
	}
}
