package crowd

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/mlruns/mlruns"
	"github.com/mlruns/mlruns/filestore"
	"github.com/mlruns/mlruns/filestore/internal/filestoretest"
)

// The environment of the processes of the lock tests: what each does and to which store. They begin
// when their standard input ends.
const (
	envLockTask = "MLRUNS_TEST_LOCK_TASK"
	envLockDir  = "MLRUNS_TEST_LOCK_DIR"
	envLockID   = "MLRUNS_TEST_LOCK_ID"
)

const (
	lockProcesses = 4
	lockRounds    = 5
)

// lockTask is what a process does; say prints a line that its parent reads.
type lockTask func(ctx context.Context, s *filestore.Store, id int, say func(format string, args ...any)) error

var lockTasks = map[string]lockTask{"contend": contend, "toggle": toggle, "fill": fill, "append": appendDespite, "hold": nil, "log": logOne}

// TestLockTask is not a test: it is what the processes run that the lock tests start.
func TestLockTask(t *testing.T) {
	task := os.Getenv(envLockTask)
	if task == "" {
		t.Skip("for processes that other tests start")
	}
	dir := os.Getenv(envLockDir)
	id, err := strconv.Atoi(os.Getenv(envLockID))
	if err != nil {
		t.Fatal(err)
	}
	say := func(format string, args ...any) { fmt.Printf("says "+format+"\n", args...) }
	if task == "hold" {
		holdLock(t, dir, say)
	}
	s, err := filestore.Open(dir, filestore.WithMustExist(), filestore.WithSync(filestore.SyncNever))
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	if _, err := io.Copy(io.Discard, os.Stdin); err != nil {
		t.Fatal(err)
	}
	if err := lockTasks[task](t.Context(), s, id, say); err != nil {
		t.Fatal(err)
	}
}

// process is one that runs a lockTask.
type process struct {
	*exec.Cmd
	in  io.WriteCloser
	out *bufio.Scanner
}

func startLockTask(t *testing.T, binary, task, dir string, id int, change func(*exec.Cmd)) process {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), binary, "-test.run=^TestLockTask$", "-test.count=1")
	cmd.Env = append(os.Environ(), envLockTask+"="+task, envLockDir+"="+dir, envLockID+"="+strconv.Itoa(id))
	if change != nil {
		change(cmd)
	}
	in, inErr := cmd.StdinPipe()
	out, outErr := cmd.StdoutPipe()
	cmd.Stderr = os.Stderr
	if err := errors.Join(inErr, outErr, cmd.Start()); err != nil {
		t.Fatal(err)
	}
	return process{Cmd: cmd, in: in, out: bufio.NewScanner(out)}
}

// next is the next thing that a process says; "" at its end.
func (p process) next() string {
	for p.out.Scan() {
		if said, ok := strings.CutPrefix(p.out.Text(), "says "); ok {
			return said
		}
	}
	return ""
}

// finish lets processes begin and gives what each said, line by line.
func finish(t *testing.T, list ...process) [][]string {
	t.Helper()
	for _, p := range list {
		if err := p.in.Close(); err != nil {
			t.Fatal(err)
		}
	}
	said := make([][]string, len(list))
	for i, p := range list {
		var other []string
		for p.out.Scan() {
			if line, ok := strings.CutPrefix(p.out.Text(), "says "); ok {
				said[i] = append(said[i], line)
			} else {
				other = append(other, p.out.Text())
			}
		}
		if err := p.Wait(); err != nil {
			t.Fatalf("process %d: %v\n%s", i, err, strings.Join(other, "\n"))
		}
	}
	return said
}

func inProcesses(t *testing.T, n int, task, dir string) [][]string {
	t.Helper()
	var list []process
	for i := range n {
		list = append(list, startLockTask(t, os.Args[0], task, dir, i, nil))
	}
	return finish(t, list...)
}

// outcome is one word for what became of a call of which one of many wins.
func outcome(err, refused error) string {
	switch {
	case err == nil:
		return "won"
	case errors.Is(err, refused):
		return "refused"
	}
	return "failed: " + strings.ReplaceAll(err.Error(), "\n", " ")
}

