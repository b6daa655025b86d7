//go:build interop

package main

import (
	"context"
	"fmt"
	"slices"
	"sync"
	"time"

	"github.com/mlruns/mlruns"
	"github.com/mlruns/mlruns/filestore"
)

// crowded is what 64 clients saw, each with a metric of its own in one of 8 runs.
type crowded struct {
	took                []time.Duration // sorted
	runs                []string
	acknowledged, found int
}

// at gives the time within which this part of the requests was answered.
func (c crowded) at(part float64) time.Duration { return c.took[int(float64(len(c.took)-1)*part)] }

// crowd has 64 clients log, one request at a time each: fifteen points, then a batch of ten.
func crowd(c *client, how time.Duration) (found crowded, err error) {
	for range 8 {
		run, err := c.create()
		if err != nil {
			return found, err
		}
		found.runs = append(found.runs, run)
	}
	end := time.Now().Add(how)
	var mu sync.Mutex
	var done sync.WaitGroup
	for number := range 64 {
		done.Go(func() {
			for n := 0; time.Now().Before(end); n++ {
				begin := time.Now()
				points, failed := logOfCrowd(c, found.runs[number%8], fmt.Sprintf("client-%d", number), n)
				mu.Lock()
				found.took = append(found.took, time.Since(begin))
				found.acknowledged += points
				if failed != nil {
					err = failed
				}
				mu.Unlock()
			}
		})
	}
	done.Wait()
	slices.Sort(found.took)
	return found, err
}

func logOfCrowd(c *client, run, key string, n int) (points int, err error) {
	step := int64(10 * n)
	if n%16 < 15 {
		_, err = c.post("runs/log-metric", fmt.Sprintf(`{"run_id":%q,%s}`, run, point(key, step)))
		return 1, err
	}
	list := ""
	for i := range int64(10) {
		list += fmt.Sprintf(`{%s},`, point(key, step+i))
	}
	_, err = c.post("runs/log-batch", fmt.Sprintf(`{"run_id":%q,"metrics":[%s]}`, run, list[:len(list)-1]))
	return 10, err
}

// findIn counts the points on disk, and wants nothing wrong with the store.
func (c *crowded) findIn(ctx context.Context, dir string) error {
	store, err := filestore.Open(dir, filestore.WithReadOnly())
	if err != nil {
		return err
	}
	defer store.Close()
	for number := range 64 {
		for _, err := range store.MetricHistory(ctx, c.runs[number%8], fmt.Sprintf("client-%d", number), mlruns.HistoryQuery{}) {
			if err != nil {
				return err
			}
			c.found++
		}
	}
	for p, err := range store.Verify(ctx, mlruns.VerifyQuery{}) {
		if err != nil {
			return err
		}
		return fmt.Errorf("a problem: %v", p)
	}
	return nil
}
