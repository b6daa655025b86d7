package fault

import (
	"errors"
	"math/rand/v2"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/spf13/afero"

	"github.com/mlruns/mlruns"
	"github.com/mlruns/mlruns/filestore"
	"github.com/mlruns/mlruns/filestore/internal/filestoretest"
	"github.com/mlruns/mlruns/internal/faultfs"
	"github.com/mlruns/mlruns/internal/memfs"
)

// TestGCFinishes tries again after each fault, and finds nothing left of a removal that was
// interrupted.
func TestGCFinishes(t *testing.T) {
	for i, done := 0, false; !done && !t.Failed(); i++ {
		f := filestoretest.NewFaulty(t, false, filestore.SyncMeta)
		f.Must(filestoretest.ErrOf(f.Store.CreateRun(f.Ctx, mlruns.RunSpec{ID: "other", ExperimentID: "e1"})))
		f.Must(f.Store.DeleteRun(f.Ctx, "run"))
		f.Faults.Arm(faultfs.FailAt(i, filestoretest.ErrFault))
		err := f.GC()
		f.Faults.Disarm()
		done = f.Faults.Failed == 0
		f.Must(f.GC())
		for p, verifyErr := range f.Store.Verify(f.Ctx, mlruns.VerifyQuery{}) {
			t.Errorf("fault %d, %v (%v): %v, %v", i, f.Faults.Hit, err, p, verifyErr)
		}
		f.Must(filestoretest.ErrOf(f.Store.Run(f.Ctx, "other")))
	}
}

// TestGCFinishesDurably cuts the power while GC finishes what a process left that was killed before
// its rename was durable: the run is there whole, or gone.
func TestGCFinishesDurably(t *testing.T) {
	f := filestoretest.NewFaulty(t, false, filestore.SyncMeta)
	f.Must(f.Store.DeleteRun(f.Ctx, "run"))
	f.FS.SyncEverything()
	before := f.Snapshot()
	f.Must(f.FS.Rename("/mlruns/e1/run", "/mlruns/.mlruns.trash/.removed.run.0123456789abcdef"))
	after := f.Snapshot()
	var cuts []*memfs.FS
	f.Hook(func(op faultfs.Op) error {
		cuts = append(cuts, f.FS.CrashClone(nil), f.FS.CrashClone(rand.New(rand.NewPCG(1, uint64(op.Index)))))
		return nil
	})
	f.Must(f.GC())
	cuts = append(cuts, f.FS.CrashClone(nil))
	for seed := range uint64(50) {
		cuts = append(cuts, f.FS.CrashClone(rand.New(rand.NewPCG(seed, 2))))
	}
	for i, fs := range cuts {
		cut := &filestoretest.Faulty{T: t, Ctx: f.Ctx, Faults: &filestoretest.Faults{}, FS: fs, Store: filestoretest.Open(t, "/mlruns", filestore.WithFs(fs))}
		cut.Verify("")
		if got := cut.Snapshot(); !filestoretest.SameAnswers(got, before) && !filestoretest.SameAnswers(got, after) {
			t.Errorf("cut %d: neither before nor after:\n%s", i, cmp.Diff(after, got, cmp.Options{filestoretest.Alike}))
		}
	}
}

// TestGCKeepsWhatMayComeBack fails to make the rename durable: the content must stay, for after a
// power cut it may be a run again.
func TestGCKeepsWhatMayComeBack(t *testing.T) {
	f := filestoretest.NewFaulty(t, false, filestore.SyncMeta)
	f.Must(f.Store.DeleteRun(f.Ctx, "run"))
	f.FS.SyncEverything()
	before := f.Snapshot()
	f.Hook(faultfs.FailMatching(func(op faultfs.Op) bool { return op.Kind == faultfs.SyncDir }, filestoretest.ErrFault))
	if err := f.GC(); !errors.Is(err, mlruns.ErrNotDurable) || !errors.Is(err, filestoretest.ErrFault) {
		t.Errorf("GC: %v, want ErrNotDurable", err)
	}
	if _, err := f.Store.Run(f.Ctx, "run"); !errors.Is(err, mlruns.ErrNotFound) {
		t.Errorf("Run: %v, want ErrNotFound", err)
	}
	f.FS.SyncEverything()
	left, err := afero.ReadDir(f.FS, "/mlruns/.mlruns.trash")
	f.Must(err)
	if len(left) != 1 {
		t.Fatalf("left: %v, want one", left)
	}
	f.Must(f.FS.Rename("/mlruns/.mlruns.trash/"+left[0].Name(), "/mlruns/e1/run"))
	if diff := cmp.Diff(before, f.Snapshot(), cmp.Options{filestoretest.Alike}); diff != "" {
		t.Errorf("what came back differs (-before +now):\n%s", diff)
	}
}
