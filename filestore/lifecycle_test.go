package filestore_test

import (
	"errors"
	"testing"
	"time"

	"github.com/spf13/afero"

	"github.com/mlruns/mlruns"
	"github.com/mlruns/mlruns/filestore"
	"github.com/mlruns/mlruns/filestore/internal/filestoretest"
	"github.com/mlruns/mlruns/filestore/layout"
	"github.com/mlruns/mlruns/internal/faultfs"
)

func letThrough(faultfs.Op) error { return nil }

// TestCascadeKeepsEarlierDeletions deletes one run, then its experiment: only runs that were active
// get the time of the experiment's deletion.
func TestCascadeKeepsEarlierDeletions(t *testing.T) {
	f := filestoretest.NewFaulty(t, false, filestore.SyncMeta)
	now := time.UnixMilli(1000)
	f.Hook(letThrough, filestore.WithClock(func() time.Time { return now }))
	f.Must(filestoretest.ErrOf(f.Store.CreateRun(f.Ctx, mlruns.RunSpec{ID: "early", ExperimentID: "e1"})))
	f.Must(f.Store.DeleteRun(f.Ctx, "early"))
	now = time.UnixMilli(2000)
	f.Must(f.Store.DeleteExperiment(f.Ctx, "e1"))
	for id, want := range map[string]int64{"early": 1000, "run": 2000} {
		run, err := f.Store.Run(f.Ctx, id)
		f.Must(err)
		if got := run.Info.Deleted.UnixMilli(); got != want || run.Info.Stage != mlruns.StageDeleted {
			t.Errorf("run %s is %s since %d, want deleted since %d", id, run.Info.Stage, got, want)
		}
	}
}

// TestCascadePassesDamagedRuns moves a run whose meta.yaml makes no sense as it is.
func TestCascadePassesDamagedRuns(t *testing.T) {
	f := filestoretest.NewFaulty(t, false, filestore.SyncMeta)
	f.Must(filestoretest.ErrOf(f.Store.CreateRun(f.Ctx, mlruns.RunSpec{ID: "another", ExperimentID: "e1"})))
	const damaged = "status: [\n"
	f.Must(afero.WriteFile(f.FS, "/mlruns/e1/another/meta.yaml", []byte(damaged), 0o666))
	long := time.Now().Add(-time.Hour)
	f.Must(f.FS.Chtimes("/mlruns/e1/another/meta.yaml", long, long))
	stage := func(want mlruns.LifecycleStage, meta string) {
		t.Helper()
		run, err := f.Store.Run(f.Ctx, "run")
		f.Must(err)
		if run.Info.Stage != want {
			t.Errorf("the other run is %s, want %s", run.Info.Stage, want)
		}
		if got := f.Content(meta); got != damaged {
			t.Errorf("%s is now %q", meta, got)
		}
	}
	f.Must(f.Store.DeleteExperiment(f.Ctx, "e1"))
	stage(mlruns.StageDeleted, "/mlruns/.trash/e1/another/meta.yaml")
	f.Must(f.Store.RestoreExperiment(f.Ctx, "e1"))
	stage(mlruns.StageActive, "/mlruns/e1/another/meta.yaml")
}

// TestFailedPlaceLeavesNothing fails what puts a finished folder into its place.
func TestFailedPlaceLeavesNothing(t *testing.T) {
	for name, do := range map[string]func(*filestoretest.Faulty) error{
		"CreateExperiment": func(f *filestoretest.Faulty) error {
			return filestoretest.ErrOf(f.Store.CreateExperiment(f.Ctx, mlruns.ExperimentSpec{Name: "two"}))
		},
		"CreateRun": func(f *filestoretest.Faulty) error {
			return filestoretest.ErrOf(f.Store.CreateRun(f.Ctx, mlruns.RunSpec{ExperimentID: "e1"}))
		},
		"LogOutputs": func(f *filestoretest.Faulty) error {
			return f.Store.LogOutputs(f.Ctx, "run", mlruns.Outputs{Models: []mlruns.ModelOutput{{ModelID: "m-1"}}})
		},
	} {
		t.Run(name, func(t *testing.T) {
			f := filestoretest.NewFaulty(t, false, filestore.SyncMeta)
			f.Hook(faultfs.FailMatching(func(op faultfs.Op) bool { return op.Kind == faultfs.Rename }, filestoretest.ErrFault))
			if err := do(f); !errors.Is(err, filestoretest.ErrFault) {
				t.Errorf("error %v, want %v", err, filestoretest.ErrFault)
			}
			left, err := afero.ReadDir(f.FS, "/mlruns/.mlruns.trash")
			f.Must(err)
			for _, info := range left {
				t.Errorf("%s is left", info.Name())
			}
		})
	}
}

// TestFoundWhileRestored restores the experiment after the look into the root and before the one
// into the trash.
func TestFoundWhileRestored(t *testing.T) {
	f := filestoretest.NewFaulty(t, false, filestore.SyncMeta)
	f.Must(f.Store.DeleteExperiment(f.Ctx, "e1"))
	moved := false
	f.Hook(func(op faultfs.Op) error {
		if !moved && op.Kind == faultfs.Stat && op.Path == "/mlruns/.trash/e1/meta.yaml" {
			moved = true
			f.Must(f.FS.Rename("/mlruns/.trash/e1", "/mlruns/e1"))
		}
		return nil
	})
	e, err := f.Store.Experiment(f.Ctx, "e1")
	f.Must(err)
	if e.ID != "e1" || !moved {
		t.Errorf("got %+v (moved %v), want e1", e, moved)
	}
}

// TestReservedFoldersAreNoRuns puts a meta.yaml into the folders that an experiment has beside its
// runs.
func TestReservedFoldersAreNoRuns(t *testing.T) {
	f := filestoretest.NewFaulty(t, false, filestore.SyncMeta)
	for _, name := range []string{"tags", "datasets", "traces", "models"} {
		if !layout.ReservedInExperiment(name) {
			t.Errorf("%s is not reserved", name)
		}
		f.Must(f.FS.MkdirAll("/mlruns/e1/"+name, 0o777))
		f.Must(afero.WriteFile(f.FS, "/mlruns/e1/"+name+"/meta.yaml", []byte(f.Content("/mlruns/e1/run/meta.yaml")), 0o666))
		if _, err := f.Store.Run(f.Ctx, name); !errors.Is(err, mlruns.ErrNotFound) {
			t.Errorf("Run(%q): error %v, want %v", name, err, mlruns.ErrNotFound)
		}
	}
}
