package crowd

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/mlruns/mlruns"
	"github.com/mlruns/mlruns/filestore"
	"github.com/mlruns/mlruns/filestore/internal/filestoretest"
	"github.com/mlruns/mlruns/internal/proof"
)

// Processes that write to one run, goroutines in each, and points that each of these logs.
const (
	writers           = 16
	goroutinesOfEach  = 4
	pointsOfGoroutine = 1000
)

var crowdTasks = filestoretest.Tasks{
	"experiment": func(t *testing.T, dir string) {
		e, err := mlruns.NewClient(filestoretest.Open(t, dir)).GetOrCreateExperiment(t.Context(), "sweep")
		if err != nil {
			t.Fatal(err)
		}
		fmt.Printf("id=%s\n", e.ID)
	},
	"race": func(t *testing.T, dir string) { race(t, filestoretest.Open(t, dir), int(filestoretest.TaskNumber(t))) },
	"append": func(t *testing.T, dir string) {
		s := filestoretest.Open(t, dir)
		if err := appendPoints(t.Context(), s.LogMetric, os.Getenv(filestoretest.EnvRun), int(filestoretest.TaskNumber(t))); err != nil {
			t.Fatal(err)
		}
	},
	"append beside MLflow": func(t *testing.T, dir string) {
		s := filestoretest.Open(t, dir)
		if err := appendPoints(t.Context(), besideMLflow(s.LogMetric), os.Getenv(filestoretest.EnvRun), int(filestoretest.TaskNumber(t))); err != nil {
			t.Fatal(err)
		}
	},
	"append until refused": func(t *testing.T, dir string) {
		step, err := appendUntilRefused(t.Context(), mlruns.NewClient(filestoretest.Open(t, dir)), os.Getenv(filestoretest.EnvRun), int(filestoretest.TaskNumber(t)))
		if !errors.Is(err, mlruns.ErrNotActive) {
			t.Fatal(err)
		}
		fmt.Printf("points=%d\n", step)
	},
}

// appendUntilRefused gives the number of points that were acknowledged.
func appendUntilRefused(ctx context.Context, c *mlruns.Client, run string, process int) (int64, error) {
	for step := int64(0); ; step++ {
		if err := c.LogMetric(ctx, run, mlruns.Metric{Key: "m", Value: float64(process), Step: step}); err != nil {
			return step, err
		}
	}
}

// appendPoints logs from several goroutines. A value names its goroutine, steps count its points.
func appendPoints(ctx context.Context, log logMetric, run string, process int) error {
	errs := make([]error, goroutinesOfEach)
	var wg sync.WaitGroup
	for g := range errs {
		wg.Go(func() {
			for i := int64(0); i < pointsOfWriter() && errs[g] == nil; i++ {
				errs[g] = log(ctx, run, mlruns.Metric{Key: "m", Value: float64(process*goroutinesOfEach + g), Step: i})
			}
		})
	}
	wg.Wait()
	return errors.Join(errs...)
}

func pointsOfWriter() int64 {
	return pointsOfGoroutine / proof.Choose(int64(40), 10, 1)
}

// TestProcessesMakeOneExperiment begins where there is no directory: the processes make that too.
func TestProcessesMakeOneExperiment(t *testing.T) {
	t.Parallel()
	dir := filepath.Join(t.TempDir(), "mlruns")
	seen := map[string]int{}
	processes := proof.Choose(16, 64, 64)
	for _, out := range filestoretest.StartTasks(t, processes, "experiment", dir, "") {
		_, rest, _ := strings.Cut(out, "id=")
		id, _, _ := strings.Cut(rest, "\n")
		seen[id]++
	}
	if len(seen) != 1 || seen[""] != 0 {
		t.Errorf("ids by process: %v, want one", seen)
	}
	store := filestoretest.Open(t, dir, filestore.WithMustExist())
	page, err := store.SearchExperiments(t.Context(), mlruns.ExperimentQuery{View: mlruns.ViewAll, Filter: "name = 'sweep'"})
	if err != nil || len(page.Experiments) != 1 || seen[page.Experiments[0].ID] != processes {
		t.Errorf("%d processes got %v; in the store: %v, %v", processes, seen, page, err)
	}
	filestoretest.NoProblems(t, store)
	filestoretest.ReadsStrictly(t, dir)
}

// pointsByWriter gives how many points each goroutine has logged. It fails unless they are a first
// part of all, in order and whole.
func pointsByWriter(t *testing.T, store mlruns.Store, run string) (next [writers * goroutinesOfEach]int64) {
	t.Helper()
	query := mlruns.HistoryQuery{OnProblem: func(p mlruns.Problem) { t.Errorf("while others write: %v", p) }}
	for m, err := range store.MetricHistory(t.Context(), run, "m", query) {
		if err != nil {
			t.Errorf("while others write: %v", err)
			return next
		}
		writer := int(m.Value)
		if float64(writer) != m.Value || writer < 0 || writer >= len(next) || m.Step != next[writer] {
			t.Errorf("a point with value %v and step %d is not the next of any goroutine", m.Value, m.Step)
			return next
		}
		next[writer]++
	}
	return next
}

