package transfer_test

import (
	"context"
	"math"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/mlruns/mlruns"
	"github.com/mlruns/mlruns/filestore"
	"github.com/mlruns/mlruns/transfer"
)

// logBent logs points that a database bends.
func logBent(t *testing.T, s *filestore.Store, run string) {
	t.Helper()
	on := func(m mlruns.Metric) mlruns.Metric {
		m.DatasetName, m.DatasetDigest = "d", "1"
		return m
	}
	must(t, s.LogBatch(context.Background(), run, mlruns.Batch{Metrics: []mlruns.Metric{
		point("zero", 1, 0), point("zero", math.Copysign(0, -1), 1),
		on(point("set", 2, 0)), point("set", 3, 1), on(point("set", math.Inf(1), 2)), on(point("set", math.Copysign(0, -1), 3)),
		point("inf", math.Inf(-1), 0), point("plain", 1, 0),
	}}))
}

// What a server does not hold of a point is told, of a run that is going on too, again the next
// time, and is no reason to send the point again. A run of which one point was bent is marked whole
// but for that.
func TestPushBentPoints(t *testing.T) {
	ctx := context.Background()
	const inf, set = "1 infinite values are there as ±1.7976931348623157e308", "3 points are there without their data set"
	for name, c := range map[string]struct {
		database, old bool
		want          []string
	}{
		"folder":       {},
		"database":     {database: true, want: []string{"metrics.inf: " + inf, "metrics.set: " + inf, "metrics.set: " + set}},
		"old database": {database: true, old: true, want: []string{"metrics.inf: " + inf, "metrics.set: " + inf, "metrics.set: " + set}},
		"old folder":   {old: true, want: []string{"metrics.set: " + set}},
	} {
		for _, ended := range []bool{true, false} {
			src, files := open(t), open(t)
			dst := serve(files, c.database)
			dst.old = c.old
			must(t, errOf(src.CreateRun(ctx, mlruns.RunSpec{ID: "run", Name: "n", Start: at(1)})))
			logBent(t, src, "run")
			if ended {
				must(t, src.EndRun(ctx, "run", 0, at(9)))
			}
			for pass := range 3 {
				if pass == 2 {
					must(t, src.SetTag(ctx, "run", "new", "1"))
				}
				dst.writes = nil
				it := copyAll(t, dst, src, transfer.Query{})["run run"]
				var told []string
				for _, r := range it.Refused {
					told = append(told, r.String())
				}
				if diff := cmp.Diff(c.want, told); diff != "" {
					t.Errorf("%s, ended %v, pass %d (-want +told):\n%s", name, ended, pass, diff)
				}
				if points := map[bool]int{true: 8}[pass == 0]; it.Points != points || pass == 1 && len(dst.writes) > 0 {
					t.Errorf("%s, ended %v, pass %d: %d points, %q", name, ended, pass, it.Points, dst.writes)
				}
			}
			sound(t, files)
		}
	}
}

// A metric that a server refuses is told the second time too.
func TestPushTellsRefusedMetricAgain(t *testing.T) {
	ctx := context.Background()
	src, files := open(t), open(t)
	dst := serve(files, false)
	dst.drops = "m"
	must(t, errOf(src.CreateRun(ctx, mlruns.RunSpec{ID: "run", Name: "n", Start: at(1)})), src.LogMetric(ctx, "run", point("m", 1, 0)))
	copyAll(t, dst, src, transfer.Query{})
	dst.writes = nil
	if it := copyAll(t, dst, src, transfer.Query{})["run run"]; len(it.Refused) != 1 || it.Refused[0].Field != "metrics.m" || len(dst.writes) > 0 {
		t.Errorf("%+v, %q", it, dst.writes)
	}
}

