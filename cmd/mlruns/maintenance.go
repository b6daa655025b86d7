package main

import (
	"context"
	"iter"

	"github.com/mlruns/mlruns"
)

// changing opens a store that exists: for writing, or read-only where nothing is to be changed.
func (a *app) changing(dryRun *bool, do work) action {
	return func(ctx context.Context, args []string) error {
		if *dryRun {
			return a.planning(do)(ctx, args)
		}
		return a.writing(do)(ctx, args)
	}
}

type seq[T any] = iter.Seq2[T, error]

// collected goes through all that a call yields, and what it tells of problems. What was done
// before an error is given too.
func collected[T any](call func(told func(mlruns.Problem)) seq[T]) (list []T, problems []mlruns.Problem, err error) {
	for item, err := range call(func(p mlruns.Problem) { problems = append(problems, p) }) {
		if err != nil {
			return list, problems, err
		}
		list = append(list, item)
	}
	return list, problems, nil
}

// printDone prints what was done under a name, also where an error ended it.
func (a *app) printDone(name string, list any, dryRun bool, problems []mlruns.Problem, err error) error {
	shape := map[string]any{name: list, "dry_run": dryRun}
	if len(problems) > 0 {
		shape["problems"] = problems
	}
	if printing := a.printJSON(shape); err == nil {
		err = printing
	}
	return err
}
