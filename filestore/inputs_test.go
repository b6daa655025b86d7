package filestore_test

import (
	"os"
	"path"
	"path/filepath"
	"strings"
	"testing"

	"github.com/spf13/afero"

	"github.com/mlruns/mlruns"
	"github.com/mlruns/mlruns/filestore"
	"github.com/mlruns/mlruns/filestore/internal/filestoretest"
	"github.com/mlruns/mlruns/internal/faultfs"
)

// TestInputsOfAnotherProgram places the data set just before ours is renamed to its place: the
// first writer wins.
func TestInputsOfAnotherProgram(t *testing.T) {
	f := filestoretest.NewFaulty(t, false, filestore.SyncMeta)
	const first = "digest: '1'\nname: d\nprofile: null\nschema: null\nsource: first\nsource_type: local\n"
	placed := 0
	f.Hook(func(op faultfs.Op) error {
		if op.Kind == faultfs.Rename && strings.Contains(op.To, "/datasets/") {
			placed++
			f.Must(f.FS.MkdirAll(op.To, 0o777))
			f.Must(afero.WriteFile(f.FS, path.Join(op.To, "meta.yaml"), []byte(first), 0o666))
		}
		return nil
	})
	f.Must(f.Store.LogInputs(f.Ctx, "run", mlruns.Inputs{Datasets: []mlruns.DatasetInput{{Dataset: mlruns.Dataset{Name: "d", Digest: "1", Source: "second"}}}}))
	run, err := f.Store.Run(f.Ctx, "run")
	f.Must(err)
	if len(run.Inputs.Datasets) != 1 || run.Inputs.Datasets[0].Dataset.Source != "first" || placed != 1 {
		t.Errorf("inputs %+v (placed %d times), want the data set of the first writer", run.Inputs, placed)
	}
}

// TestInputIsToldOnce reads an input whose document is perhaps being written, and so is read again.
func TestInputIsToldOnce(t *testing.T) {
	t.Parallel()
	dir, run := endedStore(t, 1, "1")
	withInputs(t, dir, run, 1, 1)
	for _, name := range []string{"inputs/a", "inputs/b", "outputs/m-2"} {
		file := filepath.Join(run(0), name, "meta.yaml")
		data, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(file, data[:len(data)-1], 0o666); err != nil {
			t.Fatal(err)
		}
	}
	store, err := filestore.Open(dir, filestore.WithReadOnly())
	if err != nil {
		t.Fatal(err)
	}
	defer store.Close()
	got, err := store.Run(t.Context(), filepath.Base(run(0)))
	if err != nil {
		t.Fatal(err)
	}
	if len(got.Inputs.Datasets) != 1 || len(got.Inputs.Models) != 1 || len(got.Outputs.Models) != 1 || len(got.Problems) > 0 {
		t.Errorf("%+v, %+v, problems %v; want one of each", got.Inputs, got.Outputs, got.Problems)
	}
}
