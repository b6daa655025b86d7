package transfer_test

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"math"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/mlruns/mlruns"
	"github.com/mlruns/mlruns/filestore"
	"github.com/mlruns/mlruns/internal/proof"
	"github.com/mlruns/mlruns/transfer"
)

// timesOfServer are set by the server.
var timesOfServer = cmp.Options{
	cmpopts.IgnoreFields(mlruns.RunInfo{}, "Deleted"), cmpopts.IgnoreFields(mlruns.Experiment{}, "Created", "Updated"),
}

// A push gives a server what the source has, under ids of its own, references rewritten.
func TestPush(t *testing.T) {
	src, files := open(t), open(t)
	fill(t, src)
	dst := serve(files, false)
	items := copyAll(t, dst, src, transfer.Query{Deleted: true})
	if diff := cmp.Diff(snapshot(t, src), unmapped(snapshot(t, dst)), timesOfServer); diff != "" {
		t.Errorf("(-source +destination):\n%s", diff)
	}
	for key, it := range items {
		if !it.Whole() || it.Kind == transfer.KindRun && (it.Action != transfer.ActionCreated || it.ID == "" || it.ID == it.SourceID || it.Points != 4) {
			t.Errorf("%s: %+v", key, it)
		}
	}
	sound(t, files)
	dst.writes = nil
	for key, it := range copyAll(t, dst, src, transfer.Query{Deleted: true}) {
		if it.Action != transfer.ActionNone {
			t.Errorf("%s: %+v", key, it)
		}
	}
	if len(dst.writes) > 0 {
		t.Errorf("the second push sends %q", dst.writes)
	}
}

// What goes on in the source goes on in the server.
func TestPushGoesOn(t *testing.T) {
	ctx := context.Background()
	for _, database := range []bool{false, true} {
		src, files := open(t), open(t)
		dst := serve(files, database)
		must(t, errOf(src.CreateRun(ctx, mlruns.RunSpec{ID: "run", Name: "n", Start: at(1)})), src.LogMetric(ctx, "run", point("m", 2, 2)))
		copyAll(t, dst, src, transfer.Query{})
		dst.writes = nil
		copyAll(t, dst, src, transfer.Query{})
		if len(dst.writes) > 0 {
			t.Errorf("a run that is going on, pushed again, sends %q", dst.writes)
		}
		must(t, src.LogMetric(ctx, "run", point("m", 1, 1)), src.LogMetric(ctx, "run", point("m", 1, 1)), src.LogParam(ctx, "run", "p", "v"), src.SetTag(ctx, "run", "k", "v"))
		must(t, src.WriteArtifact(ctx, "run", "f", strings.NewReader("f")), src.EndRun(ctx, "run", mlruns.StatusFailed, at(9)))
		it := copyAll(t, dst, src, transfer.Query{})["run run"]
		if it.Action != transfer.ActionUnited || it.Points != 2 || it.Params != 1 || it.Tags != 1 || it.Files != 1 {
			t.Errorf("database %v: %+v", database, it)
		}
		dst.writes = nil
		copyAll(t, dst, src, transfer.Query{})
		if len(dst.writes) > 0 {
			t.Errorf("pushed again, sends %q", dst.writes)
		}
		must(t, src.DeleteRun(ctx, "run"))
		copyAll(t, dst, src, transfer.Query{Deleted: true})
		r, err := dst.Run(ctx, it.ID)
		must(t, err)
		if r.Info.Stage != mlruns.StageDeleted || r.Info.Status != mlruns.StatusFailed {
			t.Errorf("%+v", r.Info)
		}
	}
}

// A run that is on a server twice, for two pushes were under way at once, is told until one of the
// two is deleted; the same one of them is kept up to date.
func TestPushTellsTwins(t *testing.T) {
	ctx := context.Background()
	src, files := open(t), open(t)
	dst := serve(files, false)
	must(t, errOf(src.CreateRun(ctx, mlruns.RunSpec{ID: "run", Name: "n", Start: at(1)})))
	first := copyAll(t, dst, src, transfer.Query{})["run run"].ID
	twin, err := files.CreateRun(ctx, mlruns.RunSpec{Name: "n", Start: at(1), Tags: map[string]string{transfer.TagSourceRun: "run", "mine": "1"}})
	must(t, err)
	kept := ""
	for range 2 {
		it := copyAll(t, dst, src, transfer.Query{})["run run"]
		if len(it.Refused) != 1 || !strings.Contains(it.Refused[0].Reason, first) || !strings.Contains(it.Refused[0].Reason, twin.Info.ID) || kept != "" && it.ID != kept {
			t.Errorf("%+v", it)
		}
		kept = it.ID
	}
	gone := first
	if kept == first {
		gone = twin.Info.ID
	}
	must(t, files.DeleteRun(ctx, gone), src.SetTag(ctx, "run", "new", "1"))
	if it := copyAll(t, dst, src, transfer.Query{})["run run"]; !it.Whole() || it.ID != kept || it.Tags != 1 {
		t.Errorf("%+v", it)
	}
	if runs, err := files.SearchRuns(ctx, mlruns.RunQuery{View: mlruns.ViewAll}); err != nil || len(runs.Runs) != 2 {
		t.Errorf("%v, %v", runs, err)
	}
}

