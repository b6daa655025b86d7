package artifacts

import (
	"errors"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/mlruns/mlruns"
	"github.com/mlruns/mlruns/internal/rootfs"
)

// A link may stay in the store and yet lead to another run: the operating system lets it pass.
func TestLinksToAnotherRun(t *testing.T) {
	w := newWorld(t)
	r := w.own()
	w.mkdir("new/0/other/artifacts")
	w.file("new/0/other/meta.yaml", "theirs")
	w.file("new/0/r/artifacts/f", "mine")
	w.link("../../other", "new/0/r/artifacts/folder")
	w.link("../../other/meta.yaml", "new/0/r/artifacts/file")
	w.link("folder/artifacts", "new/0/r/artifacts/chain")
	w.link("../../../..", "new/0/r/artifacts/above")
	before := tree(t, w.at("new"))

	_, openErr := r.Open(t.Context(), "file")
	_, belowErr := r.Open(t.Context(), "folder/meta.yaml")
	_, listErr := r.List(t.Context(), "folder")
	_, chainErr := r.List(t.Context(), "chain")
	_, downErr := r.Download(t.Context(), "folder", t.TempDir())
	for verb, err := range map[string]error{
		"open": openErr, "open below": belowErr, "list": listErr, "list a chain": chainErr, "download": downErr,
		"write":          r.Write(t.Context(), "folder/meta.yaml", strings.NewReader("x")),
		"write anew":     r.Write(t.Context(), "chain/d/new", strings.NewReader("x")),
		"write above":    r.Write(t.Context(), "above/0/other/meta.yaml", strings.NewReader("x")),
		"log":            r.Log(t.Context(), w.at("secret/f"), "folder"),
		"log a tree":     r.LogTree(t.Context(), w.at("secret"), "folder/artifacts"),
		"delete":         r.Delete(t.Context(), "folder/meta.yaml"),
		"delete a chain": r.Delete(t.Context(), "chain/d"),
	} {
		if !errors.Is(err, mlruns.ErrOutside) || !strings.HasPrefix(mlruns.MessageOf(err), "Invalid path: resolved path is outside the artifact directory") {
			t.Errorf("%s through a link to another run: %v, want ErrOutside", verb, err)
		}
	}
	wantTree(t, w.at("new"), before)

	got, err := r.List(t.Context(), "")
	if diff := cmp.Diff([]mlruns.FileInfo{{Path: "f", Size: 4}}, got); diff != "" || err != nil {
		t.Errorf("List (-want +got): %v\n%s", err, diff)
	}
	dst := t.TempDir()
	if _, err := r.Download(t.Context(), "", dst); err != nil {
		t.Error(err)
	}
	wantTree(t, dst, map[string]string{"f": "mine"})
}

// What is logged over a link of the artifacts goes where the link leads only if that is among the
// artifacts.
func TestLogTreeOverLinks(t *testing.T) {
	w := newWorld(t)
	r := w.own()
	w.mkdir("new/0/other")
	w.file("new/0/other/meta.yaml", "theirs")
	w.mkdir("new/0/r/artifacts/real")
	w.link("real", "new/0/r/artifacts/a")
	w.link("../../other", "new/0/r/artifacts/b")
	w.mkdir("src/a")
	w.mkdir("src/b")
	w.file("src/a/f", "1")
	w.file("src/b/meta.yaml", "poison")
	if err := r.LogTree(t.Context(), w.at("src"), ""); !errors.Is(err, mlruns.ErrOutside) {
		t.Errorf("LogTree over a link to another run: %v, want ErrOutside", err)
	}
	wantTree(t, w.at("new/0/other"), map[string]string{"meta.yaml": "theirs"})
	wantTree(t, w.at("new/0/r/artifacts/real"), map[string]string{"f": "1"})
}

func TestCircleOfLinks(t *testing.T) {
	w := newWorld(t)
	r := w.own()
	w.link("b", "new/0/r/artifacts/a")
	w.link("a", "new/0/r/artifacts/b")
	if _, err := r.Open(t.Context(), "a/f"); err == nil {
		t.Error("Open through a circle succeeded")
	}
	if err := r.Write(t.Context(), "a/f", strings.NewReader("x")); err == nil {
		t.Error("Write through a circle succeeded")
	}
	if got, err := r.List(t.Context(), ""); err != nil || len(got) != 0 {
		t.Errorf("List = %v, %v, want nothing", got, err)
	}
}

// Another disk stands behind a link that the caller allowed, and a rename does not lead there.
func TestLinkTargets(t *testing.T) {
	w := newWorld(t)
	for _, dir := range []string{"scratch/all", "scratch/part", "new/0/q", "src/d"} {
		w.mkdir(dir)
	}
	w.file("src/d/g", "2")
	w.link(w.at("scratch/all"), "new/0/q/artifacts")
	w.link(w.at("scratch/part"), "new/0/r/artifacts/part")
	fsys, err := rootfs.Open(w.at("new"), rootfs.Options{LinkTargets: []string{w.at("scratch")}})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = fsys.Close() })
	for run, c := range map[string]struct{ below, lands string }{"q": {"", "scratch/all"}, "r": {"part", "scratch/part"}} {
		p, err := Locate(Run{ExperimentID: "0", RunID: run, Fs: fsys, Dir: "0/" + run, RealDir: w.at("new/0/" + run)})
		if err != nil {
			t.Fatal(err)
		}
		r := p.Repository(true)
		if err := r.Write(t.Context(), strings.TrimPrefix(c.below+"/e/f", "/"), strings.NewReader("1")); err != nil {
			t.Errorf("run %s: Write: %v", run, err)
		}
		if err := r.LogTree(t.Context(), w.at("src"), c.below); err != nil {
			t.Errorf("run %s: LogTree: %v", run, err)
		}
		want := map[string]string{"e": "/", "e/f": "1", "d": "/", "d/g": "2"}
		wantTree(t, w.at(c.lands), want)
		dst := t.TempDir()
		if _, err := r.Download(t.Context(), c.below, dst); err != nil {
			t.Errorf("run %s: Download: %v", run, err)
		}
		wantTree(t, filepath.Join(dst, c.below), want)
		if err := r.Delete(t.Context(), strings.TrimPrefix(c.below+"/d", "/")); err != nil {
			t.Errorf("run %s: Delete: %v", run, err)
		}
		wantTree(t, w.at(c.lands), map[string]string{"e": "/", "e/f": "1"})
	}
}
