package filestore_test

import (
	"fmt"
	"testing"

	"github.com/spf13/afero"

	"github.com/mlruns/mlruns"
	"github.com/mlruns/mlruns/filestore"
	"github.com/mlruns/mlruns/filestore/internal/filestoretest"
	"github.com/mlruns/mlruns/internal/memfs"
)

// TestIndexAfterPowerCut has params written over in place, as MLflow does, and read into an index,
// before the power is cut: the files keep their size and their time of change, and lose what was
// written. The index of before is not believed then.
func TestIndexAfterPowerCut(t *testing.T) {
	t.Parallel()
	mem, indexes := memfs.NewLocal(), t.TempDir()
	open := func(fs afero.Fs) *filestore.Store {
		return filestoretest.Open(t, "/mlruns", filestore.WithFs(fs), filestore.WithIndex(filestore.IndexChecked), filestore.WithIndexDir(indexes))
	}
	store := open(mem)
	for i := range 30 {
		filestoretest.Must(t, filestoretest.ErrOf(store.CreateRun(t.Context(), mlruns.RunSpec{ID: fmt.Sprintf("%032x", i)})),
			store.LogParam(t.Context(), fmt.Sprintf("%032x", i), "p", "old"))
	}
	mem.SyncEverything()
	for i := range 30 {
		filestoretest.Must(t, afero.WriteFile(mem, fmt.Sprintf("/mlruns/0/%032x/params/p", i), []byte("new"), 0o666))
	}
	filestoretest.Settle() // what is younger is not kept
	q := mlruns.RunQuery{Filter: "params.p = 'new'"}
	filestoretest.Must(t, store.RebuildIndex(t.Context(), nil))
	if a, scan := answerOf(store, q); len(a.Runs) != 30 || scan.Opened > 0 {
		t.Fatalf("before the cut: %d runs, %+v; want 30 from the index", len(a.Runs), scan)
	}
	filestoretest.Must(t, store.Close())
	cut := open(mem.CrashClone(nil))
	if info := cut.IndexInfo(); info.Runs != 30 {
		t.Fatalf("the index of before is not there after the cut: %+v", info)
	}
	if a, scan := answerOf(cut, q); len(a.Runs) > 0 || scan.Indexed > 0 {
		t.Errorf("after the cut: %d runs have what was lost, %+v", len(a.Runs), scan)
	}
	filestoretest.NoProblems(t, cut)
}
