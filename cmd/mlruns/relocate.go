package main

import (
	"context"

	"github.com/spf13/cobra"

	"github.com/mlruns/mlruns"
)

func (a *app) relocateStore() *cobra.Command {
	var dryRun bool
	cmd := a.verb("relocate", "Rewrite the artifact locations of a store that was moved or copied", noArgs,
		a.withProgress("relocate", a.changing(&dryRun, onFolder(func(ctx context.Context, s *session, _ []string) error {
			relocated, problems, err := collected[mlruns.Relocation](func(told func(mlruns.Problem)) seq[mlruns.Relocation] {
				return s.Relocate(ctx, mlruns.RelocateQuery{DryRun: dryRun, OnProblem: told, Progress: a.line.tell})
			})
			for i := range relocated {
				relocated[i].Kept = flagged(relocated[i].Kept)
			}
			if a.json {
				return a.printDone("relocated", append([]mlruns.Relocation{}, relocated...), dryRun, problems, err)
			}
			a.printRelocations(relocated, dryRun)
			a.warn(problems)
			return err
		}))))
	cmd.Long = `Rewrite the artifact locations of experiments and runs that were recorded for another place
of this store, so that MLflow finds the artifacts where the store is now. mlruns itself finds them anyway.

A location elsewhere stays as it is. So does that of a run whose artifacts did not come along:
name their directory with --allow-artifacts to have it looked into.`
	cmd.Flags().BoolVar(&dryRun, "dry-run", false, "print what would be rewritten and change nothing")
	return cmd
}

func (a *app) printRelocations(relocated []mlruns.Relocation, dryRun bool) {
	columns := []column{{title: "PATH", whole: true}, {title: "FROM"}, {title: "TO"}}
	rewritten := 0
	for _, r := range relocated {
		if r.Kept != "" {
			continue
		}
		rewritten++
		for i, cell := range []string{r.Path, r.From, r.To} {
			columns[i].cells = append(columns[i].cells, cell)
		}
	}
	if rewritten > 0 {
		a.draw(columns)
	}
	for _, r := range relocated {
		if r.Kept != "" {
			a.note("kept: %s: %s: %s", r.Path, r.From, r.Kept)
		}
	}
	verb := "rewritten"
	if dryRun {
		verb = "would be rewritten"
	}
	a.note("%s: %d, kept: %d", verb, rewritten, len(relocated)-rewritten)
}
