package filestore_test

import (
	"errors"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/spf13/afero"

	"github.com/mlruns/mlruns"
	"github.com/mlruns/mlruns/internal/faultfs"
	"github.com/mlruns/mlruns/internal/proof"
)

// rename: the same comes of it as where it does.
func TestMovesWhatCannotBeRenamed(t *testing.T) {
	base := newMovable(t)
	plain := base.on(nil)
	plain.must(plain.store.DeleteExperiment(plain.ctx, "e1"))
	trashed := quiet(treeOf(t, plain.base))
	plain.must(plain.store.RestoreExperiment(plain.ctx, "e1"))
	restored := quiet(treeOf(t, plain.base))
	for name, inject := range map[string]faultfs.Injector{"links": overlay, "copies": noLinks(overlay)} {
		t.Run(name, func(t *testing.T) {
			f := base.on(inject)
			f.T = t
			f.must(f.store.DeleteExperiment(f.ctx, "e1"))
			f.clean("deleted")
			if diff := changes(withoutTimes(trashed), withoutTimes(quiet(treeOf(t, f.base)))); diff != nil {
				t.Errorf("deleted: %v", diff)
			}
			if _, err := f.fs.Stat("/mlruns/e1"); err == nil {
				t.Error("the old folder is left")
			}
			f.must(f.store.RestoreExperiment(f.ctx, "e1"))
			f.clean("restored")
			if diff := changes(withoutTimes(restored), withoutTimes(quiet(treeOf(t, f.base)))); diff != nil {
				t.Errorf("restored: %v", diff)
			}
			cut := &faulty{T: t, ctx: f.ctx, fs: f.fs.CrashClone(nil)}
			if diff := changes(quiet(treeOf(t, f.base)), quiet(treeOf(t, cut.fs))); diff != nil {
				t.Errorf("after a power cut: %v", diff)
			}
		})
	}
}

// TestRefusedDeleteChangesNothing tries to delete what cannot be moved: the tree stays as it was,
// and the runs stay active.
func TestRefusedDeleteChangesNothing(t *testing.T) {
	nowhere := first(overlay, func(op faultfs.Op) error {
		if op.Kind == faultfs.Rename && op.To == "/mlruns/.trash/e1" {
			return syscall.EXDEV
		}
		return nil
	})
	for name, tt := range map[string]struct {
		inject  faultfs.Injector
		prepare func(*faulty)
		want    error
		says    string
	}{
		"a mount point":                 {inject: mountedAt, want: syscall.EBUSY, says: "unmount"},
		"a trash on another disk":       {inject: nowhere, want: syscall.EXDEV, says: "another file system"},
		"no permission":                 {inject: faultfs.FailMatching(func(op faultfs.Op) bool { return op.Kind == faultfs.Rename && op.Path == "/mlruns/e1" }, syscall.EACCES), want: syscall.EACCES},
		"an experiment of its id there": {prepare: func(f *faulty) { f.must(f.fs.MkdirAll("/mlruns/.trash/e1/r", 0o777)) }, want: mlruns.ErrExists, says: "already exists"},
		"a full disk":                   {inject: noLinks(first(overlay, fullFor("/.mlruns.trash/"))), want: syscall.ENOSPC},
	} {
		t.Run(name, func(t *testing.T) {
			f := newMovable(t).on(tt.inject)
			if tt.prepare != nil {
				tt.prepare(f)
			}
			before := withoutLocks(treeOf(t, f.base))
			err := f.store.DeleteExperiment(f.ctx, "e1")
			if !errors.Is(err, tt.want) || !strings.Contains(err.Error(), tt.says) {
				t.Errorf("DeleteExperiment: %v, want %v that says %q", err, tt.want, tt.says)
			}
			if diff := changes(before, withoutLocks(treeOf(t, f.base))); diff != nil {
				t.Errorf("the tree has changed: %v", diff)
			}
			if tt.prepare == nil {
				noProblems(t, f.store)
			}
		})
	}
}

// fullFor has no room for data in files of some folder.
func fullFor(folder string) faultfs.Injector {
	return func(op faultfs.Op) error {
		if op.Kind == faultfs.Write && op.Size > 0 && strings.Contains(op.Path, folder) {
			return syscall.ENOSPC
		}
		return nil
	}
}

