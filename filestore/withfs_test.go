package filestore_test

import (
	"context"
	"testing"

	"github.com/mlruns/mlruns"
	"github.com/mlruns/mlruns/filestore"
	"github.com/mlruns/mlruns/internal/memfs"
)

// TestWithFsRelative keeps a store at a relative path of another file system: what is recorded has
// nothing to do with the folder of the process.
func TestWithFsRelative(t *testing.T) {
	store, err := filestore.Open("some/mlruns", filestore.WithFs(memfs.New()))
	if err != nil {
		t.Fatal(err)
	}
	defer store.Close()
	ctx := context.Background()
	e, err := store.CreateExperiment(ctx, mlruns.ExperimentSpec{ID: "e", Name: "e"})
	if err != nil {
		t.Fatal(err)
	}
	if want := "some/mlruns/e"; e.ArtifactLocation != want {
		t.Errorf("artifact location %q, want %q", e.ArtifactLocation, want)
	}
	run, err := store.CreateRun(ctx, mlruns.RunSpec{ID: "r", ExperimentID: "e"})
	if err != nil {
		t.Fatal(err)
	}
	if want := "some/mlruns/e/r/artifacts"; run.Info.ArtifactURI != want {
		t.Errorf("artifact URI %q, want %q", run.Info.ArtifactURI, want)
	}
	for p, err := range store.Verify(ctx, mlruns.VerifyQuery{}) {
		t.Errorf("verify: %v %v", p, err)
	}
}
