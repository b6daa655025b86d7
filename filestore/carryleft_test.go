package filestore_test

import (
	"errors"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/spf13/afero"

	"github.com/mlruns/mlruns"
	"github.com/mlruns/mlruns/internal/faultfs"
)

// eachCut kills an operation on an overlay at each of its operations, and looks at what is left.
func eachCut(base *faulty, inject faultfs.Injector, do func(*faulty) error, look func(f *faulty, hit any)) {
	base.Helper()
	for i := 0; !base.Failed(); i++ {
		f := base.on(inject)
		f.faults.arm(faultfs.FailFrom(i, errFault))
		err := do(f)
		f.faults.disarm()
		if f.faults.failed == 0 {
			f.must(err)
			return
		}
		look(f, f.faults.hit)
	}
}

func (f *faulty) there(name string) bool {
	f.Helper()
	ok, err := afero.Exists(f.fs, "/mlruns/"+name)
	f.must(err)
	return ok
}

// TestVerifyOfInterruptedMove calls what an interrupted move by copy left a leftover, not a run or
// an experiment that lost its meta.yaml.
func TestVerifyOfInterruptedMove(t *testing.T) {
	t.Parallel()
	base := newMovable(t)
	base.must(base.store.DeleteExperiment(base.ctx, "e1"))
	base.fs.SyncAll()
	met := 0
	eachCut(base, overlay, func(f *faulty) error { return f.store.RestoreExperiment(f.ctx, "e1") }, func(f *faulty, hit any) {
		if !f.there(".trash/e1/.mlruns-removed") {
			return
		}
		met++
		told := false
		for p, err := range f.store.Verify(f.ctx, mlruns.VerifyQuery{}) {
			f.must(err)
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
	base.must(base.store.DeleteExperiment(base.ctx, "e1"))
	base.fs.SyncAll()
	met := 0
	eachCut(base, overlay, func(f *faulty) error { return f.store.RestoreExperiment(f.ctx, "e1") }, func(f *faulty, hit any) {
		if !f.there("e1/meta.yaml") || !f.there(".trash/e1/meta.yaml") {
			return
		}
		met++
		f.must(afero.WriteFile(f.fs, "/mlruns/e1/meta.yaml", nil, 0o666))
		if err := f.store.RestoreExperiment(f.ctx, "e1"); !errors.Is(err, mlruns.ErrCorrupt) || !f.there(".trash/e1/meta.yaml") {
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
	eachCut(base, overlay, func(f *faulty) error { return f.store.DeleteExperiment(f.ctx, "e1") }, func(f *faulty, hit any) {
		if f.there("e1/meta.yaml") || !f.there(".trash/e1/.mlruns-moving") {
			return
		}
		met++
		f.fs.SyncAll()
		f = f.on(nil) // its folders are new ones by now, which are renamed
		f.must(f.store.RestoreExperiment(f.ctx, "e1"))
		if f.there("e1/.mlruns-moving") || f.there(".trash/e1") {
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
	f.must(f.fs.Mkdir("/mlruns/e9", 0o777))
	f.age()
	f.must(f.finishGC())
	if !f.there("e9") {
		t.Error("gc has removed an empty folder")
	}
	for _, mend := range []func(*faulty){(*faulty).repair, func(f *faulty) { f.must(f.finishGC()) }} {
		g := newMovable(t)
		g.must(g.fs.Rename("/mlruns/e1", "/mlruns/.trash/e1"))
		g.must(g.fs.Mkdir("/mlruns/e1", 0o777))
		g.must(afero.WriteFile(g.fs, "/mlruns/.trash/e1/.mlruns-moving", nil, 0o666))
		g.age()
		mend(g)
		if g.there("e1") {
			t.Error("the last of an experiment that was moved is left")
		}
	}
}

// TestMoveByCopyTakesWhatComesMeanwhile has an artifact logged, and one removed, while the original
// of a copy is being removed.
func TestMoveByCopyTakesWhatComesMeanwhile(t *testing.T) {
	base := newMovable(t)
	var f *faulty
	late := false
	f = base.on(first(overlay, func(op faultfs.Op) error {
		if op.Kind == faultfs.Remove && op.Path == "/mlruns/e1/run/artifacts" && !late {
			late = true
			return afero.WriteFile(f.fs, "/mlruns/e1/run/artifacts/late", []byte("late"), 0o666)
		}
		if op.Kind == faultfs.Remove && op.Path == "/mlruns/e1/run/params/old" {
			return f.fs.Remove(op.Path)
		}
		return nil
	}))
	f.must(f.store.DeleteExperiment(f.ctx, "e1"))
	if !late || f.there("e1") || f.content("/mlruns/.trash/e1/run/artifacts/late") != "late" {
		t.Error("what came meanwhile is lost, or the original is left")
	}
	f.clean("deleted")
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
		base.must(errOf(base.store.CreateExperiment(base.ctx, mlruns.ExperimentSpec{ID: "e2", Name: "two", ArtifactLocation: "/mlruns/artifacts"})))
		base.must(errOf(base.store.CreateRun(base.ctx, mlruns.RunSpec{ID: "x", ExperimentID: "e2"})))
		base.must(base.store.WriteArtifact(base.ctx, "x", "a", strings.NewReader("artifact")))
		do := func(f *faulty) error { return f.store.DeleteExperiment(f.ctx, "e2") }
		if restore {
			base.must(do(base))
			do = func(f *faulty) error { return f.store.RestoreExperiment(f.ctx, "e2") }
		}
		base.fs.SyncAll()
		eachCut(base, noMove, do, func(f *faulty, hit any) {
			for _, err := range f.store.GC(f.ctx, mlruns.GCQuery{OlderThan: 1000 * time.Hour}) {
				f.must(err)
			}
			r, err := f.store.OpenArtifact(f.ctx, "x", "a")
			if err != nil {
				t.Fatalf("restore %v, killed at %v: %v", restore, hit, err)
			}
			f.must(r.Close())
		})
	}
}
