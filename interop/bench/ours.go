//go:build interop

package main

import (
	"context"
	"errors"
	"fmt"
	"hash/fnv"
	"math/rand/v2"
	"path/filepath"
	"syscall"
	"time"

	"github.com/mlruns/mlruns"
	"github.com/mlruns/mlruns/filestore"
)

// job is what a process that measures is told, and result what it tells.
type job struct {
	Side, Case, Dir string
	Calls, Repeat   int
	Sizes           sizes
	// Index is how this library uses its index, which an earlier call has made.
	Index filestore.IndexMode
}

type result struct {
	// First is the first call with the opening of the store, Times those of one call in each
	// repetition, in seconds.
	First float64
	Times []float64
	// Memory is the most that the process had, in bytes.
	Memory int64
	// Check tells what was found, the same on all sides.
	Check string
}

// filter and order are the search that is measured.
const filter = "metrics.m0 > 0.5 and params.p0 = 'x'"

var order = []string{"metrics.m1 DESC"}

// ours measures a case in this process.
func ours(ctx context.Context, j job) (r result, err error) {
	sync := filestore.SyncMeta
	if j.Case == "create_run_nosync" {
		sync = filestore.SyncNever
	}
	opts := []filestore.Option{filestore.WithSync(sync), filestore.WithIndex(j.Index), filestore.WithIndexDir(filepath.Join(filepath.Dir(j.Dir), "indexes"))}
	if err := warm(ctx, j, opts); err != nil {
		return r, err
	}
	begin := time.Now()
	store, err := filestore.Open(j.Dir, opts...)
	if err != nil {
		return r, err
	}
	defer store.Close()
	call, err := prepare(ctx, store, j)
	if err != nil {
		return r, err
	}
	if r.Check, err = call(); err != nil {
		return r, err
	}
	r.First = time.Since(begin).Seconds()
	for range j.Repeat {
		begin = time.Now()
		for range j.Calls {
			if _, err = call(); err != nil {
				return r, err
			}
		}
		r.Times = append(r.Times, time.Since(begin).Seconds()/float64(j.Calls))
	}
	var usage syscall.Rusage
	if err = syscall.Getrusage(syscall.RUSAGE_SELF, &usage); err != nil {
		return r, err
	}
	r.Memory = usage.Maxrss * 1024
	return r, nil
}

// warm makes the index that a case uses.
func warm(ctx context.Context, j job, opts []filestore.Option) error {
	if j.Index == filestore.IndexNone {
		return nil
	}
	store, err := filestore.Open(j.Dir, opts...)
	if err != nil {
		return err
	}
	call, err := prepare(ctx, store, j)
	if err == nil {
		_, err = call()
	}
	return errors.Join(err, store.Close())
}

// prepare gives the call that a case repeats.
func prepare(ctx context.Context, s *filestore.Store, j job) (func() (string, error), error) {
	n, at := int64(0), time.UnixMilli(1_600_000_000_000)
	random := rand.New(rand.NewPCG(1, 1))
	id := runID(0)
	switch j.Case {
	case "log_metric", "log_batch_1", "log_batch_100", "log_param":
		if j.Sizes.Experiments == 0 { // a store made for this case
			run, err := s.CreateRun(ctx, mlruns.RunSpec{})
			if err != nil {
				return nil, err
			}
			id = run.Info.ID
		}
	}
	batch := func(keys int) func() (string, error) {
		return func() (string, error) {
			var b mlruns.Batch
			for i := range 1000 {
				b.Metrics = append(b.Metrics, mlruns.Metric{Key: fmt.Sprintf("k%d", i%keys), Value: float64(n) / 3, Step: n, Time: at})
				n++
			}
			return "", s.LogBatch(ctx, id, b)
		}
	}
	search := func(q mlruns.RunQuery) func() (string, error) {
		q.Experiments = []string{mlruns.DefaultExperimentID}
		return func() (string, error) {
			page, err := s.SearchRuns(ctx, q)
			if err != nil {
				return "", err
			}
			h := fnv.New32a()
			for _, r := range page.Runs {
				h.Write([]byte(r.Info.ID))
			}
			return fmt.Sprintf("%d runs, %08x", len(page.Runs), h.Sum32()), nil
		}
	}
	history := func(id string) func() (string, error) {
		return func() (string, error) {
			count, sum := 0, 0.0
			for m, err := range s.MetricHistory(ctx, id, "loss", mlruns.HistoryQuery{}) {
				if err != nil {
					return "", err
				}
				count++
				sum += m.Value
			}
			return fmt.Sprintf("%d points, %.6f", count, sum), nil
		}
	}
	get := func(pick func() string) func() (string, error) {
		return func() (string, error) {
			r, err := s.Run(ctx, pick())
			if err != nil {
				return "", err
			}
			return fmt.Sprintf("%d metrics, %d params", len(r.Data.Metrics), len(r.Data.Params)), nil
		}
	}
	switch j.Case {
	case "log_metric":
		return func() (string, error) {
			n++
			return "", s.LogMetric(ctx, id, mlruns.Metric{Key: "loss", Value: float64(n) / 3, Step: n, Time: at})
		}, nil
	case "log_batch_1":
		return batch(1), nil
	case "log_batch_100":
		return batch(100), nil
	case "log_param":
		return func() (string, error) {
			n++
			return "", s.LogParam(ctx, id, fmt.Sprintf("p%d", n), "value")
		}, nil
	case "create_run", "create_run_nosync":
		return func() (string, error) {
			_, err := s.CreateRun(ctx, mlruns.RunSpec{Name: "run", User: "u", Start: at, Tags: map[string]string{"a": "1", "b": "2"}})
			return "", err
		}, nil
	case "get_run":
		if j.Sizes.Large == 0 {
			return get(func() string { return id }), nil
		}
		return get(func() string { return runID(random.IntN(j.Sizes.Large)) }), nil
	case "get_run_large":
		return get(func() string { return runID(1) }), nil
	case "search":
		return search(mlruns.RunQuery{Filter: filter, OrderBy: order, MaxResults: 1000}), nil
	case "search_all":
		return search(mlruns.RunQuery{MaxResults: 1000}), nil
	case "search_page":
		return search(mlruns.RunQuery{MaxResults: 10}), nil
	case "history_small":
		return history(runID(0)), nil
	case "history_large":
		return history(runID(1)), nil
	case "experiments":
		return func() (string, error) {
			page, err := s.SearchExperiments(ctx, mlruns.ExperimentQuery{MaxResults: j.Sizes.Experiments})
			if err != nil {
				return "", err
			}
			return fmt.Sprintf("%d experiments", len(page.Experiments)), nil
		}, nil
	case "by_name":
		return func() (string, error) {
			e, err := s.ExperimentByName(ctx, fmt.Sprintf("experiment %d", j.Sizes.Experiments/2))
			if err != nil {
				return "", err
			}
			return e.ID, nil
		}, nil
	}
	return nil, fmt.Errorf("no case %q", j.Case)
}
