//go:build interop

package main

import (
	"context"
	"fmt"
	"path/filepath"
	"time"

	"github.com/mlruns/mlruns"
	"github.com/mlruns/mlruns/filestore"
)

// sizes are those of the data set; python/bench.py makes the same in SQLite by the same rules.
type sizes struct {
	Small, Large, Experiments int
	FewPoints, ManyPoints     int64
}

func runID(i int) string { return fmt.Sprintf("%032x", i+1) }

// value gives metric m<j> of run i: spread evenly over [0, 1).
func value(i, j int) float64 { return float64((i*7919+j*104729)%1000) / 1000 }

// batchOf is what run i holds: 10 metrics of one point, 10 params, 5 tags beside its name.
func batchOf(i int) (b mlruns.Batch) {
	for j := range 10 {
		b.Metrics = append(b.Metrics, mlruns.Metric{Key: fmt.Sprintf("m%d", j), Value: value(i, j), Time: time.UnixMilli(1_600_000_000_000)})
		b.Params = append(b.Params, mlruns.Param{Key: fmt.Sprintf("p%d", j), Value: string("xy"[(i+j)%2])})
	}
	for j := range 5 {
		b.Tags = append(b.Tags, mlruns.Tag{Key: fmt.Sprintf("t%d", j), Value: fmt.Sprintf("value %d", i)})
	}
	return b
}

// generate makes all stores of the data set below a folder.
func generate(ctx context.Context, dir string, n sizes) error {
	if err := runs(ctx, filepath.Join(dir, storeRuns1k), n.Small); err != nil {
		return err
	}
	if err := runs(ctx, filepath.Join(dir, storeRuns10k), n.Large); err != nil {
		return err
	}
	if err := points(ctx, filepath.Join(dir, storePoints), n); err != nil {
		return err
	}
	return experiments(ctx, filepath.Join(dir, storeExperiments), n.Experiments)
}

func runs(ctx context.Context, dir string, n int) error {
	store, err := filestore.Open(dir, filestore.WithSync(filestore.SyncNever))
	if err != nil {
		return err
	}
	defer store.Close()
	for i := range n {
		spec := mlruns.RunSpec{ID: runID(i), Name: fmt.Sprintf("run %d", i), Start: time.UnixMilli(1_600_000_000_000 + int64(i))}
		if _, err := store.CreateRun(ctx, spec); err != nil {
			return err
		}
		if err := store.LogBatch(ctx, spec.ID, batchOf(i)); err != nil {
			return err
		}
		if err := store.EndRun(ctx, spec.ID, mlruns.StatusFinished, spec.Start.Add(time.Minute)); err != nil {
			return err
		}
	}
	return nil
}

// points makes run 0 with few points of the metric "loss" and run 1 with many.
func points(ctx context.Context, dir string, n sizes) error {
	store, err := filestore.Open(dir, filestore.WithSync(filestore.SyncNever))
	if err != nil {
		return err
	}
	defer store.Close()
	for i, total := range []int64{n.FewPoints, n.ManyPoints} {
		if _, err := store.CreateRun(ctx, mlruns.RunSpec{ID: runID(i), Name: "run", Start: time.UnixMilli(1)}); err != nil {
			return err
		}
		for step := int64(0); step < total; {
			var b mlruns.Batch
			for ; step < total && len(b.Metrics) < mlruns.MaxBatchMetrics; step++ {
				b.Metrics = append(b.Metrics, mlruns.Metric{Key: "loss", Value: 1 / float64(step+1), Step: step, Time: time.UnixMilli(1_600_000_000_000 + step)})
			}
			if err := store.LogBatch(ctx, runID(i), b); err != nil {
				return err
			}
		}
	}
	return nil
}

// experiments makes experiments 1 … n beside the default one, the last with one run.
func experiments(ctx context.Context, dir string, n int) error {
	store, err := filestore.Open(dir, filestore.WithSync(filestore.SyncNever))
	if err != nil {
		return err
	}
	defer store.Close()
	id := ""
	for i := 1; i <= n; i++ {
		id = fmt.Sprint(i)
		if _, err := store.CreateExperiment(ctx, mlruns.ExperimentSpec{ID: id, Name: "experiment " + id}); err != nil {
			return err
		}
	}
	if _, err := store.CreateRun(ctx, mlruns.RunSpec{ID: runID(0), ExperimentID: id, Name: "run", Start: time.UnixMilli(1)}); err != nil {
		return err
	}
	return store.LogBatch(ctx, runID(0), batchOf(0))
}