// TestRepairBringsBackInterruptedDelete kills a deletion at each of its operations. Repair makes
// active what it had marked, and nothing else.
func TestRepairBringsBackInterruptedDelete(t *testing.T) {
	t.Parallel()
	base := newMovable(t)
	before := base.snapshot()
	deleted := base.on(nil)
	deleted.must(deleted.store.DeleteExperiment(base.ctx, "e1"))
	after := deleted.snapshot()
	brought := 0
	for i := 0; !t.Failed(); i++ {
		f := base.on(nil)
		f.faults.arm(faultfs.FailFrom(i, errFault))
		err := f.store.DeleteExperiment(f.ctx, "e1")
		f.faults.disarm()
		if f.faults.failed == 0 {
			f.must(err)
			break
		}
		half := f.snapshot()
		f.repair()
		got := f.snapshot()
		if !same(got, before) && !same(got, after) {
			t.Errorf("killed at %d, %v: after the repair neither before nor after:\n%s", i, f.faults.hit, cmp.Diff(before, got, likeness...))
		}
		if !same(half, before) && same(got, before) {
			brought++
		}
		for p, err := range f.store.Verify(f.ctx, mlruns.VerifyQuery{}) {
			if err != nil || p.Kind != mlruns.ProblemLeftover {
				t.Errorf("killed at %d, %v: verify: %v, %v", i, f.faults.hit, p, err)
			}
		}
	}
	if brought < 2 {
		t.Errorf("runs were brought back %d times: no deletion was cut in the middle", brought)
	}
}

// TestMovingByCopyIsCutShort kills the deletion and the restoring of what must be copied at each of
// their operations, and fails each. At any moment every run is found once, and calling again, or a
// repair and gc, complete it.
func TestMovingByCopyIsCutShort(t *testing.T) {
	t.Parallel()
	rng := proof.Rand(t)
	for _, restore := range []bool{false, true} {
		base := newMovable(t)
		if restore {
			base.must(base.store.DeleteExperiment(base.ctx, "e1"))
			base.fs.SyncAll()
		}
		do := func(f *faulty) error {
			if restore {
				return f.store.RestoreExperiment(f.ctx, "e1")
			}
			return f.store.DeleteExperiment(f.ctx, "e1")
		}
		done := base.on(nil)
		done.must(do(done))
		before, after := base.snapshot(), done.snapshot()
		for kind, at := range map[string]func(int) faultfs.Injector{
			"killed": func(i int) faultfs.Injector { return faultfs.FailFrom(i, errFault) },
			"failed": func(i int) faultfs.Injector { return faultfs.FailAt(i, errFault) },
		} {
			for _, inject := range []faultfs.Injector{overlay, noLinks(overlay)} {
				step := proof.Choose(29, 7, 1)
				for i := rng.IntN(step); !t.Failed(); i += step {
					f := base.on(inject)
					f.faults.arm(at(i))
					err := do(f)
					f.faults.disarm()
					if f.faults.failed == 0 {
						f.must(err)
						break
					}
					hit := f.faults.hit
					got := f.snapshot()
					for key := range before {
						if got[key] == nil {
							t.Errorf("%s at %d, %v: %s is not found", kind, i, hit, key)
						}
					}
					if err == nil && !same(got, after) {
						t.Errorf("%s at %d, %v: no error, but\n%s", kind, i, hit, cmp.Diff(after, got, likeness...))
					}
					f.fs.SyncAll()
					mended := f.on(overlay)
					mended.age()
					if retry := do(f); retry != nil && !errors.Is(retry, mlruns.ErrNotFound) {
						t.Errorf("%s at %d, %v: the retry gave %v", kind, i, hit, retry)
					}
					if got := f.snapshot(); !same(got, after) {
						t.Errorf("%s at %d, %v: after calling again:\n%s", kind, i, hit, cmp.Diff(after, got, likeness...))
					}
					mended.repair()
					for _, err := range mended.store.GC(mended.ctx, mlruns.GCQuery{OlderThan: 1000 * time.Hour}) {
						mended.must(err)
					}
					if got := mended.snapshot(); !same(got, before) && !same(got, after) && !restore {
						t.Errorf("%s at %d, %v: after a repair neither before nor after:\n%s", kind, i, hit, cmp.Diff(before, got, likeness...))
					}
					for p, err := range mended.store.Verify(mended.ctx, mlruns.VerifyQuery{}) {
						if err != nil || p.Kind != mlruns.ProblemLeftover || !strings.HasPrefix(p.Path, ".mlruns.trash/") && !strings.Contains(p.Path, "/.mlruns-tmp-") {
							t.Errorf("%s at %d, %v: after a repair and gc: %v, %v", kind, i, hit, p, err)
						}
					}
				}
			}
		}
	}
}

