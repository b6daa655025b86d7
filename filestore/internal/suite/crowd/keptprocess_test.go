package crowd

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/mlruns/mlruns"
	"github.com/mlruns/mlruns/filestore/internal/filestoretest"
)

// mlflowWriter logs to a run as MLflow does, without locks: it appends points, and rewrites
// meta.yaml in place. It gives the number of points.
func mlflowWriter(run string, stop <-chan struct{}) (points int64, err error) {
	meta := filepath.Join(run, "meta.yaml")
	text, err := os.ReadFile(meta)
	if err != nil {
		return 0, err
	}
	for {
		select {
		case <-stop:
			return points, nil
		case <-time.After(time.Millisecond):
		}
		f, err := os.OpenFile(filepath.Join(run, "metrics", "m"), os.O_WRONLY|os.O_APPEND|os.O_CREATE, 0o666)
		if err != nil {
			return points, err
		}
		_, err = fmt.Fprintf(f, "1 99.0 %d\n", points)
		if err = errors.Join(err, f.Close()); err != nil {
			return points, err
		}
		points++
		if points%10 == 0 {
			if err := os.WriteFile(meta, text, 0o666); err != nil { // empty for a moment
				return points, err
			}
		}
	}
}

type logMetric func(ctx context.Context, run string, m mlruns.Metric) error

// besideMLflow logs again while meta.yaml is told as damaged: on a slow machine MLflow's rewriting
// leaves it empty for longer than a call waits. Nothing is written then.
func besideMLflow(log logMetric) logMetric {
	return func(ctx context.Context, run string, m mlruns.Metric) (err error) {
		for range 100 {
			if err = log(ctx, run, m); !errors.Is(err, mlruns.ErrCorrupt) {
				return err
			}
		}
		return err
	}
}

// logWith logs with MLflow beside two processes and a goroutine of this one, each by handles of its
// own that it keeps, and gives what each printed.
func logWith(t *testing.T, task string, dir, run string, during func()) (printed []string, byMLflow int64) {
	t.Helper()
	stop := make(chan struct{})
	var all sync.WaitGroup
	all.Go(func() {
		n, err := mlflowWriter(filepath.Join(dir, "0", run), stop)
		if err != nil {
			t.Errorf("MLflow: %v", err)
		}
		byMLflow = n
	})
	all.Go(func() { during(); close(stop) })
	printed = filestoretest.StartTasks(t, 2, task, dir, run)
	all.Wait()
	return printed, byMLflow
}

// count gives the points of each writer, whose steps must be whole and in order.
func count(t *testing.T, s mlruns.Store, run string) map[int]int64 {
	t.Helper()
	next := map[int]int64{}
	for m, err := range s.MetricHistory(t.Context(), run, "m", mlruns.HistoryQuery{}) {
		if err != nil {
			t.Fatal(err)
		}
		writer := int(m.Value)
		if m.Step != next[writer] {
			t.Fatalf("writer %d: step %d, want %d", writer, m.Step, next[writer])
		}
		next[writer]++
	}
	return next
}

func TestKeptHandlesBesideOthers(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "mlruns")
	store := filestoretest.Open(t, dir)
	run, err := store.CreateRun(t.Context(), mlruns.RunSpec{})
	if err != nil {
		t.Fatal(err)
	}
	const here = 50
	_, byMLflow := logWith(t, "append beside MLflow", dir, run.Info.ID, func() {
		for step := range int64(here) {
			if err := besideMLflow(store.LogMetric)(t.Context(), run.Info.ID, mlruns.Metric{Key: "m", Value: here, Step: step}); err != nil {
				t.Error(err)
			}
			time.Sleep(2 * time.Millisecond)
		}
	})
	got := count(t, store, run.Info.ID)
	for writer, want := range map[int]int64{0: pointsOfWriter(), 1: pointsOfWriter(), here: here, 99: byMLflow} {
		if got[writer] != want {
			t.Errorf("writer %d: %d points, want %d", writer, got[writer], want)
		}
	}
	filestoretest.NoProblems(t, store)
}

// TestNothingAfterDeletion deletes a run that two processes log to: all that they were told is
// written is there, and nothing comes when the deletion has returned.
func TestNothingAfterDeletion(t *testing.T) {
	t.Parallel()
	dir := filepath.Join(t.TempDir(), "mlruns")
	store := filestoretest.Open(t, dir)
	run, err := store.CreateRun(t.Context(), mlruns.RunSpec{})
	if err != nil {
		t.Fatal(err)
	}
	id := run.Info.ID
	var atDeletion map[int]int64
	done := make(chan struct{})
	go func() {
		defer close(done)
		for deadline := time.Now().Add(time.Minute); ; {
			time.Sleep(50 * time.Millisecond)
			seen := map[float64]bool{}
			for m, err := range store.MetricHistory(t.Context(), id, "m", mlruns.HistoryQuery{}) {
				if err == nil {
					seen[m.Value] = true
				}
			}
			if len(seen) == 2 || time.Now().After(deadline) {
				break
			}
		}
		if err := store.DeleteRun(t.Context(), id); err != nil {
			t.Error(err)
		}
		atDeletion = count(t, store, id)
	}()
	printed := filestoretest.StartTasks(t, 2, "append until refused", dir, id)
	<-done
	for process, out := range printed {
		_, rest, _ := strings.Cut(out, "points=")
		line, _, _ := strings.Cut(rest, "\n")
		if want := fmt.Sprint(atDeletion[process]); line != want {
			t.Errorf("process %d was told of %s points, %s were there when the deletion returned", process, line, want)
		}
	}
	after := count(t, store, id)
	for process, n := range atDeletion {
		if after[process] != n {
			t.Errorf("process %d: %d points, %d when the deletion returned", process, after[process], n)
		}
	}
	filestoretest.NoProblems(t, store)
}
