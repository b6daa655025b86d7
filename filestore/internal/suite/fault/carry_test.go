package fault

import (
	"errors"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/spf13/afero"

	"github.com/mlruns/mlruns"
	"github.com/mlruns/mlruns/filestore/internal/filestoretest"
	"github.com/mlruns/mlruns/internal/faultfs"
	"github.com/mlruns/mlruns/internal/proof"
)

// rename: the same comes of it as where it does.
func TestMovesWhatCannotBeRenamed(t *testing.T) {
	base := newMovable(t)
	plain := base.On(nil)
	plain.Must(plain.Store.DeleteExperiment(plain.Ctx, "e1"))
	trashed := filestoretest.Quiet(filestoretest.TreeOf(t, plain.Base))
	plain.Must(plain.Store.RestoreExperiment(plain.Ctx, "e1"))
	restored := filestoretest.Quiet(filestoretest.TreeOf(t, plain.Base))
	for name, inject := range map[string]faultfs.Injector{"links": overlay, "copies": noLinks(overlay)} {
		t.Run(name, func(t *testing.T) {
			f := base.On(inject)
			f.T = t
			f.Must(f.Store.DeleteExperiment(f.Ctx, "e1"))
			f.Clean("deleted")
			if diff := filestoretest.Changes(withoutTimes(trashed), withoutTimes(filestoretest.Quiet(filestoretest.TreeOf(t, f.Base)))); diff != nil {
				t.Errorf("deleted: %v", diff)
			}
			if _, err := f.FS.Stat("/mlruns/e1"); err == nil {
				t.Error("the old folder is left")
			}
			f.Must(f.Store.RestoreExperiment(f.Ctx, "e1"))
			f.Clean("restored")
			if diff := filestoretest.Changes(withoutTimes(restored), withoutTimes(filestoretest.Quiet(filestoretest.TreeOf(t, f.Base)))); diff != nil {
				t.Errorf("restored: %v", diff)
			}
			cut := &filestoretest.Faulty{T: t, Ctx: f.Ctx, FS: f.FS.CrashClone(nil)}
			if diff := filestoretest.Changes(filestoretest.Quiet(filestoretest.TreeOf(t, f.Base)), filestoretest.Quiet(filestoretest.TreeOf(t, cut.FS))); diff != nil {
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
		prepare func(*filestoretest.Faulty)
		want    error
		says    string
	}{
		"a mount point":                 {inject: mountedAt, want: syscall.EBUSY, says: "unmount"},
		"a trash on another disk":       {inject: nowhere, want: syscall.EXDEV, says: "another file system"},
		"no permission":                 {inject: faultfs.FailMatching(func(op faultfs.Op) bool { return op.Kind == faultfs.Rename && op.Path == "/mlruns/e1" }, syscall.EACCES), want: syscall.EACCES},
		"an experiment of its id there": {prepare: func(f *filestoretest.Faulty) { f.Must(f.FS.MkdirAll("/mlruns/.trash/e1/r", 0o777)) }, want: mlruns.ErrExists, says: "already exists"},
		"a full disk":                   {inject: noLinks(first(overlay, fullFor("/.mlruns.trash/"))), want: syscall.ENOSPC},
	} {
		t.Run(name, func(t *testing.T) {
			f := newMovable(t).On(tt.inject)
			if tt.prepare != nil {
				tt.prepare(f)
			}
			before := filestoretest.WithoutLocks(filestoretest.TreeOf(t, f.Base))
			err := f.Store.DeleteExperiment(f.Ctx, "e1")
			if !errors.Is(err, tt.want) || !strings.Contains(err.Error(), tt.says) {
				t.Errorf("DeleteExperiment: %v, want %v that says %q", err, tt.want, tt.says)
			}
			if diff := filestoretest.Changes(before, filestoretest.WithoutLocks(filestoretest.TreeOf(t, f.Base))); diff != nil {
				t.Errorf("the tree has changed: %v", diff)
			}
			if tt.prepare == nil {
				filestoretest.NoProblems(t, f.Store)
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
	before := base.Snapshot()
	deleted := base.On(nil)
	deleted.Must(deleted.Store.DeleteExperiment(base.Ctx, "e1"))
	after := deleted.Snapshot()
	brought := 0
	for i := 0; !t.Failed(); i++ {
		f := base.On(nil)
		f.Faults.Arm(faultfs.FailFrom(i, filestoretest.ErrFault))
		err := f.Store.DeleteExperiment(f.Ctx, "e1")
		f.Faults.Disarm()
		if f.Faults.Failed == 0 {
			f.Must(err)
			break
		}
		half := f.Snapshot()
		f.Repair()
		got := f.Snapshot()
		if !filestoretest.SameAnswers(got, before) && !filestoretest.SameAnswers(got, after) {
			t.Errorf("killed at %d, %v: after the repair neither before nor after:\n%s", i, f.Faults.Hit, cmp.Diff(before, got, filestoretest.Alike...))
		}
		if !filestoretest.SameAnswers(half, before) && filestoretest.SameAnswers(got, before) {
			brought++
		}
		for p, err := range f.Store.Verify(f.Ctx, mlruns.VerifyQuery{}) {
			if err != nil || p.Kind != mlruns.ProblemLeftover {
				t.Errorf("killed at %d, %v: verify: %v, %v", i, f.Faults.Hit, p, err)
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
			base.Must(base.Store.DeleteExperiment(base.Ctx, "e1"))
			base.FS.SyncEverything()
		}
		do := func(f *filestoretest.Faulty) error {
			if restore {
				return f.Store.RestoreExperiment(f.Ctx, "e1")
			}
			return f.Store.DeleteExperiment(f.Ctx, "e1")
		}
		done := base.On(nil)
		done.Must(do(done))
		before, after := base.Snapshot(), done.Snapshot()
		for kind, at := range map[string]func(int) faultfs.Injector{
			"killed": func(i int) faultfs.Injector { return faultfs.FailFrom(i, filestoretest.ErrFault) },
			"failed": func(i int) faultfs.Injector { return faultfs.FailAt(i, filestoretest.ErrFault) },
		} {
			for _, inject := range []faultfs.Injector{overlay, noLinks(overlay)} {
				step := proof.Choose(29, 7, 1)
				for i := rng.IntN(step); !t.Failed(); i += step {
					f := base.On(inject)
					f.Faults.Arm(at(i))
					err := do(f)
					f.Faults.Disarm()
					if f.Faults.Failed == 0 {
						f.Must(err)
						break
					}
					hit := f.Faults.Hit
					got := f.Snapshot()
					for key := range before {
						if got[key] == nil {
							t.Errorf("%s at %d, %v: %s is not found", kind, i, hit, key)
						}
					}
					if err == nil && !filestoretest.SameAnswers(got, after) {
						t.Errorf("%s at %d, %v: no error, but\n%s", kind, i, hit, cmp.Diff(after, got, filestoretest.Alike...))
					}
					f.FS.SyncEverything()
					mended := f.On(overlay)
					mended.Age()
					if retry := do(f); retry != nil && !errors.Is(retry, mlruns.ErrNotFound) {
						t.Errorf("%s at %d, %v: the retry gave %v", kind, i, hit, retry)
					}
					if got := f.Snapshot(); !filestoretest.SameAnswers(got, after) {
						t.Errorf("%s at %d, %v: after calling again:\n%s", kind, i, hit, cmp.Diff(after, got, filestoretest.Alike...))
					}
					mended.Repair()
					for _, err := range mended.Store.GC(mended.Ctx, mlruns.GCQuery{OlderThan: 1000 * time.Hour}) {
						mended.Must(err)
					}
					if got := mended.Snapshot(); !filestoretest.SameAnswers(got, before) && !filestoretest.SameAnswers(got, after) && !restore {
						t.Errorf("%s at %d, %v: after a repair neither before nor after:\n%s", kind, i, hit, cmp.Diff(before, got, filestoretest.Alike...))
					}
					for p, err := range mended.Store.Verify(mended.Ctx, mlruns.VerifyQuery{}) {
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
	f := newMovable(t).On(mountedAt)
	f.Must(filestoretest.ErrOf(f.Store.CreateRun(f.Ctx, mlruns.RunSpec{ID: "new", ExperimentID: "e1", Tags: map[string]string{"a": "1"}})))
	f.Must(f.Store.LogInputs(f.Ctx, "new", mlruns.Inputs{Datasets: []mlruns.DatasetInput{{Dataset: mlruns.Dataset{Name: "d", Digest: "1"}}}}))
	f.Must(f.Store.LogOutputs(f.Ctx, "new", mlruns.Outputs{Models: []mlruns.ModelOutput{{ModelID: "m-1"}}}))
	f.Must(f.Store.LogMetric(f.Ctx, "new", mlruns.Metric{Key: "m", Value: 1}))
	f.Must(f.Store.LogParam(f.Ctx, "new", "p", "1"))
	f.Must(f.Store.WriteArtifact(f.Ctx, "new", "a", strings.NewReader("a")))
	run, err := f.Store.Run(f.Ctx, "new")
	f.Must(err)
	if len(run.Inputs.Datasets) != 1 || len(run.Outputs.Models) != 1 || run.Data.Tags["a"] != "1" {
		t.Errorf("the run is %+v", run)
	}
	f.Clean("made")
	f.ReadsStrictly(f.Snapshot())
}

// TestPlacingBesideIsPrivate kills the making of a run in a mounted experiment at each operation:
// no reader, MLflow's rules included, meets a part of it.
func TestPlacingBesideIsPrivate(t *testing.T) {
	t.Parallel()
	base := newMovable(t)
	before := base.Snapshot()
	for i := 0; !t.Failed(); i++ {
		f := base.On(mountedAt)
		f.Faults.Arm(faultfs.FailFrom(i, filestoretest.ErrFault))
		err := filestoretest.ErrOf(f.Store.CreateRun(f.Ctx, mlruns.RunSpec{ID: "new", ExperimentID: "e1", Name: "n", Tags: map[string]string{"a": "1"}}))
		f.Faults.Disarm()
		if f.Faults.Failed == 0 {
			f.Must(err)
			break
		}
		f.Verify("")
		got := f.Snapshot()
		f.ReadsStrictly(got)
		if delete(got, "run new"); !filestoretest.SameAnswers(got, before) {
			t.Errorf("killed at %d, %v:\n%s", i, f.Faults.Hit, cmp.Diff(before, got, filestoretest.Alike...))
		}
		f.FS.SyncEverything()
		f.Age()
		f.Repair()
		f.Clean("repaired")
	}
}

// TestGCWhereItLies removes what the file system does not rename, killed and failed at each
// operation: it is there whole, or gone for readers, and the next gc finishes.
func TestGCWhereItLies(t *testing.T) {
	t.Parallel()
	rng := proof.Rand(t)
	for name, prepare := range map[string]func(*filestoretest.Faulty) error{
		"a run":         func(f *filestoretest.Faulty) error { return f.Store.DeleteRun(f.Ctx, "run") },
		"an experiment": func(f *filestoretest.Faulty) error { return f.Store.DeleteExperiment(f.Ctx, "e1") },
	} {
		base := newMovable(t)
		base.Must(prepare(base))
		base.FS.SyncEverything()
		for what, inject := range map[string]faultfs.Injector{"overlay": overlay, "mount": mountedAt} {
			if name == "an experiment" && what == "mount" {
				continue // that of the trash cannot be mounted before it is moved
			}
			done := base.On(nil)
			done.Must(done.GC())
			before, after := base.Snapshot(), done.Snapshot()
			for kind, at := range map[string]func(int) faultfs.Injector{
				"killed": func(i int) faultfs.Injector { return faultfs.FailFrom(i, filestoretest.ErrFault) },
				"failed": func(i int) faultfs.Injector { return faultfs.FailAt(i, filestoretest.ErrFault) },
			} {
				step := proof.Choose(5, 1, 1)
				for i := rng.IntN(step); !t.Failed(); i += step {
					f := base.On(inject)
					f.Faults.Arm(at(i))
					err := f.GC()
					f.Faults.Disarm()
					if f.Faults.Failed == 0 {
						f.Must(err)
						if got := f.Snapshot(); !filestoretest.SameAnswers(got, after) {
							t.Errorf("%s on %s: %s", name, what, cmp.Diff(after, got, filestoretest.Alike...))
						}
						f.Clean(name)
						break
					}
					got := f.Snapshot()
					for key, want := range got {
						if !cmp.Equal(want, before[key], filestoretest.Alike...) {
							t.Errorf("%s on %s, %s at %d, %v: %s is %v", name, what, kind, i, f.Faults.Hit, key, want)
						}
					}
					f.Age() // an empty folder could be one that MLflow is filling
					f.Must(f.FinishGC())
					f.Clean(name)
					if got := f.Snapshot(); !filestoretest.SameAnswers(got, after) {
						t.Errorf("%s on %s, %s at %d, %v: after another gc:\n%s", name, what, kind, i, f.Faults.Hit, cmp.Diff(after, got, filestoretest.Alike...))
					}
				}
			}
		}
	}
}

// TestGCPutsBackWhereItLies has MLflow restore a run at the moment it is taken out, and before its
// removal is finished after a kill.
func TestGCPutsBackWhereItLies(t *testing.T) {
	f := newMovable(t)
	f.Must(f.Store.DeleteRun(f.Ctx, "run"))
	before := f.Snapshot()
	active := strings.Replace(strings.Replace(f.Content("/mlruns/e1/run/meta.yaml"), "lifecycle_stage: deleted", "lifecycle_stage: active", 1), "deleted_time", "x", 1)
	f.FS.SyncEverything()
	late := f.On(nil)
	late.Must(late.FS.Rename("/mlruns/e1/run/meta.yaml", "/mlruns/e1/run/.mlruns-removed"))
	late.Must(afero.WriteFile(late.FS, "/mlruns/e1/run/.mlruns-removed", []byte(active), 0o666))
	late.Must(late.FinishGC())
	var meanwhile *filestoretest.Faulty
	meanwhile = f.On(first(overlay, func(op faultfs.Op) error {
		if op.Kind == faultfs.Rename && op.To == "/mlruns/e1/run/.mlruns-removed" {
			return afero.WriteFile(meanwhile.FS, "/mlruns/e1/run/meta.yaml", []byte(active), 0o666)
		}
		return nil
	}))
	meanwhile.Must(meanwhile.FinishGC())
	for name, f := range map[string]*filestoretest.Faulty{"after a kill": late, "meanwhile": meanwhile} {
		run, err := f.Store.Run(f.Ctx, "run")
		f.Must(err)
		// "early" is gone
		if run.Info.Stage != mlruns.StageActive || len(f.Snapshot()) != len(before)-1 {
			t.Errorf("%s: %+v", name, run.Info)
		}
		f.Clean(name)
	}
}

// TestRepairMovesAsideByCopy keeps originals that cannot be renamed to where they are kept.
func TestRepairMovesAsideByCopy(t *testing.T) {
	for name, inject := range map[string]faultfs.Injector{"mount": mountedAt, "no links": noLinks(mountedAt)} {
		f := newMovable(t)
		f.Must(f.FS.MkdirAll("/mlruns/e1/run/inputs/.ipynb_checkpoints/deep", 0o777))
		for file, text := range map[string]string{"metrics/.DS_Store": "d", "inputs/.ipynb_checkpoints/deep/x": "x", "metrics/empty": "", "metrics/old": "1 1.0 0\nx\n"} {
			f.Must(afero.WriteFile(f.FS, "/mlruns/e1/run/"+file, []byte(text), 0o666))
		}
		f.FS.SyncEverything()
		f.Age()
		f = f.On(inject)
		f.Repair()
		f.Clean(name)
		saved := map[string]string{}
		for path, data := range filestoretest.TreeOf(t, f.Base) {
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
