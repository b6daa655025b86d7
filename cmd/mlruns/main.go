// Command mlruns reads and writes the directory that MLflow calls its FileStore, from the shell.
//
//	mlruns [--store DIR] NOUN VERB …
//
// It is a thin shell over mlruns.Client: what it does, a program can do with the library. Tables
// are for people; --json prints MLflow's REST shapes. It exits with 0 when done, 1 on failure, 2 on
// wrong usage and 3 when "store verify" found problems or a copy left something out.
package main

import (
	"context"
	"os"
	"os/signal"
	"runtime"
	"syscall"
	"time"
)

// patience is how long a verb may take to end after a signal until people are told what it waits
// for.
const patience = time.Second

// interruptedTwice is how the process ends when it is told twice to end: as shells say of one that
// an interrupt has killed.
const interruptedTwice = 130

// Linux gives a signal to the first thread of the process, where it waits behind a call that no
// signal interrupts, such as a read from a network drive whose server is gone. So that thread does
// nothing but wait for signals.
func init() { runtime.LockOSThread() }

func main() {
	os.Exit(start())
}

func start() int {
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	// There is room for the second, which may come before anybody has looked at the first.
	signals := make(chan os.Signal, 2)
	signal.Notify(signals, os.Interrupt, syscall.SIGTERM)
	go func() {
		<-signals
		cancel()
		<-signals
		os.Exit(interruptedTwice)
	}()
	a := newApp(os.Stdin, os.Stdout, os.Stderr)
	ended := make(chan int, 1)
	go func() { ended <- a.run(ctx, os.Args[1:]) }()
	select {
	case code := <-ended:
		return code
	case <-ctx.Done():
	}
	select {
	case code := <-ended:
		return code
	case <-time.After(patience):
		a.tellOfSignal()
	}
	return <-ended
}
