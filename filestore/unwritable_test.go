package filestore_test

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/spf13/afero"

	"github.com/mlruns/mlruns/filestore"
	"github.com/mlruns/mlruns/filestore/internal/filestoretest"
	"github.com/mlruns/mlruns/internal/faultfs"
	"github.com/mlruns/mlruns/internal/rootfs"
)

// readAll makes every call that reads.
func readAll(t *testing.T, s *filestore.Store) (calls int) {
	t.Helper()
	for _, c := range everyCall {
		if c.write || c.name == "DownloadArtifacts" { // which writes, beside the store
			continue
		}
		calls++
		if err := c.make(t.Context(), s); err != nil {
			t.Errorf("%s: %v", c.name, err)
		}
	}
	return calls
}

// TestReadsAttemptNoWrite opens a store and makes every call that reads, on a file system that
// counts: none of its operations could change the disk.
func TestReadsAttemptNoWrite(t *testing.T) {
	t.Parallel()
	dir := preparedDir(t)
	for name, opts := range map[string][]filestore.Option{"read-only": {filestore.WithReadOnly()}, "writable": nil, "that must exist": {filestore.WithMustExist()}} {
		for _, plain := range []bool{false, true} {
			root, err := rootfs.Open(filepath.Dir(dir), rootfs.Options{})
			if err != nil {
				t.Fatal(err)
			}
			defer root.Close()
			var base afero.Fs = root
			if plain {
				base = faultfs.Plain(base)
			}
			fsys := faultfs.New(base, nil)
			calls := readAll(t, filestoretest.Open(t, "/"+filepath.Base(dir), append(opts, filestore.WithFs(fsys))...))
			for _, op := range fsys.Ops() {
				if op.Kind.Mutates() || op.Kind == faultfs.Sync || op.Kind == faultfs.SyncDir {
					t.Errorf("a store opened %s: %s %s", name, op.Kind, op.Path)
				}
			}
			t.Logf("opened %s: %d calls, %d operations of the file system, none of which writes", name, calls, fsys.Count())
		}
	}
}

// A file system that counts would have seen a write.
func TestAWriteIsSeen(t *testing.T) {
	f := filestoretest.NewFaulty(t, false, filestore.SyncMeta)
	writes := 0
	f.Hook(func(op faultfs.Op) error {
		if op.Kind.Mutates() {
			writes++
		}
		return nil
	})
	f.Must(f.Store.SetTag(f.Ctx, "run", "t", "v"))
	if writes == 0 {
		t.Error("SetTag made no operation that writes")
	}
}

// readsUnwritable reads all of a store that the system lets nobody write, opened as for writing and
// read-only, and sees writing refused.
func readsUnwritable(t *testing.T, dir string, refused func(error) bool) {
	t.Helper()
	for _, opts := range [][]filestore.Option{{filestore.WithReadOnly()}, nil} {
		s := filestoretest.Open(t, dir, opts...)
		readAll(t, s)
		if opts == nil {
			if err := s.SetTag(t.Context(), "fresh", "t", "v"); !refused(err) {
				t.Errorf("SetTag: %v", err)
			}
		}
	}
	if err := os.WriteFile(filepath.Join(dir, "probe"), nil, 0o666); err == nil {
		t.Error("the directory can be written: nothing was shown")
	}
}
