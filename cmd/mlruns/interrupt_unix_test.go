//go:build unix

package main

import (
	"bufio"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/mlruns/mlruns"
	"github.com/mlruns/mlruns/filestore"
)

// TestSecondInterruptWhileNobodyReads writes to a pipe that is full. The first signal does not end
// the write; people are told, and the second ends the process.
func TestSecondInterruptWhileNobodyReads(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	run := longMetric(t, dir)
	for _, sig := range []syscall.Signal{syscall.SIGINT, syscall.SIGTERM} {
		t.Run(sig.String(), func(t *testing.T) {
			t.Parallel()
			cmd := exec.Command("mlruns", "metrics", "history", run, "m", "--store", dir)
			out, err := cmd.StdoutPipe()
			if err != nil {
				t.Fatal(err)
			}
			errs, err := cmd.StderrPipe()
			if err != nil {
				t.Fatal(err)
			}
			if err := cmd.Start(); err != nil {
				t.Fatal(err)
			}
			if _, err := out.Read(make([]byte, 1)); err != nil {
				t.Fatal(err)
			}
			if err := cmd.Process.Signal(sig); err != nil {
				t.Fatal(err)
			}
			if line, err := bufio.NewReader(errs).ReadString('\n'); !strings.Contains(line, "interrupt once more to end at once") {
				t.Errorf("standard error has %q, %v", line, err)
			}
			ended := make(chan error, 1)
			go func() { ended <- cmd.Wait() }()
			if err := cmd.Process.Signal(sig); err != nil {
				t.Fatal(err)
			}
			select {
			case err := <-ended:
				if err == nil {
					t.Error("exits with 0, want a failure")
				}
			case <-time.After(atMost):
				t.Error("two signals and the process is still there")
				_ = cmd.Process.Kill()
				<-ended
			}
		})
	}
}

// longMetric makes a store with a metric of 20,000 points, which no pipe holds, and gives the id of
// its run.
func longMetric(t *testing.T, dir string) (runID string) {
	t.Helper()
	store, err := filestore.Open(dir)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = store.Close() }()
	run, err := store.CreateRun(t.Context(), mlruns.RunSpec{})
	if err != nil {
		t.Fatal(err)
	}
	points := strings.Repeat("1700000000000 0.5 1\n", 20_000)
	if err := os.WriteFile(filepath.Join(dir, mlruns.DefaultExperimentID, run.Info.ID, "metrics", "m"), []byte(points), 0o666); err != nil {
		t.Fatal(err)
	}
	return run.Info.ID
}
