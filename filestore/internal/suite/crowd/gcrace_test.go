package crowd

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
	"github.com/mlruns/mlruns/filestore/internal/filestoretest"
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
			filestoretest.Must(t, filestoretest.ErrOf(s.CreateRun(ctx, mlruns.RunSpec{ID: run + in, ExperimentID: in})))
		}
		restored := func(what string, err error) bool {
			t.Helper()
			if err != nil && !errors.Is(err, mlruns.ErrNotFound) {
				t.Fatalf("%s: %v", what, err)
			}
			return err == nil
		}
		filestoretest.Must(t, s.DeleteRun(ctx, run+shared))
		if restored("restore run", s.RestoreRun(ctx, run+shared)) {
			filestoretest.Must(t, s.LogMetric(ctx, run+shared, mlruns.Metric{Key: "m", Value: 1}), filestoretest.ErrOf(s.Run(ctx, run+shared)))
		} else {
			filestoretest.Must(t, filestoretest.ErrOf(s.CreateRun(ctx, mlruns.RunSpec{ID: run + shared, ExperimentID: shared})))
		}
		filestoretest.Must(t, s.DeleteExperiment(ctx, experiment))
		if restored("restore experiment", s.RestoreExperiment(ctx, experiment)) {
			filestoretest.Must(t, filestoretest.ErrOf(s.Experiment(ctx, experiment)))
			// The run may have been removed while it was deleted, but not since.
			if r, err := s.Run(ctx, run+experiment); err == nil {
				filestoretest.Must(t, s.LogMetric(ctx, run+experiment, mlruns.Metric{Key: "m", Value: 1}))
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
			got, err := filestoretest.CollectAll(t, s, mlruns.GCQuery{})
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
	store := filestoretest.Open(t, dir, filestore.WithSync(filestore.SyncNever))
	stop := make(chan struct{})
	removed := 0
	var collector, writers sync.WaitGroup
	collector.Go(func() { removed = collectAll(t, store, stop) })
	writers.Go(func() { race(t, filestoretest.Open(t, dir, filestore.WithSync(filestore.SyncNever)), 99) })
	writers.Go(func() { filestoretest.StartTasks(t, 2, "race", dir, "") })
	writers.Wait()
	close(stop)
	collector.Wait()
	if removed == 0 {
		t.Error("nothing was removed: there was no race")
	}
	filestoretest.Must(t, filestoretest.ErrOf(filestoretest.CollectAll(t, store, mlruns.GCQuery{})))
	filestoretest.NoProblems(t, store)
	active := 0
	for _, err := range store.RunInfos(t.Context(), mlruns.DefaultExperimentID, mlruns.ViewActive) {
		filestoretest.Must(t, err)
		active++
	}
	if active != 3*runsOfRace {
		t.Errorf("%d active runs, want %d: each was restored, or made again", active, 3*runsOfRace)
	}
}

// TestGCPutsBack restores a run as MLflow does, without a lock, after GC has looked at it and
// before it is out of reach.
func TestGCPutsBack(t *testing.T) {
	f := filestoretest.NewFaulty(t, false, filestore.SyncMeta)
	f.Must(f.Store.DeleteRun(f.Ctx, "run"))
	const meta = "/mlruns/e1/run/meta.yaml"
	restored := ""
	f.Hook(func(op faultfs.Op) error {
		if op.Kind == faultfs.Rename && strings.HasPrefix(op.To, "/mlruns/.mlruns.trash/.removed.") && restored == "" {
			restored = strings.Replace(f.Content(meta), "lifecycle_stage: deleted", "lifecycle_stage: active", 1)
			f.Must(afero.WriteFile(f.FS, meta, []byte(restored), 0o666))
		}
		return nil
	})
	removed, err := filestoretest.CollectAll(t, f.Store, mlruns.GCQuery{})
	if err != nil || removed != nil || restored == "" {
		t.Errorf("removed %q, %v (restored %v), want nothing", removed, err, restored != "")
	}
	if got := f.Content(meta); got != restored {
		t.Errorf("meta.yaml is %q, want %q", got, restored)
	}
	filestoretest.NoProblems(t, f.Store)
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
			f := filestoretest.NewFaulty(t, false, filestore.SyncMeta)
			f.Must(f.FS.MkdirAll("/mlruns/.mlruns.trash", 0o777))
			f.Must(f.FS.Rename("/mlruns/e1/run", out))
			if c.taken { // MLflow makes the folder of a metric anew
				f.Must(f.FS.MkdirAll("/mlruns/e1/run/metrics", 0o777))
			}
			removed, err := filestoretest.CollectAll(t, f.Store, mlruns.GCQuery{OlderThan: 1 << 50, DryRun: c.dry})
			if removed != nil || (err != nil) != c.taken || c.taken && !strings.Contains(err.Error(), "e1/run is not free") {
				t.Errorf("removed %q, %v, want nothing", removed, err)
			}
			if got := f.Content(c.want + "/metrics/old"); got != "1 1.0 0\n" {
				t.Errorf("its metric is %q", got)
			}
			if c.want == out {
				return
			}
			f.Must(filestoretest.ErrOf(f.Store.Run(f.Ctx, "run")))
			filestoretest.NoProblems(t, f.Store)
		})
	}
}

