package fault

import (
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/mlruns/mlruns"
	"github.com/mlruns/mlruns/filestore"
	"github.com/mlruns/mlruns/filestore/internal/filestoretest"
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
func newMovable(t *testing.T) *filestoretest.Faulty {
	t.Helper()
	f := filestoretest.NewFaulty(t, false, filestore.SyncMeta)
	ms := int64(1767323045678)
	f.Hook(nil, filestore.WithClock(func() time.Time { ms++; return time.UnixMilli(ms) }))
	for _, id := range []string{"other", "early"} {
		f.Must(filestoretest.ErrOf(f.Store.CreateRun(f.Ctx, mlruns.RunSpec{ID: id, ExperimentID: "e1"})))
	}
	f.Must(f.Store.DeleteRun(f.Ctx, "early"))
	f.Must(f.Store.WriteArtifact(f.Ctx, "run", "a/b.txt", strings.NewReader("artifact")))
	f.FS.SyncEverything()
	return f
}

// withoutTimes drops what a clock wrote.
func withoutTimes(t filestoretest.Tree) filestoretest.Tree {
	out := filestoretest.Tree{}
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
