package main

import (
	"context"
	"slices"
	"sync"

	"github.com/mlruns/mlruns"
)

// leftOut collects what is said about artifacts, each once.
type leftOut struct {
	mu       sync.Mutex
	problems []mlruns.Problem
}

func (l *leftOut) add(p mlruns.Problem) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if !slices.Contains(l.problems, p) {
		l.problems = append(l.problems, p)
	}
}

// hearing makes a verb hear which artifacts are left out. With --json it is for the verb to print
// them; people are told here.
func (a *app) hearing(do action) action {
	return func(ctx context.Context, args []string) error {
		a.leftOut = &leftOut{}
		err := do(ctx, args)
		if !a.json {
			a.warn(a.leftOut.problems)
		}
		return err
	}
}

// copying is hearing for a verb that copies, which ends with errProblems where something was left
// out.
func (a *app) copying(do action) action {
	heard := a.hearing(do)
	return func(ctx context.Context, args []string) error {
		if err := heard(ctx, args); err != nil {
			return err
		}
		n := 0
		for _, p := range a.leftOut.problems {
			if p.Kind == mlruns.ProblemLeftOut {
				n++
			}
		}
		switch {
		case n == 0:
			return nil
		case !a.json:
			a.note("left out of the copy: %d", n)
		}
		return errProblems
	}
}
