package main

import (
	"context"
	"fmt"
	"regexp"
	"strconv"
	"time"

	"github.com/spf13/cobra"

	"github.com/mlruns/mlruns"
)

// ageFlag is --older-than, in the form of "mlflow gc", 1d2h3m4s with decimals, or in Go's.
type ageFlag struct{ time.Duration }

func (a *ageFlag) String() string { return "" }
func (a *ageFlag) Type() string   { return "AGE" }

var ageForm = regexp.MustCompile(`^(?:(\d+(?:\.\d+)?)d)?((?:\d+(?:\.\d+)?(?:h|m|s|ms|us|µs|ns))*)$`)

func (a *ageFlag) Set(text string) error {
	const mostDays = 36_500
	parts := ageForm.FindStringSubmatch(text)
	if parts == nil || text == "" {
		return fmt.Errorf("want days, hours, minutes and seconds, such as 30d, 1.5d, 12h or 1d2h3m4s")
	}
	days, rest := 0.0, time.Duration(0)
	var err error
	if parts[1] != "" {
		days, err = strconv.ParseFloat(parts[1], 64)
	}
	if err == nil && parts[2] != "" {
		rest, err = time.ParseDuration(parts[2])
	}
	const day = 24 * time.Hour
	if err != nil || days > mostDays || rest > mostDays*day {
		return fmt.Errorf("want at most %d days", mostDays)
	}
	a.Duration = time.Duration(days*float64(day)) + rest
	return nil
}

// removalShape is what "store gc --json" prints of each.
type removalShape struct {
	mlruns.Removal
	Deleted int64 `json:"deleted_time,omitempty"`
}

func (a *app) gcStore() *cobra.Command {
	var age ageFlag
	var dryRun bool
	var experiments, runs, models []string
	cmd := a.verb("gc", "Remove deleted runs, models and experiments for good, which frees their names", noArgs,
		a.withProgress("gc", a.changing(&dryRun, onFolder(func(ctx context.Context, s *session, _ []string) error {
			removed, problems, err := collected[mlruns.Removal](func(told func(mlruns.Problem)) seq[mlruns.Removal] {
				return s.GC(ctx, mlruns.GCQuery{
					OlderThan: age.Duration, DryRun: dryRun, OnProblem: told, Progress: a.line.tell, Experiments: experiments, Runs: runs, Models: models,
				})
			})
			if a.json {
				shapes := make([]removalShape, len(removed))
				for i, r := range removed {
					shapes[i] = removalShape{Removal: r}
					if !r.Deleted.IsZero() {
						shapes[i].Deleted = r.Deleted.UnixMilli()
					}
				}
				return a.printDone("removed", shapes, dryRun, problems, err)
			}
			a.printRemovals(removed, dryRun)
			if err == nil && age.Duration > 0 && len(experiments)+len(runs)+len(models) == 0 {
				err = a.noteSpared(ctx, s, removed)
			}
			a.warn(problems)
			return err
		}))))
	cmd.Long = `Remove deleted runs, logged models and experiments for good, which frees their names and ids.

Only what lies in the store is removed, never what a run recorded at another place. Deleted
experiments go with all their runs and models. Where ids are named only these go. There is no way back: look with --dry-run first.`
	cmd.Flags().Var(&age, "older-than", "spare what was deleted less than this `AGE` ago, such as 30d or 1d2h3m4s, and what has no time of deletion")
	cmd.Flags().StringSliceVar(&experiments, "experiment-ids", nil, "remove the deleted experiments with these `IDS` only, parted by commas")
	cmd.Flags().StringSliceVar(&runs, "run-ids", nil, "remove the deleted runs with these `IDS` only")
	cmd.Flags().StringSliceVar(&models, "logged-model-ids", nil, "remove the deleted models with these `IDS` only")
	cmd.Flags().BoolVar(&dryRun, "dry-run", false, "print what would be removed and change nothing")
	return cmd
}

func (a *app) printRemovals(removed []mlruns.Removal, dryRun bool) {
	columns := []column{{title: "PATH", whole: true}, {title: "NAME"}, {title: "DELETED", optional: true}, {title: "FILES", right: true, optional: true}, {title: "SIZE", right: true}}
	experiments, runs, models, files, size := 0, 0, 0, 0, int64(0)
	for _, r := range removed {
		for i, cell := range []string{r.Path, orDash(r.Name), age(r.Deleted, a.now()), strconv.Itoa(r.Files), byteCount(r.Bytes)} {
			columns[i].cells = append(columns[i].cells, cell)
		}
		switch {
		case r.RunID != "":
			runs++
		case r.ModelID != "":
			models++
		case r.ExperimentID != "":
			experiments++
		}
		files, size = files+r.Files, size+r.Bytes
	}
	if len(removed) > 0 {
		a.draw(columns)
	}
	verb := "removed"
	if dryRun {
		verb = "would be removed"
	}
	what := counted(experiments, "experiment") + ", " + counted(runs, "run")
	if models > 0 {
		what += ", " + counted(models, "model")
	}
	a.note("%s: %s, %s, %s", verb, what, counted(files, "file"), byteCount(size))
}

// noteSpared says what is deleted and too young to be removed: what is there for a gc that spares
// nothing, but for what this one removes.
func (a *app) noteSpared(ctx context.Context, s *session, removed []mlruns.Removal) error {
	gone := make(map[string]bool, len(removed))
	for _, r := range removed {
		gone[r.Path] = true
	}
	experiments, runs, models := 0, 0, 0
	for r, err := range s.GC(ctx, mlruns.GCQuery{DryRun: true, OnProblem: func(mlruns.Problem) {}, Progress: a.line.tell}) {
		switch {
		case err != nil:
			return err
		case gone[r.Path]:
		case r.RunID != "":
			runs++
		case r.ModelID != "":
			models++
		case r.ExperimentID != "":
			experiments++
		}
	}
	spared := counted(experiments, "experiment") + ", " + counted(runs, "run")
	if models > 0 {
		spared += ", " + counted(models, "model")
	}
	a.note("spared by --older-than: %s", spared)
	return nil
}