// contend makes, many times, each call of which one process wins.
func contend(ctx context.Context, s *filestore.Store, id int, say func(string, ...any)) error {
	for round := range lockRounds {
		own := fmt.Sprintf("r%dp%d", round, id)
		one := fmt.Sprint("round", round)
		say("%d name %s", round, outcome(filestoretest.ErrOf(s.CreateExperiment(ctx, mlruns.ExperimentSpec{ID: "n" + own, Name: "name" + one})), mlruns.ErrExists))
		say("%d id %s", round, outcome(filestoretest.ErrOf(s.CreateExperiment(ctx, mlruns.ExperimentSpec{ID: "i" + one, Name: "id" + own})), mlruns.ErrExists))
		if err := filestoretest.ErrOf(s.CreateExperiment(ctx, mlruns.ExperimentSpec{ID: "x" + own, Name: "rename" + own})); err != nil {
			return err
		}
		say("%d rename %s", round, outcome(s.RenameExperiment(ctx, "x"+own, "renamed"+one), mlruns.ErrExists))
		say("%d restore %s", round, outcome(s.RestoreExperiment(ctx, fmt.Sprintf("t%dp%d", round, id)), mlruns.ErrExists))
		say("%d run %s", round, outcome(filestoretest.ErrOf(s.CreateRun(ctx, mlruns.RunSpec{ID: "run" + one, ExperimentID: fmt.Sprint("e", id)})), mlruns.ErrExists))
		err := s.LogParam(ctx, "shared", "p"+one, own)
		say("%d param %s", round, outcome(err, mlruns.ErrInvalid))
		if err != nil {
			say("%d text %s %s", round, own, mlruns.MessageOf(err))
		}
		err = s.LogBatch(ctx, "shared", mlruns.Batch{Params: []mlruns.Param{{Key: "b" + one, Value: own}}, Metrics: []mlruns.Metric{{Key: "b" + one, Value: float64(id)}}})
		say("%d batch %s", round, outcome(err, mlruns.ErrInvalid))
	}
	return nil
}

// toggle deletes and restores the experiment e1 until the others have made some runs in it.
func toggle(ctx context.Context, s *filestore.Store, _ int, say func(string, ...any)) error {
	for made := 0; made < 12; {
		if err := errors.Join(s.DeleteExperiment(ctx, "e1"), s.RestoreExperiment(ctx, "e1")); err != nil {
			return err
		}
		say("toggled")
		time.Sleep(2 * time.Millisecond) // or the others hardly ever find it active
		made = 0
		for _, err := range s.RunInfos(ctx, "e1", mlruns.ViewAll) {
			if err != nil {
				return err
			}
			made++
		}
	}
	return s.SetExperimentTag(ctx, "e1", "done", "yes")
}

// fill makes runs in the experiment e1 and logs to them until toggle is done, and says what it was
// told is there.
func fill(ctx context.Context, s *filestore.Store, id int, say func(string, ...any)) error {
	refused := func(err error) bool { return errors.Is(err, mlruns.ErrNotActive) }
	for i := 0; ; i++ {
		run := fmt.Sprintf("r%dp%d", i, id)
		err := filestoretest.ErrOf(s.CreateRun(ctx, mlruns.RunSpec{ID: run, ExperimentID: "e1"}))
		if err != nil && !refused(err) {
			return fmt.Errorf("create: %w", err)
		}
		if err != nil {
			say("refused")
		} else {
			say("created %s", run)
			for step := range int64(3) {
				err := s.LogMetric(ctx, run, mlruns.Metric{Key: "m", Value: 1, Step: step})
				if err != nil && !refused(err) {
					return fmt.Errorf("log: %w", err)
				}
				if err == nil {
					say("logged %s %d", run, step)
				}
			}
		}
		e, err := s.Experiment(ctx, "e1")
		if err == nil && e.Tags["done"] != "" {
			return nil
		}
	}
}

// pointsOfProcess is how many points, and params, each process of a lock test logs.
const pointsOfProcess = 100

// appendDespite appends while the lock file is deleted again and again.
func appendDespite(ctx context.Context, s *filestore.Store, id int, say func(string, ...any)) error {
	for i := range int64(pointsOfProcess) {
		if err := s.LogMetric(ctx, "shared", mlruns.Metric{Key: "m", Value: float64(id), Step: i}); err != nil {
			return err
		}
		key := fmt.Sprint("p", i)
		say("%d param %s", i, outcome(s.LogParam(ctx, "shared", key, fmt.Sprint(id)), mlruns.ErrInvalid))
	}
	return nil
}

// logOne says how one point fares.
func logOne(ctx context.Context, s *filestore.Store, _ int, say func(string, ...any)) error {
	err := s.LogMetric(ctx, "shared", mlruns.Metric{Key: "m"})
	say("%s %v", mlruns.CodeOf(err), err)
	return nil
}
