package filestore_test

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"testing"

	"github.com/mlruns/mlruns"
	"github.com/mlruns/mlruns/filestore/internal/filestoretest"
)

// TestRootRemoved removes the directory under an open store: every call says so, in MLflow's words,
// and makes nothing in its place.
func TestRootRemoved(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "mlruns")
	store := filestoretest.Open(t, dir)
	run := filestoretest.MakeRun(t, store)
	if err := os.RemoveAll(dir); err != nil {
		t.Fatal(err)
	}
	ctx, id := t.Context(), run.Info.ID
	_, noExperiment := store.CreateExperiment(ctx, mlruns.ExperimentSpec{Name: "e"})
	_, noRun := store.CreateRun(ctx, mlruns.RunSpec{})
	_, missing := store.Run(ctx, id)
	for name, err := range map[string]error{
		"CreateExperiment": noExperiment, "CreateRun": noRun, "Run": missing, "LogMetric": store.LogMetric(ctx, id, mlruns.Metric{Key: "m"}),
		"LogParam": store.LogParam(ctx, id, "p", "v"), "SetTag": store.SetTag(ctx, id, "t", "v"), "DeleteRun": store.DeleteRun(ctx, id),
	} {
		if got, want := mlruns.MessageOf(err), "'"+dir+"' does not exist."; err == nil || got != want || mlruns.CodeOf(err) != mlruns.CodeInternal {
			t.Errorf("%s: %v, want %s", name, err, want)
		}
	}
	if _, err := os.Lstat(dir); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("something is there again: %v", err)
	}
}
