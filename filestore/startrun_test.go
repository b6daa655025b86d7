package filestore_test

import (
	"errors"
	"path"
	"testing"

	"github.com/mlruns/mlruns"
	"github.com/mlruns/mlruns/filestore"
	"github.com/mlruns/mlruns/filestore/internal/filestoretest"
	"github.com/mlruns/mlruns/internal/faultfs"
)

// TestStartRunWhatIsNotDurable makes the run's folder, and then cannot make its place durable: no
// handle is given, and nothing is left RUNNING.
func TestStartRunWhatIsNotDurable(t *testing.T) {
	f := filestoretest.NewFaulty(t, false, filestore.SyncMeta)
	failed := false
	f.Hook(func(op faultfs.Op) error {
		if op.Kind == faultfs.SyncDir && path.Base(op.Path) == "e1" && !failed {
			failed = true
			return filestoretest.ErrFault
		}
		return nil
	})
	run, err := mlruns.NewClient(f.Store).StartRun(f.Ctx, "one", mlruns.RunSpec{ID: "new"})
	if run != nil || !errors.Is(err, mlruns.ErrNotDurable) || !errors.Is(err, filestoretest.ErrFault) {
		t.Fatalf("StartRun: %v, %v, want no run and ErrNotDurable", run, err)
	}
	made, err := f.Store.Run(f.Ctx, "new")
	f.Must(err)
	if made.Info.Status != mlruns.StatusFailed || made.Info.End.IsZero() {
		t.Errorf("the run is %v since %v, want FAILED", made.Info.Status, made.Info.End)
	}
	f.Verify("")
}
