package filestore_test

import (
	"context"
	"errors"
	"path/filepath"
	"testing"
	"testing/synctest"
	"time"

	"github.com/mlruns/mlruns"
	"github.com/mlruns/mlruns/filestore"
	"github.com/mlruns/mlruns/internal/memfs"
)

// TestServedIndexRebuilt makes the index of a server's files in one call, which waits between its
// two passes for as long as somebody waits for it.
func TestServedIndexRebuilt(t *testing.T) {
	indexes := filepath.Join(t.TempDir(), "indexes")
	synctest.Test(t, func(t *testing.T) {
		time.Sleep(123 * time.Nanosecond) // times of whole milliseconds are not relied on
		store, err := filestore.Open("/mlruns", filestore.WithFs(memfs.NewServed()), filestore.WithIndex(filestore.IndexTrustEnded), filestore.WithIndexDir(indexes))
		if err != nil {
			t.Fatal(err)
		}
		defer store.Close()
		const ended, going = 12, 3
		for i := range ended + going {
			run, err := store.CreateRun(t.Context(), mlruns.RunSpec{})
			if err == nil {
				err = store.LogParam(t.Context(), run.Info.ID, "p", "x")
			}
			if err == nil && i < ended {
				err = store.EndRun(t.Context(), run.Info.ID, mlruns.StatusFinished, time.Time{})
			}
			if err != nil {
				t.Fatal(err)
			}
		}
		short, cancel := context.WithTimeout(t.Context(), 500*time.Millisecond)
		defer cancel()
		if err := store.RebuildIndex(short, nil); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("with half a second: %v", err)
		}
		told := 0
		if err := store.RebuildIndex(t.Context(), func() { told++ }); err != nil {
			t.Fatal(err)
		}
		if info := store.IndexInfo(); info.Runs != ended+going || told != ended+going {
			t.Errorf("%+v, %d were told of, want %d each", info, told, ended+going)
		}
		got, scan := answerOf(store, mlruns.RunQuery{Filter: "params.p = 'x'"})
		if len(got.Runs) != ended+going || scan.Opened != 2*going || scan.Looked != ended {
			t.Errorf("%d runs, %+v; want %d looks, and 2 files opened of each run that goes on", len(got.Runs), scan, ended)
		}
	})
}
