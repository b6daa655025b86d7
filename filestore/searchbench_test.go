package filestore_test

import (
	"context"
	"fmt"
	"os"
	"testing"

	"github.com/mlruns/mlruns"
	"github.com/mlruns/mlruns/filestore"
)

// runCounts are the sizes of the stores that searches are measured on; MLRUNS_BENCH_LARGE adds the
// one of 100,000 runs and 2.7 million files.
func runCounts() []int {
	counts := []int{1_000, 10_000}
	if os.Getenv("MLRUNS_BENCH_LARGE") != "" {
		counts = append(counts, 100_000)
	}
	return counts
}

// searchQueries are those that searches are measured by.
var searchQueries = []struct {
	name string
	q    mlruns.RunQuery
}{
	{"filter", mlruns.RunQuery{Filter: "metrics.m0 > 0.5 and params.p0 = 'x'", OrderBy: []string{"metrics.m0 DESC"}}},
	{"filter-1", mlruns.RunQuery{Filter: "metrics.m0 > 0.5 and params.p0 = 'x'", OrderBy: []string{"metrics.m0 DESC"}, MaxResults: 1}},
	{"all", mlruns.RunQuery{}},
	{"all-10", mlruns.RunQuery{MaxResults: 10}},
}

// BenchmarkSearchRuns is the query of MLflow's own measurements: runs of 10 params, 10 metrics and
// 5 tags; the first 1,000 results read whole.
func BenchmarkSearchRuns(b *testing.B) {
	for _, n := range runCounts() {
		store := openDir(b, runsDir(b, n), parallelism(b)...)
		for _, query := range searchQueries {
			b.Run(fmt.Sprintf("%s/%druns", query.name, n), func(b *testing.B) {
				var page *mlruns.RunPage
				measure(b, func() {
					var err error
					if page, err = store.SearchRuns(context.Background(), query.q); err != nil {
						b.Fatal(err)
					}
				})
				b.ReportMetric(float64(page.Scan.Opened)/float64(page.Scan.Scanned), "files/run")
				b.ReportMetric(float64(page.Scan.Matched), "matched")
				b.ReportMetric(float64(page.Scan.Returned), "returned")
			})
		}
	}
}

// BenchmarkSearchIndexed is BenchmarkSearchRuns with an index that has what is asked. Each search
// opens it, as that of a new process does.
func BenchmarkSearchIndexed(b *testing.B) {
	for _, mode := range []struct {
		name string
		mode filestore.IndexMode
	}{{"none", filestore.IndexNone}, {"checked", filestore.IndexChecked}, {"ended", filestore.IndexTrustEnded}} {
		for _, n := range runCounts() {
			dir, opts := runsDir(b, n), append(parallelism(b), filestore.WithIndex(mode.mode), filestore.WithIndexDir(b.TempDir()))
			store := openDir(b, dir, opts...)
			for _, query := range searchQueries {
				warm := openDir(b, dir, opts...)
				for range 2 {
					if _, err := warm.SearchRuns(context.Background(), query.q); err != nil {
						b.Fatal(err)
					}
				}
				if err := warm.Close(); err != nil {
					b.Fatal(err)
				}
				b.Run(fmt.Sprintf("%s/%s/%druns", mode.name, query.name, n), func(b *testing.B) {
					var page *mlruns.RunPage
					measure(b, func() {
						var err error
						if page, err = store.SearchRuns(context.Background(), query.q); err != nil {
							b.Fatal(err)
						}
					})
					b.ReportMetric(float64(page.Scan.Opened)/float64(page.Scan.Scanned), "files/run")
					b.ReportMetric(float64(page.Scan.Looked)/float64(page.Scan.Scanned), "looks/run")
				})
			}
		}
	}
}
