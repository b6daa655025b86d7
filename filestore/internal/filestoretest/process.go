package filestoretest

import (
	"os"
	"os/exec"
	"strconv"
	"sync"
	"testing"
)

// The environment of a process that a test starts: what it does, to which store, to which run, and
// its number.
const (
	EnvTask = "MLRUNS_TEST_TASK"
	EnvDir  = "MLRUNS_TEST_DIR"
	EnvRun  = "MLRUNS_TEST_RUN"
	EnvID   = "MLRUNS_TEST_ID"
	EnvKind = "MLRUNS_TEST_KIND" // of steps that a workload favours, or of upkeep
)

// Tasks are what the processes do that the tests of a package start, each in the store of a
// directory.
type Tasks map[string]func(t *testing.T, dir string)

// Run does the task of this process. In one that no test has started it skips.
func (all Tasks) Run(t *testing.T) {
	t.Helper()
	name := os.Getenv(EnvTask)
	if name == "" {
		t.Skip("for processes that other tests start")
	}
	do := all[name]
	if do == nil {
		t.Fatalf("no task has the name %q", name)
	}
	do(t, os.Getenv(EnvDir))
}

// TaskNumber is the number of this process among those that do its task.
func TaskNumber(t *testing.T) uint64 {
	t.Helper()
	id, err := strconv.ParseUint(os.Getenv(EnvID), 10, 64)
	if err != nil {
		t.Fatal(err)
	}
	return id
}

// StartTasks runs a task in n processes at once and gives what each printed.
func StartTasks(t *testing.T, n int, task, dir, run string) []string {
	t.Helper()
	outputs := make([]string, n)
	var wg sync.WaitGroup
	for i := range outputs {
		wg.Go(func() {
			cmd := exec.CommandContext(t.Context(), os.Args[0], "-test.run=^TestTask$", "-test.count=1")
			cmd.Env = append(os.Environ(), EnvTask+"="+task, EnvDir+"="+dir, EnvRun+"="+run, EnvID+"="+strconv.Itoa(i))
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
