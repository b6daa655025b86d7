package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"text/tabwriter"

	"github.com/mlruns/mlruns"
	"github.com/mlruns/mlruns/filestore"
)

// showGolden unpacks an archive with a store that MLflow wrote, opens the store without changing a
// byte of it, and prints some of what is there.
func showGolden(ctx context.Context, out io.Writer, archive string) (err error) {
	dir, err := os.MkdirTemp("", "mlruns-demo-")
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(dir)) }()
	if err = unpack(archive, dir); err != nil {
		return err
	}
	stores, err := filepath.Glob(filepath.Join(dir, "*", "mlruns"))
	if err != nil || len(stores) == 0 {
		return errors.Join(err, errors.New("no store in the archive"))
	}
	store, err := filestore.Open(stores[0], filestore.WithReadOnly())
	if err != nil {
		return err
	}
	defer store.Close()
	c := mlruns.NewClient(store)
	fmt.Fprintf(out, "== A store written by MLflow, from %s\n\n", archive)
	for _, show := range []func(context.Context, io.Writer, *mlruns.Client) error{showExperiments, showRuns, showMetrics, showArtifacts, showProblems} {
		if err = show(ctx, out, c); err != nil {
			return err
		}
	}
	return nil
}

func showExperiments(ctx context.Context, out io.Writer, c *mlruns.Client) error {
	const shown = 6
	var all []mlruns.Experiment
	for e, err := range c.Experiments(ctx, mlruns.ExperimentQuery{}) {
		if err != nil {
			return err
		}
		all = append(all, e)
	}
	slices.Reverse(all) // the oldest first
	w := tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)
	fmt.Fprintln(w, "  experiment\tname\tartifacts")
	for _, e := range all[:min(shown, len(all))] {
		fmt.Fprintf(w, "  %s\t%.30q\t%.60s\n", e.ID, e.Name, e.ArtifactLocation)
	}
	if err := w.Flush(); err != nil {
		return err
	}
	_, err := fmt.Fprintf(out, "  … %d active experiments in all\n\n", len(all))
	return err
}

// searchIn searches the experiment with this name; the newest run is first.
func searchIn(ctx context.Context, c *mlruns.Client, experiment, filter string) ([]*mlruns.Run, error) {
	e, err := c.ExperimentByName(ctx, experiment)
	if err != nil {
		return nil, err
	}
	page, err := c.SearchRuns(ctx, mlruns.RunQuery{Experiments: []string{e.ID}, Filter: filter})
	if err != nil {
		return nil, err
	}
	if len(page.Runs) == 0 {
		return nil, fmt.Errorf("experiment %q: no run with %s", experiment, filter)
	}
	return page.Runs, nil
}

func showRuns(ctx context.Context, out io.Writer, c *mlruns.Client) error {
	const filter = "metrics.loss < 3 AND (params.model = 'LR' OR attributes.status = 'FAILED')"
	runs, err := searchIn(ctx, c, "grid", filter)
	if err != nil {
		return err
	}
	fmt.Fprintf(out, "The runs of experiment \"grid\" with %s, the newest first:\n", filter)
	w := tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)
	fmt.Fprintln(w, "  name\tstatus\tuser\tmodel\tlr\tloss")
	for _, r := range runs {
		fmt.Fprintf(w, "  %s\t%s\t%s\t%s\t%s\t%v\n", r.Info.Name, r.Info.Status, r.Info.User, r.Data.Params["model"], r.Data.Params["lr"], r.Data.Metrics["loss"].Value)
	}
	fmt.Fprintln(w)
	return w.Flush()
}

func showMetrics(ctx context.Context, out io.Writer, c *mlruns.Client) error {
	const key = "curve"
	runs, err := searchIn(ctx, c, "main", "run_name = 'metrics'")
	if err != nil {
		return err
	}
	run := runs[0]
	var values []float64
	for m, err := range c.MetricHistory(ctx, run.Info.ID, key, mlruns.HistoryQuery{}) {
		if err != nil {
			return err
		}
		values = append(values, m.Value)
	}
	latest := run.Data.Metrics[key]
	_, err = fmt.Fprintf(out, "Metric %q of run %q: %d points, the latest %v at step %d\n  %s\n\n", key, run.Info.Name, len(values), latest.Value, latest.Step, sparkline(values))
	return err
}

func showArtifacts(ctx context.Context, out io.Writer, c *mlruns.Client) error {
	runs, err := searchIn(ctx, c, "main", "run_name = 'artifacts'")
	if err != nil {
		return err
	}
	run := runs[0]
	fmt.Fprintf(out, "Artifacts of run %q, recorded at %s,\nwhich is not where the store lies now:\n", run.Info.Name, run.Info.ArtifactURI)
	files, err := c.Artifacts(ctx, run.Info.ID, "")
	if err != nil {
		return err
	}
	for _, f := range files {
		if f.IsDir {
			fmt.Fprintf(out, "  %s/\n", f.Path)
		} else {
			fmt.Fprintf(out, "  %s  %d bytes\n", f.Path, f.Size)
		}
	}
	content, err := c.OpenArtifact(ctx, run.Info.ID, "a.txt")
	if err != nil {
		return err
	}
	defer content.Close()
	text, err := io.ReadAll(io.LimitReader(content, 100))
	if err != nil {
		return err
	}
	_, err = fmt.Fprintf(out, "a.txt says %q\n\n", text)
	return err
}

// showProblems names what cannot be read. Each problem costs one value, where MLflow fails on the
// whole experiment.
func showProblems(ctx context.Context, out io.Writer, c *mlruns.Client) error {
	page, err := c.SearchRuns(ctx, mlruns.RunQuery{})
	if err != nil {
		return err
	}
	fmt.Fprintf(out, "All %d active runs are readable, though MLflow itself cannot search all of their experiments. What is not readable:\n", len(page.Runs))
	for _, p := range page.Problems {
		fmt.Fprintf(out, "  %v\n", p)
	}
	_, err = fmt.Fprintln(out)
	return err
}
