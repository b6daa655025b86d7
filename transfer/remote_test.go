package transfer_test

import (
	"context"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

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
	if before != nil {
		if r.Body != nil {
			_ = r.Body.Close()
		}
		return nil, before
	}
	answer, err := http.DefaultTransport.RoundTrip(r)
	if err == nil && after != nil {
		_, _ = io.Copy(io.Discard, answer.Body)
		_ = answer.Body.Close()
		return nil, after
	}
	return answer, err
}

// overHTTP is a folder behind a server behind a wire.
func overHTTP(t testing.TB, files *filestore.Store) (*remote.Store, *wire) {
	t.Helper()
	s := httptest.NewServer(server.New(files))
	t.Cleanup(s.Close)
	w := &wire{}
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

// A push is cut at every request, before it arrives or after, once or for good, and made again: no
// run and no point twice, none missing.
func TestPushCutAtEveryRequest(t *testing.T) {
	src, _ := past(t)
	q := transfer.Query{Deleted: true}
	files := open(t)
	undisturbed, w := overHTTP(t, files)
	copyAll(t, undisturbed, src, q)
	requests, want := w.n, unmapped(snapshot(t, files))
	cut := errors.New("the connection is cut")
	step := proof.Choose(7, 3, 1)
	for _, after := range []bool{false, true} {
		for _, forGood := range []bool{false, true} {
			for i := proof.Rand(t).IntN(step); i < requests; i += step {
				files := open(t)
				dst, w := overHTTP(t, files)
				w.fault = func(n int) (error, error) {
					switch {
					case n == i && after:
						return nil, cut
					case n == i || forGood && n > i:
						return cut, nil
					}
					return nil, nil
				}
				var told error
				for it, err := range transfer.Copy(context.Background(), dst, src, q) {
					told = errors.Join(told, err, it.Err)
				}
				w.fault = nil
				copyAll(t, dst, src, q)
				if diff := cmp.Diff(want, unmapped(snapshot(t, files)), timesOfServer); diff != "" {
					t.Fatalf("cut at %d of %d, after %v, for good %v, told %v (-want +got):\n%s", i, requests, after, forGood, told, diff)
				}
				if forGood && told == nil {
					t.Errorf("cut for good at %d, and nothing is told", i)
				}
				sound(t, files)
			}
		}
	}
}

// A pull that is cut at every request, and made again, has everything once.
func TestPullCutAtEveryRequest(t *testing.T) {
	files, _ := past(t)
	q := transfer.Query{Deleted: true}
	src, w := overHTTP(t, files)
	undisturbed := open(t)
	copyAll(t, undisturbed, src, q)
	requests, want := w.n, snapshot(t, undisturbed)
	cut := errors.New("the connection is cut")
	step := proof.Choose(5, 2, 1)
	for i := proof.Rand(t).IntN(step); i < requests; i += step {
		src, w := overHTTP(t, files)
		w.fault = func(n int) (error, error) {
			if n == i {
				return cut, nil
			}
			return nil, nil
		}
		dst := open(t)
		for it, err := range transfer.Copy(context.Background(), dst, src, q) {
			_, _ = it, err
		}
		copyAll(t, dst, src, q)
		if diff := cmp.Diff(want, snapshot(t, dst), timesOfServer); diff != "" {
			t.Fatalf("cut at %d (-want +got):\n%s", i, diff)
		}
		sound(t, dst)
	}
}
