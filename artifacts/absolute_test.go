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

// An absolute link among the artifacts is followed where it comes back to them, and refused where
// it leads to another run, as a relative one is.
func TestAbsoluteLinksAmongArtifacts(t *testing.T) {
	w := newWorld(t)
	w.mkdir("new/0/r/artifacts/real")
	w.mkdir("new/0/other/artifacts")
	w.file("new/0/r/artifacts/real/f", "mine")
	w.file("new/0/other/artifacts/f", "theirs")
	r := w.own()
	for name, to := range map[string]string{
		"file": w.at("new/0/r/artifacts/real/f"), "folder": w.at("new/0/r/artifacts/real"), "again": w.at("new/0/r/artifacts/folder/f"), "around": "../../r/artifacts/real/f", "top": w.at("new/0/r/artifacts"),
		"theirs": w.at("new/0/other/artifacts"), "file2": w.at("new/0/other/artifacts/f"), "chain": w.at("new/0/r/artifacts/theirs/f"), "run": w.at("new/0/r"), "climb": w.at("new/0/r/artifacts/../../other/artifacts/f"),
		"secret": w.at("secret/f"), "lookalike": w.at("new/0/r/artifacts") + "-other",
	} {
		w.link(to, "new/0/r/artifacts/"+name)
	}
	for p, want := range map[string]string{"file": "mine", "folder/f": "mine", "again": "mine", "around": "mine", "top/real/f": "mine", "top/top/folder/f": "mine"} {
		f, err := r.Open(t.Context(), p)
		if err != nil {
			t.Errorf("open %s: %v", p, err)
			continue
		}
		if got := readAll(t, f); got != want {
			t.Errorf("%s holds %q, want %q", p, got, want)
		}
		_ = f.Close()
	}
	for _, p := range []string{"theirs/f", "file2", "chain", "run/meta.yaml", "climb", "secret", "top/secret", "folder/../theirs/f"} {
		_, openErr := r.Open(t.Context(), p)
		_, listErr := r.List(t.Context(), p)
		_, downErr := r.Download(t.Context(), p, t.TempDir())
		for call, err := range map[string]error{"open": openErr, "list": listErr, "download": downErr, "write": r.Write(t.Context(), p+"/x", strings.NewReader("x")), "delete": r.Delete(t.Context(), p+"/x")} {
			if want := mlruns.ErrOutside; p != "folder/../theirs/f" && !errors.Is(err, want) || err == nil {
				t.Errorf("%s %s = %v, want %v", call, p, err, want)
			}
		}
	}
	before := tree(t, w.at("new/0/r/artifacts/real"))
	for call, err := range map[string]error{"write": r.Write(t.Context(), "folder/new", strings.NewReader("x")), "log": r.LogTree(t.Context(), w.at("secret"), "folder"), "delete": r.Delete(t.Context(), "folder/f")} {
		if !errors.Is(err, mlruns.ErrOutside) || !strings.Contains(err.Error(), "for reading only") {
			t.Errorf("%s through an absolute link = %v, want an error that says that it is for reading", call, err)
		}
	}
	wantTree(t, w.at("new/0/r/artifacts/real"), before)
	if err := r.Delete(t.Context(), "folder"); err != nil {
		t.Errorf("delete of the link: %v", err)
	}
	wantTree(t, w.at("new/0/r/artifacts/real"), before)
}

// The folder of artifacts itself may not be a link to another run's, in whatever form.
func TestArtifactsThatAreAnAbsoluteLink(t *testing.T) {
	for to, ok := range map[string]bool{"new/0/q/real": true, "new/0/r/artifacts": false, "new/0": false, "secret": false} {
		w := newWorld(t)
		w.mkdir("new/0/q/real")
		w.link(w.at(to), "new/0/q/artifacts")
		run := w.run("")
		run.RunID, run.Dir, run.RealDir = "q", "0/q", w.at("new/0/q")
		p, err := Locate(run)
		if err == nil {
			_, err = p.Repository(false).List(t.Context(), "")
		}
		if (err == nil) != ok || !ok && !errors.Is(err, mlruns.ErrOutside) {
			t.Errorf("artifacts that are a link to %s: %v", to, err)
		}
	}
}

