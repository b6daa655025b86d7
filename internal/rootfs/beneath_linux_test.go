package rootfs

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/mlruns/mlruns/internal/vfs"
)

func mustBeneath(t *testing.T, fsys *Fs) *beneath {
	t.Helper()
	if fsys.quick == nil {
		if !portable {
			t.Log("the kernel has no openat2 for us")
		}
		t.Skip("os.Root alone")
	}
	return fsys.quick
}

// openat2 opens plain names, says what is missing, and leaves all that has a link or another form
// to os.Root.
func TestBeneath(t *testing.T) {
	store, _, _ := tree(t)
	b := mustBeneath(t, mustOpen(t, store, Options{}))
	for name, want := range map[string]error{
		".": nil, "0": nil, "0/meta.yaml": nil,
		"missing": syscall.ENOENT, "0/missing": syscall.ENOENT, "missing/x": syscall.ENOENT,
		"0/in": errSlow, "0/in2": errSlow, "0/indir/meta.yaml": errSlow, "0/abs": errSlow, "0/dangling": errSlow, "0/loop": errSlow, "0/scratch/deep/a": errSlow,
		"0/meta.yaml/x": errSlow, "..": errSlow, "0/..": errSlow, "0/../0/meta.yaml": errSlow, "../secret/s": errSlow, "/0/meta.yaml": errSlow, "": errSlow,
		"0//meta.yaml": errSlow, "./0": errSlow, "0/": errSlow, "0\x00": errSlow,
	} {
		fd, err := b.open(name, unix.O_PATH, 0)
		if !errors.Is(err, want) {
			t.Errorf("open(%q) = %v, want %v", name, err, want)
		}
		if err == nil {
			_ = unix.Close(fd)
		}
	}
	if _, err := b.open("0/meta.yaml", os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o666); !errors.Is(err, fs.ErrExist) {
		t.Errorf("O_EXCL of a file that is there = %v, want ErrExist", err)
	}
	if info, err := b.stat("0/abs", true); err != nil || info.Mode().Type() != fs.ModeSymlink {
		t.Errorf("lstat of a link = %v, %v; want a link", info, err)
	}
}

// The number of the directory's handle is never that of another file, however a call and Close
// meet.
func TestBeneathClosedMeanwhile(t *testing.T) {
	dir := t.TempDir()
	write(t, filepath.Join(dir, "store", "f"), "in")
	write(t, filepath.Join(dir, "f"), "out")
	for range 50 {
		fsys := mustOpen(t, filepath.Join(dir, "store"), Options{})
		mustBeneath(t, fsys)
		var wg sync.WaitGroup
		for range 4 {
			wg.Go(func() {
				for {
					got, err := read(fsys, "f")
					if err != nil {
						if !errors.Is(err, fs.ErrClosed) {
							t.Errorf("read: %v", err)
						}
						return
					}
					if got != "in" {
						t.Errorf("read %q of another directory", got)
					}
				}
			})
		}
		_ = fsys.Close()
		other, err := os.Open(dir)
		wg.Wait()
		if err == nil {
			_ = other.Close()
		}
	}
}

// Handles have the names that os.Root gives them: a lock finds its file by it.
func TestBeneathNames(t *testing.T) {
	store, _, _ := tree(t)
	for _, opts := range []Options{{}, {Portable: true}} {
		f, err := mustOpen(t, store, opts).Open("0/meta.yaml")
		if err != nil {
			t.Fatal(err)
		}
		if want := filepath.Join(store, "0", "meta.yaml"); f.Name() != want {
			t.Errorf("Portable %v: the name is %q, want %q", opts.Portable, f.Name(), want)
		}
		_ = f.Close()
	}
}

// A folder's names may have several elements.
func TestFolderBelow(t *testing.T) {
	store, _, _ := tree(t)
	write(t, filepath.Join(store, "0", "run", "metrics", "a", "b"), "deep")
	fsys := mustOpen(t, store, Options{})
	mustBeneath(t, fsys)
	folder, ok := mustFolder(t, fsys, "0").(*dirFolder)
	if !ok {
		t.Fatal("not the folder of this platform")
	}
	for name, want := range map[string]error{"run/metrics/a/b": nil, "run/metrics": nil, "run/metrics/x": syscall.ENOENT, "indir/in": errLink, "absdir/s": errLink, "../0/run": errLink} {
		fd, err := folder.openPlain(name, syscall.O_RDONLY)
		if !errors.Is(err, want) {
			t.Errorf("openPlain(%q) = %v, want %v", name, err, want)
		}
		if err == nil {
			_ = unix.Close(fd)
		}
	}
}

