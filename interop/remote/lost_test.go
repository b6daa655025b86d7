//go:build interop

package remote

import (
	"errors"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/mlruns/mlruns"
	"github.com/mlruns/mlruns/remote"
)

var errCut = errors.New("the connection was cut")

// losing loses the answer of the request to a call that comes next.
type losing struct {
	call string
	lost int
}

func (l *losing) RoundTrip(r *http.Request) (*http.Response, error) {
	res, err := http.DefaultTransport.RoundTrip(r)
	if err == nil && l.lost == 0 && strings.HasSuffix(r.URL.Path, l.call) {
		l.lost++
		res.Body.Close()
		return nil, errCut
	}
	return res, err
}

// lostAnswers loses the answers of what is to be made once.
func lostAnswers(t *testing.T, s *server) {
	ctx := t.Context()
	open := func(call string) (*remote.Store, *losing) {
		l := &losing{call: call}
		store, err := remote.Open(ctx, s.uri, remote.WithTransport(l), remote.WithRetries(3, time.Millisecond))
		if err != nil {
			t.Fatal(err)
		}
		return store, l
	}
	store, l := open("runs/create")
	run, err := store.CreateRun(ctx, mlruns.RunSpec{Name: "once", Tags: map[string]string{"k": "v"}})
	if err != nil || l.lost != 1 {
		t.Fatalf("%v, with %d answers lost", err, l.lost)
	}
	page, err := store.SearchRuns(ctx, mlruns.RunQuery{View: mlruns.ViewAll, Filter: "attributes.run_name = 'once'"})
	if err != nil || len(page.Runs) != 1 || page.Runs[0].Info.ID != run.Info.ID || page.Runs[0].Data.Tags[remote.TagRequest] != "" || page.Runs[0].Data.Tags["k"] != "v" {
		t.Errorf("%+v, %v", page, err)
	}
	store, l = open("runs/log-metric")
	err = store.LogMetric(ctx, run.Info.ID, mlruns.Metric{Key: "m", Value: 1})
	if !errors.Is(err, mlruns.ErrUnconfirmed) || !errors.Is(err, errCut) || l.lost != 1 {
		t.Errorf("a point: %v, with %d answers lost", err, l.lost)
	}
	for _, call := range []string{"runs/set-tag", "runs/delete-tag", "runs/log-parameter", "runs/update", "runs/delete", "runs/restore", "experiments/create", "experiments/delete", "experiments/restore"} {
		store, l = open(call)
		switch call {
		case "runs/set-tag":
			err = store.SetTag(ctx, run.Info.ID, "t", "1")
		case "runs/delete-tag":
			err = store.DeleteTag(ctx, run.Info.ID, "t")
		case "runs/log-parameter":
			err = store.LogParam(ctx, run.Info.ID, "p", "1")
		case "runs/update":
			err = store.EndRun(ctx, run.Info.ID, mlruns.StatusFailed, time.Time{})
		case "runs/delete":
			err = store.DeleteRun(ctx, run.Info.ID)
		case "runs/restore":
			err = store.RestoreRun(ctx, run.Info.ID)
		case "experiments/create":
			if _, err = store.CreateExperiment(ctx, mlruns.ExperimentSpec{Name: "two"}); errors.Is(err, mlruns.ErrUnconfirmed) && errors.Is(err, mlruns.ErrExists) {
				err = nil // who made it is not known
			}
		default:
			e, findErr := store.ExperimentByName(ctx, "two")
			if findErr != nil {
				t.Fatal(findErr)
			}
			if call == "experiments/delete" {
				err = store.DeleteExperiment(ctx, e.ID)
			} else {
				err = store.RestoreExperiment(ctx, e.ID)
			}
		}
		if err != nil || l.lost != 1 {
			t.Errorf("%s: %v, with %d answers lost", call, err, l.lost)
		}
	}
}
