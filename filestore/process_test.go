package filestore_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/mlruns/mlruns"
	"github.com/mlruns/mlruns/filestore"
	"github.com/mlruns/mlruns/internal/proof"
)

// The environment of a process that a test starts: what it does, to which store, to which run, and
// its number.
const (
	envTask = "MLRUNS_TEST_TASK"
	envDir  = "MLRUNS_TEST_DIR"
	envRun  = "MLRUNS_TEST_RUN"
	envID   = "MLRUNS_TEST_ID"
	envKind = "MLRUNS_TEST_KIND" // of steps that a workload favours, or of upkeep
)

// Processes that write to one run, goroutines in each, and points that each of these logs.
const (
	writers           = 16
	goroutinesOfEach  = 4
	pointsOfGoroutine = 1000
)

// tasksOfPlatform are those that not every system can do.
var tasksOfPlatform = map[string]func(t *testing.T, dir string){}

// TestTask is not a test: it is what the processes run that the tests below start.
func TestTask(t *testing.T) {
	task := os.Getenv(envTask)
	if task == "" {
		t.Skip("for processes that other tests start")
	}
	if do := tasksOfPlatform[task]; do != nil {
		do(t, os.Getenv(envDir))
		return
	}
	store := openStore(t, os.Getenv(envDir))
	client := mlruns.NewClient(store)
	ctx := t.Context()
	id, err := strconv.Atoi(os.Getenv(envID))
	if err != nil {
		t.Fatal(err)
	}
	switch task {
	case "experiment":
		e, err := client.GetOrCreateExperiment(ctx, "sweep")
		if err != nil {
			t.Fatal(err)
		}
		fmt.Printf("id=%s\n", e.ID)
	case "race":
		race(t, store, id)
	case "workload":
		if err := workloadTask(ctx, store, uint64(id), os.Getenv(envRun), os.Getenv(envKind)); err != nil {
			t.Fatal(err)
		}
	case "upkeep":
		if err := upkeepTask(ctx, store, os.Getenv(envKind)); err != nil {
			t.Fatal(err)
		}
	case "append":
		if err := appendPoints(ctx, client, os.Getenv(envRun), id); err != nil {
			t.Fatal(err)
		}
	case "append until refused":
		step, err := appendUntilRefused(ctx, client, os.Getenv(envRun), id)
		if !errors.Is(err, mlruns.ErrNotActive) {
			t.Fatal(err)
		}
		fmt.Printf("points=%d\n", step)
	}
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
func appendPoints(ctx context.Context, c *mlruns.Client, run string, process int) error {
	errs := make([]error, goroutinesOfEach)
	var wg sync.WaitGroup
	for g := range errs {
		wg.Go(func() {
			for i := int64(0); i < pointsOfWriter() && errs[g] == nil; i++ {
				errs[g] = c.LogMetric(ctx, run, mlruns.Metric{Key: "m", Value: float64(process*goroutinesOfEach + g), Step: i})
			}
		})
	}
	wg.Wait()
	return errors.Join(errs...)
}

func pointsOfWriter() int64 {
	return pointsOfGoroutine / proof.Choose(int64(40), 10, 1)
}

// start runs a task in n processes at once and gives what each printed.
func start(t *testing.T, n int, task, dir, run string) []string {
	t.Helper()
	outputs := make([]string, n)
	var wg sync.WaitGroup
	for i := range outputs {
		wg.Go(func() {
			cmd := exec.CommandContext(t.Context(), os.Args[0], "-test.run=^TestTask$", "-test.count=1")
			cmd.Env = append(os.Environ(), envTask+"="+task, envDir+"="+dir, envRun+"="+run, envID+"="+strconv.Itoa(i))
			out, err := cmd.CombinedOutput()
			if err != nil {
				t.Errorf("process %d: %v\n%s", i, err, out)
			}
			outputs[i] = string(out)
		})
	}
	wg.Wait()
	if t.Failed() {
		t.FailNow()
	}
	return outputs
}

// TestProcessesMakeOneExperiment begins where there is no directory: the processes make that too.
func TestProcessesMakeOneExperiment(t *testing.T) {
	t.Parallel()
	dir := filepath.Join(t.TempDir(), "mlruns")
	seen := map[string]int{}
	processes := proof.Choose(16, 64, 64)
	for _, out := range start(t, processes, "experiment", dir, "") {
		_, rest, _ := strings.Cut(out, "id=")
		id, _, _ := strings.Cut(rest, "\n")
		seen[id]++
	}
	if len(seen) != 1 || seen[""] != 0 {
		t.Errorf("ids by process: %v, want one", seen)
	}
	store := openStore(t, dir, filestore.WithMustExist())
	page, err := store.SearchExperiments(t.Context(), mlruns.ExperimentQuery{View: mlruns.ViewAll, Filter: "name = 'sweep'"})
	if err != nil || len(page.Experiments) != 1 || seen[page.Experiments[0].ID] != processes {
		t.Errorf("%d processes got %v; in the store: %v, %v", processes, seen, page, err)
	}
	noProblems(t, store)
	readsStrictly(t, dir)
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
	store := openStore(t, dir)
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
			looks.Add(int64(read(t, openStore(t, dir, filestore.WithReadOnly()), run.Info.ID, done)))
		})
	}
	start(t, writers, "append", dir, run.Info.ID)
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
	noProblems(t, store)
	readsStrictly(t, dir)
	t.Logf("%d processes of %d goroutines logged %d points each; readers looked %d times meanwhile", writers, goroutinesOfEach, pointsOfWriter(), looks.Load())
}

// noProblems fails on everything that Verify finds but the kinds allowed.
func noProblems(t testing.TB, s mlruns.Verifier, allow ...mlruns.ProblemKind) {
	t.Helper()
	for p, err := range s.Verify(context.Background(), mlruns.VerifyQuery{}) {
		if err != nil {
			t.Errorf("Verify: %v", err)
			continue
		}
		allowed := false
		for _, kind := range allow {
			allowed = allowed || p.Kind == kind
		}
		if !allowed {
			t.Errorf("Verify: %v", p)
		}
	}
}
