package filestore_test

import (
	"context"
	"os"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/spf13/afero"

	"github.com/mlruns/mlruns"
	"github.com/mlruns/mlruns/filestore"
	"github.com/mlruns/mlruns/filestore/internal/filestoretest"
	"github.com/mlruns/mlruns/internal/faultfs"
	"github.com/mlruns/mlruns/internal/memfs"
)

// interruptedSort puts the history of a run in order, in a store with two points, and has MLflow
// append a third to the file that was just replaced. Then it calls what interrupts, whose error all
// that follows has.
func interruptedSort(t *testing.T, key string, interrupt func(cancel func()) error) *memfs.FS {
	t.Helper()
	name := "/mlruns/0/run/metrics/" + key
	mem := memfs.New()
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	var old afero.File
	var dead error
	replaced := false
	s := filestoretest.Open(t, "/mlruns", filestore.WithFs(faultfs.New(mem, func(op faultfs.Op) error {
		switch {
		case old != nil && replaced:
			filestoretest.Must(t, filestoretest.ErrOf(old.WriteString("0 7.0 0\n")), old.Close())
			old, dead = nil, interrupt(cancel)
		case old != nil:
			replaced = op.Kind == faultfs.Rename
		}
		return dead
	})))
	filestoretest.Must(t, filestoretest.ErrOf(s.CreateRun(t.Context(), mlruns.RunSpec{ID: "run"})),
		s.LogBatch(t.Context(), "run", mlruns.Batch{Metrics: []mlruns.Metric{{Key: key, Value: 2, Time: time.UnixMilli(2)}, {Key: key, Value: 1, Time: time.UnixMilli(1)}}}))
	f, err := mem.OpenFile(name, os.O_WRONLY|os.O_APPEND, 0)
	filestoretest.Must(t, err)
	old = f
	if _, err := s.SortHistory(ctx, "run", key, 0); (err != nil) != (dead != nil) || old != nil {
		t.Fatalf("got %v; replaced %v", err, old == nil)
	}
	dead = nil
	return mem
}

// left are the links to replaced files that lie in the run's folder.
func left(t *testing.T, fsys *memfs.FS) (names []string) {
	t.Helper()
	entries, err := afero.ReadDir(fsys, "/mlruns/0/run")
	filestoretest.Must(t, err)
	for _, e := range entries {
		if strings.HasPrefix(e.Name(), ".mlruns-sort-") {
			names = append(names, e.Name())
		}
	}
	return names
}

// TestSortHistoryInterrupted loses no point that MLflow appends to a file in the moment in which it
// is replaced: who is told to stop brings it first, and what was killed then is finished by the
// next that puts the history in order, or by Repair, once.
func TestSortHistoryInterrupted(t *testing.T) {
	killed := func(func()) error { return syscall.EIO }
	for _, key := range []string{"loss", "a/b c.d", strings.Repeat("k", 150)} {
		for name, c := range map[string]struct {
			interrupt func(func()) error
			then      func(s *filestore.Store, fsys *memfs.FS)
			left      int
		}{
			"told to stop": {interrupt: func(cancel func()) error { cancel(); return nil }},
			"killed, and merged again": {interrupt: killed, left: 1, then: func(s *filestore.Store, _ *memfs.FS) {
				filestoretest.Must(t, s.LogMetric(t.Context(), "run", mlruns.Metric{Key: key, Value: 0, Time: time.UnixMilli(1)}), filestoretest.ErrOf(s.SortHistory(t.Context(), "run", key, 0)))
			}},
			"killed, and repaired": {interrupt: killed, left: 1, then: func(s *filestore.Store, fsys *memfs.FS) {
				list := filestoretest.Problems(t, s)
				if len(list) != 1 || list[0].Kind != mlruns.ProblemLeftover || list[0].Path != "0/run/"+left(t, fsys)[0] {
					t.Errorf("Verify: %v", list)
				}
				lately := time.Now().Add(-2 * time.Hour)
				filestoretest.Must(t, fsys.Chtimes("/mlruns/0/run/"+left(t, fsys)[0], lately, lately))
				for r, err := range s.Repair(t.Context(), mlruns.RepairQuery{}) {
					filestoretest.Must(t, err)
					if r.SavedTo == "" {
						t.Errorf("%+v", r)
					}
				}
				filestoretest.Must(t, s.LogMetric(t.Context(), "run", mlruns.Metric{Key: key, Value: 0, Time: time.UnixMilli(1)}))
			}},
		} {
			fsys := interruptedSort(t, key, c.interrupt)
			if n := len(left(t, fsys)); n != c.left {
				t.Errorf("%s, %q: %d links are left, want %d", name, key, n, c.left)
			}
			s, want := filestoretest.Open(t, "/mlruns", filestore.WithFs(fsys)), 3
			if c.then != nil {
				c.then(s, fsys)
				want++
			}
			if got := filestoretest.History(t, s, "run", key); len(got) != want {
				t.Errorf("%s, %q: %q", name, key, got)
			}
			if n := len(left(t, fsys)); n != 0 {
				t.Errorf("%s, %q: %d links are left", name, key, n)
			}
			if list := filestoretest.Problems(t, s); len(list) > 0 {
				t.Errorf("%s, %q: Verify: %v", name, key, list)
			}
		}
	}
}
