package filestore_test

import (
	"errors"
	"fmt"
	"os"
	"path"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/spf13/afero"

	"github.com/mlruns/mlruns"
	"github.com/mlruns/mlruns/filestore"
	"github.com/mlruns/mlruns/internal/faultfs"
	"github.com/mlruns/mlruns/internal/rootfs"
)

const runsOfRace = 30

// race deletes and restores its own runs and experiment while others remove what is deleted. What
// it restored must be there, and it must be able to make anew what was removed.
func race(t *testing.T, s *filestore.Store, id int) {
	t.Helper()
	ctx := t.Context()
	shared := mlruns.DefaultExperimentID
	for i := range runsOfRace {
		run := fmt.Sprintf("run-%d-%d", id, i)
		experiment := fmt.Sprintf("e-%d", id)
		_, err := s.CreateExperiment(ctx, mlruns.ExperimentSpec{ID: experiment, Name: experiment})
		if err != nil && !errors.Is(err, mlruns.ErrExists) {
			t.Fatal(err)
		}
		for _, in := range []string{shared, experiment} {
			must(t, errOf(s.CreateRun(ctx, mlruns.RunSpec{ID: run + in, ExperimentID: in})))
		}
		restored := func(what string, err error) bool {
			t.Helper()
			if err != nil && !errors.Is(err, mlruns.ErrNotFound) {
				t.Fatalf("%s: %v", what, err)
			}
			return err == nil
		}
		must(t, s.DeleteRun(ctx, run+shared))
		if restored("restore run", s.RestoreRun(ctx, run+shared)) {
			must(t, s.LogMetric(ctx, run+shared, mlruns.Metric{Key: "m", Value: 1}), errOf(s.Run(ctx, run+shared)))
		} else {
			must(t, errOf(s.CreateRun(ctx, mlruns.RunSpec{ID: run + shared, ExperimentID: shared})))
		}
		must(t, s.DeleteExperiment(ctx, experiment))
		if restored("restore experiment", s.RestoreExperiment(ctx, experiment)) {
			must(t, errOf(s.Experiment(ctx, experiment)))
			// The run may have been removed while it was deleted, but not since.
			if r, err := s.Run(ctx, run+experiment); err == nil {
				must(t, s.LogMetric(ctx, run+experiment, mlruns.Metric{Key: "m", Value: 1}))
				if r.Info.Stage != mlruns.StageActive {
					t.Errorf("%s is %s in a restored experiment", r.Info.ID, r.Info.Stage)
				}
			}
		}
	}
}

func collectAll(t *testing.T, s *filestore.Store, stop <-chan struct{}) (removed int) {
	for {
		select {
		case <-stop:
			return removed
		default:
			got, err := collect(t, s, mlruns.GCQuery{})
			if err != nil {
				t.Errorf("GC: %v", err)
			}
			removed += len(got)
		}
	}
}

// TestGCAgainstRestore removes what others restore, in this process and in others.
func TestGCAgainstRestore(t *testing.T) {
	t.Parallel()
	dir := filepath.Join(t.TempDir(), "mlruns")
	store := openStore(t, dir, filestore.WithSync(filestore.SyncNever))
	stop := make(chan struct{})
	removed := 0
	var collector, writers sync.WaitGroup
	collector.Go(func() { removed = collectAll(t, store, stop) })
	writers.Go(func() { race(t, openStore(t, dir, filestore.WithSync(filestore.SyncNever)), 99) })
	writers.Go(func() { start(t, 2, "race", dir, "") })
	writers.Wait()
	close(stop)
	collector.Wait()
	if removed == 0 {
		t.Error("nothing was removed: there was no race")
	}
	must(t, errOf(collect(t, store, mlruns.GCQuery{})))
	noProblems(t, store)
	active := 0
	for _, err := range store.RunInfos(t.Context(), mlruns.DefaultExperimentID, mlruns.ViewActive) {
		must(t, err)
		active++
	}
	if active != 3*runsOfRace {
		t.Errorf("%d active runs, want %d: each was restored, or made again", active, 3*runsOfRace)
	}
}

