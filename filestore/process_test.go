package filestore_test

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"testing"

	"github.com/mlruns/mlruns"
	"github.com/mlruns/mlruns/filestore"
)

// The environment of a process that a test starts: what it does, to which store, to which run, and its number.
const (
	envTask = "MLRUNS_TEST_TASK"
	envDir  = "MLRUNS_TEST_DIR"
	envRun  = "MLRUNS_TEST_RUN"
	envID   = "MLRUNS_TEST_ID"
	envKind = "MLRUNS_TEST_KIND" // of steps that a workload favours
)

const pointsOfProcess = 100

// TestTask is not a test: it is what the processes run that the tests below start.
func TestTask(t *testing.T) {
	task := os.Getenv(envTask)
	if task == "" {
		t.Skip("for processes that other tests start")
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
	case "append":
		if err := appendPoints(ctx, client, os.Getenv(envRun), id); err != nil {
			t.Fatal(err)
		}
	}
}

func appendPoints(ctx context.Context, c *mlruns.Client, run string, process int) error {
	for i := range int64(pointsOfProcess) {
		if err := c.LogMetric(ctx, run, mlruns.Metric{Key: "m", Value: float64(process), Step: i}); err != nil {
			return err
		}
	}
	return nil
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
	dir := filepath.Join(t.TempDir(), "mlruns")
	seen := map[string]int{}
	for _, out := range start(t, 8, "experiment", dir, "") {
		_, rest, _ := strings.Cut(out, "id=")
		id, _, _ := strings.Cut(rest, "\n")
		seen[id]++
	}
	if len(seen) != 1 || seen[""] != 0 {
		t.Errorf("ids by process: %v, want one", seen)
	}
	noProblems(t, openStore(t, dir, filestore.WithMustExist()))
}

func TestProcessesLoseNoPoint(t *testing.T) {
	const processes = 4
	dir := filepath.Join(t.TempDir(), "mlruns")
	store := openStore(t, dir)
	run, err := store.CreateRun(t.Context(), mlruns.RunSpec{})
	if err != nil {
		t.Fatal(err)
	}
	start(t, processes, "append", dir, run.Info.ID)
	var next [processes]int64
	for m, err := range store.MetricHistory(t.Context(), run.Info.ID, "m", mlruns.HistoryQuery{}) {
		if err != nil {
			t.Fatal(err)
		}
		process := int(m.Value)
		if m.Step != next[process] {
			t.Fatalf("process %d: step %d, want %d", process, m.Step, next[process])
		}
		next[process]++
	}
	for process, n := range next {
		if n != pointsOfProcess {
			t.Errorf("process %d: %d points, want %d", process, n, pointsOfProcess)
		}
	}
	noProblems(t, store)
}

// noProblems fails on everything that Verify finds but the kinds allowed.
func noProblems(t testing.TB, s mlruns.Verifier, allow ...mlruns.ProblemKind) {
	t.Helper()
	for p, err := range s.Verify(context.Background()) {
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
