package fault

import (
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/mlruns/mlruns"
	"github.com/mlruns/mlruns/filestore"
	"github.com/mlruns/mlruns/filestore/internal/filestoretest"
)

// With SyncMeta the values of a run that has ended are durable, and so are the tags of experiments:
// no EndRun comes after them to make them so.
func TestValuesAfterTheEndAreDurable(t *testing.T) {
	names := []string{"SetExperimentTag", "SetExperimentTag nested", "DeleteExperimentTag", "UpdateRun name", "LogMetric", "LogMetric new", "LogParam", "SetTag",
		"SetTag name", "DeleteTag", "LogBatch", "RecordLoggedModel"}
	for _, op := range faultedOperations {
		if !slices.Contains(names, op.name) {
			continue
		}
		names = slices.DeleteFunc(names, func(name string) bool { return name == op.name })
		t.Run(op.name, func(t *testing.T) {
			t.Parallel()
			f := filestoretest.NewFaulty(t, false, filestore.SyncMeta)
			f.Must(f.Store.EndRun(f.Ctx, "run", mlruns.StatusFinished, time.UnixMilli(9)))
			f.Must(op.do(f))
			want := f.Snapshot()
			fs := f.FS.CrashClone(nil)
			cut := &filestoretest.Faulty{T: t, Ctx: f.Ctx, FS: fs, Faults: &filestoretest.Faults{}, Store: filestoretest.Open(t, "/mlruns", filestore.WithFs(fs))}
			if diff := cmp.Diff(want, cut.Snapshot(), filestoretest.Alike...); diff != "" {
				t.Errorf("a power cut loses (-want +got):\n%s", diff)
			}
		})
	}
	if len(names) > 0 {
		t.Errorf("no such operations: %v", names)
	}
}
