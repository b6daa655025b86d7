package filestore_test

import (
	"bytes"
	"errors"
	"log/slog"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"

	"github.com/mlruns/mlruns"
	"github.com/mlruns/mlruns/filestore"
	"github.com/mlruns/mlruns/filestore/internal/filestoretest"
)

// openIndexed opens a store with its indexes in a directory, and skips where there are none.
func openIndexed(t *testing.T, dir, indexes string, opts ...filestore.Option) *filestore.Store {
	t.Helper()
	store, err := filestore.Open(dir, append(opts, filestore.WithIndex(filestore.IndexChecked), filestore.WithIndexDir(indexes))...)
	filestoretest.Must(t, err)
	t.Cleanup(func() { _ = store.Close() })
	if store.IndexMode() != filestore.IndexChecked {
		t.Skipf("there is no index on %v", store.Drive())
	}
	return store
}

// TestIndexIsNotInTheStore has the user's directory for caches in the store, where MLflow would
// meet the index: then there is none.
func TestIndexIsNotInTheStore(t *testing.T) {
	t.Parallel()
	dir, _ := endedStore(t, 80, "3")
	before := filesBelow(dir)
	links := t.TempDir()
	if err := os.Symlink(dir, filepath.Join(links, "link")); err != nil {
		t.Skip(err)
	}
	filestoretest.Must(t, os.Symlink(filepath.Join(dir, "0"), filepath.Join(links, "within")))
	for _, indexes := range []string{dir, filepath.Join(dir, "cache", "mlruns"), filepath.Join(links, "link"), filepath.Join(links, "within")} {
		store := openIndexed(t, dir, indexes, filestore.WithReadOnly())
		if a, scan := answerOf(store, mlruns.RunQuery{}); len(a.Runs) != 80 || scan.Looked > 0 {
			t.Errorf("%s: %d runs, %+v; want 80 without looks", indexes, len(a.Runs), scan)
		}
		if info := store.IndexInfo(); info.Mode != filestore.IndexNone || !strings.Contains(info.Why, "lies in the store") {
			t.Errorf("%s: %+v", indexes, info)
		}
		filestoretest.Must(t, store.RebuildIndex(t.Context(), nil), store.DropIndex(), store.Close())
	}
	if now := filesBelow(dir); len(now) != len(before) {
		t.Errorf("%d files in the store, there were %d", len(now), len(before))
	}
	beside := openIndexed(t, dir, dir+"-cache", filestore.WithReadOnly())
	if info := beside.IndexInfo(); info.Why != "" {
		t.Errorf("beside the store: %+v", info)
	}
}

// TestIndexWithoutAPlace does no work for an index that nobody could write, and says why there is
// none, in its log too if it was asked for; but not as long as nobody searches.
func TestIndexWithoutAPlace(t *testing.T) {
	t.Parallel()
	dir, _ := endedStore(t, 80, "3")
	file := filepath.Join(t.TempDir(), "file")
	filestoretest.Must(t, os.WriteFile(file, nil, 0o600))
	var log bytes.Buffer
	store := openIndexed(t, dir, filepath.Join(file, "below"), filestore.WithLogger(slog.New(slog.NewTextHandler(&log, nil))))
	run, err := store.CreateRun(t.Context(), mlruns.RunSpec{})
	filestoretest.Must(t, err, store.LogMetric(t.Context(), run.Info.ID, mlruns.Metric{Key: "m"}))
	if strings.Contains(log.String(), "index") {
		t.Errorf("before any search the log has:\n%s", &log)
	}
	if a, scan := answerOf(store, mlruns.RunQuery{Filter: "params.p = 'x'"}); len(a.Runs) != 80 || scan.Looked > 0 {
		t.Errorf("%d runs, %+v; want 80 without looks", len(a.Runs), scan)
	}
	if info := store.IndexInfo(); info.Mode != filestore.IndexNone || !strings.Contains(info.Why, "not a directory") {
		t.Errorf("%+v", info)
	}
	if n := strings.Count(log.String(), "searches use no index"); n != 1 {
		t.Errorf("the log tells %d times that there is no index", n)
	}
}

// TestIndexThatCannotBeWritten is used as it is, and nothing is read for another.
func TestIndexThatCannotBeWritten(t *testing.T) {
	if runtime.GOOS == "windows" {
		t.Skip("there are no owners on Windows")
	}
	t.Parallel()
	dir, run := endedStore(t, 80, "3")
	w := newTwins(t, dir)
	w.warm()
	filestoretest.Must(t, os.Chmod(w.indexes, 0o777)) // others may make files there
	names := filesBelow(w.indexes)
	for i := range 40 {
		filestoretest.Must(t, place(filepath.Join(run(i), "params", "p"), "z"))
	}
	w.reopen()
	for range 2 {
		w.ask(mlruns.RunQuery{Filter: "params.p = 'x'"})
		w.ask(mlruns.RunQuery{})
	}
	if w.answered == 0 {
		t.Error("nothing was taken from the index")
	}
	if err := w.indexed.RebuildIndex(t.Context(), nil); err == nil {
		t.Error("an index was made where others may make files")
	}
	w.reopen()
	if now := filesBelow(w.indexes); len(now) != 1 || now[0] != names[0] {
		t.Errorf("%v, there were %v", now, names)
	}
}

// TestIndexThatWasNotWritten is not tried again by each search, as where the disk is full, but when
// somebody asks for it.
func TestIndexThatWasNotWritten(t *testing.T) {
	t.Parallel()
	dir, _ := endedStore(t, 80, "3")
	indexes := filepath.Join(t.TempDir(), "indexes")
	store := openIndexed(t, dir, indexes, filestore.WithReadOnly())
	if info := store.IndexInfo(); info.Why != "" {
		t.Fatalf("%+v", info)
	}
	filestoretest.Must(t, os.WriteFile(indexes, nil, 0o600))
	filestoretest.Settle() // what is younger is not kept, and then no index is made
	q := mlruns.RunQuery{Filter: "params.p = 'x'"}
	_, _ = answerOf(store, q)
	if err := store.DropIndex(); err == nil { // which waits
		t.Fatal("an index was made below a file")
	}
	if a, scan := answerOf(store, q); len(a.Runs) != 80 || scan.Looked > 0 {
		t.Errorf("%d runs, %+v; want 80 without looks", len(a.Runs), scan)
	}
	filestoretest.Must(t, os.Remove(indexes), store.RebuildIndex(t.Context(), nil))
	if a, scan := answerOf(store, q); len(a.Runs) != 80 || scan.Indexed == 0 {
		t.Errorf("%d runs, %+v; want some from the index", len(a.Runs), scan)
	}
}

// TestIndexesOfManyStores opens many stores at once whose indexes are in one directory.
func TestIndexesOfManyStores(t *testing.T) {
	t.Parallel()
	dir, _ := endedStore(t, 80, "3")
	indexes := filepath.Join(t.TempDir(), "indexes")
	results := make(chan error)
	const stores = 12
	for range stores {
		store := openIndexed(t, dir, indexes, filestore.WithReadOnly())
		go func() {
			a, _ := answerOf(store, mlruns.RunQuery{})
			err := store.Close()
			if len(a.Runs) != 80 || a.Err != "" {
				err = errors.Join(err, errors.New("not all runs: "+a.Err))
			}
			results <- err
		}()
	}
	for range stores {
		filestoretest.Must(t, <-results)
	}
	if names := filesBelow(indexes); len(names) > 1 {
		t.Errorf("left: %v", names)
	}
}
