package memfs_test

import (
	"runtime"
	"strings"
	"testing"

	"github.com/spf13/afero"

	"github.com/mlruns/mlruns/internal/memfs"
	"github.com/mlruns/mlruns/internal/rootfs"
)

// Any name means the same in memory and on the disk, and never anything outside.
func FuzzNames(f *testing.F) {
	if runtime.GOOS == "windows" {
		f.Skip("other rules for names")
	}
	for _, name := range []string{"", ".", "/", "d/f", "d/../g", "g/..", "../d", "d/sub/../../..", "d//f", "./d/./f/", "d/f/.", "\x00", "g/\x00", "g/" + strings.Repeat("n", 300), "d/\xff", strings.Repeat("n", 300)} {
		f.Add(name)
	}
	dir := f.TempDir()
	disk, err := rootfs.Open(dir, rootfs.Options{})
	if err != nil {
		f.Fatal(err)
	}
	f.Cleanup(func() { _ = disk.Close() })
	mem := memfs.New()
	for _, fsys := range []afero.Fs{mem, disk} {
		populate(f, fsys)
	}
	f.Fuzz(func(t *testing.T, name string) {
		want, wantErr := disk.Stat(name)
		got, err := mem.Stat(name)
		if class(err) != class(wantErr) {
			t.Fatalf("Stat(%q): memory %v, disk %v", name, err, wantErr)
		}
		if err == nil && got.IsDir() != want.IsDir() {
			t.Fatalf("Stat(%q): a directory in memory %v, on disk %v", name, got.IsDir(), want.IsDir())
		}
	})
}
