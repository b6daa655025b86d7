package filestore_test

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/spf13/afero"

	"github.com/mlruns/mlruns"
	"github.com/mlruns/mlruns/filestore"
	"github.com/mlruns/mlruns/internal/faultfs"
	"github.com/mlruns/mlruns/internal/memfs"
)

// fillStore makes a store of n runs, each with the metric m and the param p.
func fillStore(t *testing.T, disk afero.Fs, n int) {
	t.Helper()
	store, err := filestore.Open("mlruns", filestore.WithFs(disk))
	if err != nil {
		t.Fatal(err)
	}
	defer store.Close()
	for i := range n {
		run, err := store.CreateRun(t.Context(), mlruns.RunSpec{ID: fmt.Sprintf("run%03d", i)})
		if err != nil {
			t.Fatal(err)
		}
		if err := store.LogMetric(t.Context(), run.Info.ID, mlruns.Metric{Key: "m", Value: float64(i)}); err != nil {
			t.Fatal(err)
		}
		if err := store.LogParam(t.Context(), run.Info.ID, "p", fmt.Sprint(i%2)); err != nil {
			t.Fatal(err)
		}
	}
	for p, err := range store.Verify(t.Context(), mlruns.VerifyQuery{}) {
		t.Fatalf("verify: %v %v", p, err)
	}
}

// watchedStore opens a filled store on a file system that calls watch before every operation, one
// at a time.
func watchedStore(t *testing.T, n int, watch func(faultfs.Op), opts ...filestore.Option) *filestore.Store {
	t.Helper()
	disk := memfs.New()
	fillStore(t, disk, n)
	observed := faultfs.New(disk, faultfs.FailMatching(func(op faultfs.Op) bool {
		watch(op)
		return false
	}, nil))
	watched, err := filestore.Open("mlruns", append([]filestore.Option{filestore.WithFs(observed), filestore.WithReadOnly()}, opts...)...)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = watched.Close() })
	return watched
}

// crowdedFs counts how many calls open a meta.yaml at the same time.
type crowdedFs struct {
	afero.Fs
	now, most atomic.Int64
}

func (c *crowdedFs) Open(name string) (afero.File, error) {
	if filepath.Base(name) == "meta.yaml" {
		n := c.now.Add(1)
		for old := c.most.Load(); n > old && !c.most.CompareAndSwap(old, n); old = c.most.Load() {
		}
		time.Sleep(time.Millisecond)
		defer c.now.Add(-1)
	}
	return c.Fs.Open(name)
}

func TestParallelismIsBounded(t *testing.T) {
	disk := memfs.New()
	fillStore(t, disk, 40)
	for _, limit := range []int{1, 3} {
		crowded := &crowdedFs{Fs: disk}
		store, err := filestore.Open("mlruns", filestore.WithFs(crowded), filestore.WithReadOnly(), filestore.WithParallelism(limit))
		if err != nil {
			t.Fatal(err)
		}
		defer store.Close()
		page, err := store.SearchRuns(t.Context(), mlruns.RunQuery{Filter: "metrics.m >= 0"})
		if err != nil || len(page.Runs) != 40 {
			t.Fatalf("search: %v, %+v", err, page)
		}
		if got := crowded.most.Load(); got > int64(limit) || limit > 1 && got < 2 {
			t.Errorf("%d runs were read at once, want at most %d, and more than one where more are allowed", got, limit)
		}
	}
}

// TestScanEndsWithContext cancels a search in its middle: it must end at once, with the context's
// error, without blaming the store.
func TestScanEndsWithContext(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithCancel(t.Context())
	var opened atomic.Int64
	store := watchedStore(t, 200, func(op faultfs.Op) {
		if op.Kind == faultfs.ReadFile && filepath.Base(op.Path) == "m" && opened.Add(1) == 20 {
			cancel()
		}
	}, filestore.WithParallelism(4))
	page, err := store.SearchRuns(ctx, mlruns.RunQuery{Filter: "metrics.m >= 0", OnProblem: func(p mlruns.Problem) { t.Errorf("problem: %v", p) }})
	if !errors.Is(err, context.Canceled) || page != nil {
		t.Errorf("search: %v, %v, want context.Canceled and no page", page, err)
	}
	if n := opened.Load(); n > 60 {
		t.Errorf("%d metrics were opened, though the context ended at the 20th", n)
	}
}

// TestPlanOpensOnlyWhatItNeeds counts what a search opens of the runs that do not match.
func TestPlanOpensOnlyWhatItNeeds(t *testing.T) {
	for _, c := range []struct {
		q    mlruns.RunQuery
		want map[string]int // files by their folder: how many of 10 runs
	}{
		{mlruns.RunQuery{Filter: "status = 'FAILED'"}, map[string]int{"meta.yaml": 10}},
		{mlruns.RunQuery{Filter: "metrics.m < -1"}, map[string]int{"meta.yaml": 10, "metrics/m": 10}},
		{mlruns.RunQuery{Filter: "params.p = 'none'"}, map[string]int{"meta.yaml": 10, "params/p": 10}},
		{mlruns.RunQuery{Filter: "metrics.m < -1 AND params.p = '1'"}, map[string]int{"meta.yaml": 10, "metrics/m": 5, "params/p": 10}},
		{mlruns.RunQuery{Filter: "params.p = 'none'", OrderBy: []string{"metrics.m"}}, map[string]int{"meta.yaml": 10, "params/p": 10}},
		{mlruns.RunQuery{Filter: "metrics.m < -1", View: mlruns.ViewDeleted}, map[string]int{"meta.yaml": 10}},
	} {
		opened := map[string]int{}
		store := watchedStore(t, 10, func(op faultfs.Op) {
			if i := strings.Index(op.Path, "/run"); i >= 0 && op.Kind == faultfs.ReadFile {
				opened[op.Path[i+len("/run000/"):]]++
			}
		}, filestore.WithParallelism(1))
		page, err := store.SearchRuns(t.Context(), c.q)
		if err != nil || page.Scan.Matched != 0 {
			t.Fatalf("%s: %v, %+v", c.q.Filter, err, page)
		}
		if fmt.Sprint(opened) != fmt.Sprint(c.want) {
			t.Errorf("%s: opened %v, want %v", c.q.Filter, opened, c.want)
		}
		total := 0
		for _, n := range c.want {
			total += n
		}
		if page.Scan.Opened != total {
			t.Errorf("%s: the scan says %d files, want %d", c.q.Filter, page.Scan.Opened, total)
		}
	}
}