// TestPlacesInMountedExperiment makes runs, and logs what appears by a rename, in an experiment at
// which another file system is mounted.
func TestPlacesInMountedExperiment(t *testing.T) {
	f := newMovable(t).on(mountedAt)
	f.must(errOf(f.store.CreateRun(f.ctx, mlruns.RunSpec{ID: "new", ExperimentID: "e1", Tags: map[string]string{"a": "1"}})))
	f.must(f.store.LogInputs(f.ctx, "new", mlruns.Inputs{Datasets: []mlruns.DatasetInput{{Dataset: mlruns.Dataset{Name: "d", Digest: "1"}}}}))
	f.must(f.store.LogOutputs(f.ctx, "new", mlruns.Outputs{Models: []mlruns.ModelOutput{{ModelID: "m-1"}}}))
	f.must(f.store.LogMetric(f.ctx, "new", mlruns.Metric{Key: "m", Value: 1}))
	f.must(f.store.LogParam(f.ctx, "new", "p", "1"))
	f.must(f.store.WriteArtifact(f.ctx, "new", "a", strings.NewReader("a")))
	run, err := f.store.Run(f.ctx, "new")
	f.must(err)
	if len(run.Inputs.Datasets) != 1 || len(run.Outputs.Models) != 1 || run.Data.Tags["a"] != "1" {
		t.Errorf("the run is %+v", run)
	}
	f.clean("made")
	f.readsStrictly(f.snapshot())
}

// TestPlacingBesideIsPrivate kills the making of a run in a mounted experiment at each operation:
// no reader, MLflow's rules included, meets a part of it.
func TestPlacingBesideIsPrivate(t *testing.T) {
	t.Parallel()
	base := newMovable(t)
	before := base.snapshot()
	for i := 0; !t.Failed(); i++ {
		f := base.on(mountedAt)
		f.faults.arm(faultfs.FailFrom(i, errFault))
		err := errOf(f.store.CreateRun(f.ctx, mlruns.RunSpec{ID: "new", ExperimentID: "e1", Name: "n", Tags: map[string]string{"a": "1"}}))
		f.faults.disarm()
		if f.faults.failed == 0 {
			f.must(err)
			break
		}
		f.verify("")
		got := f.snapshot()
		f.readsStrictly(got)
		if delete(got, "run new"); !same(got, before) {
			t.Errorf("killed at %d, %v:\n%s", i, f.faults.hit, cmp.Diff(before, got, likeness...))
		}
		f.fs.SyncAll()
		f.age()
		f.repair()
		f.clean("repaired")
	}
}

// age makes everything two hours old.
func (f *faulty) age() {
	f.Helper()
	for name := range treeOf(f.T, f.fs) {
		f.must(f.fs.Chtimes("/mlruns/"+name, longAgo, longAgo))
	}
}

// TestGCWhereItLies removes what the file system does not rename, killed and failed at each
// operation: it is there whole, or gone for readers, and the next gc finishes.
func TestGCWhereItLies(t *testing.T) {
	t.Parallel()
	for name, prepare := range map[string]func(*faulty) error{
		"a run":         func(f *faulty) error { return f.store.DeleteRun(f.ctx, "run") },
		"an experiment": func(f *faulty) error { return f.store.DeleteExperiment(f.ctx, "e1") },
	} {
		base := newMovable(t)
		base.must(prepare(base))
		base.fs.SyncAll()
		for what, inject := range map[string]faultfs.Injector{"overlay": overlay, "mount": mountedAt} {
			if name == "an experiment" && what == "mount" {
				continue // that of the trash cannot be mounted before it is moved
			}
			done := base.on(nil)
			done.must(done.gc())
			before, after := base.snapshot(), done.snapshot()
			for kind, at := range map[string]func(int) faultfs.Injector{
				"killed": func(i int) faultfs.Injector { return faultfs.FailFrom(i, errFault) },
				"failed": func(i int) faultfs.Injector { return faultfs.FailAt(i, errFault) },
			} {
				for i := 0; !t.Failed(); i++ {
					f := base.on(inject)
					f.faults.arm(at(i))
					err := f.gc()
					f.faults.disarm()
					if f.faults.failed == 0 {
						f.must(err)
						if got := f.snapshot(); !same(got, after) {
							t.Errorf("%s on %s: %s", name, what, cmp.Diff(after, got, likeness...))
						}
						f.clean(name)
						break
					}
					got := f.snapshot()
					for key, want := range got {
						if !cmp.Equal(want, before[key], likeness...) {
							t.Errorf("%s on %s, %s at %d, %v: %s is %v", name, what, kind, i, f.faults.hit, key, want)
						}
					}
					f.age() // an empty folder could be one that MLflow is filling
					f.must(f.finishGC())
					f.clean(name)
					if got := f.snapshot(); !same(got, after) {
						t.Errorf("%s on %s, %s at %d, %v: after another gc:\n%s", name, what, kind, i, f.faults.hit, cmp.Diff(after, got, likeness...))
					}
				}
			}
		}
	}
}

