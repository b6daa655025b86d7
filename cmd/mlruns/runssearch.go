package main

import (
	"context"
	"slices"

	"github.com/spf13/cobra"

	"github.com/mlruns/mlruns"
	"github.com/mlruns/mlruns/internal/wire"
)

func (a *app) searchRuns() *cobra.Command {
	var q queryFlags
	var experiments []string
	cmd := a.verb("search", "List runs, the newest first, with what differs between them", noArgs, a.reading(func(ctx context.Context, s *session, _ []string) error {
		if err := q.check(); err != nil {
			return err
		}
		var ids []string
		for _, idOrName := range experiments {
			e, err := s.experiment(ctx, idOrName)
			if err != nil {
				return err
			}
			ids = append(ids, e.ID)
		}
		page, err := s.SearchRuns(ctx, mlruns.RunQuery{
			Experiments: ids, Filter: q.filter, View: mlruns.View(q.view), OrderBy: q.orderBy, MaxResults: q.limit, PageToken: q.pageToken,
		})
		if err != nil {
			return err
		}
		if len(experiments) == 0 {
			page.Problems = append(page.Problems, s.hiddenFrom(ctx, page, mlruns.View(q.view))...)
		}
		if q.explain {
			return a.explain("runs", page.Scan, page.Problems)
		}
		if a.json {
			return a.printJSON(wire.NewRunPage(page))
		}
		a.drawRuns(page.Runs, mlruns.View(q.view), s.experimentNames(ctx, page.Runs))
		q.more(a, page.NextPageToken)
		a.warn(page.Problems)
		return nil
	}))
	cmd.Flags().StringArrayVar(&experiments, "experiment", nil, "`ID|NAME` of an experiment (repeatable); all that are active if not given")
	a.completedFlag(cmd, "experiment", experimentNames)
	q.add(cmd, "metrics.loss < 0.5", "metrics.loss ASC")
	return cmd
}

// hiddenFrom are the problems of experiments that a search of all of them did not meet: it need not
// read them to read their runs.
func (s *session) hiddenFrom(ctx context.Context, page *mlruns.RunPage, view mlruns.View) []mlruns.Problem {
	if view != mlruns.ViewActive {
		view = mlruns.ViewAll
	}
	return slices.DeleteFunc(s.hidden(ctx, view), func(p mlruns.Problem) bool {
		return slices.ContainsFunc(page.Problems, func(met mlruns.Problem) bool { return met.Path == p.Path && met.Kind == p.Kind })
	})
}

// drawRuns prints a line for each run: what it is, the metrics and params that are not the same in
// all, and its id, shortened on a terminal that has no room for all.
func (a *app) drawRuns(runs []*mlruns.Run, view mlruns.View, names map[string]string) {
	if len(runs) == 0 {
		a.note("no runs")
		return
	}
	now := a.now()
	status, name, stage := column{title: "status", optional: true}, column{title: "name"}, column{title: "stage", optional: true}
	experiment, started := column{title: "experiment", optional: true}, column{title: "started", optional: true}
	took, id := column{title: "duration", right: true, optional: true}, column{title: "run id", whole: true}
	for _, r := range runs {
		status.cells = append(status.cells, r.Info.Status.String())
		name.cells = append(name.cells, r.Info.Name)
		stage.cells = append(stage.cells, string(r.Info.Stage))
		experiment.cells = append(experiment.cells, names[r.Info.ExperimentID])
		started.cells = append(started.cells, age(r.Info.Start, now))
		took.cells = append(took.cells, duration(r.Info.Start, r.Info.End))
		id.cells = append(id.cells, r.Info.ID)
	}
	columns := []column{status, name, started, took}
	if len(names) > 1 {
		columns = append([]column{experiment}, columns...)
	}
	if view != mlruns.ViewActive {
		columns = append(columns, stage)
	}
	values, same := differing(runs)
	columns = append(columns, values...)
	if width := a.width(); width > 0 && !allFit(append(columns, id), width) {
		id.cells = shortened(id.cells)
	}
	a.draw(append(columns, id))
	if len(same) > 0 {
		a.note("the same in all: %s", firstFew(same))
	}
}

// experimentNames maps the ids of the runs' experiments to their names. One that cannot be read
// keeps its id.
func (s *session) experimentNames(ctx context.Context, runs []*mlruns.Run) map[string]string {
	names := map[string]string{}
	for _, r := range runs {
		id := r.Info.ExperimentID
		if names[id] != "" {
			continue
		}
		names[id] = id
		if e, err := s.Experiment(ctx, id); err == nil {
			names[id] = e.Name
		}
	}
	return names
}

// shortened cuts ids to their beginnings, of eight characters or as many as tell them apart. In a
// damaged store two runs can have one id.
func shortened(ids []string) []string {
	different := map[string]bool{}
	for _, id := range ids {
		different[id] = true
	}
	for n := shortID; ; n++ {
		short := make([]string, len(ids))
		seen := map[string]bool{}
		for i, id := range ids {
			short[i] = id[:min(n, len(id))]
			seen[short[i]] = true
		}
		if len(seen) == len(different) {
			return short
		}
	}
}