// What a database bends, and what is too long, is told, and sent no second time.
func TestPushRefused(t *testing.T) {
	ctx := context.Background()
	src, files := open(t), open(t)
	dst := serve(files, true)
	long := strings.Repeat("x", mlruns.MaxParamValueLength+1)
	must(t, src.ImportRun(ctx, mlruns.Run{Info: mlruns.RunInfo{ID: "run", Name: "n", ExperimentID: "0", User: "u", Start: at(1), Status: mlruns.StatusFinished, End: at(2), Stage: mlruns.StageActive},
		Data: mlruns.RunData{Params: map[string]string{"long": long, "short": "1"}, Tags: map[string]string{"long": strings.Repeat("ü", mlruns.MaxTagValueLength+1)}}},
		func(yield func(mlruns.Metric, error) bool) {
			for i, v := range []float64{1, math.Inf(1), math.NaN(), math.Inf(-1)} {
				if !yield(point("m", v, int64(i)), nil) {
					return
				}
			}
			for range 2 {
				if !yield(point("twice", 1, 1), nil) {
					return
				}
			}
		}))
	must(t, src.WriteArtifact(ctx, "run", "bad/name", strings.NewReader("x")), src.WriteArtifact(ctx, "run", "good", strings.NewReader("x")))
	for pass := range 2 {
		it := copyAll(t, dst, src, transfer.Query{})["run run"]
		var fields []string
		for _, r := range it.Refused {
			fields = append(fields, r.Field)
		}
		slices.Sort(fields)
		if diff := cmp.Diff([]string{"artifacts/bad/name", "metrics.m", "params.long", "tags.long"}, fields); diff != "" || it.Whole() {
			t.Errorf("%v\n%s", it, diff)
		}
		if pass == 1 && it.Action != transfer.ActionNone {
			t.Errorf("the second time: %+v", it)
		}
	}
	dst.writes = nil
	copyAll(t, dst, src, transfer.Query{})
	if len(dst.writes) > 0 {
		t.Errorf("what was refused is sent again: %q", dst.writes)
	}
}

// What a server refuses of an experiment does not keep the rest of it away.
func TestPushRefusedExperimentTag(t *testing.T) {
	ctx := context.Background()
	src, files := open(t), open(t)
	dst := serve(files, false)
	must(t, errOf(src.CreateExperiment(ctx, mlruns.ExperimentSpec{ID: "1", Name: "e", Tags: map[string]string{"long": strings.Repeat("x", longestTag+1), "short": "1"}})),
		errOf(src.CreateRun(ctx, mlruns.RunSpec{ID: "run", ExperimentID: "1", Start: at(1)})))
	for range 2 {
		items := copyAll(t, dst, src, transfer.Query{})
		if it := items["experiment 1"]; len(it.Refused) != 1 || it.Refused[0].Field != "tags.long" || items["run run"].ID == "" {
			t.Errorf("%+v", items)
		}
	}
	e, err := files.ExperimentByName(ctx, "e")
	must(t, err)
	if e.Tags["short"] != "1" {
		t.Errorf("%+v", e)
	}
}

// What a server takes and does not keep is found by reading back, and the run is not marked.
func TestPushReadsBack(t *testing.T) {
	ctx := context.Background()
	for _, drops := range []string{"p", "m"} {
		src, files := open(t), open(t)
		dst := serve(files, false)
		dst.drops = drops
		must(t, errOf(src.CreateRun(ctx, mlruns.RunSpec{ID: "run", Start: at(1)})), src.LogMetric(ctx, "run", point("m", 1, 1)), src.LogParam(ctx, "run", "p", "1"), src.EndRun(ctx, "run", 0, at(2)))
		var told []string
		for it, err := range transfer.Copy(ctx, dst, src, transfer.Query{}) {
			if it.Err != nil {
				told = append(told, it.Err.Error())
			}
			if err == nil && it.Err == nil && it.Kind == transfer.KindRun {
				t.Errorf("%s: %+v", drops, it)
			}
		}
		if len(told) != 1 || !strings.Contains(told[0], "read back") {
			t.Errorf("%s: told %q", drops, told)
		}
		dst.drops = ""
		copyAll(t, dst, src, transfer.Query{})
		if diff := cmp.Diff(snapshot(t, src)["history run m"], unmapped(snapshot(t, dst))["history run m"]); diff != "" {
			t.Error(diff)
		}
	}
}

