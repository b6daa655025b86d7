//go:build interop

package remote

import (
	"math"
	"slices"
	"testing"
	"time"

	"github.com/mlruns/mlruns"
	"github.com/mlruns/mlruns/transfer"
)

// onePlace copies a run that has several points of a model at one time and step, of which the
// server has room for one: the run has all, the model the one that it is compared by, and a data
// set that is left without is told, as is a NaN, each time.
func onePlace(t *testing.T, s *server) {
	ctx := t.Context()
	src := openFolder(t, t.TempDir())
	must := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	run, err := src.CreateRun(ctx, mlruns.RunSpec{Name: "r"})
	must(err)
	model, err := src.CreateLoggedModel(ctx, mlruns.ModelSpec{Name: "m", SourceRunID: run.Info.ID})
	must(err)
	of := func(key string, value float64, step int64, dataset string) mlruns.Metric {
		return mlruns.Metric{Key: key, Value: value, Step: step, Time: time.UnixMilli(1700000000000 + step), ModelID: model.ID, DatasetName: dataset, DatasetDigest: dataset}
	}
	var long []mlruns.Metric // more than one request
	for i := range int64(1000) {
		long = append(long, of("long", float64(i), i, ""))
	}
	for _, points := range [][]mlruns.Metric{long, {of("long", 7, 7, ""), of("long", 9, 8, ""), of("long", 8, 8, "")}, {
		of("many", 1, 0, ""), of("many", 3, 0, ""), of("many", 2, 0, ""), of("many", 3, 0, ""), of("many", math.NaN(), 0, ""),
		of("loss", 1, 0, ""), of("loss", math.NaN(), 1, ""), of("loss", math.NaN(), 1, ""), of("sets", 1, 0, "a"), of("sets", 2, 0, "b"),
	}} {
		must(src.LogBatch(ctx, run.Info.ID, mlruns.Batch{Metrics: points}))
	}
	store := s.open(t)
	for pass := range 2 {
		items := copyAll(t, store, src)
		told := tellingOf(items)
		for _, it := range items {
			if it.Err != nil {
				t.Errorf("pass %d: %+v", pass, it)
			}
		}
		for field, want := range map[string]bool{"long": false, "many": false, "loss": true, "sets": true} {
			if told[place{string(transfer.KindRun), run.Info.ID, "metrics." + field}] != want {
				t.Errorf("pass %d: of metrics.%s is told %v, want %v", pass, field, !want, want)
			}
		}
	}
	got := map[string][]float64{}
	for m, err := range store.LoggedModels(ctx, mlruns.ModelQuery{}) {
		must(err)
		for _, p := range m.Metrics {
			got[p.Key] = append(got[p.Key], p.Value)
		}
	}
	for key, want := range map[string][]float64{"many": {3}, "loss": {0, 1}, "sets": {2}} {
		if slices.Sort(got[key]); !slices.Equal(got[key], want) {
			t.Errorf("the model has %v of %s, want %v", got[key], key, want)
		}
	}
	if n, last := len(got["long"]), slices.Max(append(got["long"], -1)); n != 1000 || last != 999 || !slices.Contains(got["long"], 9) {
		t.Errorf("the model has %d points of long, the largest %v", n, last)
	}
	n := 0
	for r, err := range store.Runs(ctx, mlruns.RunQuery{}) {
		must(err)
		for key := range r.Data.Metrics {
			for _, err := range store.MetricHistory(ctx, r.Info.ID, key, mlruns.HistoryQuery{}) {
				must(err)
				n++
			}
		}
	}
	if n != 1001+4+2+2 { // a database has equal ones once
		t.Errorf("the run has %d points", n)
	}
}
