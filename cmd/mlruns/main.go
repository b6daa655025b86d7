// Command mlruns reads and writes the directory that MLflow calls its FileStore, from the shell.
//
//	mlruns [--store DIR] NOUN VERB …
//
// It is a thin shell over mlruns.Client: what it does, a program can do with the library. Tables are for people; --json prints MLflow's REST shapes.
// It exits with 0 when done, 1 on failure, 2 on wrong usage and 3 when "store verify" found problems.
package main

import (
	"context"
	"os"
	"os/signal"
	"syscall"
)

func main() {
	os.Exit(start())
}

func start() int {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	// The second signal ends the process at once.
	context.AfterFunc(ctx, stop)
	return newApp(os.Stdin, os.Stdout, os.Stderr).run(ctx, os.Args[1:])
}
