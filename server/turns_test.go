package server

import (
	"context"
	"net/http"
	"net/http/httptest"
	"runtime"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/mlruns/mlruns"
)

// slowSearches is a store in which searches take until they are let go.
type slowSearches struct {
	mlruns.UnimplementedStore
	begun, under, most atomic.Int32
	let                chan struct{}
}

func (s *slowSearches) SearchRuns(context.Context, mlruns.RunQuery) (*mlruns.RunPage, error) {
	s.most.Store(max(s.most.Load(), s.under.Add(1)))
	s.begun.Add(1)
	<-s.let
	s.under.Add(-1)
	return &mlruns.RunPage{}, nil
}

func (s *slowSearches) LogMetric(context.Context, string, mlruns.Metric) error { return nil }

// TestSearchesTakeTurns has many search at once: a few at a time, so that memory has a bound, all
// of them in the end, and nobody who logs waits for them.
func TestSearchesTakeTurns(t *testing.T) {
	store := &slowSearches{let: make(chan struct{})}
	h := New(store)
	ask := func(ctx context.Context, call, body string) int {
		r := httptest.NewRequestWithContext(ctx, http.MethodPost, "http://localhost/api/2.0/mlflow/"+call, strings.NewReader(body))
		r.Header.Set("Content-Type", "application/json")
		w := httptest.NewRecorder()
		h.ServeHTTP(w, r)
		return w.Code
	}
	const all = 5 * mostSearches
	answered := make(chan int, all)
	gone, leave := context.WithCancel(t.Context())
	for i := range all {
		ctx := t.Context()
		if i == 0 {
			ctx = gone
		}
		go func() { answered <- ask(ctx, "runs/search", `{"experiment_ids":["0"]}`) }()
	}
	for store.begun.Load() < mostSearches {
		runtime.Gosched()
	}
	if status := ask(t.Context(), "runs/log-metric", `{"run_id":"r","key":"m","value":1,"timestamp":1}`); status != http.StatusOK {
		t.Errorf("beside the searches a point is answered %d", status)
	}
	ended, end := context.WithCancel(t.Context())
	end()
	if status := ask(ended, "runs/search", `{"experiment_ids":["0"]}`); status != statusGone {
		t.Errorf("a search that nobody waits for is answered %d", status)
	}
	leave()
	close(store.let)
	for range all {
		if status := <-answered; status != http.StatusOK && status != statusGone {
			t.Errorf("a search is answered %d", status)
		}
	}
	if most := store.most.Load(); most != mostSearches {
		t.Errorf("%d searches were under way at once, want %d", most, mostSearches)
	}
}