// TestGCGoesOn removes the rest when one cannot be removed, and says so at the end.
func TestGCGoesOn(t *testing.T) {
	dir, _ := filestoretest.Garbage(t)
	inner := afero.NewBasePathFs(afero.NewOsFs(), dir)
	failing := faultfs.New(inner, func(op faultfs.Op) error {
		if op.Kind == faultfs.Rename && path.Base(op.Path) == "r-old" {
			return os.ErrPermission
		}
		return nil
	})
	removed, err := filestoretest.CollectAll(t, filestoretest.Open(t, "/", filestore.WithFs(failing), filestore.WithLocking(filestore.LockNone)), mlruns.GCQuery{})
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
				return filestoretest.ErrOf(s.CreateRun(t.Context(), mlruns.RunSpec{ExperimentID: "e"}))
			},
		}},
		"experiment": {func(s *filestore.Store) error { return s.DeleteExperiment(t.Context(), "e") }, map[string]func(s *filestore.Store) error{
			"restore experiment": func(s *filestore.Store) error { return s.RestoreExperiment(t.Context(), "e") },
			"tag experiment":     func(s *filestore.Store) error { return s.SetExperimentTag(t.Context(), "e", "k", "v") },
			"create experiment": func(s *filestore.Store) error {
				return filestoretest.ErrOf(s.CreateExperiment(t.Context(), mlruns.ExperimentSpec{ID: "e", Name: "e"}))
			},
		}},
	} {
		t.Run(name, func(t *testing.T) {
			dir := filepath.Join(t.TempDir(), "mlruns")
			other := filestoretest.Open(t, dir, filestore.WithLockTimeout(time.Millisecond))
			filestoretest.Must(t, filestoretest.ErrOf(other.CreateExperiment(t.Context(), mlruns.ExperimentSpec{ID: "e", Name: "e"})),
				filestoretest.ErrOf(other.CreateRun(t.Context(), mlruns.RunSpec{ID: "run", ExperimentID: "e"})), c.prepare(other))
			disk, err := rootfs.Open(dir, rootfs.Options{})
			filestoretest.Must(t, err)
			defer disk.Close()
			tried := 0
			store := filestoretest.Open(t, "/", filestore.WithFs(faultfs.New(disk, func(op faultfs.Op) error {
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
			if removed, err := filestoretest.CollectAll(t, store, mlruns.GCQuery{}); err != nil || len(removed) != 1 || tried != len(c.during) {
				t.Errorf("removed %q, %v, tried %d", removed, err, tried)
			}
			filestoretest.NoProblems(t, other)
		})
	}
}

// TestListingWhileCollected reads a run that is removed for good since it was listed: that is no
// problem of the store.
func TestListingWhileCollected(t *testing.T) {
	for gone, meta := range map[string]string{"/mlruns/e1/run": "run/meta.yaml", "/mlruns/.trash/e2": "e2/meta.yaml"} {
		f := filestoretest.NewFaulty(t, false, filestore.SyncMeta)
		f.Must(filestoretest.ErrOf(f.Store.CreateExperiment(f.Ctx, mlruns.ExperimentSpec{ID: "e2", Name: "two"})))
		f.Must(f.Store.DeleteExperiment(f.Ctx, "e2"))
		removed := false
		f.Hook(func(op faultfs.Op) error {
			if !removed && strings.HasSuffix(op.Path, meta) {
				removed = true
				return f.FS.RemoveAll(gone)
			}
			return nil
		})
		report := func(p mlruns.Problem) { t.Errorf("%s: problem: %v", gone, p) }
		for _, err := range f.Store.Runs(f.Ctx, mlruns.RunQuery{View: mlruns.ViewAll, OnProblem: report}) {
			f.Must(err)
		}
		for _, err := range f.Store.Experiments(f.Ctx, mlruns.ExperimentQuery{View: mlruns.ViewAll, OnProblem: report}) {
			f.Must(err)
		}
		if !removed {
			t.Errorf("%s was not removed", gone)
		}
	}
}