// One that is deleted on the server takes nothing, and is told.
func TestPushToDeleted(t *testing.T) {
	ctx := context.Background()
	src, files := open(t), open(t)
	dst := serve(files, false)
	must(t, errOf(src.CreateExperiment(ctx, mlruns.ExperimentSpec{Name: "e", ID: "1"})), errOf(src.CreateRun(ctx, mlruns.RunSpec{ID: "run", ExperimentID: "1", Start: at(1)})))
	id := copyAll(t, dst, src, transfer.Query{})["run run"].ID
	must(t, files.DeleteRun(ctx, id))
	if it := copyAll(t, dst, src, transfer.Query{})["run run"]; it.Whole() || it.Conflicts[0].Field != "lifecycle_stage" {
		t.Errorf("%+v", it)
	}
	if it := copyAll(t, dst, src, transfer.Query{Prefer: transfer.PreferSource})["run run"]; !it.Whole() || it.Action != transfer.ActionUnited {
		t.Errorf("%+v", it)
	}
	e, err := files.ExperimentByName(ctx, "e")
	must(t, err, files.DeleteExperiment(ctx, e.ID))
	items := copyAll(t, dst, src, transfer.Query{})
	if it := items["experiment 1"]; it.Whole() || len(items) != 1 {
		t.Errorf("%+v", items)
	}
}

// A push that fails at any call, before it takes effect or after, and is made again, gives what an
// undisturbed one gives: no run and no point twice, none missing.
func TestPushResumes(t *testing.T) {
	src, _ := past(t)
	q := transfer.Query{Deleted: true}
	undisturbed := serve(open(t), false)
	copyAll(t, undisturbed, src, q)
	want := unmapped(snapshot(t, undisturbed))
	lost := errors.New("the answer is lost")
	step := proof.Choose(2, 1, 1)
	for _, after := range []bool{false, true} {
		for _, forGood := range []bool{false, true} {
			for i := proof.Rand(t).IntN(step); i < len(undisturbed.writes); i += step {
				dst := serve(open(t), false)
				dst.fault = func(n int) (error, error) {
					switch hit := n == i || forGood && n > i; {
					case hit && (!after || n > i):
						return lost, nil
					case hit:
						return nil, lost
					}
					return nil, nil
				}
				var told error
				for it, err := range transfer.Copy(context.Background(), dst, src, q) {
					told = errors.Join(told, err, it.Err)
				}
				if !errors.Is(told, lost) {
					t.Errorf("failed at %d: told %v", i, told)
				}
				dst.fault = nil
				copyAll(t, dst, src, q)
				if diff := cmp.Diff(want, unmapped(snapshot(t, dst)), timesOfServer); diff != "" {
					t.Fatalf("failed at %d, %s, after %v, for good %v (-want +got):\n%s", i, dst.writes[i], after, forGood, diff)
				}
				sound(t, dst.files)
			}
		}
	}
}

// There and back: what was pushed and is pulled into an empty folder has the server's ids; pulled
// into the folder that it came from, it is what is there.
func TestPull(t *testing.T) {
	src, files := open(t), open(t)
	fill(t, src)
	dst := serve(files, false)
	copyAll(t, dst, src, transfer.Query{Deleted: true})
	back := open(t)
	copyAll(t, back, dst, transfer.Query{Deleted: true})
	strip := func(all map[string]any) map[string]any {
		for name, v := range all {
			if r, ok := v.(mlruns.Run); ok {
				delete(r.Data.Tags, transfer.TagPushed)
				all[name] = r
			}
		}
		return all
	}
	if diff := cmp.Diff(strip(snapshot(t, dst)), snapshot(t, back)); diff != "" {
		t.Errorf("(-server +folder):\n%s", diff)
	}
	sound(t, back)
	want := snapshot(t, src)
	for key, it := range copyAll(t, src, dst, transfer.Query{Deleted: true}) {
		if it.Action != transfer.ActionNone {
			t.Errorf("%s: %+v", key, it)
		}
	}
	if diff := cmp.Diff(want, snapshot(t, src)); diff != "" {
		t.Errorf("pulled into where it came from (-want +got):\n%s", diff)
	}
	dst.writes = nil
	copyAll(t, dst, back, transfer.Query{Deleted: true})
	if len(dst.writes) > 0 {
		t.Errorf("what was pulled and is pushed back sends %q", dst.writes)
	}
	third := serve(open(t), false)
	copyAll(t, third, dst, transfer.Query{Deleted: true})
	if diff := cmp.Diff(want, unmapped(snapshot(t, third)), timesOfServer); diff != "" {
		t.Errorf("server to server (-want +got):\n%s", diff)
	}
}

