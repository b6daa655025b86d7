package rootfs

import (
	"errors"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"testing"
	"time"

	"github.com/mlruns/mlruns/internal/vfs"
)

func TestOpenWants(t *testing.T) {
	dir := t.TempDir()
	write(t, filepath.Join(dir, "file"), "")
	for _, test := range []struct {
		dir  string
		opts Options
	}{
		{filepath.Join(dir, "missing"), Options{}},
		{filepath.Join(dir, "file"), Options{}},
		{dir, Options{LinkTargets: []string{"relative"}}},
		{dir, Options{LinkTargets: []string{filepath.Join(dir, "missing")}}},
	} {
		if fsys, err := Open(test.dir, test.opts); err == nil {
			_ = fsys.Close()
			t.Errorf("Open(%q, %v) succeeded", test.dir, test.opts)
		}
	}
}

func TestReadOnly(t *testing.T) {
	dir := t.TempDir()
	write(t, filepath.Join(dir, "f"), "text")
	fsys := mustOpen(t, dir, Options{ReadOnly: true})
	before, err := os.Stat(dir)
	if err != nil {
		t.Fatal(err)
	}
	open := func(flag int) error { _, err := fsys.OpenFile("f", flag, 0o666); return err }
	_, create := fsys.Create("g")
	for call, err := range map[string]error{
		"create": create, "write": open(os.O_WRONLY), "rdwr": open(os.O_RDWR), "append": open(os.O_APPEND | os.O_WRONLY),
		"creat": open(os.O_CREATE), "trunc": open(os.O_TRUNC), "mkdir": fsys.Mkdir("d", 0o777), "mkdirall": fsys.MkdirAll("d/e", 0o777),
		"remove": fsys.Remove("f"), "removeall": fsys.RemoveAll("f"), "rename": fsys.Rename("f", "g"), "link": fsys.Link("f", "g"),
		"symlink": fsys.Symlink("f", "g"), "chmod": fsys.Chmod("f", 0), "chown": fsys.Chown("f", 0, 0),
		"chtimes": fsys.Chtimes("f", time.Now(), time.Now()), "sync": fsys.SyncDir("."),
	} {
		if !errors.Is(err, vfs.ErrReadOnly) || !errors.Is(err, fs.ErrPermission) {
			t.Errorf("%s = %v, want ErrReadOnly", call, err)
		}
	}
	if got, err := read(fsys, "f"); got != "text" || err != nil {
		t.Errorf("read = %q, %v; want text", got, err)
	}
	after, err := os.Stat(dir)
	if err != nil || !after.ModTime().Equal(before.ModTime()) {
		t.Errorf("the directory changed: %v, %v; want %v", after.ModTime(), err, before.ModTime())
	}
}

func TestBaseRenamed(t *testing.T) {
	top := t.TempDir()
	dir := filepath.Join(top, "a")
	write(t, filepath.Join(dir, "0", "f"), "text")
	fsys := mustOpen(t, dir, Options{})
	moved := filepath.Join(top, "b")
	if err := os.Rename(dir, moved); err != nil {
		t.Skip(err)
	}
	if got, err := read(fsys, "0/f"); got != "text" || err != nil {
		t.Errorf("read after the rename = %q, %v; want text", got, err)
	}
	if err := fsys.Mkdir("1", 0o777); err != nil {
		t.Error(err)
	}
	if _, err := os.Stat(filepath.Join(moved, "1")); err != nil {
		t.Errorf("not made in the new place: %v", err)
	}
	if runtime.GOOS == "linux" {
		want, err := filepath.EvalSymlinks(filepath.Join(moved, "0", "f"))
		if got, ok := fsys.RealPath("0/f"); got != want || !ok || err != nil {
			t.Errorf("RealPath = %q, %v; want %q", got, ok, want)
		}
	}
}

func TestRealPath(t *testing.T) {
	dir, err := filepath.EvalSymlinks(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	fsys := mustOpen(t, dir, Options{})
	for name, want := range map[string]string{"": dir, ".": dir, "0/missing": filepath.Join(dir, "0", "missing"), "/x": filepath.Join(dir, "x")} {
		if got, ok := fsys.RealPath(name); got != want || !ok {
			t.Errorf("RealPath(%q) = %q, %v; want %q", name, got, ok, want)
		}
	}
}

func TestClosed(t *testing.T) {
	dir := t.TempDir()
	write(t, filepath.Join(dir, "f"), "text")
	fsys := mustOpen(t, dir, Options{})
	folder, err := fsys.OpenFolder(".")
	if err != nil {
		t.Fatal(err)
	}
	if err := fsys.Close(); err != nil {
		t.Fatal(err)
	}
	if _, err := fsys.Open("f"); !errors.Is(err, fs.ErrClosed) {
		t.Errorf("Open after Close = %v, want ErrClosed", err)
	}
	if got, err := folder.ReadFile("f", nil); string(got) != "text" || err != nil {
		t.Errorf("ReadFile of a folder after Close of the file system = %q, %v; want text", got, err)
	}
	if err := folder.Close(); err != nil {
		t.Fatal(err)
	}
	for call, do := range map[string]func() error{
		"ReadFile":   func() error { _, err := folder.ReadFile("f", nil); return err },
		"Open":       func() error { _, err := folder.Open("f"); return err },
		"Entries":    func() error { _, err := folder.Entries(); return err },
		"Stat":       func() error { _, err := folder.Stat("f"); return err },
		"OpenFolder": func() error { _, err := folder.OpenFolder("f"); return err },
	} {
		if err := do(); !errors.Is(err, fs.ErrClosed) {
			t.Errorf("%s of a closed folder = %v, want ErrClosed", call, err)
		}
	}
}

// io.Copy finds *os.File on both sides, so that the kernel copies.
func TestHandlesAreOSFiles(t *testing.T) {
	fsys := mustOpen(t, t.TempDir(), Options{})
	f, err := fsys.Create("f")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = f.Close() }()
	if _, ok := f.(*os.File); !ok {
		t.Errorf("Create gave a %T, want *os.File", f)
	}
	if _, ok := f.(io.ReaderFrom); !ok {
		t.Errorf("%T is no io.ReaderFrom", f)
	}
}

func TestTruncate(t *testing.T) {
	fsys := mustOpen(t, t.TempDir(), Options{})
	for _, text := range []string{"longer text", "text"} {
		f, err := fsys.Create("f")
		if err != nil {
			t.Fatal(err)
		}
		if _, err := f.WriteString(text); err != nil {
			t.Fatal(err)
		}
		if err := f.Close(); err != nil {
			t.Fatal(err)
		}
		if got, err := read(fsys, "f"); got != text || err != nil {
			t.Errorf("Create left %q, %v; want %q", got, err, text)
		}
	}
}
