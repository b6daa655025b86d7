package filestore_test

import (
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/mlruns/mlruns"
	"github.com/mlruns/mlruns/filestore"
	"github.com/mlruns/mlruns/internal/faultfs"
)

// overlay refuses to rename the folders that a store had from the beginning, as an overlay file
// system does with those of its lower layer. What is made later can be renamed, and every file.
func overlay(op faultfs.Op) error {
	name := strings.TrimPrefix(op.Path, "/mlruns/")
	if op.Kind == faultfs.Rename && slices.Contains([]string{"e1", ".trash/e1", "e1/run", "e1/other", ".trash/e1/run"}, name) {
		return syscall.EXDEV
	}
	return nil
}

// mountedAt is a file system that is mounted at the folder e1: nothing is renamed into it or linked
// there from outside, nor out of it, and not the folder itself.
func mountedAt(op faultfs.Op) error {
	within := func(name string) bool { return strings.HasPrefix(name, "/mlruns/e1/") }
	switch {
	case op.Kind != faultfs.Rename && op.Kind != faultfs.Link:
	case op.Path == "/mlruns/e1":
		return syscall.EBUSY
	case within(op.Path) != within(op.To):
		return syscall.EXDEV
	}
	return nil
}

// noLinks has no hard links either.
func noLinks(inner faultfs.Injector) faultfs.Injector {
	return func(op faultfs.Op) error {
		if op.Kind == faultfs.Link {
			return syscall.EXDEV
		}
		return inner(op)
	}
}

// first gives the answer of the first that has one.
func first(injectors ...faultfs.Injector) faultfs.Injector {
	return func(op faultfs.Op) error {
		for _, inject := range injectors {
			if err := inject(op); err != nil {
				return err
			}
		}
		return nil
	}
}

// newMovable is a store with an experiment of three runs, one of which was deleted before, whose
// clock does not stand still.
func newMovable(t *testing.T) *faulty {
	t.Helper()
	f := newFaulty(t, false, filestore.SyncMeta)
	ms := int64(1767323045678)
	f.hook(nil, filestore.WithClock(func() time.Time { ms++; return time.UnixMilli(ms) }))
	for _, id := range []string{"other", "early"} {
		f.must(errOf(f.store.CreateRun(f.ctx, mlruns.RunSpec{ID: id, ExperimentID: "e1"})))
	}
	f.must(f.store.DeleteRun(f.ctx, "early"))
	f.must(f.store.WriteArtifact(f.ctx, "run", "a/b.txt", strings.NewReader("artifact")))
	f.fs.SyncAll()
	return f
}

// on opens a copy of the store, with a clock that is later.
func (f *faulty) on(inject faultfs.Injector) *faulty {
	f.Helper()
	c := &faulty{T: f.T, ctx: f.ctx, fs: f.fs.CrashClone(nil), faults: &faults{}}
	c.base = c.fs
	c.reopen(inject)
	return c
}

func (f *faulty) reopen(inject faultfs.Injector) {
	f.Helper()
	ms := int64(1768000000000)
	f.hook(func(op faultfs.Op) error {
		if inject != nil {
			if err := inject(op); err != nil {
				return err
			}
		}
		return f.faults.inject(op)
	}, filestore.WithClock(func() time.Time { ms++; return time.UnixMilli(ms) }))
}

func (f *faulty) repair() {
	f.Helper()
	for _, err := range f.store.Repair(f.ctx, mlruns.RepairQuery{}) {
		f.must(err)
	}
}

// clean fails the test if anything private is left but locks, what a repair saved, and what a kill
// left of the look whether files can be appended to.
func (f *faulty) clean(about string) {
	f.Helper()
	noProblems(f.T, f.store)
	for name := range treeOf(f.T, f.base) {
		if !strings.Contains(name, "/repaired-") && !strings.HasPrefix(name, ".mlruns-tmp-append.") && (strings.Contains(name, ".mlruns-") || strings.HasPrefix(name, ".mlruns.trash/")) {
			f.Errorf("%s: %s is left", about, name)
		}
	}
}

// withoutTimes drops what a clock wrote.
func withoutTimes(t tree) tree {
	out := tree{}
	for name, data := range t {
		var lines []string
		for line := range strings.Lines(string(data)) {
			if !strings.HasPrefix(line, "deleted_time:") && !strings.HasPrefix(line, "last_update_time:") {
				lines = append(lines, line)
			}
		}
		out[name] = []byte(strings.Join(lines, ""))
	}
	return out
}
