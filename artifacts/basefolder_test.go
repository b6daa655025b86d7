package artifacts

import (
	"errors"
	"testing"

	"github.com/mlruns/mlruns"
	"github.com/mlruns/mlruns/internal/faultfs"
	"github.com/mlruns/mlruns/internal/memfs"
)

// The folder of the artifacts itself is a link: it may lead about the run's own folder, and nowhere
// else in the store.
func TestFolderIsLinkToAnotherRun(t *testing.T) {
	for to, want := range map[string]error{"../other/artifacts": mlruns.ErrOutside, "chain": mlruns.ErrOutside, "..": mlruns.ErrOutside, "kept": nil} {
		w := newWorld(t)
		w.mkdir("new/0/other/artifacts")
		w.mkdir("new/0/q/kept")
		w.link("../other/artifacts", "new/0/q/chain")
		w.link(to, "new/0/q/artifacts")
		r := w.run("")
		r.RunID, r.Dir, r.RealDir = "q", "0/q", w.at("new/0/q")
		for _, writing := range []bool{false, true} {
			r.ForWriting = writing
			p, err := Locate(r)
			if !errors.Is(err, want) {
				t.Errorf("artifacts -> %s: Locate = %v, %v; want %v", to, p, err, want)
			}
		}
	}
}

// A file that cannot be made durable does not keep the others from being copied.
func TestTreeGoesOnUndurable(t *testing.T) {
	w := newWorld(t)
	w.mkdir("src")
	w.file("src/a", "1")
	w.file("src/b", "2")
	mem := memfs.New()
	if err := mem.MkdirAll("0/r/artifacts", 0o777); err != nil {
		t.Fatal(err)
	}
	r := repositoryIn(faultfs.New(mem, faultfs.FailMatching(func(op faultfs.Op) bool { return op.Kind == faultfs.SyncDir }, nil)))
	if err := r.LogTree(t.Context(), w.at("src"), ""); !errors.Is(err, mlruns.ErrNotDurable) {
		t.Errorf("LogTree = %v, want ErrNotDurable", err)
	}
	list, err := r.List(t.Context(), "")
	if err != nil || len(list) != 2 {
		t.Errorf("List = %v, %v, want both files", list, err)
	}
}
