package main

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/mlruns/mlruns"
	"github.com/mlruns/mlruns/internal/wire"
)

// modelStatuses are the statuses that --status takes.
var modelStatuses = []string{mlruns.ModelPending.String(), mlruns.ModelReady.String(), mlruns.ModelFailed.String()}

// modelStatusFlag is --status of a model, in any case.
type modelStatusFlag mlruns.ModelStatus

func (s *modelStatusFlag) String() string { return mlruns.ModelStatus(*s).String() }
func (s *modelStatusFlag) Type() string   { return "STATUS" }

func (s *modelStatusFlag) Set(text string) error {
	status, err := mlruns.ParseModelStatus(strings.ToUpper(text))
	if err != nil || !slices.Contains(modelStatuses, status.String()) {
		return fmt.Errorf("want one of %s", strings.Join(modelStatuses, ", "))
	}
	*s = modelStatusFlag(status)
	return nil
}

// dataset reads NAME[:DIGEST], as in --dataset and behind the "@" of an order.
func dataset(text string) mlruns.ModelDataset {
	name, digest, _ := strings.Cut(text, ":")
	return mlruns.ModelDataset{Name: name, Digest: digest}
}

func (a *app) createModel() *cobra.Command {
	var experiment string
	var spec mlruns.ModelSpec
	var params, tags tagsFlag
	cmd := a.verb("create [NAME]", "Make a model, which is pending until it is finalized; prints the id", cobra.MaximumNArgs(1),
		a.writing(func(ctx context.Context, s *session, args []string) (err error) {
			if experiment != "" {
				if spec.ExperimentID, err = s.experimentID(ctx, experiment, mlruns.ViewActive); err != nil {
					return err
				}
			}
			if len(args) > 0 {
				spec.Name = args[0]
			}
			if spec.SourceRunID != "" {
				if spec.SourceRunID, err = s.runID(ctx, spec.SourceRunID); err != nil {
					return err
				}
			}
			spec.Params, spec.Tags = params, tags
			m, err := s.CreateLoggedModel(ctx, spec)
			if err != nil {
				return err
			}
			if a.json {
				return a.printJSON(wire.ModelAnswer{Model: wire.NewModel(m)})
			}
			a.println(m.ID)
			return nil
		}))
	cmd.Flags().StringVar(&experiment, "experiment", "", "the `ID|NAME` of its experiment; the default one if not given")
	cmd.Flags().StringVar(&spec.SourceRunID, "run", "", "the `RUN` that made it")
	cmd.Flags().StringVar(&spec.Type, "type", "", "its `TYPE`, such as agent")
	cmd.Flags().Var(&params, "param", "a param (repeatable)")
	cmd.Flags().Var(&tags, "tag", "a tag (repeatable)")
	a.completedFlag(cmd, "experiment", experimentNames)
	return cmd
}

func (a *app) finalizeModel() *cobra.Command {
	status := modelStatusFlag(mlruns.ModelReady)
	cmd := a.onModel("finalize MODEL", "Set the status of a model, READY if none is given", 1, func(ctx context.Context, s *session, args []string) error {
		_, err := s.FinalizeLoggedModel(ctx, args[0], mlruns.ModelStatus(status))
		return err
	})
	cmd.Flags().Var(&status, "status", "one of "+strings.Join(modelStatuses, ", "))
	complete(cmd, "status", modelStatuses)
	return cmd
}

func (a *app) listModelArtifacts() *cobra.Command {
	cmd := a.verb("artifacts MODEL [PATH]", "List the artifacts in a folder of a model", cobra.RangeArgs(1, 2), a.hearing(a.reading(func(ctx context.Context, s *session, args []string) error {
		path := ""
		if len(args) > 1 {
			path = args[1]
		}
		files, err := s.ModelArtifacts(ctx, args[0], path)
		if err != nil {
			return err
		}
		return a.showFiles(files, path, func() (string, error) { return s.ModelArtifactRoot(ctx, args[0]) })
	})))
	cmd.ValidArgsFunction = a.completed(modelIDs)
	return cmd
}

func (a *app) logModelArtifact() *cobra.Command {
	var path string
	cmd := a.verb("log-artifact MODEL FILE|DIR", "Store a file, or a folder under its own name, in the artifacts of a model", cobra.ExactArgs(2),
		a.copying(a.writing(func(ctx context.Context, s *session, args []string) error {
			if err := s.LogModelArtifact(ctx, args[0], args[1], path); err != nil {
				return err
			}
			return a.doneLogging()
		})))
	cmd.Flags().StringVar(&path, "path", "", "the folder `DIR` of the model's artifacts to put it in")
	cmd.ValidArgsFunction = a.completed(modelIDs)
	return cmd
}

func (a *app) downloadModelArtifact() *cobra.Command {
	var to string
	cmd := a.verb("download MODEL PATH", "Copy an artifact of a model, \".\" for all; prints where it is", cobra.ExactArgs(2), a.copying(a.reading(func(ctx context.Context, s *session, args []string) error {
		local, err := s.DownloadModelArtifacts(ctx, args[0], args[1], to)
		if err != nil {
			return err
		}
		return a.showCopy(local)
	})))
	cmd.Flags().StringVar(&to, "to", ".", "the existing folder `DIR` to copy into")
	cmd.ValidArgsFunction = a.completed(modelIDs)
	return cmd
}
