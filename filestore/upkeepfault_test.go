package filestore_test

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"path"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/spf13/afero"

	"github.com/mlruns/mlruns"
	"github.com/mlruns/mlruns/filestore"
	"github.com/mlruns/mlruns/internal/faultfs"
	"github.com/mlruns/mlruns/internal/memfs"
)

// gc and relocate count a problem as a failure: what an injected fault makes unreadable is passed
// over.

func (f *faulty) gc() (err error) {
	q := mlruns.GCQuery{OnProblem: func(p mlruns.Problem) { err = fmt.Errorf("%w: %v", errFault, p) }}
	for _, yielded := range f.store.GC(f.ctx, q) {
		if yielded != nil {
			err = yielded
		}
	}
	return err
}

func (f *faulty) relocate() (err error) {
	q := mlruns.RelocateQuery{OnProblem: func(p mlruns.Problem) { err = fmt.Errorf("%w: %v", errFault, p) }}
	for _, yielded := range f.store.Relocate(f.ctx, q) {
		if yielded != nil {
			err = yielded
		}
	}
	return err
}

// recordElsewhere makes the store one that was moved here.
func (f *faulty) recordElsewhere() error {
	for _, dir := range []string{"0", "e1", "e1/run"} {
		name := path.Join("/mlruns", dir, "meta.yaml")
		if err := afero.WriteFile(f.fs, name, []byte(strings.ReplaceAll(f.content(name), " /mlruns/", " /old/mlruns/")), 0o666); err != nil {
			return err
		}
	}
	f.fs.SyncAll()
	return nil
}

// TestGCFinishes tries again after each fault, and finds nothing left of a removal that was
// interrupted.
func TestGCFinishes(t *testing.T) {
	for i, done := 0, false; !done && !t.Failed(); i++ {
		f := newFaulty(t, false, filestore.SyncMeta)
		f.must(errOf(f.store.CreateRun(f.ctx, mlruns.RunSpec{ID: "other", ExperimentID: "e1"})))
		f.must(f.store.DeleteRun(f.ctx, "run"))
		f.faults.arm(faultfs.FailAt(i, errFault))
		err := f.gc()
		f.faults.disarm()
		done = f.faults.failed == 0
		f.must(f.gc())
		for p, verifyErr := range f.store.Verify(f.ctx, mlruns.VerifyQuery{}) {
			t.Errorf("fault %d, %v (%v): %v, %v", i, f.faults.hit, err, p, verifyErr)
		}
		f.must(errOf(f.store.Run(f.ctx, "other")))
	}
}

// TestGCFinishesDurably cuts the power while GC finishes what a process left that was killed before
// its rename was durable: the run is there whole, or gone.
func TestGCFinishesDurably(t *testing.T) {
	f := newFaulty(t, false, filestore.SyncMeta)
	f.must(f.store.DeleteRun(f.ctx, "run"))
	f.fs.SyncAll()
	before := f.snapshot()
	f.must(f.fs.Rename("/mlruns/e1/run", "/mlruns/.mlruns.trash/.removed.run.0123456789abcdef"))
	after := f.snapshot()
	var cuts []*memfs.FS
	f.hook(func(op faultfs.Op) error {
		cuts = append(cuts, f.fs.CrashClone(nil), f.fs.CrashClone(rand.New(rand.NewPCG(1, uint64(op.Index)))))
		return nil
	})
	f.must(f.gc())
	cuts = append(cuts, f.fs.CrashClone(nil))
	for seed := range uint64(50) {
		cuts = append(cuts, f.fs.CrashClone(rand.New(rand.NewPCG(seed, 2))))
	}
	for i, fs := range cuts {
		cut := &faulty{T: t, ctx: f.ctx, faults: &faults{}, fs: fs, store: openStore(t, "/mlruns", filestore.WithFs(fs))}
		cut.verify("")
		if got := cut.snapshot(); !same(got, before) && !same(got, after) {
			t.Errorf("cut %d: neither before nor after:\n%s", i, cmp.Diff(after, got, cmp.Options{likeness}))
		}
	}
}

// TestGCKeepsWhatMayComeBack fails to make the rename durable: the content must stay, for after a
// power cut it may be a run again.
func TestGCKeepsWhatMayComeBack(t *testing.T) {
	f := newFaulty(t, false, filestore.SyncMeta)
	f.must(f.store.DeleteRun(f.ctx, "run"))
	f.fs.SyncAll()
	before := f.snapshot()
	f.hook(faultfs.FailMatching(func(op faultfs.Op) bool { return op.Kind == faultfs.SyncDir }, errFault))
	if err := f.gc(); !errors.Is(err, mlruns.ErrNotDurable) || !errors.Is(err, errFault) {
		t.Errorf("GC: %v, want ErrNotDurable", err)
	}
	if _, err := f.store.Run(f.ctx, "run"); !errors.Is(err, mlruns.ErrNotFound) {
		t.Errorf("Run: %v, want ErrNotFound", err)
	}
	f.fs.SyncAll()
	left, err := afero.ReadDir(f.fs, "/mlruns/.mlruns.trash")
	f.must(err)
	if len(left) != 1 {
		t.Fatalf("left: %v, want one", left)
	}
	f.must(f.fs.Rename("/mlruns/.mlruns.trash/"+left[0].Name(), "/mlruns/e1/run"))
	if diff := cmp.Diff(before, f.snapshot(), cmp.Options{likeness}); diff != "" {
		t.Errorf("what came back differs (-before +now):\n%s", diff)
	}
}
