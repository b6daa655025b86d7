package filestore_test

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"testing"

	"github.com/mlruns/mlruns"
	"github.com/mlruns/mlruns/filestore"
)

var pointCounts = []int{10_000, 100_000, 1_000_000}

// BenchmarkMetricHistory goes through all points of a metric.
func BenchmarkMetricHistory(b *testing.B) {
	for _, n := range pointCounts {
		b.Run(fmt.Sprintf("%dpoints", n), func(b *testing.B) {
			dir, run := historyDir(b, n)
			store := openDir(b, dir)
			measure(b, func() {
				got := 0
				for _, err := range store.MetricHistory(context.Background(), run, "loss", mlruns.HistoryQuery{}) {
					if err != nil {
						b.Fatal(err)
					}
					got++
				}
				if got != n {
					b.Fatalf("%d points, want %d", got, n)
				}
			})
			b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/float64(n), "ns/point")
		})
	}
}

// BenchmarkRunOfHistory gets the run that holds the history: its latest point is the greatest of
// all.
func BenchmarkRunOfHistory(b *testing.B) {
	for _, n := range pointCounts {
		b.Run(fmt.Sprintf("%dpoints", n), func(b *testing.B) {
			dir, id := historyDir(b, n)
			store := openDir(b, dir)
			measure(b, func() {
				run, err := store.Run(context.Background(), id)
				if err != nil || run.Data.Metrics["loss"].Step != int64(n-1) {
					b.Fatal(run, err)
				}
			})
		})
	}
}

var experimentCounts = []int{10, 1_000}

// BenchmarkExperiments lists all experiments with their tags.
func BenchmarkExperiments(b *testing.B) {
	for _, n := range experimentCounts {
		b.Run(strconv.Itoa(n), func(b *testing.B) {
			dir, _ := experimentsDir(b, n)
			store := openDir(b, dir)
			measure(b, func() {
				page, err := store.SearchExperiments(context.Background(), mlruns.ExperimentQuery{MaxResults: n})
				if err != nil || len(page.Experiments) != n {
					b.Fatal(page, err)
				}
			})
		})
	}
}

// BenchmarkExperimentByName asks for one of them.
func BenchmarkExperimentByName(b *testing.B) {
	for _, n := range experimentCounts {
		b.Run(strconv.Itoa(n), func(b *testing.B) {
			dir, _ := experimentsDir(b, n)
			store := openDir(b, dir)
			name := fmt.Sprintf("exp-%d", n/2)
			measure(b, func() {
				if _, err := store.ExperimentByName(context.Background(), name); err != nil {
					b.Fatal(err)
				}
			})
		})
	}
}

// BenchmarkRunByID finds a run among experiments: first by a store just opened, which may have to
// look into every experiment, and again. none is one that is not there.
func BenchmarkRunByID(b *testing.B) {
	for _, n := range experimentCounts {
		dir, runOf := experimentsDir(b, n)
		b.Run(fmt.Sprintf("first/%dexperiments", n), func(b *testing.B) {
			i := 0
			measure(b, func() {
				i++
				store, err := filestore.Open(dir)
				if err != nil {
					b.Fatal(err)
				}
				if _, err := store.Run(context.Background(), runOf(i*127%n)); err != nil {
					b.Fatal(err)
				}
				_ = store.Close()
			})
		})
		b.Run(fmt.Sprintf("again/%dexperiments", n), func(b *testing.B) {
			store := openDir(b, dir)
			if _, err := store.Run(context.Background(), runOf(n-1)); err != nil {
				b.Fatal(err)
			}
			measure(b, func() {
				if _, err := store.Run(context.Background(), runOf(n-1)); err != nil {
					b.Fatal(err)
				}
			})
		})
		b.Run(fmt.Sprintf("none/%dexperiments", n), func(b *testing.B) {
			store := openDir(b, dir)
			measure(b, func() {
				if _, err := store.Run(context.Background(), "none"); !errors.Is(err, mlruns.ErrNotFound) {
					b.Fatal(err)
				}
			})
		})
	}
}
