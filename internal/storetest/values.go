package storetest

import (
	"fmt"
	"strings"

	"github.com/mlruns/mlruns"
)

// texts are values that some layer between here and the disk could change.
var texts = []string{"", " ", "v", "\n", "\r\n", "\r", "a\nb\n", "a\r\nb", "\ttab ", "null", "1.0", "'", `"`, `\`, "\x00", "\x01\x7f", "é", "日本", "😀", "\ufeffbom", "\u2028\u0085"}

func clash(what, key, other, short string) string {
	return "Invalid " + what + " name '" + key + "': there is a " + what + " named '" + other + "', and in a directory '" + short + "' cannot be both a file and a folder"
}

var valueScenarios = []scenario{
	{name: "params", run: func(f *fixture) {
		id := f.newRun()
		values := append([]string{strings.Repeat("é", mlruns.MaxParamValueLength)}, texts...)
		want := map[string]string{}
		for i, v := range values {
			key := fmt.Sprint("p", i)
			want[key] = v
			f.must(f.client.LogParam(f.ctx, id, key, v))
			f.must(f.client.LogParam(f.ctx, id, key, v))
		}
		equal(f, "params", f.read(id).Data.Params, want)
	}},
	{name: "params do not change", run: func(f *fixture) {
		id := f.newRun()
		for i, c := range [][2]string{{"1", "2"}, {"a", ""}, {"", "a"}, {"a", "a\n"}, {"a\r\n", "a\n"}, {"é", "e"}} {
			key := fmt.Sprint("p", i)
			f.must(f.client.LogParam(f.ctx, id, key, c[0]))
			message := fmt.Sprintf("Changing param values is not allowed. Param with key='%s' was already logged with value='%s' for run ID='%s'. Attempted logging new value '%s'.", key, c[0], id, c[1])
			f.refused(f.client.LogParam(f.ctx, id, key, c[1]), mlruns.ErrInvalid, mlruns.CodeInvalidParameter, message)
			f.refused(f.client.LogBatch(f.ctx, id, mlruns.Batch{Params: []mlruns.Param{{Key: key, Value: c[1]}}}), mlruns.ErrInvalid, mlruns.CodeInvalidParameter, message)
			equal(f, "the param", f.read(id).Data.Params[key], c[0])
		}
	}},
	{name: "tags", run: func(f *fixture) {
		id := f.newRun()
		want := f.read(id).Data.Tags
		for _, v := range append([]string{strings.Repeat("x", 100_000)}, texts...) {
			f.must(f.client.SetTag(f.ctx, id, "overwritten", v))
			want["overwritten"] = v
			equal(f, "tags", f.read(id).Data.Tags, want)
		}
		for i, v := range texts {
			key := fmt.Sprint("t", i)
			f.must(f.client.SetTag(f.ctx, id, key, v))
			want[key] = v
		}
		equal(f, "tags", f.read(id).Data.Tags, want)
	}},
	{name: "delete tag", run: func(f *fixture) {
		id := f.newRun()
		f.must(f.client.SetTag(f.ctx, id, "a/b", "1"))
		f.must(f.client.SetTag(f.ctx, id, "a/c", "2"))
		missing := func(key string) {
			f.refused(f.client.DeleteTag(f.ctx, id, key), mlruns.ErrNotFound, mlruns.CodeNotFound, "No tag with name: "+key+" in run with id "+id)
		}
		missing("a")
		missing("x")
		missing("a/b/c")
		f.must(f.client.DeleteTag(f.ctx, id, "a/b"))
		missing("a/b")
		equal(f, "sibling", f.read(id).Data.Tags["a/c"], "2")
		f.must(f.client.SetTag(f.ctx, id, "a/b", "again"))
		equal(f, "set again", f.read(id).Data.Tags["a/b"], "again")
	}},
	{name: "run name", run: func(f *fixture) {
		id := f.newRun()
		f.must(f.client.SetTag(f.ctx, id, mlruns.TagRunName, "two: 2"))
		equal(f, "name", f.read(id).Info.Name, "two: 2")
		f.must(f.client.SetTag(f.ctx, id, mlruns.TagRunName, ""))
		equal(f, "name after an empty tag", f.read(id).Info.Name, "two: 2")
		equal(f, "empty tag", f.read(id).Data.Tags, map[string]string{mlruns.TagRunName: ""})
		f.must(f.client.LogBatch(f.ctx, id, mlruns.Batch{Tags: []mlruns.Tag{{Key: mlruns.TagRunName, Value: "three"}, {Key: mlruns.TagRunName, Value: "four"}}}))
		equal(f, "name after a batch", f.read(id).Info.Name, "four")
		f.must(f.client.DeleteTag(f.ctx, id, mlruns.TagRunName))
		equal(f, "name without the tag", f.read(id).Info.Name, "four")
		equal(f, "tags", f.read(id).Data.Tags, nil)
	}},
	{name: "a and a/b", run: func(f *fixture) {
		id := f.newRun()
		f.must(f.client.LogParam(f.ctx, id, "a", "1"))
		f.must(f.client.LogMetric(f.ctx, id, mlruns.Metric{Key: "a"}))
		f.must(f.client.SetTag(f.ctx, id, "a", "1"))
		f.must(f.client.LogParam(f.ctx, id, "b/c", "1"))
		f.must(f.client.LogMetric(f.ctx, id, mlruns.Metric{Key: "b/c"}))
		f.must(f.client.SetTag(f.ctx, id, "b/c", "1"))
		was := f.read(id)
		for _, c := range []struct{ key, other, short string }{{"a/b", "a", "a"}, {"a/b/c", "a", "a"}, {"b", "b/…", "b"}} {
			f.refused(f.client.LogParam(f.ctx, id, c.key, "1"), mlruns.ErrInvalid, mlruns.CodeInvalidParameter, clash("param", c.key, c.other, c.short))
			f.refused(f.client.LogMetric(f.ctx, id, mlruns.Metric{Key: c.key}), mlruns.ErrInvalid, mlruns.CodeInvalidParameter, clash("metric", c.key, c.other, c.short))
			f.refused(f.client.SetTag(f.ctx, id, c.key, "1"), mlruns.ErrInvalid, mlruns.CodeInvalidParameter, clash("tag", c.key, c.other, c.short))
		}
		f.must(f.client.SetExperimentTag(f.ctx, "0", "x", "1"))
		f.refused(f.client.SetExperimentTag(f.ctx, "0", "x/y", "1"), mlruns.ErrInvalid, mlruns.CodeInvalidParameter, clash("tag", "x/y", "x", "x"))
		equal(f, "the run", f.read(id), was)
	}},
}
