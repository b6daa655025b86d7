package filestore_test

import (
	"context"
	"os"
	"strconv"
	"testing"
	"time"

	"github.com/mlruns/mlruns"
	"github.com/mlruns/mlruns/filestore"
)

// parallelism is the option that MLRUNS_BENCH_PARALLELISM asks for.
func parallelism(b *testing.B) []filestore.Option {
	b.Helper()
	text := os.Getenv("MLRUNS_BENCH_PARALLELISM")
	if text == "" {
		return nil
	}
	n, err := strconv.Atoi(text)
	if err != nil {
		b.Fatal(err)
	}
	return []filestore.Option{filestore.WithParallelism(n)}
}

// BenchmarkSearchCold is one search over 10,000 runs. Only .ci/bench-cold runs it, once in each
// process and after it has emptied the page cache.
func BenchmarkSearchCold(b *testing.B) {
	if os.Getenv("MLRUNS_BENCH_COLD") == "" {
		b.Skip("make bench-cold runs it")
	}
	dir := runsDir(b, 10_000)
	for name, q := range map[string]mlruns.RunQuery{
		"filter": {Filter: "metrics.m0 > 0.5 and params.p0 = 'x'", OrderBy: []string{"metrics.m0 DESC"}},
		"all":    {},
		"all-10": {MaxResults: 10},
	} {
		b.Run(name, func(b *testing.B) {
			for range b.N { // once: b.Loop would call again
				start := time.Now()
				store, err := filestore.Open(dir, append(parallelism(b), filestore.WithIndex(filestore.IndexNone))...)
				if err != nil {
					b.Fatal(err)
				}
				if _, err = store.SearchRuns(context.Background(), q); err != nil {
					b.Fatal(err)
				}
				b.Logf("%s: %v", name, time.Since(start).Round(time.Millisecond))
				_ = store.Close()
			}
		})
	}
}
