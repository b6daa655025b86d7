package transfer_test

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/mlruns/mlruns"
	"github.com/mlruns/mlruns/filestore"
	"github.com/mlruns/mlruns/transfer"
)

// crowded is a folder that says how many calls of a kind were under way at once. Each takes a
// second.
type crowded struct {
	*filestore.Store
	mu        sync.Mutex
	now, most map[string]int
}

func (c *crowded) during(call string, do func() error) error {
	c.mu.Lock()
	c.now[call]++
	c.most[call] = max(c.most[call], c.now[call])
	c.mu.Unlock()
	time.Sleep(time.Second)
	defer func() {
		c.mu.Lock()
		defer c.mu.Unlock()
		c.now[call]--
	}()
	return do()
}

func (c *crowded) ImportsAtOnce() int { return 30 }

func (c *crowded) ImportRun(ctx context.Context, r mlruns.Run, points iter.Seq2[mlruns.Metric, error]) error {
	return c.during("import", func() error { return c.Store.ImportRun(ctx, r, points) })
}

func (c *crowded) AddToRun(ctx context.Context, r mlruns.Run, points []mlruns.Metric) error {
	return c.during("add", func() error { return c.Store.AddToRun(ctx, r, points) })
}

func (c *crowded) SortHistory(ctx context.Context, runID, key string, from int) (changed bool, err error) {
	err = c.during("sort", func() error {
		changed, err = c.Store.SortHistory(ctx, runID, key, from)
		return err
	})
	return changed, err
}

func (c *crowded) ImportTrace(ctx context.Context, trace mlruns.Trace) (id string, err error) {
	err = c.during("trace", func() error {
		id, err = c.Store.ImportTrace(ctx, trace)
		return err
	})
	return id, err
}

// Where many runs at once are made durable together, many new ones are imported at once. Runs that
// are on both sides, and traces, are still copied a few at a time: 64 histories that have gone on
// differently took 2 GiB, and the 64 who sorted them failed, since the lock that each wanted was
// not free for 30 s.
func TestManyAtOnceAreNew(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const n = 50
		ctx := t.Context()
		src, files := open(t), open(t)
		for i := range n {
			for value, s := range []*filestore.Store{src, files} {
				id := fmt.Sprint("both", i)
				must(t, errOf(s.CreateRun(ctx, mlruns.RunSpec{ID: id, Name: id, Start: at(1)})), s.LogMetric(ctx, id, point("m", float64(value), 1)))
			}
			must(t, errOf(src.CreateRun(ctx, mlruns.RunSpec{ID: fmt.Sprint("new", i), Name: "new", Start: at(2)})),
				errOf(src.ImportTrace(ctx, mlruns.Trace{ID: fmt.Sprint("tr-", i), State: mlruns.TraceOK, Start: at(1)})))
		}
		dst := &crowded{Store: files, now: map[string]int{}, most: map[string]int{}}
		copyAll(t, dst, src, transfer.Query{})
		if most := dst.most; most["import"] <= 8 || most["import"] > 30 || most["add"] != 4 || most["sort"] != 4 || most["trace"] != 4 {
			t.Errorf("at once were %v", most)
		}
		sound(t, files)
	})
}

// A copy that is told to stop says so, and not that runs could not be copied: as many as are under
// way end with that error.
func TestStopIsNoFailureInARow(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		src, files := open(t), open(t)
		for i := range 30 {
			must(t, errOf(src.CreateRun(t.Context(), mlruns.RunSpec{ID: fmt.Sprint("new", i), Name: "new", Start: at(2)})))
		}
		ctx, cancel := context.WithCancel(t.Context())
		defer cancel()
		time.AfterFunc(time.Second/2, cancel)
		var last error
		failed := 0
		for it, err := range transfer.Copy(ctx, &crowded{Store: files, now: map[string]int{}, most: map[string]int{}}, src, transfer.Query{}) {
			if last = err; it.Err != nil {
				failed++
			}
		}
		if failed == 0 || !errors.Is(last, context.Canceled) || strings.Contains(last.Error(), "in a row") {
			t.Errorf("after %d failures: %v", failed, last)
		}
	})
}
