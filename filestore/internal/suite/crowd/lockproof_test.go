package crowd

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/gofrs/flock"

	"github.com/mlruns/mlruns"
	"github.com/mlruns/mlruns/filestore"
	"github.com/mlruns/mlruns/filestore/internal/filestoretest"
)

// lockStore makes a store with the run "shared" and the experiments e0 … that processes contend
// for.
func lockStore(t *testing.T) (dir string, s *filestore.Store) {
	t.Helper()
	dir = filepath.Join(t.TempDir(), "mlruns")
	s = filestoretest.Open(t, dir)
	if _, err := s.CreateRun(t.Context(), mlruns.RunSpec{ID: "shared"}); err != nil {
		t.Fatal(err)
	}
	for i := range lockProcesses {
		if _, err := s.CreateExperiment(t.Context(), mlruns.ExperimentSpec{ID: fmt.Sprint("e", i), Name: fmt.Sprint("e", i)}); err != nil {
			t.Fatal(err)
		}
	}
	return dir, s
}

// TestOneOfManyProcessesWins is the table of layout.md §10, for what must be the only one of its
// name, id or value.
func TestOneOfManyProcessesWins(t *testing.T) {
	t.Parallel()
	dir, s := lockStore(t)
	for round := range lockRounds {
		for id := range lockProcesses {
			// As MLflow 2.0 … 2.14 left them: they gave the names of deleted experiments away.
			meta := fmt.Sprintf("artifact_location: x\nexperiment_id: t%dp%d\nlifecycle_stage: deleted\nname: twin %d\n", round, id, round)
			filestoretest.WriteFile(t, filepath.Join(dir, ".trash", fmt.Sprintf("t%dp%d", round, id), "meta.yaml"), meta)
		}
	}
	won := map[string]int{}
	losers := 0
	for _, said := range inProcesses(t, lockProcesses, "contend", dir) {
		for _, line := range said {
			if _, text, ok := strings.Cut(line, " text "); ok {
				own, message, _ := strings.Cut(text, " ")
				_, old, _ := strings.Cut(message, "with value='")
				if losers++; !strings.Contains(message, "new value '"+own+"'") || strings.HasPrefix(old, own+"'") || !strings.HasPrefix(old, own[:1]) {
					t.Errorf("the process that lost with %s was told %q, want both values", own, message)
				}
				continue
			}
			contest, result, _ := strings.Cut(line, " ")
			what, result, _ := strings.Cut(result, " ")
			switch result {
			case "won":
				won[contest+" "+what]++
			case "refused":
				won[contest+" "+what] += 0
			default:
				t.Errorf("%s: %s", line, result)
			}
		}
	}
	if len(won) != 7*lockRounds || losers != (lockProcesses-1)*lockRounds {
		t.Errorf("%d contests and %d told of another param's value, want %d and %d", len(won), losers, 7*lockRounds, (lockProcesses-1)*lockRounds)
	}
	for contest, n := range won {
		if n != 1 {
			t.Errorf("%s: %d processes won, want 1", contest, n)
		}
	}
	names := map[string]string{}
	for e, err := range s.Experiments(t.Context(), mlruns.ExperimentQuery{View: mlruns.ViewActive}) {
		if err != nil {
			t.Fatal(err)
		}
		if other, ok := names[e.Name]; ok {
			t.Errorf("the experiments %s and %s have one name %q", e.ID, other, e.Name)
		}
		names[e.Name] = e.ID
	}
	run, err := s.Run(t.Context(), "shared")
	if err != nil {
		t.Fatal(err)
	}
	for round := range lockRounds {
		key := fmt.Sprint("bround", round)
		n := 0
		for m, err := range s.MetricHistory(t.Context(), "shared", key, mlruns.HistoryQuery{}) {
			if err != nil {
				t.Fatal(err)
			}
			if n++; !strings.HasSuffix(run.Data.Params[key], fmt.Sprint("p", m.Value)) {
				t.Errorf("%s: the point %v is of another process than the param %q", key, m.Value, run.Data.Params[key])
			}
		}
		if n != 1 {
			t.Errorf("%s: the refused batches left points: %d, want 1", key, n)
		}
	}
	// the twins in the trash
	filestoretest.NoProblems(t, s, mlruns.ProblemDuplicate, mlruns.ProblemNotPortable)
}

// TestDeletingBesideCreatingAndLogging lets one process delete and restore an experiment while
// others fill it: what was acknowledged is there, and what was refused was refused as not active.
func TestDeletingBesideCreatingAndLogging(t *testing.T) {
	t.Parallel()
	dir, s := lockStore(t)
	list := []process{startLockTask(t, os.Args[0], "toggle", dir, 0, nil)}
	for i := range 2 {
		list = append(list, startLockTask(t, os.Args[0], "fill", dir, i, nil))
	}
	want := map[string]int{}
	for _, said := range finish(t, list...) {
		for _, line := range said {
			if run, ok := strings.CutPrefix(line, "created "); ok {
				want[run] += 0
			}
			if rest, ok := strings.CutPrefix(line, "logged "); ok {
				run, _, _ := strings.Cut(rest, " ")
				want[run]++
			}
		}
	}
	if len(want) < 3 {
		t.Fatalf("only %d runs were made", len(want))
	}
	found := 0
	for info, err := range s.RunInfos(t.Context(), "e1", mlruns.ViewAll) {
		if err != nil {
			t.Fatal(err)
		}
		points, acknowledged := 0, want[info.ID]
		for _, err := range s.MetricHistory(t.Context(), info.ID, "m", mlruns.HistoryQuery{}) {
			if err != nil {
				t.Fatal(err)
			}
			points++
		}
		if _, ok := want[info.ID]; !ok || points != acknowledged || info.Stage != mlruns.StageActive {
			t.Errorf("run %s (%s): %d points, want %d acknowledged", info.ID, info.Stage, points, acknowledged)
		}
		found++
	}
	if found != len(want) {
		t.Errorf("%d runs in the experiment, want the %d that were acknowledged", found, len(want))
	}
	filestoretest.NoProblems(t, s)
}

