package vfs_test

import (
	"os"
	"path/filepath"
	"syscall"
	"testing"
	"time"

	"github.com/mlruns/mlruns/internal/vfs"
)

// TestClockIsNotAheadOfFiles makes files, none of which is marked with a time before that of the
// clock that was read first, as many would be with time.Now.
func TestClockIsNotAheadOfFiles(t *testing.T) {
	dir, ahead := t.TempDir(), 0
	for range 200 {
		name := filepath.Join(dir, "f")
		clock, now := vfs.Clock(), time.Now()
		if err := os.WriteFile(name, nil, 0o666); err != nil {
			t.Fatal(err)
		}
		info, err := os.Stat(name)
		if err != nil {
			t.Fatal(err)
		}
		st, _ := info.Sys().(*syscall.Stat_t)
		changed := time.Unix(st.Ctim.Unix())
		if changed.Before(clock.Round(0)) {
			t.Fatalf("a file that was made after %v was changed at %v", clock, changed)
		}
		if changed.Before(now.Round(0)) {
			ahead++
		}
		if err := os.Remove(name); err != nil {
			t.Fatal(err)
		}
	}
	t.Logf("time.Now was ahead %d times", ahead)
}
