package filestore_test

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/mlruns/mlruns"
	"github.com/mlruns/mlruns/filestore"
)

// endedDir is runsDir where all runs have ended.
func endedDir(b *testing.B, n int) string {
	b.Helper()
	return benchDir(b, fmt.Sprintf("ended-%d", n), func(dir string) {
		openDir(b, dir)
		fillRuns(b, dir, n, true)
		for i := range n {
			id := runNumber(i)
			meta := strings.NewReplacer("end_time: null", fmt.Sprintf("end_time: %d", 1600000001000+int64(i)), "status: 1", "status: 3").Replace(runMeta("0", id, i))
			writeFile(b, filepath.Join(dir, "0", id, "meta.yaml"), meta)
		}
	})
}

// indexedRows are the calls that the index is measured by, of n runs or experiments.
var indexedRows = map[string]func(b *testing.B, store *filestore.Store, n int) mlruns.Scan{
	"filter": searchRow(mlruns.RunQuery{Filter: "metrics.m0 > 0.5 and params.p0 = 'x'", OrderBy: []string{"metrics.m0 DESC"}}),
	"first":  searchRow(mlruns.RunQuery{}),
	"page":   searchRow(mlruns.RunQuery{MaxResults: 10}),
	"by-name": func(b *testing.B, store *filestore.Store, n int) mlruns.Scan {
		_, err := store.ExperimentByName(context.Background(), fmt.Sprintf("exp-%d", n/2))
		ok(b, err)
		return mlruns.Scan{}
	},
	"by-id": func(b *testing.B, store *filestore.Store, n int) mlruns.Scan {
		_, err := store.Run(context.Background(), runNumber(n/2))
		ok(b, err)
		return mlruns.Scan{}
	},
}

func searchRow(q mlruns.RunQuery) func(*testing.B, *filestore.Store, int) mlruns.Scan {
	return func(b *testing.B, store *filestore.Store, _ int) mlruns.Scan {
		page, err := store.SearchRuns(context.Background(), q)
		ok(b, err)
		return page.Scan
	}
}

// BenchmarkIndexed is one call in a new process, with the index as an earlier one has left it. Only
// .ci/bench-index runs it, which says what by MLRUNS_BENCH_INDEX: the directory of indexes, the
// mode, the row and how many runs or experiments there are. It times opening the store and the
// call; of "floor" and "floor-ended" the system calls of the modes checked and ended; and of
// "build" also closing the store, by when an index has been made. "rebuild" makes one, untimed.
func BenchmarkIndexed(b *testing.B) {
	fields := strings.Fields(os.Getenv("MLRUNS_BENCH_INDEX"))
	if len(fields) != 4 {
		b.Skip("make bench-index runs it")
	}
	indexes, mode, row := fields[0], fields[1], fields[2]
	n, err := strconv.Atoi(fields[3])
	ok(b, err)
	var dir string
	if strings.HasPrefix(row, "by-") {
		dir, _ = experimentsDir(b, n)
	} else {
		dir = endedDir(b, n)
	}
	modes := map[string]filestore.IndexMode{"none": filestore.IndexNone, "checked": filestore.IndexChecked, "ended": filestore.IndexTrustEnded, "build": filestore.IndexChecked, "rebuild": filestore.IndexChecked}
	open := func() *filestore.Store {
		store, err := filestore.Open(dir, filestore.WithReadOnly(), filestore.WithIndex(modes[mode]), filestore.WithIndexDir(indexes))
		ok(b, err)
		return store
	}
	if mode == "rebuild" {
		time.Sleep(30 * time.Millisecond) // what is younger is not kept
		store := open()
		ok(b, store.RebuildIndex(context.Background(), nil))
		if info := store.IndexInfo(); info.Runs > 0 {
			b.ReportMetric(float64(info.Bytes)/float64(info.Runs), "bytes/run")
		}
		ok(b, store.Close())
		return
	}
	for range b.N { // once: b.Loop would call again
		runtime.GC()
		m, start := newMeter(), time.Now()
		var scan mlruns.Scan
		if strings.HasPrefix(mode, "floor") {
			floorIndexed(b, dir, row, n, mode == "floor-ended")
		} else {
			store := open()
			scan = indexedRows[row](b, store, n)
			if mode == "build" {
				ok(b, store.Close())
			}
			b.Cleanup(func() { _ = store.Close() })
		}
		b.ReportMetric(float64(time.Since(start).Microseconds()), "wall-µs")
		m.report(b)
		b.ReportMetric(float64(scan.Looked), "looked")
		b.ReportMetric(float64(scan.Opened), "opened")
	}
}
