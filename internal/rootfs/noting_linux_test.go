package rootfs

import (
	"maps"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/mlruns/mlruns/internal/vfs"
)

// TestNoting wants of each file that was read what a look at it tells, and nothing of what a link
// leads to or was not read.
func TestNoting(t *testing.T) {
	store, _, _ := tree(t)
	fsys := mustOpen(t, store, Options{})
	mustBeneath(t, fsys)
	write(t, filepath.Join(store, "0", "sub", "deep", "large"), strings.Repeat("x", 3*page))
	write(t, filepath.Join(store, "0", "sub", "small"), "x")
	write(t, filepath.Join(store, "0", "empty"), "")
	if err := os.Chtimes(filepath.Join(store, "0", "empty"), time.Time{}, time.UnixMilli(1)); err != nil {
		t.Fatal(err)
	}
	if err := os.Link(filepath.Join(store, "0", "sub", "small"), filepath.Join(store, "0", "second")); err != nil {
		t.Fatal(err)
	}
	plain := mustFolder(t, fsys, "0")
	got := map[string]vfs.Identity{}
	f := vfs.Noting(plain, func(name string, id vfs.Identity) {
		if _, again := got[name]; again {
			t.Errorf("told twice of one reading of %s", name)
		}
		got[name] = id
	})
	sub, err := f.OpenFolder("sub")
	if err != nil {
		t.Fatal(err)
	}
	deep, err := sub.OpenFolder("deep")
	if err != nil {
		t.Fatal(err)
	}
	indir, err := f.OpenFolder("indir") // a link to the same folder
	if err != nil {
		t.Fatal(err)
	}
	buf := make([]byte, 0, page)
	_, _ = indir.ReadListed("meta.yaml", buf, vfs.MaxReadFile)
	_, _ = f.ReadListed("in", buf, vfs.MaxReadFile)
	_, _ = f.ReadFile("missing", buf)
	_, _ = deep.ReadSmall("large", buf, page)
	unseen := map[string]vfs.Identity{"in": {}, "missing": {}, "sub/deep/large": {}}
	if !maps.Equal(got, unseen) {
		t.Errorf("told %v, want %v", got, unseen)
	}
	for name, read := range map[string]func() ([]byte, error){
		"meta.yaml":      func() ([]byte, error) { return f.ReadFile("meta.yaml", buf) },
		"second":         func() ([]byte, error) { return f.ReadListed("second", buf, vfs.MaxReadFile) },
		"empty":          func() ([]byte, error) { return f.ReadListed("empty", buf, vfs.MaxReadFile) },
		"sub/small":      func() ([]byte, error) { return sub.ReadListed("small", buf, vfs.MaxReadFile) },
		"sub/deep/large": func() ([]byte, error) { return deep.ReadListed("large", buf, vfs.MaxReadFile) },
		"sub/./small":    func() ([]byte, error) { return f.ReadSmall("sub/./small", buf, vfs.MaxReadFile) },
	} {
		clear(got)
		if _, err := read(); err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		want, err := plain.Look("", name)
		if err != nil {
			t.Fatal(err)
		}
		if name == "sub/./small" { // which goes the way of os.Root
			want = vfs.Identity{}
		}
		if len(got) != 1 || got[name] != want {
			t.Errorf("%s: told %v, a look says %v", name, got, want)
		}
	}
	other := vfs.Noting(plain, func(string, vfs.Identity) {})
	if err := other.Close(); err != nil {
		t.Fatal(err)
	}
	if _, err := plain.ReadFile("meta.yaml", buf); err == nil {
		t.Error("the folder is open after the one that tells of it was closed")
	}
}