// Of git-annex every artifact is a relative link that leaves the store.
func TestRelativeLinksToATarget(t *testing.T) {
	w := newWorld(t)
	w.mkdir("annex")
	w.file("annex/object", "kept")
	w.link("../../../../annex/object", "new/0/r/artifacts/f")
	w.link("../../../../secret/f", "new/0/r/artifacts/out")
	fsys, err := rootfs.Open(w.at("new"), rootfs.Options{LinkTargets: []string{w.at("annex")}, LinkHint: "HINT"})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = fsys.Close() })
	p, err := Locate(Run{ExperimentID: "0", RunID: "r", Fs: fsys, Dir: "0/r", RealDir: w.at("new/0/r")})
	if err != nil {
		t.Fatal(err)
	}
	var told []string
	p.LeftOut = func(path, reason string) { told = append(told, path+": "+reason) }
	r := p.Repository(false)
	got, err := r.List(t.Context(), "")
	if diff := cmp.Diff([]mlruns.FileInfo{{Path: "f", Size: 4}}, got); diff != "" || err != nil {
		t.Errorf("List (-want +got): %v\n%s", err, diff)
	}
	dst := t.TempDir()
	if _, err := r.Download(t.Context(), "", dst); err != nil {
		t.Error(err)
	}
	wantTree(t, dst, map[string]string{"f": "kept"})
	if err := r.TellLeftOut(t.Context()); err != nil {
		t.Error(err)
	}
	want := "out: a symbolic link that leads outside of the directory, to '../../../../secret/f'; HINT"
	if diff := cmp.Diff([]string{want, want, want}, told); diff != "" {
		t.Errorf("told of (-want +got):\n%s", diff)
	}
	if err := r.Write(t.Context(), "f", strings.NewReader("new")); err == nil || !strings.Contains(err.Error(), "link") {
		t.Errorf("Write over a link: %v", err)
	}
	wantTree(t, w.at("annex"), map[string]string{"object": "kept"})
}

// A folder of artifacts that can be looked into by nobody is told of, and one that is missing is
// not.
func TestTellLeftOutOfTheTop(t *testing.T) {
	w := newWorld(t)
	r := w.own()
	w.mkdir("new/0/q")
	w.link(filepath.Join("..", "..", "..", "secret"), "new/0/q/artifacts")
	w.mkdir("new/0/p")
	w.link("nowhere", "new/0/p/artifacts")
	w.link("nowhere", "new/0/r/artifacts/gone")
	if _, err := r.Open(t.Context(), "gone"); !errors.Is(err, mlruns.ErrNotFound) || !strings.Contains(err.Error(), "leads nowhere") {
		t.Errorf("Open of a link to nowhere = %v", err)
	}
	for dir, want := range map[string]int{"0/q": 1, "0/none": 0, "0/p": 1} {
		told := 0
		p := Place{Fs: r.fs, Folder: dir + "/artifacts", TempDir: dir, LeftOut: func(string, string) { told++ }}
		if err := p.Repository(false).TellLeftOut(t.Context()); err != nil || told != want {
			t.Errorf("%s: told %d times, %v; want %d", dir, told, err, want)
		}
		if dir == "0/q" { // which a listing refuses
			continue
		}
		_, listErr := p.Repository(false).List(t.Context(), "")
		_, downErr := p.Repository(false).Download(t.Context(), "", t.TempDir())
		if listErr != nil || downErr != nil || told != 3*want {
			t.Errorf("%s: told %d times by all, %v, %v; want %d", dir, told, listErr, downErr, 3*want)
		}
	}
}
