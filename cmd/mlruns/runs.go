package main

import (
	"context"
	"time"

	"github.com/spf13/cobra"

	"github.com/mlruns/mlruns"
	"github.com/mlruns/mlruns/internal/wire"
)

func (a *app) runs() *cobra.Command {
	noun := &cobra.Command{Use: "runs", Short: "Make, find, log to and change runs"}
	return a.group(noun, a.createRun(), a.searchRuns(), a.describeRun(), a.updateRun(), a.endRun(),
		a.deleteRun(),
		a.onRun("restore RUN", "Make a deleted run active again", cobra.ExactArgs(1), mlruns.ViewDeleted, func(ctx context.Context, s *session, args []string) error {
			return s.RestoreRun(ctx, args[0])
		}),
		a.logMetric(),
		a.onRun("log-param RUN KEY VALUE", "Record a param", cobra.ExactArgs(3), mlruns.ViewActive, func(ctx context.Context, s *session, args []string) error {
			return s.LogParam(ctx, args[0], args[1], args[2])
		}),
		a.onRun("set-tag RUN KEY VALUE", "Set a tag", cobra.ExactArgs(3), mlruns.ViewActive, func(ctx context.Context, s *session, args []string) error {
			return s.SetTag(ctx, args[0], args[1], args[2])
		}),
		a.onRun("delete-tag RUN KEY", "Remove a tag", cobra.ExactArgs(2), mlruns.ViewActive, func(ctx context.Context, s *session, args []string) error {
			return s.DeleteTag(ctx, args[0], args[1])
		}),
		a.logBatch(),
	)
}

func (a *app) deleteRun() *cobra.Command {
	cmd := a.onRun("delete RUN", "Mark a run deleted", cobra.ExactArgs(1), mlruns.ViewActive, func(ctx context.Context, s *session, args []string) error {
		return s.DeleteRun(ctx, args[0])
	})
	cmd.Long = "Mark a run deleted. Undo it with \"runs restore\"; it is removed for good by \"store gc\"."
	return cmd
}

// onRun makes a verb that changes a run and answers nothing.
func (a *app) onRun(use, short string, args cobra.PositionalArgs, view mlruns.View, do work) *cobra.Command {
	cmd := a.verb(use, short, args, a.writing(onRunID(func(ctx context.Context, s *session, args []string) error {
		if err := do(ctx, s, args); err != nil {
			return err
		}
		return a.done()
	})))
	cmd.ValidArgsFunction = a.completed(runIDs(view))
	return cmd
}

func (a *app) createRun() *cobra.Command {
	var experiment, name string
	var tags tagsFlag
	cmd := a.verb("create --experiment ID|NAME", "Begin a run; prints the id", noArgs, a.writing(func(ctx context.Context, s *session, _ []string) error {
		e, err := s.experiment(ctx, experiment)
		if err != nil {
			return err
		}
		run, err := s.CreateRun(ctx, mlruns.RunSpec{ExperimentID: e.ID, Name: name, User: userOf(tags), Tags: tags})
		if err != nil {
			return err
		}
		if a.json {
			return a.printRun(run)
		}
		a.println(run.Info.ID)
		return nil
	}))
	f := cmd.Flags()
	f.StringVar(&experiment, "experiment", "", "`ID|NAME` of its experiment")
	f.StringVar(&name, "name", "", "its `NAME`; one is made up if there is none")
	f.Var(&tags, "tag", "a tag (repeatable)")
	if err := cmd.MarkFlagRequired("experiment"); err != nil {
		panic(err)
	}
	a.completedFlag(cmd, "experiment", experimentNames)
	return cmd
}

// userOf is who begins a run, unless a tag says it.
func userOf(tags map[string]string) string {
	if tags[mlruns.TagUser] != "" {
		return ""
	}
	return mlruns.CurrentUser()
}

func (a *app) updateRun() *cobra.Command {
	var name string
	var status statusFlag
	cmd := a.verb("update RUN", "Give a run another name or status", cobra.ExactArgs(1), a.writing(onRunID(func(ctx context.Context, s *session, args []string) error {
		if err := s.UpdateRun(ctx, args[0], mlruns.RunUpdate{Name: name, Status: mlruns.Status(status)}); err != nil {
			return err
		}
		if !a.json {
			return nil
		}
		run, err := s.Run(ctx, args[0])
		if err != nil {
			return err
		}
		return a.printRun(run)
	})))
	cmd.Flags().StringVar(&name, "name", "", "the new `NAME`")
	cmd.Flags().Var(&status, "status", "the new status; the end time stays as it is, unlike with \"end\"")
	cmd.MarkFlagsOneRequired("name", "status")
	complete(cmd, "status", statuses())
	cmd.ValidArgsFunction = a.completed(runIDs(mlruns.ViewActive))
	return cmd
}

func (a *app) endRun() *cobra.Command {
	status := statusFlag(mlruns.StatusFinished)
	cmd := a.onRun("end RUN", "End a run now", cobra.ExactArgs(1), mlruns.ViewActive, func(ctx context.Context, s *session, args []string) error {
		return s.EndRun(ctx, args[0], mlruns.Status(status), time.Time{})
	})
	cmd.Flags().Var(&status, "status", "FINISHED, FAILED or KILLED")
	complete(cmd, "status", statuses())
	return cmd
}

func (a *app) printRun(run *mlruns.Run) error {
	return a.printJSON(wire.NewRunAnswer(run))
}