// A watch sends what is new, and nothing else, until it is told to stop.
func TestWatch(t *testing.T) {
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	src, files := open(t), open(t)
	dst := serve(files, false)
	must(t, errOf(src.CreateRun(ctx, mlruns.RunSpec{ID: "run", Name: "n", Start: at(1)})))
	steps := []func(transfer.Item) error{
		func(it transfer.Item) error { return src.LogMetric(ctx, "run", point("m", 1, 1)) },
		func(it transfer.Item) error {
			if it.Points != 1 {
				return errors.New("the point")
			}
			return src.EndRun(ctx, "run", 0, at(9))
		},
		func(transfer.Item) error { cancel(); return nil },
	}
	for it, err := range transfer.Watch(ctx, dst, src, transfer.Query{}, time.Millisecond) {
		must(t, err, it.Err)
		if it.Kind != transfer.KindRun || len(steps) == 0 {
			t.Errorf("%+v", it)
			continue
		}
		must(t, steps[0](it))
		steps = steps[1:]
	}
	if len(steps) > 0 {
		t.Errorf("%d steps left", len(steps))
	}
}

// A watch asks the server nothing about what looks as it did: a pass costs the same however many
// runs and traces there are.
func TestWatchIsCheap(t *testing.T) {
	t.Parallel()
	perPass := func(n int) int {
		ctx, cancel := context.WithCancel(context.Background())
		defer cancel()
		src, files := open(t), open(t)
		dst, w := overHTTP(t, files)
		for i := range n {
			id := fmt.Sprint("run", i)
			must(t, errOf(src.CreateRun(ctx, mlruns.RunSpec{ID: id, Name: id, Start: at(1)})), src.EndRun(ctx, id, 0, at(2)),
				errOf(src.ImportTrace(ctx, mlruns.Trace{ID: "tr-" + id, State: mlruns.TraceOK, Start: at(1), End: at(2)})))
		}
		var mu sync.Mutex
		passes, requests := 0, 0
		w.fault = func(int) (error, error) {
			mu.Lock()
			defer mu.Unlock()
			requests++
			return nil, nil
		}
		told := 0
		counted := passesOf{src, func() {
			mu.Lock()
			defer mu.Unlock()
			if passes++; passes == 4 {
				cancel()
			}
			if passes < 4 {
				requests = 0
			}
		}}
		for it, err := range transfer.Watch(ctx, dst, counted, transfer.Query{}, time.Millisecond) {
			must(t, err, it.Err)
			told++
		}
		if told != 2*n {
			t.Errorf("%d runs and traces, told of %d", n, told)
		}
		return requests
	}
	if few, many := perPass(1), perPass(6); many > few || few == 0 {
		t.Errorf("a pass costs %d requests with 1 run, %d with 6", few, many)
	}
}

// passesOf is told of each pass over a store.
type passesOf struct {
	*filestore.Store
	begins func()
}

func (p passesOf) Experiments(ctx context.Context, q mlruns.ExperimentQuery) iter.Seq2[mlruns.Experiment, error] {
	p.begins()
	return p.Store.Experiments(ctx, q)
}

// A push fills its requests: 2,000 points with what else a run has go in as few as they fit into.
func TestPushFillsBatches(t *testing.T) {
	ctx := context.Background()
	src, files := open(t), open(t)
	must(t, errOf(src.CreateRun(ctx, mlruns.RunSpec{ID: "run", Name: "n", Start: at(1), Tags: map[string]string{"t": "1"}})), src.LogParam(ctx, "run", "p", "1"))
	for _, key := range []string{"a", "b"} {
		b := mlruns.Batch{Metrics: make([]mlruns.Metric, 990)}
		for i := range b.Metrics {
			b.Metrics[i] = point(key, 1, int64(i))
		}
		must(t, src.LogBatch(ctx, "run", b))
	}
	must(t, src.EndRun(ctx, "run", 0, at(9)))
	dst := serve(files, true)
	copyAll(t, dst, src, transfer.Query{})
	batches := slices.DeleteFunc(slices.Clone(dst.writes), func(call string) bool { return call != "log batch" })
	if len(batches) != 2 {
		t.Errorf("%q", dst.writes)
	}
}