// TestGCPutsBack restores a run as MLflow does, without a lock, after GC has looked at it and
// before it is out of reach.
func TestGCPutsBack(t *testing.T) {
	f := newFaulty(t, false, filestore.SyncMeta)
	f.must(f.store.DeleteRun(f.ctx, "run"))
	const meta = "/mlruns/e1/run/meta.yaml"
	restored := ""
	f.hook(func(op faultfs.Op) error {
		if op.Kind == faultfs.Rename && strings.HasPrefix(op.To, "/mlruns/.mlruns.trash/.removed.") && restored == "" {
			restored = strings.Replace(f.content(meta), "lifecycle_stage: deleted", "lifecycle_stage: active", 1)
			f.must(afero.WriteFile(f.fs, meta, []byte(restored), 0o666))
		}
		return nil
	})
	removed, err := collect(t, f.store, mlruns.GCQuery{})
	if err != nil || removed != nil || restored == "" {
		t.Errorf("removed %q, %v (restored %v), want nothing", removed, err, restored != "")
	}
	if got := f.content(meta); got != restored {
		t.Errorf("meta.yaml is %q, want %q", got, restored)
	}
	noProblems(t, f.store)
}

// TestGCPutsBackWhatWasInterrupted finds a run that was restored, without a lock, just before a gc
// that had taken it out was killed.
func TestGCPutsBackWhatWasInterrupted(t *testing.T) {
	const out = "/mlruns/.mlruns.trash/.removed.run.0123456789abcdef"
	for name, c := range map[string]struct {
		taken bool
		dry   bool
		want  string
	}{
		"its place is free":  {want: "/mlruns/e1/run"},
		"its place is taken": {taken: true, want: out},
		"only to be told":    {dry: true, want: out},
	} {
		t.Run(name, func(t *testing.T) {
			f := newFaulty(t, false, filestore.SyncMeta)
			f.must(f.fs.MkdirAll("/mlruns/.mlruns.trash", 0o777))
			f.must(f.fs.Rename("/mlruns/e1/run", out))
			if c.taken { // MLflow makes the folder of a metric anew
				f.must(f.fs.MkdirAll("/mlruns/e1/run/metrics", 0o777))
			}
			removed, err := collect(t, f.store, mlruns.GCQuery{OlderThan: 1 << 50, DryRun: c.dry})
			if removed != nil || (err != nil) != c.taken || c.taken && !strings.Contains(err.Error(), "e1/run is not free") {
				t.Errorf("removed %q, %v, want nothing", removed, err)
			}
			if got := f.content(c.want + "/metrics/old"); got != "1 1.0 0\n" {
				t.Errorf("its metric is %q", got)
			}
			if c.want == out {
				return
			}
			f.must(errOf(f.store.Run(f.ctx, "run")))
			noProblems(t, f.store)
		})
	}
}

// TestGCGoesOn removes the rest when one cannot be removed, and says so at the end.
func TestGCGoesOn(t *testing.T) {
	dir, _ := garbage(t)
	inner := afero.NewBasePathFs(afero.NewOsFs(), dir)
	failing := faultfs.New(inner, func(op faultfs.Op) error {
		if op.Kind == faultfs.Rename && path.Base(op.Path) == "r-old" {
			return os.ErrPermission
		}
		return nil
	})
	removed, err := collect(t, openStore(t, "/", filestore.WithFs(failing), filestore.WithLocking(filestore.LockNone)), mlruns.GCQuery{})
	if len(removed) != 5 || !errors.Is(err, os.ErrPermission) || !strings.Contains(err.Error(), "active/r-old") {
		t.Errorf("removed %q, %v, want 5 and an error that names the sixth", removed, err)
	}
}

