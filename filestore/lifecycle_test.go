package filestore_test

import (
	"errors"
	"testing"
	"time"

	"github.com/spf13/afero"

	"github.com/mlruns/mlruns"
	"github.com/mlruns/mlruns/filestore"
	"github.com/mlruns/mlruns/filestore/layout"
	"github.com/mlruns/mlruns/internal/faultfs"
)

func letThrough(faultfs.Op) error { return nil }

// TestCascadeKeepsEarlierDeletions deletes one run, then its experiment: only runs that were active
// get the time of the experiment's deletion.
func TestCascadeKeepsEarlierDeletions(t *testing.T) {
	f := newFaulty(t, false, filestore.SyncMeta)
	now := time.UnixMilli(1000)
	f.hook(letThrough, filestore.WithClock(func() time.Time { return now }))
	f.must(errOf(f.store.CreateRun(f.ctx, mlruns.RunSpec{ID: "early", ExperimentID: "e1"})))
	f.must(f.store.DeleteRun(f.ctx, "early"))
	now = time.UnixMilli(2000)
	f.must(f.store.DeleteExperiment(f.ctx, "e1"))
	for id, want := range map[string]int64{"early": 1000, "run": 2000} {
		run, err := f.store.Run(f.ctx, id)
		f.must(err)
		if got := run.Info.Deleted.UnixMilli(); got != want || run.Info.Stage != mlruns.StageDeleted {
			t.Errorf("run %s is %s since %d, want deleted since %d", id, run.Info.Stage, got, want)
		}
	}
}

// TestCascadePassesDamagedRuns moves a run whose meta.yaml makes no sense as it is.
func TestCascadePassesDamagedRuns(t *testing.T) {
	f := newFaulty(t, false, filestore.SyncMeta)
	f.must(errOf(f.store.CreateRun(f.ctx, mlruns.RunSpec{ID: "another", ExperimentID: "e1"})))
	const damaged = "status: [\n"
	f.must(afero.WriteFile(f.fs, "/mlruns/e1/another/meta.yaml", []byte(damaged), 0o666))
	long := time.Now().Add(-time.Hour)
	f.must(f.fs.Chtimes("/mlruns/e1/another/meta.yaml", long, long))
	stage := func(want mlruns.LifecycleStage, meta string) {
		t.Helper()
		run, err := f.store.Run(f.ctx, "run")
		f.must(err)
		if run.Info.Stage != want {
			t.Errorf("the other run is %s, want %s", run.Info.Stage, want)
		}
		if got := f.content(meta); got != damaged {
			t.Errorf("%s is now %q", meta, got)
		}
	}
	f.must(f.store.DeleteExperiment(f.ctx, "e1"))
	stage(mlruns.StageDeleted, "/mlruns/.trash/e1/another/meta.yaml")
	f.must(f.store.RestoreExperiment(f.ctx, "e1"))
	stage(mlruns.StageActive, "/mlruns/e1/another/meta.yaml")
}

// TestFailedPlaceLeavesNothing fails what puts a finished folder into its place.
func TestFailedPlaceLeavesNothing(t *testing.T) {
	for name, do := range map[string]func(*faulty) error{
		"CreateExperiment": func(f *faulty) error {
			return errOf(f.store.CreateExperiment(f.ctx, mlruns.ExperimentSpec{Name: "two"}))
		},
		"CreateRun": func(f *faulty) error { return errOf(f.store.CreateRun(f.ctx, mlruns.RunSpec{ExperimentID: "e1"})) },
		"LogOutputs": func(f *faulty) error {
			return f.store.LogOutputs(f.ctx, "run", mlruns.Outputs{Models: []mlruns.ModelOutput{{ModelID: "m-1"}}})
		},
	} {
		t.Run(name, func(t *testing.T) {
			f := newFaulty(t, false, filestore.SyncMeta)
			f.hook(faultfs.FailMatching(func(op faultfs.Op) bool { return op.Kind == faultfs.Rename }, errFault))
			if err := do(f); !errors.Is(err, errFault) {
				t.Errorf("error %v, want %v", err, errFault)
			}
			left, err := afero.ReadDir(f.fs, "/mlruns/.mlruns.trash")
			f.must(err)
			for _, info := range left {
				t.Errorf("%s is left", info.Name())
			}
		})
	}
}

// TestFoundWhileRestored restores the experiment after the look into the root and before the one
// into the trash.
func TestFoundWhileRestored(t *testing.T) {
	f := newFaulty(t, false, filestore.SyncMeta)
	f.must(f.store.DeleteExperiment(f.ctx, "e1"))
	moved := false
	f.hook(func(op faultfs.Op) error {
		if !moved && op.Kind == faultfs.Stat && op.Path == "/mlruns/.trash/e1/meta.yaml" {
			moved = true
			f.must(f.fs.Rename("/mlruns/.trash/e1", "/mlruns/e1"))
		}
		return nil
	})
	e, err := f.store.Experiment(f.ctx, "e1")
	f.must(err)
	if e.ID != "e1" || !moved {
		t.Errorf("got %+v (moved %v), want e1", e, moved)
	}
}

// TestReservedFoldersAreNoRuns puts a meta.yaml into the folders that an experiment has beside its
// runs.
func TestReservedFoldersAreNoRuns(t *testing.T) {
	f := newFaulty(t, false, filestore.SyncMeta)
	for _, name := range []string{"tags", "datasets", "traces", "models"} {
		if !layout.ReservedInExperiment(name) {
			t.Errorf("%s is not reserved", name)
		}
		f.must(f.fs.MkdirAll("/mlruns/e1/"+name, 0o777))
		f.must(afero.WriteFile(f.fs, "/mlruns/e1/"+name+"/meta.yaml", []byte(f.content("/mlruns/e1/run/meta.yaml")), 0o666))
		if _, err := f.store.Run(f.ctx, name); !errors.Is(err, mlruns.ErrNotFound) {
			t.Errorf("Run(%q): error %v, want %v", name, err, mlruns.ErrNotFound)
		}
	}
}