// read looks at a run in all ways until done is closed, and gives how often it did.
func read(t *testing.T, store mlruns.Store, run string, done <-chan struct{}) (looks int) {
	t.Helper()
	for before := int64(0); ; looks++ {
		select {
		case <-done:
			return looks
		default:
		}
		var sum int64
		for _, n := range pointsByWriter(t, store, run) {
			sum += n
		}
		if sum < before {
			t.Errorf("%d points are seen, where %d were", sum, before)
		}
		before = sum
		page, err := store.SearchRuns(t.Context(), mlruns.RunQuery{Filter: "metrics.m >= 0 AND params.p = 'v'", OnProblem: func(p mlruns.Problem) { t.Errorf("search: %v", p) }})
		if err != nil || sum > 0 && len(page.Runs) != 1 {
			t.Errorf("search while others write: %v, %v", page, err)
		}
		r, err := store.Run(t.Context(), run)
		switch {
		case err != nil:
			t.Errorf("the run while others write: %v", err)
		case len(r.Problems) > 0 || len(r.Info.Name) != 1 || !oneLetter(r.Data.Tags["long"]):
			t.Errorf("the run while others write: tag of %d bytes, name %q, %v", len(r.Data.Tags["long"]), r.Info.Name, r.Problems)
		}
		if t.Failed() {
			return looks
		}
	}
}

const longTag = 5000

// oneLetter reports whether a tag is as rewrite writes it.
func oneLetter(tag string) bool { return len(tag) == longTag && strings.Trim(tag, tag[:1]) == "" }

// rewrite changes the tag and the meta.yaml of a run until done is closed. The tag is whole if all
// its bytes are one letter.
func rewrite(t *testing.T, store mlruns.Store, run string, done <-chan struct{}) {
	t.Helper()
	for i := 0; ; i++ {
		select {
		case <-done:
			return
		default:
		}
		letter := string(rune('a' + i%26))
		err := store.SetTag(t.Context(), run, "long", strings.Repeat(letter, longTag))
		if err == nil {
			err = store.UpdateRun(t.Context(), run, mlruns.RunUpdate{Status: mlruns.StatusRunning, Name: letter, End: time.UnixMilli(int64(i))})
		}
		if err != nil {
			t.Errorf("rewriting while others write: %v", err)
			return
		}
		time.Sleep(time.Millisecond)
	}
}

// TestProcessesLoseNoPoint lets processes log to one run and key, others rewrite its meta.yaml and
// a tag, and others read.
func TestProcessesLoseNoPoint(t *testing.T) {
	t.Parallel()
	dir := filepath.Join(t.TempDir(), "mlruns")
	store := filestoretest.Open(t, dir)
	run, err := store.CreateRun(t.Context(), mlruns.RunSpec{Name: "a", Tags: map[string]string{"long": strings.Repeat("a", longTag)}})
	if err != nil {
		t.Fatal(err)
	}
	if err := store.LogParam(t.Context(), run.Info.ID, "p", "v"); err != nil {
		t.Fatal(err)
	}
	done := make(chan struct{})
	var looks atomic.Int64
	var wg sync.WaitGroup
	wg.Go(func() { rewrite(t, store, run.Info.ID, done) })
	for range 2 {
		wg.Go(func() {
			looks.Add(int64(read(t, filestoretest.Open(t, dir, filestore.WithReadOnly()), run.Info.ID, done)))
		})
	}
	filestoretest.StartTasks(t, writers, "append", dir, run.Info.ID)
	close(done)
	wg.Wait()
	for writer, n := range pointsByWriter(t, store, run.Info.ID) {
		if n != pointsOfWriter() {
			t.Errorf("goroutine %d: %d points, want %d", writer, n, pointsOfWriter())
		}
	}
	data, err := os.ReadFile(filepath.Join(dir, "0", run.Info.ID, "metrics", "m"))
	if want := writers * goroutinesOfEach * int(pointsOfWriter()); bytes.Count(data, []byte("\n")) != want || err != nil {
		t.Errorf("%d lines, %v; want %d", bytes.Count(data, []byte("\n")), err, want)
	}
	filestoretest.NoProblems(t, store)
	filestoretest.ReadsStrictly(t, dir)
	t.Logf("%d processes of %d goroutines logged %d points each; readers looked %d times meanwhile", writers, goroutinesOfEach, pointsOfWriter(), looks.Load())
}
