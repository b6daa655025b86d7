package filestore_test

import (
	"fmt"
	"path"
	"strings"
	"testing"

	"github.com/spf13/afero"

	"github.com/mlruns/mlruns"
	"github.com/mlruns/mlruns/filestore"
)

// gc and relocate count a problem as a failure: what an injected fault makes unreadable is passed over.

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

// TestGCFinishes tries again after each fault, and finds nothing left of a removal that was interrupted.
func TestGCFinishes(t *testing.T) {
	for i, done := 0, false; !done && !t.Failed(); i++ {
		f := newFaulty(t, false, filestore.SyncMeta)
		f.must(errOf(f.store.CreateRun(f.ctx, mlruns.RunSpec{ID: "other", ExperimentID: "e1"})))
		f.must(f.store.DeleteRun(f.ctx, "run"))
		f.faults.arm(i)
		err := f.gc()
		done, f.faults.armed = f.faults.n <= i, false
		f.must(f.gc())
		for p, verifyErr := range f.store.Verify(f.ctx) {
			t.Errorf("fault %d, %v (%v): %v, %v", i, f.faults.hit, err, p, verifyErr)
		}
		f.must(errOf(f.store.Run(f.ctx, "other")))
	}
}
