package filestore_test

import (
	"path"
	"strings"
	"testing"

	"github.com/spf13/afero"

	"github.com/mlruns/mlruns"
	"github.com/mlruns/mlruns/filestore"
	"github.com/mlruns/mlruns/internal/faultfs"
)

// TestInputsOfAnotherProgram places the data set just before ours is renamed to its place: the
// first writer wins.
func TestInputsOfAnotherProgram(t *testing.T) {
	f := newFaulty(t, false, filestore.SyncMeta)
	const first = "digest: '1'\nname: d\nprofile: null\nschema: null\nsource: first\nsource_type: local\n"
	placed := 0
	f.hook(func(op faultfs.Op) error {
		if op.Kind == faultfs.Rename && strings.Contains(op.To, "/datasets/") {
			placed++
			f.must(f.fs.MkdirAll(op.To, 0o777))
			f.must(afero.WriteFile(f.fs, path.Join(op.To, "meta.yaml"), []byte(first), 0o666))
		}
		return nil
	})
	f.must(f.store.LogInputs(f.ctx, "run", mlruns.Inputs{Datasets: []mlruns.DatasetInput{{Dataset: mlruns.Dataset{Name: "d", Digest: "1", Source: "second"}}}}))
	run, err := f.store.Run(f.ctx, "run")
	f.must(err)
	if len(run.Inputs.Datasets) != 1 || run.Inputs.Datasets[0].Dataset.Source != "first" || placed != 1 {
		t.Errorf("inputs %+v (placed %d times), want the data set of the first writer", run.Inputs, placed)
	}
}
