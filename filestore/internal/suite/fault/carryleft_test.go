package fault

import (
	"errors"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/spf13/afero"

	"github.com/mlruns/mlruns"
	"github.com/mlruns/mlruns/filestore/internal/filestoretest"
	"github.com/mlruns/mlruns/internal/faultfs"
)

// eachCut kills an operation on an overlay at each of its operations, and looks at what is left.
func eachCut(base *filestoretest.Faulty, inject faultfs.Injector, do func(*filestoretest.Faulty) error, look func(f *filestoretest.Faulty, hit any)) {
	base.Helper()
	for i := 0; !base.Failed(); i++ {
		f := base.On(inject)
		f.Faults.Arm(faultfs.FailFrom(i, filestoretest.ErrFault))
		err := do(f)
		f.Faults.Disarm()
		if f.Faults.Failed == 0 {
			f.Must(err)
			return
		}
		look(f, f.Faults.Hit)
	}
}

// TestVerifyOfInterruptedMove calls what an interrupted move by copy left a leftover, not a run or
// an experiment that lost its meta.yaml.
func TestVerifyOfInterruptedMove(t *testing.T) {
	t.Parallel()
	base := newMovable(t)
	base.Must(base.Store.DeleteExperiment(base.Ctx, "e1"))
	base.FS.SyncEverything()
	met := 0
	eachCut(base, overlay, func(f *filestoretest.Faulty) error { return f.Store.RestoreExperiment(f.Ctx, "e1") }, func(f *filestoretest.Faulty, hit any) {
		if !f.There(".trash/e1/.mlruns-removed") {
			return
		}
		met++
		told := false
		for p, err := range f.Store.Verify(f.Ctx, mlruns.VerifyQuery{}) {
			f.Must(err)
			told = told || p.Kind == mlruns.ProblemLeftover && p.Path == ".trash/e1"
			if p.Kind != mlruns.ProblemLeftover && p.Kind != mlruns.ProblemStage {
				t.Errorf("killed at %v: %v", hit, p)
			}
		}
		if !told {
			t.Errorf("killed at %v: what is left in the trash is not told", hit)
		}
	})
	if met == 0 {
		t.Error("no restoring was cut while it removed the original")
	}
}

// TestDamagedExperimentKeepsItsCopy damages the experiment in the root while the one it was copied
// from is still in the trash: that is not removed then.
func TestDamagedExperimentKeepsItsCopy(t *testing.T) {
	t.Parallel()
	base := newMovable(t)
	base.Must(base.Store.DeleteExperiment(base.Ctx, "e1"))
	base.FS.SyncEverything()
	met := 0
	eachCut(base, overlay, func(f *filestoretest.Faulty) error { return f.Store.RestoreExperiment(f.Ctx, "e1") }, func(f *filestoretest.Faulty, hit any) {
		if !f.There("e1/meta.yaml") || !f.There(".trash/e1/meta.yaml") {
			return
		}
		met++
		f.Must(afero.WriteFile(f.FS, "/mlruns/e1/meta.yaml", nil, 0o666))
		if err := f.Store.RestoreExperiment(f.Ctx, "e1"); !errors.Is(err, mlruns.ErrCorrupt) || !f.There(".trash/e1/meta.yaml") {
			t.Errorf("killed at %v: restored beside a damaged one: %v", hit, err)
		}
	})
	if met == 0 {
		t.Error("no restoring was cut while both were there")
	}
}

// TestMarkOfMoveGoesWithIt leaves no mark of an interrupted move in an experiment that is moved
// again, where another move could take it for its own.
func TestMarkOfMoveGoesWithIt(t *testing.T) {
	t.Parallel()
	base := newMovable(t)
	met := 0
	eachCut(base, overlay, func(f *filestoretest.Faulty) error { return f.Store.DeleteExperiment(f.Ctx, "e1") }, func(f *filestoretest.Faulty, hit any) {
		if f.There("e1/meta.yaml") || !f.There(".trash/e1/.mlruns-moving") {
			return
		}
		met++
		f.FS.SyncEverything()
		f = f.On(nil) // its folders are new ones by now, which are renamed
		f.Must(f.Store.RestoreExperiment(f.Ctx, "e1"))
		if f.There("e1/.mlruns-moving") || f.There(".trash/e1") {
			t.Errorf("killed at %v: restored, but the mark or the original is left", hit)
		}
	})
	if met == 0 {
		t.Error("no deletion was cut before its mark was removed")
	}
}

