package main

import (
	"context"
	"maps"
	"slices"
	"strconv"

	"github.com/spf13/cobra"

	"github.com/mlruns/mlruns"
	"github.com/mlruns/mlruns/internal/wire"
)

func (a *app) describeRun() *cobra.Command {
	cmd := a.verb("describe RUN", "Show all of a run, active or deleted", cobra.ExactArgs(1), a.reading(onRunID(func(ctx context.Context, s *session, args []string) error {
		run, err := s.Run(ctx, args[0])
		if err != nil {
			return err
		}
		if a.json {
			return a.printRun(run)
		}
		artifacts, err := s.ArtifactRoot(ctx, args[0])
		if err != nil {
			artifacts = run.Info.ArtifactURI
		}
		a.describe(run, artifacts)
		a.warn(run.Problems)
		return nil
	})))
	cmd.ValidArgsFunction = a.completed(runIDs(mlruns.ViewAll))
	return cmd
}

// describe prints a run. Its artifacts are where they lie now, or where the store recorded them.
func (a *app) describe(run *mlruns.Run, artifacts string) {
	i := run.Info
	started := moment(i.Start)
	if !i.Start.IsZero() {
		started += " (" + age(i.Start, a.now()) + ")"
	}
	a.fields("Run", []field{
		{"id", i.ID}, {"name", i.Name}, {"experiment", i.ExperimentID}, {"user", i.User}, {"status", i.Status.String()}, {"stage", string(i.Stage)},
		{"started", started}, {"ended", moment(i.End)}, {"duration", duration(i.Start, i.End)},
		{"artifacts", artifacts},
	})
	a.fields("Params", texts(run.Data.Params))
	a.section("Metrics", metricColumns(run.Data.Metrics))
	a.fields("Tags", texts(run.Data.Tags))
	a.section("Data sets", datasetColumns(run.Inputs.Datasets))
	a.fields("Models", modelFields(run))
}

func metricColumns(metrics map[string]mlruns.Metric) []column {
	key, value := column{title: "key"}, column{title: "latest value", right: true, whole: true}
	step, at := column{title: "step", right: true, whole: true}, column{title: "time", whole: true}
	for _, k := range slices.Sorted(maps.Keys(metrics)) {
		m := metrics[k]
		key.cells = append(key.cells, k)
		value.cells = append(value.cells, wire.Number(m.Value).String())
		step.cells = append(step.cells, strconv.FormatInt(m.Step, 10))
		at.cells = append(at.cells, moment(m.Time))
	}
	return []column{key, value, step, at}
}

func datasetColumns(inputs []mlruns.DatasetInput) []column {
	name, digest, use, source := column{title: "name"}, column{title: "digest"}, column{title: "context"}, column{title: "source"}
	for _, in := range inputs {
		name.cells = append(name.cells, in.Dataset.Name)
		digest.cells = append(digest.cells, in.Dataset.Digest)
		use.cells = append(use.cells, in.Tags[mlruns.TagDatasetContext])
		source.cells = append(source.cells, in.Dataset.SourceType+" "+in.Dataset.Source)
	}
	return []column{name, digest, use, source}
}

func modelFields(run *mlruns.Run) []field {
	var list []field
	for _, m := range run.Inputs.Models {
		list = append(list, field{"input", m.ModelID})
	}
	for _, m := range run.Outputs.Models {
		list = append(list, field{"output at step " + strconv.FormatInt(m.Step, 10), m.ModelID})
	}
	return list
}