// TestGCExcludes tries to restore, and to make runs, at the moment at which GC takes a run or an
// experiment out of the store.
func TestGCExcludes(t *testing.T) {
	for name, c := range map[string]struct {
		prepare func(s *filestore.Store) error
		during  map[string]func(s *filestore.Store) error
	}{
		"run": {func(s *filestore.Store) error { return s.DeleteRun(t.Context(), "run") }, map[string]func(s *filestore.Store) error{
			"restore run":       func(s *filestore.Store) error { return s.RestoreRun(t.Context(), "run") },
			"delete experiment": func(s *filestore.Store) error { return s.DeleteExperiment(t.Context(), "e") },
			"create run": func(s *filestore.Store) error {
				return errOf(s.CreateRun(t.Context(), mlruns.RunSpec{ExperimentID: "e"}))
			},
		}},
		"experiment": {func(s *filestore.Store) error { return s.DeleteExperiment(t.Context(), "e") }, map[string]func(s *filestore.Store) error{
			"restore experiment": func(s *filestore.Store) error { return s.RestoreExperiment(t.Context(), "e") },
			"tag experiment":     func(s *filestore.Store) error { return s.SetExperimentTag(t.Context(), "e", "k", "v") },
			"create experiment": func(s *filestore.Store) error {
				return errOf(s.CreateExperiment(t.Context(), mlruns.ExperimentSpec{ID: "e", Name: "e"}))
			},
		}},
	} {
		t.Run(name, func(t *testing.T) {
			dir := filepath.Join(t.TempDir(), "mlruns")
			other := openStore(t, dir, filestore.WithLockTimeout(time.Millisecond))
			must(t, errOf(other.CreateExperiment(t.Context(), mlruns.ExperimentSpec{ID: "e", Name: "e"})),
				errOf(other.CreateRun(t.Context(), mlruns.RunSpec{ID: "run", ExperimentID: "e"})), c.prepare(other))
			disk, err := rootfs.Open(dir, rootfs.Options{})
			must(t, err)
			defer disk.Close()
			tried := 0
			store := openStore(t, "/", filestore.WithFs(faultfs.New(disk, func(op faultfs.Op) error {
				if op.Kind == faultfs.Rename && strings.HasPrefix(op.To, "/.mlruns.trash/.removed.") {
					for what, do := range c.during {
						if err := do(other); !errors.Is(err, mlruns.ErrBusy) {
							t.Errorf("%s: %v, want ErrBusy", what, err)
						}
						tried++
					}
				}
				return nil
			})))
			if removed, err := collect(t, store, mlruns.GCQuery{}); err != nil || len(removed) != 1 || tried != len(c.during) {
				t.Errorf("removed %q, %v, tried %d", removed, err, tried)
			}
			noProblems(t, other)
		})
	}
}

// TestListingWhileCollected reads a run that is removed for good since it was listed: that is no
// problem of the store.
func TestListingWhileCollected(t *testing.T) {
	for gone, meta := range map[string]string{"/mlruns/e1/run": "run/meta.yaml", "/mlruns/.trash/e2": "e2/meta.yaml"} {
		f := newFaulty(t, false, filestore.SyncMeta)
		f.must(errOf(f.store.CreateExperiment(f.ctx, mlruns.ExperimentSpec{ID: "e2", Name: "two"})))
		f.must(f.store.DeleteExperiment(f.ctx, "e2"))
		removed := false
		f.hook(func(op faultfs.Op) error {
			if !removed && strings.HasSuffix(op.Path, meta) {
				removed = true
				return f.fs.RemoveAll(gone)
			}
			return nil
		})
		report := func(p mlruns.Problem) { t.Errorf("%s: problem: %v", gone, p) }
		for _, err := range f.store.Runs(f.ctx, mlruns.RunQuery{View: mlruns.ViewAll, OnProblem: report}) {
			f.must(err)
		}
		for _, err := range f.store.Experiments(f.ctx, mlruns.ExperimentQuery{View: mlruns.ViewAll, OnProblem: report}) {
			f.must(err)
		}
		if !removed {
			t.Errorf("%s was not removed", gone)
		}
	}
}
