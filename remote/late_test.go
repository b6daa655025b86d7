package remote_test

import (
	"bytes"
	"errors"
	"io"
	"net/http"
	"strings"
	"testing"

	"github.com/mlruns/mlruns"
	"github.com/mlruns/mlruns/remote"
)

// late holds the first request that makes a run back until the second one has been answered, as a
// network does that was silent for too long.
type late struct {
	held *http.Request
	body []byte
	n    int
}

func (l *late) RoundTrip(r *http.Request) (*http.Response, error) {
	if !strings.HasSuffix(r.URL.Path, "/runs/create") {
		return http.DefaultTransport.RoundTrip(r)
	}
	l.n++
	if l.n == 1 {
		body, err := io.ReadAll(r.Body)
		if err != nil {
			return nil, err
		}
		l.held, l.body = r.Clone(r.Context()), body
		return nil, errors.New("silent")
	}
	res, err := http.DefaultTransport.RoundTrip(r)
	if err != nil {
		return nil, err
	}
	again, err := http.NewRequest(http.MethodPost, l.held.URL.String(), bytes.NewReader(l.body))
	if err != nil {
		return nil, err
	}
	again.Header = l.held.Header
	old, err := http.DefaultTransport.RoundTrip(again)
	if err != nil {
		return nil, err
	}
	return res, old.Body.Close()
}

// TestLateRequest has a request arrive when the one that was sent in its place has been answered.
// The run is there once, and on a server that chooses ids the other one is deleted.
func TestLateRequest(t *testing.T) {
	for _, plain := range []bool{false, true} {
		w := newWorld(t, plain)
		l := &late{}
		store := open(t, w.proxy.URL, remote.WithTransport(l))
		run := must(store.CreateRun(w.ctx, mlruns.RunSpec{ExperimentID: w.experiment, Name: "made"}))(w)
		found := must(w.folder.SearchRuns(w.ctx, mlruns.RunQuery{Experiments: []string{w.experiment}, Filter: "attributes.run_name = 'made'"}))(w).Runs
		if len(found) != 1 || found[0].Info.ID != run.Info.ID || len(found[0].Data.Tags) != 1 || l.n != 2 {
			t.Errorf("ids chosen by the server %v: %d runs after %d requests: %+v", plain, len(found), l.n, found)
		}
	}
}
