package main

import (
	"context"
	"fmt"
	"io"
	"text/tabwriter"

	"github.com/mlruns/mlruns"
)

// bestRuns gives the best runs of a sweep, the most accurate on the test data first, and of equals
// the one with the smaller loss.
func bestRuns(ctx context.Context, c *mlruns.Client, parent *mlruns.ActiveRun, count int) ([]*mlruns.Run, error) {
	page, err := c.SearchRuns(ctx, mlruns.RunQuery{
		Experiments: []string{parent.ExperimentID},
		Filter:      fmt.Sprintf("tags.`%s` = '%s'", mlruns.TagParentRunID, parent.ID),
		OrderBy:     []string{"metrics.test_accuracy DESC", "metrics.test_loss ASC"},
		MaxResults:  count,
	})
	if err != nil {
		return nil, err
	}
	return page.Runs, nil
}

func printRuns(out io.Writer, runs []*mlruns.Run) error {
	w := tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)
	fmt.Fprintln(w, "  run\tlearning_rate\thidden\tseed\ttest_accuracy\ttest_loss\tstatus")
	for _, r := range runs {
		fmt.Fprintf(w, "  %s\t%s\t%s\t%s\t%.3f\t%.4f\t%s\n", r.Info.Name, r.Data.Params["learning_rate"], r.Data.Params["hidden"], r.Data.Params["seed"],
			r.Data.Metrics["test_accuracy"].Value, r.Data.Metrics["test_loss"].Value, r.Info.Status)
	}
	return w.Flush()
}
