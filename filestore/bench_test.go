package filestore_test

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/mlruns/mlruns"
	"github.com/mlruns/mlruns/filestore"
)

func benchStore(b *testing.B, opts ...filestore.Option) *filestore.Store {
	b.Helper()
	return openDir(b, filepath.Join(b.TempDir(), "mlruns"), opts...)
}

func benchRun(b *testing.B, store *filestore.Store) string {
	b.Helper()
	run, err := store.CreateRun(context.Background(), mlruns.RunSpec{})
	if err != nil {
		b.Fatal(err)
	}
	return run.Info.ID
}

func BenchmarkLogMetric(b *testing.B) {
	for _, sync := range []struct {
		name  string
		level filestore.Sync
	}{{"SyncMeta", filestore.SyncMeta}, {"SyncAlways", filestore.SyncAlways}} {
		b.Run(sync.name, func(b *testing.B) {
			store := benchStore(b, filestore.WithSync(sync.level))
			id := benchRun(b, store)
			step := int64(0)
			measure(b, func() {
				step++
				if err := store.LogMetric(context.Background(), id, mlruns.Metric{Key: "loss", Value: 1 / float64(step), Step: step}); err != nil {
					b.Fatal(err)
				}
			})
		})
	}
}

func BenchmarkLogBatch(b *testing.B) {
	for _, keys := range []int{1, 10, 100} {
		b.Run(fmt.Sprintf("1000metrics/%dkeys", keys), func(b *testing.B) {
			store := benchStore(b)
			id := benchRun(b, store)
			batch := mlruns.Batch{}
			for i := range 1000 {
				batch.Metrics = append(batch.Metrics, mlruns.Metric{Key: fmt.Sprintf("m%d", i%keys), Value: 1 / float64(i+1), Time: time.UnixMilli(int64(i)), Step: int64(i / keys)})
			}
			measure(b, func() {
				if err := store.LogBatch(context.Background(), id, batch); err != nil {
					b.Fatal(err)
				}
			})
		})
	}
}

func BenchmarkCreateRun(b *testing.B) {
	for _, sync := range []struct {
		name  string
		level filestore.Sync
	}{{"SyncMeta", filestore.SyncMeta}, {"SyncNever", filestore.SyncNever}} {
		b.Run(sync.name, func(b *testing.B) {
			store := benchStore(b, filestore.WithSync(sync.level))
			tags := map[string]string{"mlflow.user": "bench", "mlflow.source.name": "bench.go"}
			measure(b, func() {
				if _, err := store.CreateRun(context.Background(), mlruns.RunSpec{Tags: tags}); err != nil {
					b.Fatal(err)
				}
			})
		})
	}
}

// fillRuns writes run folders without the store, which is quicker: 10 params, 10 metrics of one
// point and 5 tags each if whole, meta.yaml only if not.
func fillRuns(b *testing.B, dir string, n int, whole bool) (ids []string) {
	b.Helper()
	for i := range n {
		id := fmt.Sprintf("%032x", i)
		run := filepath.Join(dir, "0", id)
		files := map[string]string{"meta.yaml": runMeta("0", id, i)}
		if whole {
			for k := range 10 {
				files[fmt.Sprintf("metrics/m%d", k)] = fmt.Sprintf("1600000000000 %g 0\n", float64((i*7+k)%1000)/1000)
				files[fmt.Sprintf("params/p%d", k)] = string(rune('x' + i%2))
			}
			for k := range 5 {
				files[fmt.Sprintf("tags/t%d", k)] = "value"
			}
		}
		for _, sub := range []string{"metrics", "params", "tags", "artifacts"} {
			if err := os.MkdirAll(filepath.Join(run, sub), 0o777); err != nil {
				b.Fatal(err)
			}
		}
		for name, text := range files {
			if err := os.WriteFile(filepath.Join(run, name), []byte(text), 0o666); err != nil {
				b.Fatal(err)
			}
		}
		ids = append(ids, id)
	}
	return ids
}

func openDir(b *testing.B, dir string, opts ...filestore.Option) *filestore.Store {
	b.Helper()
	// the benchmarks are of the files, unless they ask for an index
	store, err := filestore.Open(dir, append([]filestore.Option{filestore.WithIndex(filestore.IndexNone)}, opts...)...)
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { _ = store.Close() })
	return store
}

// BenchmarkRun shows that getting a run reads no other: the same cost with 10 and with 10,000
// beside it.
func BenchmarkRun(b *testing.B) {
	for _, n := range append([]int{10}, runCounts()...) {
		b.Run(fmt.Sprintf("among%d", n), func(b *testing.B) {
			store := openDir(b, runsDir(b, n))
			id := fmt.Sprintf("%032x", n/2)
			measure(b, func() {
				if _, err := store.Run(context.Background(), id); err != nil {
					b.Fatal(err)
				}
			})
		})
	}
}

func BenchmarkRunInfos10000(b *testing.B) {
	store := openDir(b, runsDir(b, 10_000))
	measure(b, func() {
		n := 0
		for _, err := range store.RunInfos(context.Background(), "0", mlruns.ViewAll) {
			if err != nil {
				b.Fatal(err)
			}
			n++
		}
		if n != 10_000 {
			b.Fatalf("%d runs, want 10000", n)
		}
	})
}

// BenchmarkLogParam logs a new param each time.
func BenchmarkLogParam(b *testing.B) {
	store := benchStore(b)
	id := benchRun(b, store)
	i := 0
	measure(b, func() {
		i++
		if err := store.LogParam(context.Background(), id, fmt.Sprintf("p%d", i), "0.001"); err != nil {
			b.Fatal(err)
		}
	})
}

// BenchmarkLogMetricAmong logs by the run's id alone among many experiments: first is the first
// call of a store, again a repeated one.
func BenchmarkLogMetricAmong(b *testing.B) {
	for _, n := range experimentCounts {
		dir := filepath.Join(b.TempDir(), "mlruns") // not kept for others, which read the runs
		fillExperiments(b, dir, n)
		log := func(s *filestore.Store, run string) {
			if err := s.LogMetric(context.Background(), run, mlruns.Metric{Key: "loss"}); err != nil {
				b.Fatal(err)
			}
		}
		b.Run(fmt.Sprintf("%d/first", n), func(b *testing.B) {
			i := 0
			measure(b, func() {
				i++
				s, err := filestore.Open(dir)
				if err != nil {
					b.Fatal(err)
				}
				log(s, runNumber(i*127%n))
				_ = s.Close()
			})
		})
		b.Run(fmt.Sprintf("%d/again", n), func(b *testing.B) {
			store := openDir(b, dir)
			measure(b, func() { log(store, runNumber(n/2)) })
		})
	}
}
