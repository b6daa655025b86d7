package main

import (
	"context"
	"fmt"
	"strconv"
	"strings"

	"github.com/spf13/cobra"

	"github.com/mlruns/mlruns"
)

func (a *app) logMetric() *cobra.Command {
	var point mlruns.Metric
	var at timeFlag
	var named string
	value := func(cmd *cobra.Command, args []string) error {
		if err := cobra.ExactArgs(3)(cmd, args); err != nil {
			return err
		}
		v, err := strconv.ParseFloat(args[2], 64)
		if err != nil {
			return fmt.Errorf("the value %q is not a number that fits", args[2])
		}
		point.Key, point.Value = args[1], v
		return nil
	}
	cmd := a.onRun("log-metric RUN KEY VALUE", "Log one point of a metric", value, mlruns.ViewActive, func(ctx context.Context, s *session, args []string) error {
		point.Time = at.Time
		if on := dataset(named); named != "" {
			point.DatasetName, point.DatasetDigest = on.Name, on.Digest
		}
		return s.LogMetric(ctx, args[0], point)
	})
	cmd.Long = `Log one point of a metric. The value is a number, negative ones included, or NaN, Infinity, -Infinity.`
	cmd.Example = "  mlruns runs log-metric 3f1c5a0e loss -0.5 --step 3"
	cmd.Flags().Int64Var(&point.Step, "step", 0, "the step it was measured at")
	cmd.Flags().StringVar(&point.ModelID, "model", "", "the id of a `MODEL`, whose point it is too")
	cmd.Flags().StringVar(&named, "dataset", "", "the data set `NAME:DIGEST` it was measured on, which MLflow 3 reads")
	cmd.Flags().Var(&at, "timestamp", "when it was measured, in milliseconds since 1970; now if not given")
	return cmd
}

func (a *app) logBatch() *cobra.Command {
	cmd := a.verb("log-batch RUN < JSON", "Log the metrics, params and tags on standard input", cobra.ExactArgs(1), func(ctx context.Context, args []string) error {
		batch, err := readBatch(ctx, a.in, args[0])
		if err != nil {
			return err
		}
		return a.writing(onRunID(func(ctx context.Context, s *session, args []string) error {
			if err := s.LogBatch(ctx, args[0], batch); err != nil {
				return err
			}
			return a.done()
		}))(ctx, args)
	})
	cmd.Long = strings.TrimSpace(`
Log the metrics, params and tags on standard input, in the shape of MLflow's log-batch request:

  {"metrics": [{"key": "loss", "value": 0.25, "timestamp": 1700000000000, "step": 3}],
   "params": [{"key": "lr", "value": "3e-4"}],
   "tags": [{"key": "team", "value": "vision"}]}

A metric's value is a number or one of the strings "NaN", "Infinity" and "-Infinity"; without a
timestamp it was measured now. All is checked first: a batch that is refused writes nothing.`)
	cmd.ValidArgsFunction = a.completed(runIDs(mlruns.ViewActive))
	return cmd
}
