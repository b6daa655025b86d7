package filestore_test

import (
	"testing"

	"github.com/spf13/afero"

	"github.com/mlruns/mlruns"
	"github.com/mlruns/mlruns/filestore"
	"github.com/mlruns/mlruns/filestore/internal/filestoretest"
	"github.com/mlruns/mlruns/internal/faultfs"
	"github.com/mlruns/mlruns/internal/memfs"
)

// TestReadOnlyOfEmptyDirectory is a store without experiments, and stays an empty directory.
func TestReadOnlyOfEmptyDirectory(t *testing.T) {
	fs := memfs.New()
	if err := fs.MkdirAll("/mlruns", 0o777); err != nil {
		t.Fatal(err)
	}
	s := filestoretest.Open(t, "/mlruns", filestore.WithFs(fs), filestore.WithReadOnly())
	for e, err := range s.Experiments(t.Context(), mlruns.ExperimentQuery{View: mlruns.ViewAll}) {
		t.Errorf("experiment %+v, %v", e, err)
	}
	if infos, err := afero.ReadDir(fs, "/mlruns"); err != nil || len(infos) > 0 {
		t.Errorf("the directory has %d entries (%v), want none", len(infos), err)
	}
}

// TestStoreMadeMeanwhile lets another process make the store after the look and before the lock:
// its default experiment is the one that stays.
func TestStoreMadeMeanwhile(t *testing.T) {
	fs := memfs.New()
	filestoretest.Open(t, "/other", filestore.WithFs(fs))
	want, err := afero.ReadFile(fs, "/other/0/meta.yaml")
	if err != nil {
		t.Fatal(err)
	}
	filestoretest.Open(t, "/mlruns", filestore.WithFs(faultfs.New(fs, func(op faultfs.Op) error {
		if op.Kind == faultfs.Create && op.Path == "/mlruns/.mlruns.lock" {
			return fs.Rename("/other/0", "/mlruns/0")
		}
		return nil
	})))
	if got, err := afero.ReadFile(fs, "/mlruns/0/meta.yaml"); err != nil || string(got) != string(want) {
		t.Errorf("the default experiment is\n%s(%v), want that of the other process:\n%s", got, err, want)
	}
}