// TestLockFilesDeletedAllTheTime has a sync program that deletes lock files while they are held.
// Two writers may then be in at once; points are appended and params made by one step of the system
// each, so none is lost or replaced all the same.
func TestLockFilesDeletedAllTheTime(t *testing.T) {
	dir, s := lockStore(t)
	stop := make(chan struct{})
	var deleter sync.WaitGroup
	deleted := 0
	deleter.Go(func() {
		for {
			select {
			case <-stop:
				return
			default:
				if os.Remove(filepath.Join(dir, "0", "shared", ".mlruns.lock")) == nil {
					deleted++
				}
				time.Sleep(200 * time.Microsecond)
			}
		}
	})
	won := map[string]int{}
	for _, said := range inProcesses(t, lockProcesses, "append", dir) {
		for _, line := range said {
			contest, result, _ := strings.Cut(line, " param ")
			if result == "won" {
				won[contest]++
			} else if result != "refused" {
				t.Errorf("param %s: %s", contest, result)
			}
		}
	}
	close(stop)
	deleter.Wait()
	if deleted < 10 {
		t.Errorf("the lock file was deleted %d times only", deleted)
	}
	n := 0
	for m, err := range s.MetricHistory(t.Context(), "shared", "m", mlruns.HistoryQuery{OnProblem: func(p mlruns.Problem) { t.Error(p) }}) {
		if err != nil {
			t.Fatal(err)
		}
		_ = m
		n++
	}
	if n != lockProcesses*pointsOfProcess || len(won) != pointsOfProcess {
		t.Errorf("%d points and %d params, want %d and %d", n, len(won), lockProcesses*pointsOfProcess, pointsOfProcess)
	}
	for contest, n := range won {
		if n != 1 {
			t.Errorf("param %s: %d processes won, want 1", contest, n)
		}
	}
	filestoretest.NoProblems(t, s)
}

// TestLockFileDeletedWhileHeld is layout.md §10, rule 2: who waits for the deleted file gets the
// one that the name leads to, and that one counts from then on.
func TestLockFileDeletedWhileHeld(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		file  string
		write func(*filestore.Store) error
	}{
		"root": {".mlruns.lock", func(s *filestore.Store) error {
			return s.RenameExperiment(t.Context(), "e1", fmt.Sprint(time.Now().UnixNano()))
		}},
		"experiment": {".mlruns.e1.lock", func(s *filestore.Store) error { return s.SetExperimentTag(t.Context(), "e1", "k", "v") }},
		"run":        {"0/shared/.mlruns.lock", func(s *filestore.Store) error { return s.SetTag(t.Context(), "shared", "k", "v") }},
	} {
		t.Run(name, func(t *testing.T) {
			dir, s := lockStore(t)
			path := filepath.Join(dir, filepath.FromSlash(c.file))
			if err := c.write(s); err != nil { // makes the lock file
				t.Fatal(err)
			}
			hold := func() *flock.Flock {
				// By another handle than the store's, as another process would: past the mutex of
				// this one.
				f := flock.New(path)
				if ok, err := f.TryLock(); !ok || err != nil {
					t.Fatalf("TryLock = %v, %v", ok, err)
				}
				return f
			}
			old := hold()
			defer func() { _ = old.Unlock() }()
			impatient := filestoretest.Open(t, dir, filestore.WithLockTimeout(50*time.Millisecond))
			wantBusy(t, c.write(impatient), c.file)
			if err := os.Remove(path); err != nil {
				t.Skip(err) // Windows keeps files that are open
			}
			if err := c.write(impatient); err != nil {
				t.Errorf("after the lock file was deleted: %v", err)
			}
			now := hold()
			wantBusy(t, c.write(impatient), c.file)
			if err := errors.Join(now.Unlock(), c.write(impatient)); err != nil {
				t.Errorf("after the new lock was freed: %v", err)
			}
		})
	}
}

func wantBusy(t *testing.T, err error, file string) {
	t.Helper()
	if !errors.Is(err, mlruns.ErrBusy) || !strings.Contains(err.Error(), file) || !strings.Contains(err.Error(), "WithLockTimeout") {
		t.Errorf("while the lock is held: %v, want ErrBusy that names %s and WithLockTimeout", err, file)
	}
}

// TestLockInThePlaceOfAFolder tells what stands in the place of a lock file.
func TestLockInThePlaceOfAFolder(t *testing.T) {
	dir, s := lockStore(t)
	path := filepath.Join(dir, "0", "shared", ".mlruns.lock")
	if err := errors.Join(os.RemoveAll(path), os.Mkdir(path, 0o777)); err != nil && !errors.Is(err, fs.ErrNotExist) {
		t.Fatal(err)
	}
	err := s.SetTag(t.Context(), "shared", "k", "v")
	if err == nil || !strings.Contains(err.Error(), "0/shared/.mlruns.lock") || !strings.Contains(err.Error(), "directory") {
		t.Errorf("with a folder in the place of the lock: %v, want an error that names both", err)
	}
}
