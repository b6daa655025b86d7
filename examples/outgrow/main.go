// Command outgrow shows how a project grows from a folder to a server and back: the same function
// trains on both, and the runs come along.
//
//	go run ./examples/outgrow ./mlruns https://mlflow.example.com ./back
//
// The server may be one of "mlruns serve".
package main

import (
	"context"
	"fmt"
	"io"
	"log"
	"os"

	"github.com/mlruns/mlruns"
	"github.com/mlruns/mlruns/tracking"
	"github.com/mlruns/mlruns/transfer"
)

func main() {
	if len(os.Args) != 4 {
		log.Fatal("usage: outgrow FOLDER SERVER BACK")
	}
	if err := outgrow(context.Background(), os.Stdout, os.Args[1], os.Args[2], os.Args[3]); err != nil {
		log.Fatal(err)
	}
}

// outgrow trains on a folder, moves to a server, trains there, and takes everything home.
func outgrow(ctx context.Context, out io.Writer, folder, server, back string) error {
	if err := train(ctx, folder, "small"); err != nil {
		return err
	}
	if err := move(ctx, out, "pushed", folder, server); err != nil {
		return err
	}
	if err := train(ctx, server, "large"); err != nil {
		return err
	}
	return move(ctx, out, "pulled", server, back)
}

// train is the program: it does not know where it logs to.
func train(ctx context.Context, uri, name string) error {
	c, err := tracking.Open(ctx, uri, "")
	if err != nil {
		return err
	}
	defer func() { _ = c.Close() }()
	return c.WithRun(ctx, "resnet", mlruns.RunSpec{Name: name}, func(ctx context.Context, run *mlruns.ActiveRun) error {
		if err := run.LogParams(ctx, map[string]string{"size": name}); err != nil {
			return err
		}
		for step := range int64(10) {
			if err := run.LogMetric(ctx, "loss", 1/float64(step+1), step); err != nil {
				return err
			}
		}
		return nil
	})
}

// move copies all runs. Calling it again copies what is new.
func move(ctx context.Context, out io.Writer, verb, from, to string) error {
	src, err := tracking.Open(ctx, from, "")
	if err != nil {
		return err
	}
	defer func() { _ = src.Close() }()
	dst, err := tracking.Open(ctx, to, "")
	if err != nil {
		return err
	}
	defer func() { _ = dst.Close() }()
	for it, err := range transfer.Copy(ctx, dst.Store(), src.Store(), transfer.Query{}) {
		if err != nil {
			return err
		}
		if it.Kind == transfer.KindRun {
			fmt.Fprintf(out, "%s: %s, %d points\n", verb, it.Name, it.Points)
		}
		for _, conflict := range it.Conflicts {
			fmt.Fprintf(out, "%s: %s differs\n", it.Name, conflict.Field)
		}
	}
	return nil
}
