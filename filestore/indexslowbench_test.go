package filestore_test

import (
	"context"
	"fmt"
	"testing"
	"time"

	"github.com/spf13/afero"

	"github.com/mlruns/mlruns"
	"github.com/mlruns/mlruns/filestore"
	"github.com/mlruns/mlruns/internal/faultfs"
	"github.com/mlruns/mlruns/internal/memfs"
)

// BenchmarkIndexSlowFiles searches 1,000 runs that have ended where each call takes half a
// millisecond, as on a network drive, 16 of them at once. Reading a file takes three: it is opened,
// read and closed.
func BenchmarkIndexSlowFiles(b *testing.B) {
	const runs = 1000
	mem, ctx := memfs.NewLocal(), context.Background()
	store := openSlow(b, mem, filestore.IndexNone, b.TempDir())
	for i := range runs {
		spec := mlruns.RunSpec{ID: fmt.Sprintf("%032x", i), Start: time.UnixMilli(int64(i))}
		batch := mlruns.Batch{
			Metrics: []mlruns.Metric{{Key: "m", Value: float64(i % 4)}, {Key: "n", Value: 1}},
			Params:  []mlruns.Param{{Key: "p", Value: "x"}, {Key: "q", Value: "y"}},
		}
		if _, err := store.CreateRun(ctx, spec); err != nil {
			b.Fatal(err)
		}
		if err := store.LogBatch(ctx, spec.ID, batch); err != nil {
			b.Fatal(err)
		}
		if err := store.EndRun(ctx, spec.ID, mlruns.StatusFinished, time.Time{}); err != nil {
			b.Fatal(err)
		}
	}
	time.Sleep(30 * time.Millisecond) // what is younger is not kept
	slow := faultfs.New(mem, faultfs.DelayMatching(func(faultfs.Op) bool { return true }, func(op faultfs.Op) {
		calls := 1
		if op.Kind == faultfs.ReadFile {
			calls = 3
		}
		for range calls { // one sleep of three times as long is shorter
			time.Sleep(500 * time.Microsecond)
		}
	}))
	for name, q := range map[string]mlruns.RunQuery{
		"filter":   {Filter: "metrics.m = 3 AND params.p = 'x'", MaxResults: 10},
		"all":      {MaxResults: runs},
		"newest10": {MaxResults: 10},
	} {
		for _, mode := range []filestore.IndexMode{filestore.IndexNone, filestore.IndexChecked, filestore.IndexTrustEnded} {
			b.Run(name+"/"+mode.String(), func(b *testing.B) {
				store := openSlow(b, slow, mode, b.TempDir())
				if err := store.RebuildIndex(ctx, nil); err != nil {
					b.Fatal(err)
				}
				for b.Loop() {
					page, err := store.SearchRuns(ctx, q)
					if err != nil || len(page.Runs) == 0 {
						b.Fatal(len(page.Runs), err)
					}
				}
			})
		}
	}
}

func openSlow(b *testing.B, fs afero.Fs, mode filestore.IndexMode, indexes string) *filestore.Store {
	b.Helper()
	store, err := filestore.Open("/mlruns", filestore.WithFs(fs), filestore.WithIndex(mode), filestore.WithIndexDir(indexes), filestore.WithParallelism(16))
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { _ = store.Close() })
	return store
}