// What changes names does so in the folder above, or leaves it to os.Root.
func TestBeneathChanges(t *testing.T) {
	store, _, _ := tree(t)
	b := mustBeneath(t, mustOpen(t, store, Options{}))
	write(t, filepath.Join(store, "0", "other"), "other")
	for _, c := range []struct {
		what string
		done bool
		want bool
	}{
		{"mkdir", b.mkdir("0/new", 0o777), true},
		{"mkdir in the root", b.mkdir("top", 0o777), true},
		{"mkdir of what is there", b.mkdir("0", 0o777), false},
		{"mkdir below a link", b.mkdir("0/indir/x", 0o777), false},
		{"mkdir of .", b.mkdir(".", 0o777), false},
		{"mkdir below what is missing", b.mkdir("none/x", 0o777), false},
		{"link", b.link("0/meta.yaml", "0/new/copy"), true},
		{"link over a file", b.link("0/meta.yaml", "0/new/copy"), false},
		{"rename over a file", b.rename("0/other", "0/new/copy"), true},
		{"rename", b.rename("0/new/copy", "top/f"), true},
		{"rename of a folder over an empty one", b.rename("top", "0/new"), false},
		{"rename of a file over a folder", b.rename("top/f", "0/new"), false},
		{"rename of what is missing", b.rename("0/none", "0/x"), false},
		{"rename out", b.rename("top/f", "../f"), false},
		{"remove", b.remove("0/meta.yaml"), true},
		{"remove of a link, which is not followed", b.remove("0/in"), true},
		{"remove of a folder", b.remove("top"), false},
		{"remove below a link", b.remove("0/indir/meta.yaml"), false},
	} {
		if c.done != c.want {
			t.Errorf("%s: done %v, want %v", c.what, c.done, c.want)
		}
	}
	for name, want := range map[string]string{"top/f": "other", "0/other": "", "0/meta.yaml": "", "0/new/copy": ""} {
		if got, _ := os.ReadFile(filepath.Join(store, name)); string(got) != want {
			t.Errorf("%s holds %q, want %q", name, got, want)
		}
	}
	for _, name := range []string{"0/new", "top", "0/indir"} {
		if _, err := os.Lstat(filepath.Join(store, name)); err != nil {
			t.Error(err)
		}
	}
}

// A link that has taken the place of a listed file is not followed out.
func TestReadListedOfLinks(t *testing.T) {
	store, _, _ := tree(t)
	folder := mustFolder(t, mustOpen(t, store, Options{}), "0")
	for _, name := range []string{"rel", "abs", "sibling", "chain", "tolink", "reldir/s", "absdir/s", "../../secret/s"} {
		if got, err := folder.ReadListed(name, make([]byte, 0, 4096), vfs.MaxReadFile); !errors.Is(err, vfs.ErrOutside) {
			t.Errorf("ReadListed(%s) = %q, %v, want ErrOutside", name, got, err)
		}
	}
}

// The short way is taken where it is known to be right, for a small file and a large one, and left
// to ReadSmall elsewhere.
func TestReadListedShortWay(t *testing.T) {
	store, _, _ := tree(t)
	fsys := mustOpen(t, store, Options{})
	mustBeneath(t, fsys)
	write(t, filepath.Join(store, "0", "large"), strings.Repeat("x", 3*page))
	write(t, filepath.Join(store, "0", "empty"), "")
	folder, ok := mustFolder(t, fsys, "0").(*dirFolder)
	if !ok {
		t.Fatal("not the folder of this platform")
	}
	if !folder.fromCache() {
		t.Skip("the temporary directory is on no file system of the list")
	}
	buf := make([]byte, 0, page)
	for name, size := range map[string]int{"meta.yaml": 2, "large": 3 * page, "empty": 0} {
		if got, ok := folder.readListed(name, buf, vfs.MaxReadFile, nil); !ok || len(got) != size {
			t.Errorf("readListed(%s) = %d bytes, %v; want %d", name, len(got), ok, size)
		}
	}
	for _, name := range []string{"none", "rel", "indir"} {
		if got, ok := folder.readListed(name, buf, vfs.MaxReadFile, nil); ok {
			t.Errorf("readListed(%s) = %q", name, got)
		}
	}
	if err := unix.Mount(filepath.Join(store, "0", "large"), filepath.Join(store, "0", "empty"), "", unix.MS_BIND, ""); err == nil {
		defer func() { _ = unix.Unmount(filepath.Join(store, "0", "empty"), 0) }()
		if got, ok := folder.readListed("empty", buf, vfs.MaxReadFile, nil); ok {
			t.Errorf("readListed of what is mounted = %d bytes", len(got))
		}
		if got, err := folder.ReadListed("empty", buf, vfs.MaxReadFile); len(got) != 3*page || err != nil {
			t.Errorf("ReadListed of what is mounted = %d bytes, %v", len(got), err)
		}
	}
	elsewhere, ok := mustFolder(t, fsys, "0").(*dirFolder)
	if !ok {
		t.Fatal("not the folder of this platform")
	}
	elsewhere.cached.Store(cachedNo)
	if got, ok := elsewhere.readListed("meta.yaml", buf, vfs.MaxReadFile, nil); ok {
		t.Errorf("readListed on another file system = %q", got)
	}
}
