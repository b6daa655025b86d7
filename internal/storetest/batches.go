package storetest

import (
	"fmt"

	"github.com/mlruns/mlruns"
)

func manyMetrics(n int) []mlruns.Metric {
	list := make([]mlruns.Metric, n)
	for i := range list {
		list[i] = mlruns.Metric{Key: fmt.Sprint("m", i%3), Value: float64(i), Step: int64(i), Time: at(int64(i))}
	}
	return list
}

func manyParams(n int) []mlruns.Param {
	list := make([]mlruns.Param, n)
	for i := range list {
		list[i] = mlruns.Param{Key: fmt.Sprint("p", i), Value: fmt.Sprint(i)}
	}
	return list
}

func manyTags(n int) []mlruns.Tag {
	list := make([]mlruns.Tag, n)
	for i := range list {
		list[i] = mlruns.Tag{Key: fmt.Sprint("t", i), Value: fmt.Sprint(i)}
	}
	return list
}

func tooMany(limit int, what string, n int) string {
	return fmt.Sprintf("A batch logging request can contain at most %d %s. Got %d %s. Please split up %s across multiple requests and try again.", limit, what, n, what, what)
}

var batchScenarios = []scenario{
	{name: "limits", run: func(f *fixture) {
		for _, b := range []mlruns.Batch{
			{Metrics: manyMetrics(1000)},
			{Params: manyParams(100), Tags: manyTags(100), Metrics: manyMetrics(800)},
		} {
			id := f.newRun()
			f.must(f.client.LogBatch(f.ctx, id, b))
			data := f.read(id).Data
			equal(f, "params", len(data.Params), len(b.Params))
			equal(f, "tags", len(data.Tags), len(b.Tags)+1)
			n := 0
			for key := range data.Metrics {
				n += len(f.history(id, key))
			}
			equal(f, "points", n, len(b.Metrics))
		}
		id := f.newRun()
		was := f.read(id)
		for _, c := range []struct {
			b       mlruns.Batch
			message string
		}{
			{mlruns.Batch{Metrics: manyMetrics(1001)}, tooMany(1000, "metrics", 1001)},
			{mlruns.Batch{Params: manyParams(101)}, tooMany(100, "params", 101)},
			{mlruns.Batch{Tags: manyTags(101)}, tooMany(100, "tags", 101)},
			{mlruns.Batch{Metrics: manyMetrics(801), Params: manyParams(100), Tags: manyTags(100)}, tooMany(1000, "metrics, params, and tags", 1001)},
		} {
			f.refused(f.client.LogBatch(f.ctx, id, c.b), mlruns.ErrInvalid, mlruns.CodeInvalidParameter, c.message)
		}
		equal(f, "the run", f.read(id), was)
	}},
	{name: "order", run: func(f *fixture) {
		id := f.newRun()
		logged := []mlruns.Metric{{Key: "m", Value: 3, Step: 3, Time: at(1)}, {Key: "n", Value: 1, Time: at(1)}, {Key: "m", Value: 1, Step: 1, Time: at(1)}, {Key: "m", Value: 1, Step: 1, Time: at(1)}}
		for range 2 {
			f.must(f.client.LogBatch(f.ctx, id, mlruns.Batch{Metrics: logged, Tags: []mlruns.Tag{{Key: "t", Value: "1"}, {Key: "t", Value: "2"}}}))
		}
		once := []mlruns.Metric{logged[0], logged[2], logged[3]}
		equal(f, "history", f.history(id, "m"), append(once, once...))
		equal(f, "the last of a tag wins", f.read(id).Data.Tags["t"], "2")
	}, allow: []mlruns.ProblemKind{mlruns.ProblemDuplicateLine}},
	{name: "empty", run: func(f *fixture) {
		id := f.newRun()
		was := f.read(id)
		f.must(f.client.LogBatch(f.ctx, id, mlruns.Batch{}))
		equal(f, "the run", f.read(id), was)
	}},
	{name: "a refused batch writes nothing", run: func(f *fixture) {
		id := f.newRun()
		f.must(f.client.LogParam(f.ctx, id, "old", "1"))
		f.must(f.client.LogParam(f.ctx, id, "dir/x", "1"))
		was := f.read(id)
		good := mlruns.Batch{Metrics: manyMetrics(3), Params: manyParams(3), Tags: manyTags(3)}
		for _, c := range []struct {
			name string
			bad  func(*mlruns.Batch)
		}{
			{"tag key", func(b *mlruns.Batch) { b.Tags = append(b.Tags, mlruns.Tag{Key: "../x"}) }},
			{"metric key", func(b *mlruns.Batch) { b.Metrics = append(b.Metrics, mlruns.Metric{Key: ""}) }},
			{"metric time", func(b *mlruns.Batch) { b.Metrics = append(b.Metrics, mlruns.Metric{Key: "m", Time: at(-1)}) }},
			{"changed param", func(b *mlruns.Batch) { b.Params = append(b.Params, mlruns.Param{Key: "old", Value: "2"}) }},
			{"repeated param", func(b *mlruns.Batch) { b.Params = append(b.Params, mlruns.Param{Key: "p0", Value: "0"}) }},
			{"params a and a/b", func(b *mlruns.Batch) { b.Params = append(b.Params, mlruns.Param{Key: "p0/x", Value: "0"}) }},
			{"metrics a and a/b", func(b *mlruns.Batch) { b.Metrics = append(b.Metrics, mlruns.Metric{Key: "m0/x/y"}) }},
			{"tags a and a/b", func(b *mlruns.Batch) { b.Tags = append(b.Tags, mlruns.Tag{Key: "t0/x"}) }},
			{"param on disk is a folder", func(b *mlruns.Batch) { b.Params = append(b.Params, mlruns.Param{Key: "dir"}) }},
			{"param on disk is a file", func(b *mlruns.Batch) { b.Params = append(b.Params, mlruns.Param{Key: "old/x"}) }},
		} {
			b := mlruns.Batch{Metrics: good.Metrics[:3:3], Params: good.Params[:3:3], Tags: good.Tags[:3:3]}
			c.bad(&b)
			if err := f.client.LogBatch(f.ctx, id, b); mlruns.CodeOf(err) != mlruns.CodeInvalidParameter {
				f.Errorf("%s: got %v, want it refused", c.name, err)
			}
			equal(f, c.name+": the run", f.read(id), was)
		}
		f.must(f.client.LogBatch(f.ctx, id, good))
		equal(f, "params", len(f.read(id).Data.Params), 5)
	}},
	{name: "repeated params", run: func(f *fixture) {
		err := f.client.LogBatch(f.ctx, f.newRun(), mlruns.Batch{Params: []mlruns.Param{{Key: "b"}, {Key: "a"}, {Key: "c"}, {Key: "a"}, {Key: "b"}, {Key: "a"}}})
		f.refused(err, mlruns.ErrInvalid, mlruns.CodeInvalidParameter,
			"Duplicate parameter keys have been submitted: ['a', 'b', 'a']. Please ensure the request contains only one param value per param key.")
	}},
}
