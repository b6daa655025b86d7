//go:build interop

package interop

import (
	"math"
	"testing"
	"time"

	"github.com/mlruns/mlruns"
	"github.com/mlruns/mlruns/filestore"
)

// searchStore makes a store whose values collide, so that orders have ties and filters have hits,
// and the vocabulary to ask about it.
func searchStore(t *testing.T, dir string) (*mlruns.Client, *vocabulary) {
	t.Helper()
	now := time.UnixMilli(1_700_000_000_000)
	clock := func() time.Time { now = now.Add(time.Second); return now }
	store, err := filestore.Open(dir, filestore.WithSync(filestore.SyncNever), filestore.WithClock(clock))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { store.Close() })
	c, ctx := mlruns.NewClient(store), t.Context()
	v := &vocabulary{wild: newWild(3), metricKeys: []string{"a", "b", "m", "a/b", "a b", "missing", "x-y", "loss"}, textKeys: []string{"lr", "model", "a/b", "a b", "x-y", "missing", "lr", "model"},
		texts: []string{"", "a", "A", "ab", "aB%", "0.1", "10", "adam", "AdamW", "it's", `say "x"`, "a_b", "日本", "été", "ÉTÉ", "line\nbreak", "a\\b", "100%", "ß", "a "},
		names: []string{"run a", "Run A", "run_b", "x", "日本"}}
	check := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	for i := range 8 {
		spec := mlruns.ExperimentSpec{ID: itoa(100 + i), Name: v.texts[1+i] + itoa(i%3), Tags: map[string]string{}}
		if v.one(2) {
			spec.Tags["stage"] = pick(v.wild, v.texts...)
		}
		if v.one(3) {
			spec.Tags["a b"] = pick(v.wild, v.texts...)
		}
		e, err := c.CreateExperiment(ctx, spec)
		check(err)
		v.times = append(v.times, e.Created.UnixMilli(), e.Created.UnixMilli()+1)
		v.experiments = append(v.experiments, e.ID)
	}
	v.experiments = append([]string{"100", "101", "107"}, "0")
	points := []float64{0, 1, 1, 2, -1, 0.5, math.NaN(), math.Inf(1), math.Inf(-1), 3, 1e3}
	for i := range 22 {
		start := time.UnixMilli(1_600_000_000_000 + int64(v.IntN(6))*1000)
		spec := mlruns.RunSpec{ExperimentID: pick(v.wild, "100", "100", "101", "107"), Start: start, Name: pick(v.wild, v.names...), User: pick(v.wild, "u", "U", "run a"), Tags: map[string]string{}}
		for range v.IntN(4) {
			spec.Tags[pick(v.wild, "lr", "model", "a/b", "a b", "x-y")[:]] = pick(v.wild, v.texts...)
		}
		if _, both := spec.Tags["a/b"]; both {
			delete(spec.Tags, "a")
		}
		r, err := c.CreateRun(ctx, spec)
		check(err)
		id := r.Info.ID
		v.runIDs = append(v.runIDs, id)
		v.times = append(v.times, start.UnixMilli(), start.UnixMilli()+7)
		var b mlruns.Batch
		for _, key := range []string{"b", "m", "a b", "x-y", "loss"} {
			for step := range v.IntN(3) {
				b.Metrics = append(b.Metrics, mlruns.Metric{Key: key, Value: pick(v.wild, points...), Step: int64(step % 2), Time: start})
			}
		}
		nested := pick(v.wild, "a", "a/b") // the one excludes the other
		b.Metrics = append(b.Metrics, mlruns.Metric{Key: nested, Value: pick(v.wild, points...), Time: start})
		for _, key := range []string{"lr", "model", "a/b", "a b", "x-y"} {
			if v.one(2) {
				b.Params = append(b.Params, mlruns.Param{Key: key, Value: pick(v.wild, v.texts...)})
			}
		}
		check(c.LogBatch(ctx, id, b))
		if v.one(3) {
			d := mlruns.Dataset{Name: pick(v.wild, "mnist", "train", "D2"), Digest: pick(v.wild, "d1", "1", "D2"), SourceType: "local", Source: "x"}
			check(c.LogInputs(ctx, id, mlruns.Inputs{Datasets: []mlruns.DatasetInput{{Dataset: d, Tags: map[string]string{mlruns.TagDatasetContext: pick(v.wild, "train", "eval")}}}}))
		}
		if v.one(2) {
			check(c.EndRun(ctx, id, mlruns.Status(1+v.IntN(5)), start.Add(time.Duration(v.IntN(3))*time.Second)))
		}
		if i%5 == 4 {
			check(c.DeleteRun(ctx, id))
		}
	}
	check(c.DeleteExperiment(ctx, "107"))
	check(c.DeleteExperiment(ctx, "106"))
	return c, v
}
