package kill

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"maps"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/mlruns/mlruns"
	"github.com/mlruns/mlruns/filestore"
	"github.com/mlruns/mlruns/filestore/internal/filestoretest"
	"github.com/mlruns/mlruns/internal/proof"
)

var killTasks = filestoretest.Tasks{
	"workload": func(t *testing.T, dir string) {
		if err := workloadTask(t.Context(), filestoretest.Open(t, dir), filestoretest.TaskNumber(t), os.Getenv(filestoretest.EnvRun), os.Getenv(filestoretest.EnvKind)); err != nil {
			t.Fatal(err)
		}
	},
	"upkeep": func(t *testing.T, dir string) {
		if err := upkeepTask(t.Context(), filestoretest.Open(t, dir), os.Getenv(filestoretest.EnvKind)); err != nil {
			t.Fatal(err)
		}
	},
}

// workloadTask is what a process does that is killed, or that writes beside one: steps without end,
// each announced before it and reported after it, until its standard input ends.
func workloadTask(ctx context.Context, s *filestore.Store, seed uint64, prefix, favour string) error {
	local, err := os.MkdirTemp("", "mlruns-local-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(local)
	var stop atomic.Bool
	go func() {
		_, _ = io.Copy(io.Discard, os.Stdin)
		stop.Store(true)
	}()
	if s.IndexMode() != filestore.IndexNone { // so that the process is killed while it makes one, too
		go func() {
			for !stop.Load() {
				_ = s.RebuildIndex(ctx, nil)
			}
		}()
	}
	w := filestoretest.NewWorkload(seed, prefix, local)
	w.Favour = favour
	for !stop.Load() {
		now := w.Next()
		fmt.Printf("begin %d %s\n", w.N, now.Kind)
		if err := now.Do(ctx, s); err != nil {
			return fmt.Errorf("%s: %w", now.Kind, err)
		}
		fmt.Printf("done %d\n", w.N)
		w.Acknowledge(now)
	}
	return nil
}

// worker is a process with a workload, and what it has reported.
type worker struct {
	w       *filestoretest.Workload
	under   *filestoretest.Step // under way, as far as the process has told
	cmd     *exec.Cmd
	stdin   io.Closer
	lines   *bufio.Scanner
	stderr  strings.Builder
	unknown []string // lines that are no report
}

func startWorker(t *testing.T, dir, prefix, favour string) *worker {
	t.Helper()
	seed := rand.Uint64() >> 16
	// The process has a folder of its own; what is in it does not matter to the steps.
	p := &worker{w: filestoretest.NewWorkload(seed, prefix, "somewhere")}
	p.w.Favour = favour
	p.cmd = exec.CommandContext(t.Context(), os.Args[0], "-test.run=^TestTask$", "-test.count=1")
	p.cmd.Env = append(os.Environ(), filestoretest.EnvTask+"=workload", filestoretest.EnvDir+"="+dir, filestoretest.EnvRun+"="+prefix, filestoretest.EnvID+"="+strconv.FormatUint(seed, 10), filestoretest.EnvKind+"="+favour)
	p.cmd.Stderr = &p.stderr
	stdout, err := p.cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if p.stdin, err = p.cmd.StdinPipe(); err != nil {
		t.Fatal(err)
	}
	p.lines = bufio.NewScanner(stdout)
	if err := p.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	return p
}

// report takes one report. It is false at the end of all.
func (p *worker) report() bool {
	if !p.lines.Scan() {
		return false
	}
	line := p.lines.Text()
	switch {
	case strings.HasPrefix(line, "begin "):
		now := p.w.Next()
		if want := fmt.Sprintf("begin %d %s", p.w.N, now.Kind); line != want {
			p.unknown = append(p.unknown, fmt.Sprintf("%s, where %s was due", line, want))
		}
		p.under = &now
	case p.under != nil && line == fmt.Sprintf("done %d", p.w.N):
		p.w.Acknowledge(*p.under)
		p.under = nil
	case line != "PASS":
		p.unknown = append(p.unknown, line)
	}
	return true
}

// killWithin kills the process while it is at a step of a kind, or a little later, and gives the
// kind it was at; "" is between two steps.
func (p *worker) killWithin(t *testing.T, kind string, lasts map[string]time.Duration) string {
	t.Helper()
	before, aim := rand.IntN(6), 0 // steps that it is left, and the one to be killed in
	for p.report() {
		if p.under != nil && p.under.Kind == kind && p.w.N > before {
			aim = p.w.N
			time.Sleep(time.Duration(rand.Float64() * float64(lasts[kind])))
			break
		}
	}
	if err := p.cmd.Process.Kill(); err != nil {
		t.Fatalf("the process ended before it was killed: %v\n%v\n%s", err, p.unknown, p.stderr.String())
	}
	for p.report() {
	}
	if err := p.cmd.Wait(); err == nil || !strings.Contains(err.Error(), "killed") {
		t.Fatalf("the process was not killed: %v\n%v\n%s", err, p.unknown, p.stderr.String())
	}
	// How long such a step lasts is learned from where the kill fell.
	if p.under != nil && p.w.N == aim {
		lasts[kind] = lasts[kind] * 5 / 4
	} else {
		lasts[kind] = lasts[kind] * 2 / 3
	}
	if p.under == nil {
		return ""
	}
	return p.under.Kind
}

// stop lets the process end its step.
func (p *worker) stop(t *testing.T) {
	t.Helper()
	_ = p.stdin.Close()
	for p.report() {
	}
	if err := p.cmd.Wait(); err != nil || p.under != nil {
		t.Errorf("the process that was not killed: %v\n%v\n%s", err, p.unknown, p.stderr.String())
	}
}

// TestKills kills processes inside each kind of write, while another process writes to the same
// experiment.
func TestKills(t *testing.T) {
	t.Parallel()
	perKind, kills, perStore := proof.Choose(0, 1, 20), proof.Choose(8, 30, 300), proof.Choose(8, 23, 23)
	within, total, between := map[string]int{}, 0, 0
	lasts := map[string]time.Duration{}
	for _, kind := range filestoretest.StepKinds {
		within[kind.Name], lasts[kind.Name] = 0, time.Millisecond
	}
	for slices.Min(slices.Collect(maps.Values(within))) < perKind || total < kills {
		dir := filepath.Join(t.TempDir(), "mlruns")
		filestoretest.Open(t, dir)
		beside := startWorker(t, dir, "beside", "")
		var reports []*worker
		done := make(chan struct{})
		go func() { // or its pipe fills up
			defer close(done)
			for beside.report() {
			}
		}()
		for range perStore {
			kind := fewest(within)
			p := startWorker(t, dir, fmt.Sprintf("k%d", total), kind)
			at := p.killWithin(t, kind, lasts)
			reports = append(reports, p)
			total++
			if at == "" {
				between++
			} else {
				within[at]++
			}
		}
		_ = beside.stdin.Close()
		<-done
		beside.stop(t)
		judgeKills(t, dir, append(reports, beside))
		if t.Failed() {
			break
		}
	}
	t.Logf("%d kills, %d of them between two steps; within each kind: %v", total, between, within)
}

// fewest is a kind of step in which the fewest were killed.
func fewest(within map[string]int) string {
	least := filestoretest.StepKinds[rand.IntN(len(filestoretest.StepKinds))].Name
	for _, kind := range filestoretest.StepKinds {
		if within[kind.Name] < within[least] {
			least = kind.Name
		}
	}
	return least
}

// judgeKills looks at a store in which processes were killed.
func judgeKills(t *testing.T, dir string, workers []*worker) {
	t.Helper()
	ctx := t.Context()
	s := filestoretest.Open(t, dir, filestore.WithMustExist())
	said, err := filestoretest.FactsOf(ctx, s)
	if err != nil {
		t.Fatal(err)
	}
	allowed := []mlruns.ProblemKind{mlruns.ProblemLeftover, mlruns.ProblemUnterminated}
	brought := map[string]bool{}
	for _, p := range workers {
		if p.unknown != nil {
			t.Errorf("%s: the process said: %v", p.w.Prefix, p.unknown)
		}
		at := "between two steps"
		if p.under != nil {
			at = "within " + p.under.Kind
			if p.under.Kind == "delete experiment" || p.under.Kind == "restore experiment" {
				// half done, and resumed by calling again
				allowed = append(allowed, mlruns.ProblemStage)
				for key := range p.under.To {
					brought[key] = strings.HasPrefix(key, "r/") && strings.HasSuffix(key, "/stage")
				}
			}
		}
		for _, wrong := range p.w.Judge(said, p.under) {
			t.Errorf("%s, killed %s: %s", p.w.Prefix, at, wrong)
		}
	}
	filestoretest.NoProblems(t, s, allowed...)
	strict, err := filestoretest.ReadStrictly(os.DirFS(dir), true)
	if err != nil {
		t.Errorf("a reader with MLflow's rules: %v", err)
	}
	for key := range said {
		id, isRun := strings.CutPrefix(key, "r/")
		if id, rest, _ := strings.Cut(id, "/"); isRun && rest == "stage" && strict.Runs[id] == nil {
			t.Errorf("a reader with MLflow's rules does not read the run %s", id)
		}
	}
	repairs(t, s, dir, said, brought)
}

// repairs repairs a store in which nobody has written for a day, and collects what is half removed,
// after which nothing must be wrong with it, and nothing else than before be in it. It may bring
// back the runs that an interrupted deletion has marked.
func repairs(t *testing.T, s *filestore.Store, dir string, before filestoretest.Facts, brought map[string]bool) {
	t.Helper()
	filestoretest.AgeTree(t, dir)
	for repair, err := range s.Repair(t.Context(), mlruns.RepairQuery{}) {
		if err != nil {
			t.Errorf("Repair: %v: %v", repair.Problem, err)
		}
	}
	// What an interrupted removal of traces left is for gc to end.
	filestoretest.Must(t, filestoretest.ErrOfAll(s.GC(t.Context(), mlruns.GCQuery{OlderThan: 100 * 365 * 24 * time.Hour})))
	filestoretest.NoProblems(t, s, mlruns.ProblemStage)
	after, err := filestoretest.FactsOf(t.Context(), s)
	if err != nil {
		t.Fatal(err)
	}
	for _, key := range filestoretest.SortedKeys(before, after) {
		if brought[key] && after[key] == string(mlruns.StageActive) {
			continue
		}
		if _, ok := before[key]; before[key] != after[key] && (ok || !strings.Contains(key, "/metric/")) && !strings.HasPrefix(after[key], before[key]) {
			t.Errorf("Repair changed %s from %.80q to %.80q", key, before[key], after[key])
		}
	}
}
