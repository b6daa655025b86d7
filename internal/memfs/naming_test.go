package memfs_test

import (
	"errors"
	"io/fs"
	"os"
	"syscall"
	"testing"

	"github.com/spf13/afero"

	"github.com/mlruns/mlruns/internal/memfs"
)

// TestNaming has names that mean the same file, are kept otherwise, or cannot be.
func TestNaming(t *testing.T) {
	m := memfs.NewNaming(memfs.Windows)
	must := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	must(m.MkdirAll("/Dir./sub", 0o777))
	must(afero.WriteFile(m, "/dir/Loss", []byte("1"), 0o666))
	must(afero.WriteFile(m, "/DIR/loss. .", []byte("2"), 0o666))
	if data, err := afero.ReadFile(m, "/dir/LOSS"); err != nil || string(data) != "2" {
		t.Errorf("read %q, %v", data, err)
	}
	if err := m.Link("/dir/loss", "/dir/LOSS"); !errors.Is(err, fs.ErrExist) {
		t.Errorf("link: %v, want that it exists", err)
	}
	if _, err := m.OpenFile("/dir/loss", os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o666); !errors.Is(err, fs.ErrExist) {
		t.Errorf("exclusive creation: %v, want that it exists", err)
	}
	must(afero.WriteFile(m, "/dir/tmp", nil, 0o666))
	for what, err := range map[string]error{"rename": m.Rename("/dir/tmp", "/dir/a:b"), "link": m.Link("/dir/tmp", "/dir/a?"), "mkdir": m.Mkdir("/dir/a*", 0o777),
		"write": afero.WriteFile(m, "/dir/a|b", nil, 0o666)} {
		if !errors.Is(err, syscall.EINVAL) {
			t.Errorf("%s: %v, want %v", what, err, syscall.EINVAL)
		}
	}
	if _, err := m.Stat("/dir/a:b"); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("a name that cannot be: %v, want that it does not exist", err)
	}
	names := func(m *memfs.FS) (list []string) {
		infos, err := afero.ReadDir(m, "/dir")
		must(err)
		for _, info := range infos {
			list = append(list, info.Name())
		}
		return list
	}
	if got := names(m); len(got) != 3 || got[0] != "Loss" || got[1] != "sub" || got[2] != "tmp" {
		t.Errorf("names %v", got)
	}
	m.SyncEverything()
	if _, err := m.CrashClone(nil).Stat("/DIR/loss"); err != nil {
		t.Errorf("after a power cut: %v", err)
	}
}
