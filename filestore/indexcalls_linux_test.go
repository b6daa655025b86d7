package filestore_test

import (
	"path/filepath"
	"testing"

	"github.com/mlruns/mlruns"
	"github.com/mlruns/mlruns/filestore"
	"github.com/mlruns/mlruns/filestore/internal/filestoretest"
)

// TestIndexCalls counts the calls of the system that searches take: on a network drive, or on a
// disk that nothing was read from yet, each costs a while. With the index they are a third at most.
// It is not parallel: the kernel counts those of the whole process.
func TestIndexCalls(t *testing.T) {
	plainDir, _ := endedStore(t, 400, "3")
	inputsDir, run := endedStore(t, 400, "3")
	withInputs(t, inputsDir, run, 400, 3)
	filestoretest.Settle() // what is younger is not kept
	indexes := filepath.Join(t.TempDir(), "indexes")
	count := func(dir string, mode filestore.IndexMode, q mlruns.RunQuery) int64 {
		t.Helper()
		return callsWith(t, dir, indexes, mode, func(store *filestore.Store) { answerOf(store, q) })
	}
	for _, row := range []struct {
		name, dir string
		q         mlruns.RunQuery
	}{
		{"no result", plainDir, mlruns.RunQuery{Filter: "metrics.m = 3 AND params.p = 'none'"}},
		{"ten results", plainDir, mlruns.RunQuery{Filter: "metrics.m = 3 AND params.p = 'x'", MaxResults: 10}},
		{"all results", plainDir, mlruns.RunQuery{MaxResults: 400}},
		{"by a data set", inputsDir, mlruns.RunQuery{Filter: "dataset.name = 'none' OR dataset.context = 'none'"}},
		{"all results with data sets and models", inputsDir, mlruns.RunQuery{MaxResults: 400}},
	} {
		plain, checked, ended := count(row.dir, filestore.IndexNone, row.q), count(row.dir, filestore.IndexChecked, row.q), count(row.dir, filestore.IndexTrustEnded, row.q)
		t.Logf("%s: %d calls without the index, %d checked, %d ended", row.name, plain, checked, ended)
		if checked*3 > plain || ended*3 > checked*2 {
			t.Errorf("%s: %d calls without the index, %d checked, %d ended; want a third, and two thirds of that", row.name, plain, checked, ended)
		}
	}
}

// callsWith counts what a search calls with an index that is there.
func callsWith(t *testing.T, dir, indexes string, mode filestore.IndexMode, search func(*filestore.Store)) int64 {
	t.Helper()
	store, err := filestore.Open(dir, filestore.WithReadOnly(), filestore.WithParallelism(1), filestore.WithIndex(mode), filestore.WithIndexDir(indexes))
	if err != nil {
		t.Fatal(err)
	}
	defer store.Close()
	if store.IndexMode() != mode {
		t.Skipf("there is no index on %v", store.Drive())
	}
	if mode != filestore.IndexNone && store.IndexInfo().Bytes == 0 {
		if err := store.RebuildIndex(t.Context(), nil); err != nil {
			t.Fatal(err)
		}
	}
	search(store) // one that asks for more makes the index anew
	n, ok := countCalls(func() { search(store) })
	if !ok {
		t.Skip("this process may not count what it calls")
	}
	return n.all
}

// TestIndexCallsOfExperiments is TestIndexCalls for experiments with three tags, in two folders.
func TestIndexCallsOfExperiments(t *testing.T) {
	dir, indexes := taggedExperiments(t, 400), filepath.Join(t.TempDir(), "indexes")
	filestoretest.Settle()
	for name, q := range map[string]mlruns.ExperimentQuery{
		"all":      {MaxResults: 1000},
		"by a tag": {Filter: "tags.t = 'none'"},
	} {
		count := func(mode filestore.IndexMode) int64 {
			return callsWith(t, dir, indexes, mode, func(store *filestore.Store) {
				if _, err := store.SearchExperiments(t.Context(), q); err != nil {
					t.Error(err)
				}
			})
		}
		plain, checked := count(filestore.IndexNone), count(filestore.IndexChecked)
		t.Logf("%s: %d calls without the index, %d with it", name, plain, checked)
		if checked*3 > plain {
			t.Errorf("%s: %d calls without the index, %d with it; want a third", name, plain, checked)
		}
	}
}
