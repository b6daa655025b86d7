package filestore_test

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/mlruns/mlruns"
	"github.com/mlruns/mlruns/filestore"
)

func train(ctx context.Context, dir string) (err error) {
	store, err := filestore.Open(dir) // an existing mlruns/, or a directory to be made
	if err != nil {
		return err
	}
	defer store.Close()
	c := mlruns.NewClient(store)
	run, err := c.StartRun(ctx, "resnet-sweep", mlruns.RunSpec{Name: "lr-3e-4"}) // experiment: get or create
	if err != nil {
		return err
	}
	defer run.Finish(ctx, &err) // FINISHED; FAILED when train returns an error or panics
	if err = run.LogParams(ctx, map[string]string{"lr": "3e-4", "optimizer": "adamw"}); err != nil {
		return err
	}
	for step := range int64(100) {
		if err = run.LogMetric(ctx, "loss", 1/float64(step+1), step); err != nil {
			return err
		}
	}
	q := mlruns.RunQuery{Experiments: []string{run.ExperimentID}, OrderBy: []string{"metrics.loss ASC"},
		Filter: `metrics.loss < 0.2 AND params.optimizer = "adamw"`}
	for r, err := range c.Runs(ctx, q) { // one scan, read as you go
		if err != nil {
			return err
		}
		fmt.Println(r.Info.Name, r.Data.Metrics["loss"].Value)
	}
	return nil
}

func Example() {
	dir, err := os.MkdirTemp("", "mlruns")
	if err != nil {
		panic(err)
	}
	defer func() { _ = os.RemoveAll(dir) }()
	if err := train(context.Background(), filepath.Join(dir, "mlruns")); err != nil {
		fmt.Println(err)
	}
	// Output: lr-3e-4 0.01
}

// TestReadmeExample keeps the README's code equal to the function above, which is compiled and run.
func TestReadmeExample(t *testing.T) {
	readme, err := os.ReadFile("../README.md")
	if err != nil {
		t.Fatal(err)
	}
	source, err := os.ReadFile("example_test.go")
	if err != nil {
		t.Fatal(err)
	}
	_, block, found := strings.Cut(string(readme), "```go\n")
	block, _, closed := strings.Cut(block, "```")
	if !found || !closed || !strings.HasPrefix(block, "func train(") {
		t.Fatal("the README has no example that begins with func train")
	}
	if !strings.Contains(string(source), block) {
		t.Error("the README's example differs from the function train of this file")
	}
}