// finishGC collects without taking a leftover for a failure.
func (f *faulty) finishGC() error {
	for _, err := range f.store.GC(f.ctx, mlruns.GCQuery{OnProblem: func(mlruns.Problem) {}}) {
		if err != nil {
			return err
		}
	}
	return nil
}

// TestGCPutsBackWhereItLies has MLflow restore a run at the moment it is taken out, and before its
// removal is finished after a kill.
func TestGCPutsBackWhereItLies(t *testing.T) {
	f := newMovable(t)
	f.must(f.store.DeleteRun(f.ctx, "run"))
	before := f.snapshot()
	active := strings.Replace(strings.Replace(f.content("/mlruns/e1/run/meta.yaml"), "lifecycle_stage: deleted", "lifecycle_stage: active", 1), "deleted_time", "x", 1)
	f.fs.SyncAll()
	late := f.on(nil)
	late.must(late.fs.Rename("/mlruns/e1/run/meta.yaml", "/mlruns/e1/run/.mlruns-removed"))
	late.must(afero.WriteFile(late.fs, "/mlruns/e1/run/.mlruns-removed", []byte(active), 0o666))
	late.must(late.finishGC())
	var meanwhile *faulty
	meanwhile = f.on(first(overlay, func(op faultfs.Op) error {
		if op.Kind == faultfs.Rename && op.To == "/mlruns/e1/run/.mlruns-removed" {
			return afero.WriteFile(meanwhile.fs, "/mlruns/e1/run/meta.yaml", []byte(active), 0o666)
		}
		return nil
	}))
	meanwhile.must(meanwhile.finishGC())
	for name, f := range map[string]*faulty{"after a kill": late, "meanwhile": meanwhile} {
		run, err := f.store.Run(f.ctx, "run")
		f.must(err)
		// "early" is gone
		if run.Info.Stage != mlruns.StageActive || len(f.snapshot()) != len(before)-1 {
			t.Errorf("%s: %+v", name, run.Info)
		}
		f.clean(name)
	}
}

// TestRepairMovesAsideByCopy keeps originals that cannot be renamed to where they are kept.
func TestRepairMovesAsideByCopy(t *testing.T) {
	for name, inject := range map[string]faultfs.Injector{"mount": mountedAt, "no links": noLinks(mountedAt)} {
		f := newMovable(t)
		f.must(f.fs.MkdirAll("/mlruns/e1/run/inputs/.ipynb_checkpoints/deep", 0o777))
		for file, text := range map[string]string{"metrics/.DS_Store": "d", "inputs/.ipynb_checkpoints/deep/x": "x", "metrics/empty": "", "metrics/old": "1 1.0 0\nx\n"} {
			f.must(afero.WriteFile(f.fs, "/mlruns/e1/run/"+file, []byte(text), 0o666))
		}
		f.fs.SyncAll()
		f.age()
		f = f.on(inject)
		f.repair()
		f.clean(name)
		saved := map[string]string{}
		for path, data := range treeOf(t, f.base) {
			if rest, ok := strings.CutPrefix(path, ".mlruns.trash/repaired-"); ok && data != nil {
				_, rest, _ = strings.Cut(rest, "/e1/run/")
				saved[rest] = string(data)
			}
		}
		want := map[string]string{"metrics/.DS_Store": "d", "inputs/.ipynb_checkpoints/deep/x": "x", "metrics/empty": "", "metrics/old": "1 1.0 0\nx\n"}
		if diff := cmp.Diff(want, saved); diff != "" {
			t.Errorf("%s: saved (-want +got):\n%s", name, diff)
		}
	}
}
