package vfs_test

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"syscall"
	"testing"

	"github.com/spf13/afero"

	"github.com/mlruns/mlruns/internal/memfs"
	"github.com/mlruns/mlruns/internal/vfs"
)

// TestAdaptOnce checks that a file system that has all is left as it is, and that the lock tables,
// which compare file systems, take two adapters of one for the same.
func TestAdaptOnce(t *testing.T) {
	mem := memfs.New()
	if vfs.Adapt(mem) != vfs.FS(mem) {
		t.Error("a vfs.FS was adapted")
	}
	plain := afero.NewMemMapFs()
	if vfs.Adapt(plain) != vfs.Adapt(plain) {
		t.Error("two adapters of one file system differ")
	}
	if adapted := vfs.Adapt(plain); vfs.Adapt(adapted) != adapted {
		t.Error("an adapter was adapted")
	}
}

// TestAdaptedLacks checks what a store does without on a file system that has no more than afero
// asks for: no second links, no handles that may be kept, no path for a lock file.
func TestAdaptedLacks(t *testing.T) {
	fsys := vfs.Adapt(afero.NewMemMapFs())
	if err := afero.WriteFile(fsys, "d/f", []byte("text"), 0o666); err != nil {
		t.Fatal(err)
	}
	if err := fsys.Link("d/f", "d/g"); !errors.Is(err, errors.ErrUnsupported) {
		t.Errorf("Link: %v, want ErrUnsupported", err)
	}
	if fsys.Local() || fsys.Drive().Excludes {
		t.Error("it says that it is local, or that its locks exclude others")
	}
	if real, ok := fsys.RealPath("d/f"); ok {
		t.Errorf("RealPath is %q", real)
	}
	if seen, err := fsys.Identify("d/f", true); err != nil || seen.Size != 4 || seen.Mode != 0 || seen.MountRoot {
		t.Errorf("Identify: %+v, %v", seen, err)
	}
	if _, err := fsys.OpenFolder("d/f"); !errors.Is(err, syscall.ENOTDIR) {
		t.Errorf("OpenFolder of a file: %v, want ENOTDIR", err)
	}
	folder, err := fsys.OpenFolder("d")
	if err != nil {
		t.Fatal(err)
	}
	defer folder.Close()
	if data, err := folder.ReadFile("f", nil); string(data) != "text" || err != nil {
		t.Errorf("ReadFile: %q, %v", data, err)
	}
	if _, err := folder.ReadSmall("f", nil, 3); !errors.Is(err, vfs.ErrTooLarge) {
		t.Errorf("ReadSmall of a larger file: %v, want ErrTooLarge", err)
	}
	if _, err := folder.Open("."); !errors.Is(err, vfs.ErrNotRegular) {
		t.Errorf("Open of a folder: %v, want ErrNotRegular", err)
	}
}

// TestAdaptedFollows has links of every kind in a file system that knows of links and of no
// confinement.
func TestAdaptedFollows(t *testing.T) {
	dir := filepath.ToSlash(t.TempDir())
	if err := os.MkdirAll(filepath.Join(dir, "a", "b"), 0o777); err != nil {
		t.Fatal(err)
	}
	for name, to := range map[string]string{"a/beside": "b", "a/up": "../a/b", "a/gone": "nothing", "a/abs": dir, "a/out": "../../x", "loop": "loop", "a/chain": "beside/../up"} {
		if err := os.Symlink(to, filepath.Join(dir, filepath.FromSlash(name))); err != nil {
			t.Skip(err)
		}
	}
	for top, fsys := range map[string]afero.Fs{"": afero.NewBasePathFs(afero.NewOsFs(), dir), dir + "/": afero.NewOsFs()} {
		for name, want := range map[string]string{"a/b": "a/b", "a/beside": "a/b", "a/up/c": "a/b/c", "a/gone": "a/nothing", "missing/x": "missing/x", "a/chain": "a/b"} {
			got, away, err := vfs.Adapt(fsys).Follow(top + name)
			if got != top+want || away || err != nil {
				t.Errorf("%s: %q, %v, %v; want %q", top+name, got, away, err, top+want)
			}
		}
		if _, away, err := vfs.Adapt(fsys).Follow(top + "a/abs/x"); !away || err != nil {
			t.Errorf("an absolute link: %v, %v; want away", away, err)
		}
		if _, _, err := vfs.Adapt(fsys).Follow(top + "loop"); !errors.Is(err, syscall.ELOOP) {
			t.Errorf("a loop: %v, want ELOOP", err)
		}
	}
	if _, away, err := vfs.Adapt(afero.NewBasePathFs(afero.NewOsFs(), dir)).Follow("a/out"); !away || err != nil {
		t.Errorf("a link above the root: %v, %v; want away", away, err)
	}
	if _, err := vfs.Adapt(afero.NewMemMapFs()).Readlink("x"); err == nil || errors.Is(err, fs.ErrExist) {
		t.Errorf("Readlink without links: %v", err)
	}
}
