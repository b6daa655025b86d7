package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"strconv"

	"github.com/mlruns/mlruns"
)

const (
	experimentName = "iris"
	epochs         = 60
)

// grid is every combination that the sweep tries.
func grid() []settings {
	var all []settings
	for _, hidden := range []int{4, 16} {
		for _, learningRate := range []float64{0.003, 0.03} {
			for _, seed := range []uint64{1, 2, 3} {
				all = append(all, settings{learningRate: learningRate, hidden: hidden, l2: 1e-4, seed: seed, epochs: epochs})
			}
		}
	}
	return all
}

// sweep trains a model for each setting, every one a run of its own under a parent run, which it
// returns.
func sweep(ctx context.Context, c *mlruns.Client, d *dataset) (parent *mlruns.ActiveRun, err error) {
	parent, err = c.StartRun(ctx, experimentName, mlruns.RunSpec{Name: "sweep", Tags: map[string]string{
		mlruns.TagSourceName: "examples/demo",
		mlruns.TagNote:       "A sweep over learning rate, hidden units and seed on Fisher's iris data.",
	}})
	if err != nil {
		return nil, err
	}
	defer parent.Finish(ctx, &err)
	best := 0.0
	for _, s := range grid() {
		accuracy, err := trainRun(ctx, c, parent.ID, d, s)
		if err != nil {
			return nil, err
		}
		best = max(best, accuracy)
	}
	return parent, parent.LogMetric(ctx, "best_test_accuracy", best, 0)
}

// trainRun trains one model and tracks it as a run: what went in, how it went, and what came out.
func trainRun(ctx context.Context, c *mlruns.Client, parentID string, d *dataset, s settings) (accuracy float64, err error) {
	run, err := c.StartRun(ctx, experimentName, mlruns.RunSpec{
		Name: fmt.Sprintf("mlp-%d-lr-%g-seed-%d", s.hidden, s.learningRate, s.seed),
		Tags: map[string]string{mlruns.TagParentRunID: parentID, mlruns.TagSourceName: "examples/demo", "model": "mlp"},
	})
	if err != nil {
		return 0, err
	}
	defer run.Finish(ctx, &err)
	if err = run.LogParams(ctx, params(s)); err != nil {
		return 0, err
	}
	if err = logDataset(ctx, run, d); err != nil {
		return 0, err
	}
	m, err := train(d, s, func(epoch int, m *model) error {
		values := named("train", m.evaluate(d.train))
		maps.Copy(values, named("test", m.evaluate(d.test)))
		return run.LogMetrics(ctx, values, int64(epoch))
	})
	if err != nil {
		return 0, err
	}
	return m.evaluate(d.test).accuracy, logModel(ctx, run, d, m)
}

func params(s settings) map[string]string {
	return map[string]string{
		"learning_rate": strconv.FormatFloat(s.learningRate, 'g', -1, 64),
		"hidden":        strconv.Itoa(s.hidden),
		"l2":            strconv.FormatFloat(s.l2, 'g', -1, 64),
		"seed":          strconv.FormatUint(s.seed, 10),
		"epochs":        strconv.Itoa(s.epochs),
	}
}

func named(part string, s scores) map[string]float64 {
	return map[string]float64{part + "_loss": s.loss, part + "_accuracy": s.accuracy}
}

// logDataset records what the run was trained on: a description, not the data.
func logDataset(ctx context.Context, run *mlruns.ActiveRun, d *dataset) error {
	schema, err := d.schema()
	if err != nil {
		return err
	}
	profile, err := d.profile()
	if err != nil {
		return err
	}
	return run.LogInputs(ctx, mlruns.Inputs{Datasets: []mlruns.DatasetInput{{
		Dataset: mlruns.Dataset{
			Name: "iris", Digest: d.digest, SourceType: "http", Source: `{"url": "https://doi.org/10.24432/C56C76"}`,
			Schema: schema, Profile: profile,
		},
		Tags: map[string]string{mlruns.TagDatasetContext: "train"},
	}}})
}

// logModel stores the model and a picture of its mistakes with the run.
func logModel(ctx context.Context, run *mlruns.ActiveRun, d *dataset, m *model) error {
	text, err := json.MarshalIndent(m, "", "  ")
	if err != nil {
		return err
	}
	if err = run.WriteArtifact(ctx, "model/model.json", bytes.NewReader(text)); err != nil {
		return err
	}
	picture := confusionSVG(m.Classes, m.confusion(d.test))
	return run.WriteArtifact(ctx, "confusion.svg", bytes.NewReader(picture))
}
