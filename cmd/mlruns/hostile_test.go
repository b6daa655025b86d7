package main

import (
	"context"
	"errors"
	"path/filepath"

	"github.com/mlruns/mlruns"
	"github.com/mlruns/mlruns/filestore"
)

// evil clears a terminal, sets its title, forges a line, reorders text, and holds a control
// character of one byte in Latin-1.
const evil = "e\x1b[2J\x1b]0;t\a\r\nforged line\tx\u202e\u2066\u009b1m\x7f"

// makeHostile makes a store with evil wherever the library lets it in, and in names of files where
// it does not.
func makeHostile(dir string) (experimentID, runID string, err error) {
	ctx := context.Background()
	store, err := filestore.Open(dir)
	if err != nil {
		return "", "", err
	}
	defer func() { err = errors.Join(err, store.Close()) }()
	c := mlruns.NewClient(store)
	e, err := c.CreateExperiment(ctx, mlruns.ExperimentSpec{Name: evil, Tags: map[string]string{"t": evil}})
	if err != nil {
		return "", "", err
	}
	for _, name := range []string{evil, "two " + evil} {
		run, err := c.CreateRun(ctx, mlruns.RunSpec{ExperimentID: e.ID, Name: name, User: evil, Tags: map[string]string{"t": name}})
		if err != nil {
			return "", "", err
		}
		runID = run.Info.ID
		if err := logHostile(ctx, c, runID, name, filepath.Join(dir, e.ID, runID)); err != nil {
			return "", "", err
		}
	}
	return e.ID, runID, nil
}

func logHostile(ctx context.Context, c *mlruns.Client, runID, name, folder string) error {
	return errors.Join(
		c.LogParam(ctx, runID, "differs", name),
		c.LogParam(ctx, runID, "same", evil),
		c.LogMetric(ctx, runID, mlruns.Metric{Key: "m", Value: float64(len(name))}),
		c.LogInputs(ctx, runID, mlruns.Inputs{Datasets: []mlruns.DatasetInput{{Dataset: mlruns.Dataset{Name: "d", Digest: "1", SourceType: "local", Source: evil}}}}),
		writeFile(filepath.Join(folder, "metrics", evil), "0 1 0\n"),
		writeFile(filepath.Join(folder, "metrics", "bad"), "0 "+evil+" 0\n"),
		writeFile(filepath.Join(folder, "params", evil), evil),
		writeFile(filepath.Join(folder, "artifacts", evil), evil),
	)
}
