package storetest

import (
	"fmt"
	"math"
	"slices"
	"time"

	"github.com/mlruns/mlruns"
)

var nan, inf = math.NaN(), math.Inf(1)

// latestCases are points in the order they are logged, and the index of the one that is the latest.
// The first are MLflow's own answers.
var latestCases = []struct {
	name   string
	points []mlruns.Metric
	want   int
}{
	{"NaN first stays", points(nan, 2), 0},
	{"NaN later does not replace", points(2, nan), 0},
	{"NaN does not hide what follows", points(2, nan, 3), 2},
	{"NaN first stays among three", points(nan, 3, 2), 0},
	{"larger value at one place", points(1, 3, 2), 1},
	{"equal values", points(1, 1), 0},
	{"infinities", points(1, inf, -inf), 1},
	{"negative steps", []mlruns.Metric{{Value: 1, Step: -1, Time: at(5)}, {Value: 2, Step: -2, Time: at(9)}}, 0},
	{"step before time", []mlruns.Metric{{Value: 1, Step: 2, Time: at(1)}, {Value: 2, Step: 1, Time: at(9)}}, 0},
	{"time before value", []mlruns.Metric{{Value: 9, Step: 1, Time: at(1)}, {Value: 2, Step: 1, Time: at(2)}}, 1},
	{"NaN with a larger step", []mlruns.Metric{{Value: 1, Step: 1, Time: at(1)}, {Value: nan, Step: 2, Time: at(1)}}, 1},
	{"content, not position", []mlruns.Metric{{Value: 1, Step: 9, Time: at(1)}, {Value: 2, Step: 3, Time: at(2)}, {Value: 3, Step: 5, Time: at(3)}}, 0},
}

func points(values ...float64) []mlruns.Metric {
	list := make([]mlruns.Metric, len(values))
	for i, v := range values {
		list[i] = mlruns.Metric{Value: v, Step: 1, Time: at(1)}
	}
	return list
}

// keys are legal everywhere.
var keys = []string{"a", "b/c/d", "b/e", "with blank", " lead", ".hidden", "-", "_", "a..b", "é", "日本", "Ω", "0", "1e3", "null", "meta.yaml", "x.y.z", "metrics/tags"}

// localKeys are legal where they are made and not on every platform.
var localKeys = []string{"a:b", "trail ", "dot.", "CON", "nul.txt", "Case", "case"}

