// Command demo reads a store that MLflow wrote, then trains small models on Fisher's iris data and
// logs them to a store of its own.
//
//	go run ./examples/demo [-store DIR] [-golden FILE]
//
// It needs no network. sweep.go is the part to read first: it is all the tracking there is.
package main

import (
	"context"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"

	"github.com/mlruns/mlruns"
	"github.com/mlruns/mlruns/filestore"
)

func main() {
	store := flag.String("store", "mlruns", "the directory to log the sweep to; a second sweep goes beside the first")
	golden := flag.String("golden", "testdata/golden/mlflow-3.11.tar.gz", "an archive of a store that MLflow wrote")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	if err := demo(ctx, os.Stdout, *store, *golden); err != nil {
		fmt.Fprintln(os.Stderr, "demo:", err)
		os.Exit(1)
	}
}

func demo(ctx context.Context, out io.Writer, dir, golden string) error {
	if err := showGolden(ctx, out, golden); err != nil {
		return fmt.Errorf("%s: %w", golden, err)
	}
	return trainAndShow(ctx, out, dir)
}

// trainAndShow adds a sweep to the store in dir and prints its best runs.
func trainAndShow(ctx context.Context, out io.Writer, dir string) error {
	d, err := loadIris()
	if err != nil {
		return err
	}
	store, err := filestore.Open(dir)
	if err != nil {
		return err
	}
	defer store.Close()
	c := mlruns.NewClient(store)
	fmt.Fprintf(out, "== Training %d models on iris (%d flowers to learn from, %d to test with), logged to %s\n\n", len(grid()), len(d.train), len(d.test), dir)
	parent, err := sweep(ctx, c, d)
	if err != nil {
		return err
	}
	runs, err := bestRuns(ctx, c, parent, 5)
	if err != nil {
		return err
	}
	if err = printRuns(out, runs); err != nil {
		return err
	}
	_, err = fmt.Fprintf(out, "\nThe best run is %s; its confusion matrix is %s/%s/%s/artifacts/confusion.svg\n",
		runs[0].Info.ID, dir, parent.ExperimentID, runs[0].Info.ID)
	return err
}
