package main

import (
	"context"

	"github.com/spf13/cobra"

	"github.com/mlruns/mlruns"
	"github.com/mlruns/mlruns/internal/wire"
)

func (a *app) experiments() *cobra.Command {
	noun := &cobra.Command{Use: "experiments", Short: "Make, find and change experiments"}
	return a.group(noun, a.createExperiment(), a.searchExperiments(), a.getExperiment(),
		a.onExperiment("rename ID|NAME NEW-NAME", "Give an active experiment another name", 2, mlruns.ViewActive, func(ctx context.Context, s *session, args []string) error {
			return s.RenameExperiment(ctx, args[0], args[1])
		}),
		a.onExperiment("delete ID|NAME", "Move an experiment to the trash, with its runs; \"restore\" takes it out", 1, mlruns.ViewActive, func(ctx context.Context, s *session, args []string) error {
			return s.DeleteExperiment(ctx, args[0])
		}),
		a.onExperiment("restore ID|NAME", "Take an experiment out of the trash, with its runs", 1, mlruns.ViewDeleted, func(ctx context.Context, s *session, args []string) error {
			return s.RestoreExperiment(ctx, args[0])
		}),
		a.onExperiment("set-tag ID|NAME KEY VALUE", "Set a tag of an experiment", 3, mlruns.ViewActive, func(ctx context.Context, s *session, args []string) error {
			return s.SetExperimentTag(ctx, args[0], args[1], args[2])
		}),
		a.onExperiment("delete-tag ID|NAME KEY", "Remove a tag of an experiment", 2, mlruns.ViewActive, func(ctx context.Context, s *session, args []string) error {
			return s.DeleteExperimentTag(ctx, args[0], args[1])
		}),
	)
}

// onExperiment makes a verb that changes an experiment and answers nothing.
func (a *app) onExperiment(use, short string, args int, view mlruns.View, do work) *cobra.Command {
	cmd := a.verb(use, short, cobra.ExactArgs(args), a.writing(func(ctx context.Context, s *session, args []string) error {
		id, err := s.experimentID(ctx, args[0], view)
		if err != nil {
			return err
		}
		if err := do(ctx, s, append([]string{id}, args[1:]...)); err != nil {
			return err
		}
		return a.done()
	}))
	cmd.ValidArgsFunction = a.completed(experimentWords(view))
	return cmd
}

func (a *app) createExperiment() *cobra.Command {
	var location string
	var tags tagsFlag
	cmd := a.verb("create NAME", "Make an experiment, and the store if there is none; prints the id", cobra.ExactArgs(1),
		a.making(func(ctx context.Context, s *session, args []string) error {
			e, err := s.CreateExperiment(ctx, mlruns.ExperimentSpec{Name: args[0], ArtifactLocation: location, Tags: tags})
			if err != nil {
				return err
			}
			if a.json {
				return a.printJSON(map[string]string{"experiment_id": e.ID})
			}
			a.println(e.ID)
			a.warn(s.hidden(ctx, mlruns.ViewAll))
			return nil
		}))
	cmd.Flags().StringVar(&location, "artifact-location", "", "the `URI` or path for the artifacts of its runs")
	cmd.Flags().Var(&tags, "tag", "a tag (repeatable)")
	return cmd
}

func (a *app) searchExperiments() *cobra.Command {
	var q queryFlags
	cmd := a.verb("search", "List experiments, the newest first", noArgs, a.reading(func(ctx context.Context, s *session, _ []string) error {
		if err := q.check(); err != nil {
			return err
		}
		page, err := s.SearchExperiments(ctx, mlruns.ExperimentQuery{
			Filter: q.filter, OrderBy: q.orderBy, View: mlruns.View(q.view), MaxResults: q.limit, PageToken: q.pageToken,
		})
		if err != nil {
			return err
		}
		if q.explain {
			return a.explain("experiments", page.Scan, page.Problems)
		}
		if a.json {
			return a.printJSON(wire.NewExperimentPage(page))
		}
		a.drawExperiments(page.Experiments, mlruns.View(q.view))
		q.more(a, page.NextPageToken)
		a.warn(page.Problems)
		return nil
	}))
	q.add(cmd, "name LIKE 'iris%'", "last_update_time DESC")
	return cmd
}

func (a *app) drawExperiments(list []mlruns.Experiment, view mlruns.View) {
	if len(list) == 0 {
		a.note("no experiments")
		return
	}
	now := a.now()
	id, name, stage := column{title: "id", whole: true}, column{title: "name"}, column{title: "stage", optional: true}
	created, updated := column{title: "created", optional: true}, column{title: "updated", optional: true}
	for _, e := range list {
		id.cells = append(id.cells, e.ID)
		name.cells = append(name.cells, e.Name)
		stage.cells = append(stage.cells, string(e.Stage))
		created.cells = append(created.cells, age(e.Created, now))
		updated.cells = append(updated.cells, age(e.Updated, now))
	}
	columns := []column{id, name, created, updated}
	if view != mlruns.ViewActive {
		columns = append(columns, stage)
	}
	a.draw(columns)
}

func (a *app) getExperiment() *cobra.Command {
	cmd := a.verb("get ID|NAME", "Show an experiment, active or deleted", cobra.ExactArgs(1), a.reading(func(ctx context.Context, s *session, args []string) error {
		e, err := s.experiment(ctx, args[0])
		if err != nil {
			return err
		}
		if a.json {
			return a.printJSON(wire.ExperimentAnswer{Experiment: wire.NewExperiment(*e)})
		}
		a.fields("Experiment", []field{
			{"id", e.ID}, {"name", e.Name}, {"stage", string(e.Stage)}, {"created", moment(e.Created)}, {"updated", moment(e.Updated)},
			{"artifact location", e.ArtifactLocation},
		})
		a.fields("Tags", texts(e.Tags))
		if e.ID != args[0] { // another may have the name too
			a.warn(s.hidden(ctx, mlruns.ViewAll))
		}
		return nil
	}))
	cmd.ValidArgsFunction = a.completed(experimentNames)
	return cmd
}