var metricScenarios = []scenario{
	{name: "latest", run: func(f *fixture) {
		for i, c := range latestCases {
			id := f.newRun()
			key := fmt.Sprintf("case %d", i)
			logged := slices.Clone(c.points) // the suite runs over several stores at once
			for j := range logged {
				logged[j].Key = key
				f.must(f.client.LogMetric(f.ctx, id, logged[j]))
			}
			equal(f, c.name, f.read(id).Data.Metrics, map[string]mlruns.Metric{key: logged[c.want]})
			equal(f, c.name+": history", f.history(id, key), logged)

			batch := f.newRun()
			f.must(f.client.LogBatch(f.ctx, batch, mlruns.Batch{Metrics: logged}))
			equal(f, c.name+": as a batch", f.read(batch).Data, mlruns.RunData{
				Metrics: map[string]mlruns.Metric{key: logged[c.want]}, Tags: f.read(batch).Data.Tags})
		}
	}, allow: []mlruns.ProblemKind{mlruns.ProblemDuplicateLine}},
	{name: "values", run: func(f *fixture) {
		id := f.newRun()
		values := []float64{0, math.Copysign(0, -1), 1, -1, 0.1, 1e15, 1e16, 123456789012345680, 1e22, 1e-4, 1e-5, 5e-324, math.MaxFloat64, -math.MaxFloat64, 1.0 / 3, inf, -inf, nan}
		for i, v := range values {
			f.must(f.client.LogMetric(f.ctx, id, mlruns.Metric{Key: "m", Value: v, Step: int64(i)}))
		}
		for i, m := range f.history(id, "m") {
			if want := values[i]; math.Float64bits(m.Value) != math.Float64bits(want) && !(math.IsNaN(want) && math.IsNaN(m.Value)) {
				f.Errorf("value %d: got %v, want %v", i, m.Value, want)
			}
		}
	}},
	{name: "times and steps", run: func(f *fixture) {
		id := f.newRun()
		before := time.Now()
		f.must(f.client.LogMetric(f.ctx, id, mlruns.Metric{Key: "now"}))
		f.between("time", f.history(id, "now")[0].Time, before)
		logged := []mlruns.Metric{
			{Key: "m", Time: at(0), Step: math.MinInt64},
			{Key: "m", Time: at(1), Step: math.MaxInt64},
			{Key: "m", Time: time.Date(2020, 1, 1, 1, 0, 0, 123_999_999, time.FixedZone("", 3600)), Step: -1},
			{Key: "m", Time: time.Date(9999, 12, 31, 23, 59, 59, 999_000_000, time.UTC)},
			{Key: "m", Time: time.Date(12345, 1, 1, 0, 0, 0, 0, time.UTC)},
		}
		for _, m := range logged {
			f.must(f.client.LogMetric(f.ctx, id, m))
		}
		for i := range logged {
			logged[i].Time = logged[i].Time.UTC().Truncate(time.Millisecond)
		}
		equal(f, "history", f.history(id, "m"), logged)
	}},
	{name: "history", run: func(f *fixture) {
		id := f.newRun()
		var logged []mlruns.Metric
		for i := range int64(200) {
			m := mlruns.Metric{Key: "m", Value: float64(i % 7), Step: i % 11, Time: at(1000 - i)}
			logged = append(logged, m, m)
			f.must(f.client.LogMetric(f.ctx, id, m))
			f.must(f.client.LogMetric(f.ctx, id, m))
		}
		equal(f, "history in the order of logging, nothing dropped", f.history(id, "m"), logged)
		n := 0
		for range f.client.MetricHistory(f.ctx, id, "m", mlruns.HistoryQuery{}) {
			if n++; n == 3 {
				break
			}
		}
		equal(f, "elements before a break", n, 3)
		equal(f, "history of a metric never logged", f.history(id, "other"), nil)
		f.must(f.client.LogMetric(f.ctx, id, mlruns.Metric{Key: "a/b"}))
		equal(f, "history of a folder of metrics", f.history(id, "a"), nil)
		equal(f, "history below a metric", f.history(id, "m/x"), nil)
	}, allow: []mlruns.ProblemKind{mlruns.ProblemDuplicateLine}},
	{name: "keys", run: func(f *fixture) { logKeys(f, keys) }},
	{name: "local keys", run: func(f *fixture) { logKeys(f, localKeys) }, allow: []mlruns.ProblemKind{mlruns.ProblemNotPortable}},
	{name: "data sets", run: func(f *fixture) {
		id := f.newRun()
		logged := []mlruns.Metric{
			{Key: "m", Value: 1, Step: 3, Time: at(5), DatasetName: "train", DatasetDigest: "abc"},
			{Key: "m", Value: 2, Step: 4, Time: at(6)},
			{Key: "m", Value: 3, Step: 5, Time: at(7), DatasetName: "éval", DatasetDigest: "d/1"},
		}
		f.must(f.client.LogMetric(f.ctx, id, logged[0]))
		f.must(f.client.LogBatch(f.ctx, id, mlruns.Batch{Metrics: logged[1:]}))
		equal(f, "history", f.history(id, "m"), logged)
		equal(f, "latest", f.read(id).Data.Metrics["m"], logged[2])
	}},
}

// logKeys uses each key for a metric, a param and a tag.
func logKeys(f *fixture, keys []string) {
	id := f.newRun()
	want := mlruns.RunData{Metrics: map[string]mlruns.Metric{}, Params: map[string]string{}, Tags: f.read(id).Data.Tags}
	for i, key := range keys {
		m := mlruns.Metric{Key: key, Value: float64(i), Time: at(int64(i))}
		f.must(f.client.LogMetric(f.ctx, id, m))
		f.must(f.client.LogParam(f.ctx, id, key, "p of "+key))
		f.must(f.client.SetTag(f.ctx, id, key, "t of "+key))
		want.Metrics[key], want.Params[key], want.Tags[key] = m, "p of "+key, "t of "+key
	}
	equal(f, "data", f.read(id).Data, want)
	for _, key := range keys {
		equal(f, "history of "+key, f.history(id, key), []mlruns.Metric{want.Metrics[key]})
		f.must(f.client.DeleteTag(f.ctx, id, key))
		delete(want.Tags, key)
	}
	equal(f, "data without tags", f.read(id).Data, want)
}
