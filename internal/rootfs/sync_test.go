package rootfs_test

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"testing"

	"github.com/spf13/afero"

	"github.com/mlruns/mlruns/internal/rootfs"
)

// TestSyncAll syncs more files than are synced at once, and tells of each that cannot be.
func TestSyncAll(t *testing.T) {
	fsys, err := rootfs.Open(t.TempDir(), rootfs.Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = fsys.Close() }()
	var files []afero.File
	for i := range 40 {
		f, err := fsys.OpenFile(fmt.Sprint(i), os.O_CREATE|os.O_WRONLY, 0o666)
		if err != nil {
			t.Fatal(err)
		}
		defer func() { _ = f.Close() }()
		if _, err := f.WriteString("text"); err != nil {
			t.Fatal(err)
		}
		files = append(files, f)
	}
	if err := fsys.SyncAll(files, []string{"."}); err != nil {
		t.Errorf("files and a folder: %v", err)
	}
	if err := fsys.SyncAll(nil, []string{".", "none"}); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("a folder that is not there: %v", err)
	}
	if err := files[30].Close(); err != nil {
		t.Fatal(err)
	}
	if err := fsys.SyncAll(files, []string{"."}); err == nil {
		t.Error("a closed file: no error")
	}
}
