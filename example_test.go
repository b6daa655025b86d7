package mlruns_test

import (
	"context"
	"errors"
	"fmt"
	"os"

	"github.com/mlruns/mlruns"
	"github.com/mlruns/mlruns/filestore"
)

// newClient makes a client of a new store in a temporary directory, which clean removes.
func newClient() (c *mlruns.Client, clean func()) {
	dir, err := os.MkdirTemp("", "mlruns")
	if err != nil {
		panic(err)
	}
	store, err := filestore.Open(dir)
	if err != nil {
		panic(err)
	}
	return mlruns.NewClient(store), func() { _, _ = store.Close(), os.RemoveAll(dir) }
}

// A run that ends as its function does, whether that returns, panics or is cancelled.
func ExampleClient_WithRun() {
	c, clean := newClient()
	defer clean()
	ctx := context.Background()
	err := c.WithRun(ctx, "resnet-sweep", mlruns.RunSpec{Name: "lr-0.3"}, func(ctx context.Context, run *mlruns.ActiveRun) error {
		if err := run.LogParam(ctx, "lr", "0.3"); err != nil {
			return err
		}
		return errors.New("diverged")
	})
	fmt.Println(err)
	for run, err := range c.Runs(ctx, mlruns.RunQuery{}) {
		fmt.Println(run.Info.Name, run.Info.Status, err)
	}
	// Output:
	// diverged
	// lr-0.3 FAILED <nil>
}

// Finish is deferred by itself. A function around it hides the panic from it: recover works only in
// the function that is deferred.
func ExampleActiveRun_Finish() {
	c, clean := newClient()
	defer clean()
	ctx := context.Background()
	right := func() (err error) {
		run, err := c.StartRun(ctx, "resnet-sweep", mlruns.RunSpec{Name: "right"})
		if err != nil {
			return err
		}
		defer run.Finish(ctx, &err)
		panic("diverged")
	}
	wrong := func() (err error) {
		run, err := c.StartRun(ctx, "resnet-sweep", mlruns.RunSpec{Name: "wrong"})
		if err != nil {
			return err
		}
		defer func() { run.Finish(ctx, &err) }()
		panic("diverged")
	}
	for _, train := range []func() error{right, wrong} {
		func() {
			defer func() { fmt.Println("panic:", recover()) }()
			_ = train()
		}()
	}
	for run, err := range c.Runs(ctx, mlruns.RunQuery{OrderBy: []string{"run_name"}}) {
		fmt.Println(run.Info.Name, run.Info.Status, err)
	}
	// Output:
	// panic: diverged
	// panic: diverged
	// right FAILED <nil>
	// wrong FINISHED <nil>
}
