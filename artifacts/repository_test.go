package artifacts

import (
	"context"
	"errors"
	"io"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"testing/iotest"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/spf13/afero"

	"github.com/mlruns/mlruns"
	"github.com/mlruns/mlruns/internal/memfs"
)

func readAll(t testing.TB, r io.Reader) string {
	t.Helper()
	data, err := io.ReadAll(r)
	if err != nil {
		t.Fatal(err)
	}
	return string(data)
}

// own is the repository of the world's run.
func (w world) own() *Repository {
	w.t.Helper()
	p, err := Locate(w.run(""))
	if err != nil {
		w.t.Fatal(err)
	}
	return p.Repository(false)
}

// tree gives all below a directory: the content of files, "/" for folders, "-> x" for links.
func tree(t testing.TB, dir string) map[string]string {
	t.Helper()
	got := map[string]string{}
	err := filepath.WalkDir(dir, func(name string, d fs.DirEntry, err error) error {
		if err != nil || name == dir {
			return err
		}
		rel, _ := filepath.Rel(dir, name)
		rel = filepath.ToSlash(rel)
		switch {
		case d.IsDir():
			got[rel] = "/"
		case d.Type()&fs.ModeSymlink != 0:
			to, err := os.Readlink(name)
			got[rel] = "-> " + to
			return err
		default:
			data, err := os.ReadFile(name)
			got[rel] = string(data)
			return err
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return got
}

func wantTree(t testing.TB, dir string, want map[string]string) {
	t.Helper()
	if diff := cmp.Diff(want, tree(t, dir)); diff != "" {
		t.Errorf("tree differs (-want +got):\n%s", diff)
	}
}

func TestWriteAndRead(t *testing.T) {
	w := newWorld(t)
	stores := map[string]*Repository{"disk": w.own()}
	m := memfs.New()
	if err := m.MkdirAll("0/r", 0o777); err != nil {
		t.Fatal(err)
	}
	stores["memory"] = (&Place{Fs: m, Folder: "0/r/artifacts", TempDir: "0/r", Writable: true}).Repository(true)
	plain := afero.NewMemMapFs()
	if err := plain.MkdirAll("/s/0/r", 0o777); err != nil {
		t.Fatal(err)
	}
	stores["afero"] = (&Place{Fs: plain, Folder: "/s/0/r/artifacts", TempDir: "/s/0/r", Writable: true}).Repository(true)
	for name, r := range stores {
		t.Run(name, func(t *testing.T) {
			for p, text := range map[string]string{"f": "1", "d/e/g": "22", "a%20b": "333", "a#b": "", "é": "x", ".hidden": "h", "..d": ""} {
				err := r.Write(t.Context(), p, strings.NewReader(text))
				if p == "..d" {
					if !errors.Is(err, mlruns.ErrInvalid) {
						t.Errorf("Write(%q) = %v, want ErrInvalid, as MLflow", p, err)
					}
					continue
				}
				if err != nil {
					t.Fatal(err)
				}
				f, err := r.Open(t.Context(), p)
				if err != nil {
					t.Fatal(err)
				}
				if got := readAll(t, f); got != text {
					t.Errorf("%q holds %q, want %q", p, got, text)
				}
				_ = f.Close()
			}
			want := []mlruns.FileInfo{{Path: ".hidden", Size: 1}, {Path: "a#b"}, {Path: "a%20b", Size: 3}, {Path: "d", IsDir: true}, {Path: "f", Size: 1}, {Path: "é", Size: 1}}
			got, err := r.List(t.Context(), "")
			if diff := cmp.Diff(want, got); diff != "" || err != nil {
				t.Errorf("List (-want +got): %v\n%s", err, diff)
			}
			got, err = r.List(t.Context(), "d//e/")
			if diff := cmp.Diff([]mlruns.FileInfo{{Path: "d/e/g", Size: 2}}, got); diff != "" || err != nil {
				t.Errorf("List of d/e (-want +got): %v\n%s", err, diff)
			}
			for _, p := range []string{"f", "none", "none/x"} {
				if got, err := r.List(t.Context(), p); err != nil || got == nil || len(got) != 0 {
					t.Errorf("List(%q) = %v, %v, want an empty list", p, got, err)
				}
			}
			for _, p := range []string{"f", "none", "d"} {
				if err := r.Delete(t.Context(), p); err != nil {
					t.Errorf("Delete(%q): %v", p, err)
				}
				if _, err := r.Open(t.Context(), p); !errors.Is(err, mlruns.ErrNotFound) || err.Error() != "No such artifact: '"+p+"'" {
					t.Errorf("Open(%q) after Delete: %v", p, err)
				}
			}
			if err := r.Delete(t.Context(), ""); err != nil {
				t.Error(err)
			}
			if got, err := r.List(t.Context(), ""); err != nil || len(got) != 0 {
				t.Errorf("after deleting all: %v, %v", got, err)
			}
			if info, err := r.fs.Stat(r.folder); err != nil || !info.IsDir() {
				t.Errorf("the folder is gone: %v", err)
			}
		})
	}
}

func TestTraversal(t *testing.T) {
	w := newWorld(t)
	r := w.own()
	before := tree(t, w.dir)
	for _, p := range []string{"..", "../meta.yaml", "a/../../x", "/etc/passwd", w.plain("secret/f"), "a\x00", "\xff"} {
		_, openErr := r.Open(t.Context(), p)
		_, listErr := r.List(t.Context(), p)
		_, downErr := r.Download(t.Context(), p, w.at("out"))
		for verb, err := range map[string]error{
			"open": openErr, "list": listErr, "download": downErr,
			"delete": r.Delete(t.Context(), p),
			"write":  r.Write(t.Context(), p, strings.NewReader("x")),
			"log":    r.Log(t.Context(), w.at("secret/f"), p),
			"tree":   r.LogTree(t.Context(), w.at("secret"), p),
		} {
			if !errors.Is(err, mlruns.ErrInvalid) {
				t.Errorf("%s %q: %v, want ErrInvalid", verb, p, err)
			}
		}
	}
	wantTree(t, w.dir, before)
}

func TestLinksInTheArtifacts(t *testing.T) {
	w := newWorld(t)
	r := w.own()
	w.mkdir("new/0/r/artifacts/d")
	w.file("new/0/r/artifacts/d/g", "12345")
	w.link("d/g", "new/0/r/artifacts/file")
	w.link("d", "new/0/r/artifacts/folder")
	w.link(w.at("secret"), "new/0/r/artifacts/out")
	w.link("../../../../secret/f", "new/0/r/artifacts/outfile")
	w.link("nowhere", "new/0/r/artifacts/broken")
	got, err := r.List(t.Context(), "")
	want := []mlruns.FileInfo{{Path: "d", IsDir: true}, {Path: "file", Size: 5}, {Path: "folder", IsDir: true}}
	if diff := cmp.Diff(want, got); diff != "" || err != nil {
		t.Errorf("List (-want +got): %v\n%s", err, diff)
	}
	_, listErr := r.List(t.Context(), "out")
	_, openErr := r.Open(t.Context(), "outfile")
	_, downErr := r.Download(t.Context(), "out", t.TempDir())
	for verb, err := range map[string]error{"list": listErr, "open": openErr, "download": downErr,
		"write": r.Write(t.Context(), "out/x", strings.NewReader("x")), "log": r.Log(t.Context(), w.at("out/here/f"), "out"),
		"tree": r.LogTree(t.Context(), w.at("out"), "out")} {
		if !errors.Is(err, mlruns.ErrOutside) {
			t.Errorf("%s through a link out: %v, want ErrOutside", verb, err)
		}
	}
	if err := r.Write(t.Context(), "outfile", strings.NewReader("x")); !errors.Is(err, mlruns.ErrInvalid) {
		t.Errorf("write over a link: %v, want ErrInvalid", err)
	}
	if err := r.Delete(t.Context(), ""); err != nil {
		t.Error(err)
	}
	wantTree(t, w.at("new"), map[string]string{"0": "/", "0/r": "/", "0/r/artifacts": "/"})
	wantTree(t, w.at("secret"), map[string]string{"f": "secret"})
}

func TestFailuresLeaveNothing(t *testing.T) {
	w := newWorld(t)
	r := w.own()
	w.file("new/0/r/artifacts/f", "old")
	broken := errors.New("broken")
	ended, cancel := context.WithCancel(t.Context())
	calls := 0
	cancelling := readerFunc(func(b []byte) (int, error) {
		cancel()
		if calls++; calls > 10 {
			return 0, io.EOF
		}
		return copy(b, "half"), nil
	})
	before := tree(t, w.at("new"))
	for name, c := range map[string]struct {
		ctx  context.Context
		r    io.Reader
		want error
	}{
		"failing":   {t.Context(), io.MultiReader(strings.NewReader("half"), iotest.ErrReader(broken)), broken},
		"cancelled": {ended, cancelling, context.Canceled},
	} {
		for _, p := range []string{"f", "new/folder/g"} {
			if err := r.Write(c.ctx, p, c.r); !errors.Is(err, c.want) {
				t.Errorf("%s: Write(%q) = %v, want %v", name, p, err, c.want)
			}
		}
		wantTree(t, w.at("new"), before)
	}
}

type readerFunc func([]byte) (int, error)

func (f readerFunc) Read(b []byte) (int, error) { return f(b) }

func TestNoHalfFileIsSeen(t *testing.T) {
	w := newWorld(t)
	r := w.own()
	if err := r.Write(t.Context(), "f", strings.NewReader("old")); err != nil {
		t.Fatal(err)
	}
	looks := 0
	slow := readerFunc(func(b []byte) (int, error) {
		f, err := r.Open(t.Context(), "f")
		if err != nil {
			t.Fatal(err)
		}
		defer f.Close()
		if got := readAll(t, f); got != "old" {
			t.Errorf("seen in the middle: %q, want the old content", got)
		}
		if list, err := r.List(t.Context(), ""); err != nil || len(list) != 1 {
			t.Errorf("listed in the middle: %v, %v, want one file", list, err)
		}
		if looks++; looks > 3 {
			return 0, io.EOF
		}
		return copy(b, "new"), nil
	})
	if err := r.Write(t.Context(), "f", slow); err != nil {
		t.Fatal(err)
	}
	wantTree(t, w.at("new/0/r"), map[string]string{"artifacts": "/", "artifacts/f": "newnewnew"})
}

func TestTemporaryFilesAreHidden(t *testing.T) {
	w := newWorld(t)
	r := w.run(w.uri("out/here"))
	r.Allowed, r.ForWriting = []string{w.at("out")}, true
	p, err := Locate(r)
	if err != nil {
		t.Fatal(err)
	}
	defer p.Close()
	w.file("out/here/.mlruns-tmp-left", "half")
	list, err := p.Repository(false).List(t.Context(), "")
	if diff := cmp.Diff([]mlruns.FileInfo{{Path: "f", Size: 7}}, list); diff != "" || err != nil {
		t.Errorf("List (-want +got): %v\n%s", err, diff)
	}
	dst := t.TempDir()
	if _, err := p.Repository(false).Download(t.Context(), "", dst); err != nil {
		t.Fatal(err)
	}
	wantTree(t, dst, map[string]string{"f": "outside"})
}

func TestInTheWay(t *testing.T) {
	w := newWorld(t)
	r := w.own()
	w.file("new/0/r/artifacts/a", "file")
	w.mkdir("new/0/r/artifacts/d")
	w.mkdir("src/a")
	w.mkdir("src2/x")
	before := tree(t, w.at("new"))
	for name, c := range map[string]struct {
		err   error
		names []string
	}{
		"write below a file":      {r.Write(t.Context(), "a/b/c", strings.NewReader("x")), []string{"'a'", "'a/b/c'"}},
		"write over a folder":     {r.Write(t.Context(), "d", strings.NewReader("x")), []string{"'d'"}},
		"log below a file":        {r.Log(t.Context(), w.at("out/here/f"), "a"), []string{"'a'", "'a/f'"}},
		"a folder over a file":    {r.LogTree(t.Context(), w.at("src"), ""), []string{"'a'"}},
		"a folder below a file":   {r.LogTree(t.Context(), w.at("src2"), "a/q"), []string{"'a'", "'a/q'"}},
		"no name":                 {r.Write(t.Context(), "", strings.NewReader("x")), nil},
		"a file as source folder": {r.LogTree(t.Context(), w.at("secret/f"), ""), []string{"f'"}},
	} {
		if !errors.Is(c.err, mlruns.ErrInvalid) {
			t.Errorf("%s: %v, want ErrInvalid", name, c.err)
			continue
		}
		for _, n := range c.names {
			if !strings.Contains(c.err.Error(), n) {
				t.Errorf("%s: the text %q does not name %s", name, c.err, n)
			}
		}
	}
	wantTree(t, w.at("new"), before)
	if _, err := r.Open(t.Context(), "d"); !errors.Is(err, mlruns.ErrInvalid) {
		t.Errorf("Open of a folder: %v, want ErrInvalid", err)
	}
}

func TestLog(t *testing.T) {
	w := newWorld(t)
	r := w.own()
	old := time.Date(2001, 2, 3, 4, 5, 6, 0, time.UTC)
	w.file("src.sh", "run")
	if err := errors.Join(os.Chmod(w.at("src.sh"), 0o750), os.Chtimes(w.at("src.sh"), old, old)); err != nil {
		t.Fatal(err)
	}
	for range 2 {
		if err := r.Log(t.Context(), w.at("src.sh"), "bin/x"); err != nil {
			t.Fatal(err)
		}
	}
	info, err := os.Stat(w.at("new/0/r/artifacts/bin/x/src.sh"))
	if err != nil {
		t.Fatal(err)
	}
	if !info.ModTime().Equal(old) || runtime.GOOS != "windows" && info.Mode().Perm() != 0o750 {
		t.Errorf("mode %v, time %v, want those of the source", info.Mode(), info.ModTime())
	}
	if err := r.Log(t.Context(), w.at("new/0/r/artifacts/bin/x/src.sh"), "bin/x"); err != nil {
		t.Errorf("a file onto itself: %v", err)
	}
	for name, err := range map[string]error{"file": r.Log(t.Context(), w.at("none"), ""), "tree": r.LogTree(t.Context(), w.at("none"), "")} {
		if !errors.Is(err, fs.ErrNotExist) {
			t.Errorf("a missing %s: %v, want fs.ErrNotExist", name, err)
		}
	}
	if err := r.Log(t.Context(), w.at("out"), "top"); err != nil {
		t.Error(err)
	}
	wantTree(t, w.at("new/0/r/artifacts"), map[string]string{"bin": "/", "bin/x": "/", "bin/x/src.sh": "run",
		"top": "/", "top/out": "/", "top/out/here": "/", "top/out/here/f": "outside"})
}

func TestLogTree(t *testing.T) {
	w := newWorld(t)
	r := w.own()
	w.mkdir("src/empty/er")
	w.mkdir("src/d")
	w.file("src/d/new", "1")
	w.file("src/d/both", "2")
	w.file("src/.hidden", "3")
	w.link(w.at("secret/f"), "src/filelink")
	w.link(w.at("secret"), "src/folderlink")
	w.link(".", "src/circle")
	w.mkdir("new/0/r/artifacts/to/d")
	w.file("new/0/r/artifacts/to/d/both", "old")
	w.file("new/0/r/artifacts/to/d/kept", "kept")
	if err := r.LogTree(t.Context(), w.at("src"), "to"); err != nil {
		t.Fatal(err)
	}
	want := map[string]string{"d": "/", "d/new": "1", "d/both": "2", "d/kept": "kept", ".hidden": "3", "empty": "/", "empty/er": "/", "filelink": "secret"}
	wantTree(t, w.at("new/0/r/artifacts/to"), want)

	dst := t.TempDir()
	where, err := r.Download(t.Context(), "to", dst)
	if err != nil || where != filepath.Join(dst, "to") {
		t.Fatalf("Download = %q, %v", where, err)
	}
	wantTree(t, where, want)
}

func TestCopyIntoItself(t *testing.T) {
	w := newWorld(t)
	r := w.own()
	w.file("new/0/r/artifacts/f", "x")
	if err := r.LogTree(t.Context(), w.at("new"), "all"); err != nil {
		t.Fatal(err)
	}
	want := map[string]string{"f": "x", "all": "/", "all/0": "/", "all/0/r": "/", "all/0/r/artifacts": "/", "all/0/r/artifacts/f": "x"}
	wantTree(t, w.at("new/0/r/artifacts"), want)
	if err := r.LogTree(t.Context(), w.at("new/0/r/artifacts"), ""); err != nil {
		t.Fatal(err)
	}
	wantTree(t, w.at("new/0/r/artifacts"), want)
	w.mkdir("new/0/r/artifacts/dst")
	if _, err := r.Download(t.Context(), "", w.at("new/0/r/artifacts/dst")); err != nil {
		t.Fatal(err)
	}
	if got := len(tree(t, w.at("new/0/r/artifacts/dst"))); got != len(want) {
		t.Errorf("the copy has %d entries, want %d", got, len(want))
	}
}

func TestDownload(t *testing.T) {
	w := newWorld(t)
	r := w.own()
	for _, p := range []string{"f", "d/g"} {
		if err := r.Write(t.Context(), p, strings.NewReader(p)); err != nil {
			t.Fatal(err)
		}
	}
	dst := t.TempDir()
	for p, want := range map[string]string{"f": "f", "d/g": "d/g", "d": "d", "": ""} {
		if got, err := r.Download(t.Context(), p, dst); err != nil || got != filepath.Join(dst, filepath.FromSlash(want)) {
			t.Errorf("Download(%q) = %q, %v", p, got, err)
		}
	}
	wantTree(t, dst, map[string]string{"f": "f", "d": "/", "d/g": "d/g"})
	for _, c := range []struct{ p, dst, text string }{
		{"none", dst, "No such artifact: 'none'"},
		{"f/x", dst, "No such artifact: 'f/x'"},
		{"f", path.Join(dst, "none"), "The destination path for downloaded artifacts does not exist! Destination path: " + path.Join(dst, "none")},
	} {
		if _, err := r.Download(t.Context(), c.p, c.dst); !errors.Is(err, mlruns.ErrNotFound) || err.Error() != c.text {
			t.Errorf("Download(%q, %q): %v, want %q", c.p, c.dst, err, c.text)
		}
	}
	want := "The destination path for downloaded artifacts must be a directory! Destination path: " + w.at("secret/f")
	if _, err := r.Download(t.Context(), "f", w.at("secret/f")); !errors.Is(err, mlruns.ErrInvalid) || err.Error() != want {
		t.Errorf("Download to a file: %v, want %q", err, want)
	}
}

func TestDownloadFollowsNoLinksOut(t *testing.T) {
	w := newWorld(t)
	r := w.own()
	for _, p := range []string{"f", "d/f"} {
		if err := r.Write(t.Context(), p, strings.NewReader("new")); err != nil {
			t.Fatal(err)
		}
	}
	w.mkdir("dst")
	w.link(w.at("secret/f"), "dst/f")
	w.link(w.at("secret"), "dst/d")
	for p, want := range map[string]error{"f": mlruns.ErrInvalid, "d/f": mlruns.ErrOutside, "d": mlruns.ErrOutside} {
		if _, err := r.Download(t.Context(), p, w.at("dst")); !errors.Is(err, want) {
			t.Errorf("Download(%q) over a link: %v, want %v", p, err, want)
		}
	}
	wantTree(t, w.at("secret"), map[string]string{"f": "secret"})
}