// TestEmptyFolderInRootStays spares a folder at which an experiment's disk is to be mounted, and
// removes what is left of an experiment that was moved from there.
func TestEmptyFolderInRootStays(t *testing.T) {
	f := newMovable(t)
	f.Must(f.FS.Mkdir("/mlruns/e9", 0o777))
	f.Age()
	f.Must(f.FinishGC())
	if !f.There("e9") {
		t.Error("gc has removed an empty folder")
	}
	for _, mend := range []func(*filestoretest.Faulty){(*filestoretest.Faulty).Repair, func(f *filestoretest.Faulty) { f.Must(f.FinishGC()) }} {
		g := newMovable(t)
		g.Must(g.FS.Rename("/mlruns/e1", "/mlruns/.trash/e1"))
		g.Must(g.FS.Mkdir("/mlruns/e1", 0o777))
		g.Must(afero.WriteFile(g.FS, "/mlruns/.trash/e1/.mlruns-moving", nil, 0o666))
		g.Age()
		mend(g)
		if g.There("e1") {
			t.Error("the last of an experiment that was moved is left")
		}
	}
}

// TestMoveByCopyTakesWhatComesMeanwhile has an artifact logged, and one removed, while the original
// of a copy is being removed.
func TestMoveByCopyTakesWhatComesMeanwhile(t *testing.T) {
	base := newMovable(t)
	var f *filestoretest.Faulty
	late := false
	f = base.On(first(overlay, func(op faultfs.Op) error {
		if op.Kind == faultfs.Remove && op.Path == "/mlruns/e1/run/artifacts" && !late {
			late = true
			return afero.WriteFile(f.FS, "/mlruns/e1/run/artifacts/late", []byte("late"), 0o666)
		}
		if op.Kind == faultfs.Remove && op.Path == "/mlruns/e1/run/params/old" {
			return f.FS.Remove(op.Path)
		}
		return nil
	}))
	f.Must(f.Store.DeleteExperiment(f.Ctx, "e1"))
	if !late || f.There("e1") || f.Content("/mlruns/.trash/e1/run/artifacts/late") != "late" {
		t.Error("what came meanwhile is lost, or the original is left")
	}
	f.Clean("deleted")
}

// TestGCAfterInterruptedMoveSparesArtifacts has artifacts elsewhere in the store: an experiment and
// what is left of its other folder own them both.
func TestGCAfterInterruptedMoveSparesArtifacts(t *testing.T) {
	t.Parallel()
	noMove := func(op faultfs.Op) error {
		if op.Kind == faultfs.Rename && (op.Path == "/mlruns/e2" || op.Path == "/mlruns/.trash/e2") {
			return syscall.EXDEV
		}
		return nil
	}
	for _, restore := range []bool{false, true} {
		base := newMovable(t)
		base.Must(filestoretest.ErrOf(base.Store.CreateExperiment(base.Ctx, mlruns.ExperimentSpec{ID: "e2", Name: "two", ArtifactLocation: "/mlruns/artifacts"})))
		base.Must(filestoretest.ErrOf(base.Store.CreateRun(base.Ctx, mlruns.RunSpec{ID: "x", ExperimentID: "e2"})))
		base.Must(base.Store.WriteArtifact(base.Ctx, "x", "a", strings.NewReader("artifact")))
		do := func(f *filestoretest.Faulty) error { return f.Store.DeleteExperiment(f.Ctx, "e2") }
		if restore {
			base.Must(do(base))
			do = func(f *filestoretest.Faulty) error { return f.Store.RestoreExperiment(f.Ctx, "e2") }
		}
		base.FS.SyncEverything()
		eachCut(base, noMove, do, func(f *filestoretest.Faulty, hit any) {
			for _, err := range f.Store.GC(f.Ctx, mlruns.GCQuery{OlderThan: 1000 * time.Hour}) {
				f.Must(err)
			}
			r, err := f.Store.OpenArtifact(f.Ctx, "x", "a")
			if err != nil {
				t.Fatalf("restore %v, killed at %v: %v", restore, hit, err)
			}
			f.Must(r.Close())
		})
	}
}
