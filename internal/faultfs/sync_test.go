package faultfs_test

import (
	"errors"
	"os"
	"testing"

	"github.com/spf13/afero"

	"github.com/mlruns/mlruns/internal/faultfs"
	"github.com/mlruns/mlruns/internal/memfs"
	"github.com/mlruns/mlruns/internal/rootfs"
	"github.com/mlruns/mlruns/internal/vfs"
)

// TestSyncAll fails each sync of three in turn: the other two are done all the same, as a power cut
// shows, in memory and on a disk.
func TestSyncAll(t *testing.T) {
	disk, err := rootfs.Open(t.TempDir(), rootfs.Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer disk.Close()
	memory := memfs.New()
	for name, inner := range map[string]afero.Fs{"memory": memory, "disk": disk} {
		for failing := range 4 {
			syncs := 0
			fsys := faultfs.New(inner, func(op faultfs.Op) error {
				if op.Kind != faultfs.Sync && op.Kind != faultfs.SyncDir {
					return nil
				}
				if syncs++; syncs-1 == failing {
					return faultfs.ErrInjected
				}
				return nil
			})
			var files []afero.File
			for _, file := range []string{"a", "b"} {
				f, err := fsys.OpenFile(file, os.O_RDWR|os.O_CREATE|os.O_TRUNC, 0o666)
				if err == nil {
					_, err = f.WriteString("text")
				}
				if err != nil {
					t.Fatal(err)
				}
				defer f.Close()
				files = append(files, f)
			}
			err := fsys.(vfs.FS).SyncAll(files, []string{"."})
			if errors.Is(err, faultfs.ErrInjected) != (failing < 3) || syncs != 3 {
				t.Errorf("%s, %d fails: %v after %d syncs, want 3", name, failing, err, syncs)
			}
			if name == "memory" && failing == 1 { // "b", the last file, comes after the directory
				if data, _ := afero.ReadFile(memory.CrashClone(nil), "a"); string(data) != "text" {
					t.Errorf("the file that did not fail holds %q after a power cut", data)
				}
			}
		}
	}
}
