package filestore_test

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/spf13/afero"

	"github.com/mlruns/mlruns"
	"github.com/mlruns/mlruns/filestore"
	"github.com/mlruns/mlruns/filestore/internal/filestoretest"
)

// TestLineNumbersOfHistory has a line longer than a history keeps in memory between others: it is
// one line.
func TestLineNumbersOfHistory(t *testing.T) {
	f := filestoretest.NewFaulty(t, false, filestore.SyncMeta)
	long := strings.Repeat("7", 700<<10)
	f.Must(afero.WriteFile(f.FS, filestoretest.OldMetric, []byte("1 1.0 0\nbad\n"+long+"\n2 2.0 0\nbad\n"), 0o666))
	var lines []int
	points := 0
	for _, err := range f.Store.MetricHistory(f.Ctx, "run", "old", mlruns.HistoryQuery{OnProblem: func(p mlruns.Problem) { lines = append(lines, p.Line) }}) {
		f.Must(err)
		points++
	}
	if diff := cmp.Diff([]int{2, 3, 5}, lines); diff != "" || points != 2 {
		t.Errorf("%d points, want 2; lines of the problems (-want +got):\n%s", points, diff)
	}
}