// A new run on a server gets the status and the end that it has in the source, one that goes on or
// has not begun too, and cut off anywhere as well.
func TestPushStatus(t *testing.T) {
	ctx := context.Background()
	for _, info := range []mlruns.RunInfo{{Status: mlruns.StatusScheduled}, {Status: mlruns.StatusScheduled, End: at(7)}, {Status: mlruns.StatusRunning, End: at(7)}, {Status: mlruns.StatusRunning}, {Status: mlruns.StatusKilled, End: at(7)}} {
		src := open(t)
		want := info
		info.ID, info.Name, info.ExperimentID, info.User, info.Start, info.Stage = "run", "n", "0", "u", at(1), mlruns.StageActive
		must(t, src.ImportRun(ctx, mlruns.Run{Info: info, Data: mlruns.RunData{Params: map[string]string{"p": "1"}}}, func(func(mlruns.Metric, error) bool) {}))
		undisturbed := serve(open(t), false)
		copyAll(t, undisturbed, src, transfer.Query{})
		for cut := range len(undisturbed.writes) + 1 {
			dst := serve(open(t), false)
			dst.fault = func(n int) (error, error) {
				if n >= cut {
					return context.DeadlineExceeded, nil
				}
				return nil, nil
			}
			// what is told is not looked at
			for range transfer.Copy(ctx, dst, src, transfer.Query{}) { //nolint:revive
			}
			dst.fault = nil
			got, err := dst.Run(ctx, copyAll(t, dst, src, transfer.Query{})["run run"].ID)
			must(t, err)
			if got.Info.Status != want.Status || !got.Info.End.Equal(want.End) {
				t.Errorf("cut at %d: %v, want %v", cut, got.Info, want)
			}
			dst.writes = nil
			copyAll(t, dst, src, transfer.Query{})
			if len(dst.writes) > 0 {
				t.Errorf("pushed again, sends %q", dst.writes)
			}
		}
	}
}

// A call whose answer was lost is looked after: the run is compared again, what did not arrive is
// sent, what did is not sent twice, and the copy is whole.
func TestPushAnswersLost(t *testing.T) {
	src, _ := past(t)
	undisturbed := serve(open(t), false)
	copyAll(t, undisturbed, src, transfer.Query{})
	want := unmapped(snapshot(t, undisturbed))
	batches := 0
	for _, call := range undisturbed.writes {
		if call == "log batch" {
			batches++
		}
	}
	for i := range batches {
		for _, after := range []bool{false, true} {
			dst, met := serve(open(t), false), 0
			dst.fault = func(n int) (error, error) { // runs are pushed side by side, in any order
				dst.mu.Lock()
				defer dst.mu.Unlock()
				if dst.writes[n] != "log batch" {
					return nil, nil
				}
				if met++; met != i+1 {
					return nil, nil
				}
				if after {
					return nil, mlruns.ErrUnconfirmed
				}
				return mlruns.ErrUnconfirmed, nil
			}
			copyAll(t, dst, src, transfer.Query{})
			if diff := cmp.Diff(want, unmapped(snapshot(t, dst)), timesOfServer); diff != "" {
				t.Fatalf("lost at %d, after %v (-want +got):\n%s", i, after, diff)
			}
			sound(t, dst.files)
		}
	}
}

// What a database bent on the way comes back to where it was logged as what it was: nothing is
// added there but what was logged on the server since.
func TestPullOfBentPoints(t *testing.T) {
	ctx := context.Background()
	src, files := open(t), open(t)
	dst := serve(files, true)
	must(t, errOf(src.CreateRun(ctx, mlruns.RunSpec{ID: "run", Name: "n", Start: at(1)})))
	logBent(t, src, "run")
	must(t, src.EndRun(ctx, "run", 0, at(9)))
	id := copyAll(t, dst, src, transfer.Query{})["run run"].ID
	want := snapshot(t, src)
	for range 2 {
		for key, it := range copyAll(t, src, dst, transfer.Query{}) {
			if it.Action != transfer.ActionNone || it.Points > 0 {
				t.Errorf("%s: %+v", key, it)
			}
		}
		if diff := cmp.Diff(want, snapshot(t, src)); diff != "" {
			t.Fatalf("(-before +after):\n%s", diff)
		}
	}
	must(t, files.LogMetric(ctx, id, point("inf", 7, 7)))
	for _, points := range []int{1, 0} {
		if got := copyAll(t, src, dst, transfer.Query{})["run "+id]; got.Points != points {
			t.Errorf("%+v", got)
		}
	}
	sound(t, src)
}
