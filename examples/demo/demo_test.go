package main

import (
	"context"
	"io"
	"path/filepath"
	"strings"
	"testing"

	"github.com/mlruns/mlruns"
	"github.com/mlruns/mlruns/filestore"
)

const goldenStore = "../../testdata/golden/mlflow-3.11.tar.gz"

func TestShowGolden(t *testing.T) {
	var out strings.Builder
	if err := showGolden(context.Background(), &out, goldenStore); err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{
		"33 active experiments",
		"gamma  FAILED    u0    LR     1e-3  2\n",
		`Metric "curve" of run "metrics": 120 points`,
		"ünicode 🚀.txt",
		`malformed: step "1.5" is not a 64-bit integer`,
	} {
		if !strings.Contains(out.String(), want) {
			t.Errorf("the output lacks %q:\n%s", want, out.String())
		}
	}
}

func TestSweepTwice(t *testing.T) {
	ctx := context.Background()
	dir := filepath.Join(t.TempDir(), "mlruns")
	for range 2 {
		if err := trainAndShow(ctx, io.Discard, dir); err != nil {
			t.Fatal(err)
		}
	}
	store, err := filestore.Open(dir, filestore.WithReadOnly())
	if err != nil {
		t.Fatal(err)
	}
	defer store.Close()
	c := mlruns.NewClient(store)
	parents := map[string]int{}
	for run, err := range c.Runs(ctx, mlruns.RunQuery{}) {
		if err != nil {
			t.Fatal(err)
		}
		if run.Info.Status != mlruns.StatusFinished {
			t.Errorf("run %s: got status %v, want FINISHED", run.Info.Name, run.Info.Status)
		}
		parent := run.Data.Tags[mlruns.TagParentRunID]
		parents[parent]++
		if parent != "" {
			checkRun(t, c, run)
		}
	}
	if len(parents) != 3 || parents[""] != 2 {
		t.Errorf("runs by parent: got %v, want two sweeps and their runs", parents)
	}
	for parent, n := range parents {
		if parent != "" && (n != len(grid()) || n < 8) {
			t.Errorf("runs of the sweep %s: got %d, want %d, at least 8", parent, n, len(grid()))
		}
	}
	for p, err := range c.Verify(ctx, mlruns.VerifyQuery{}) {
		t.Errorf("verify: %v %v", p, err)
	}
}

func checkRun(t *testing.T, c *mlruns.Client, run *mlruns.Run) {
	t.Helper()
	points := 0
	for _, err := range c.MetricHistory(context.Background(), run.Info.ID, "test_loss", mlruns.HistoryQuery{}) {
		if err != nil {
			t.Fatal(err)
		}
		points++
	}
	if points != epochs {
		t.Errorf("points of test_loss: got %d, want %d", points, epochs)
	}
	if len(run.Inputs.Datasets) != 1 || run.Inputs.Datasets[0].Dataset.Name != "iris" {
		t.Errorf("data sets: got %+v, want iris", run.Inputs.Datasets)
	}
	for _, name := range []string{"model/model.json", "confusion.svg"} {
		f, err := c.OpenArtifact(context.Background(), run.Info.ID, name)
		if err != nil {
			t.Errorf("artifact %s: %v", name, err)
			continue
		}
		if n, err := io.Copy(io.Discard, f); n == 0 || err != nil {
			t.Errorf("artifact %s: got %d bytes, %v", name, n, err)
		}
		f.Close()
	}
}
