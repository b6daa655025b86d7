package filestore_test

import (
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/mlruns/mlruns"
	"github.com/mlruns/mlruns/filestore"
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
			f := newFaulty(t, false, filestore.SyncMeta)
			f.must(f.store.EndRun(f.ctx, "run", mlruns.StatusFinished, time.UnixMilli(9)))
			f.must(op.do(f))
			want := f.snapshot()
			fs := f.fs.CrashClone(nil)
			cut := &faulty{T: t, ctx: f.ctx, fs: fs, faults: &faults{}, store: openStore(t, "/mlruns", filestore.WithFs(fs))}
			if diff := cmp.Diff(want, cut.snapshot(), likeness...); diff != "" {
				t.Errorf("a power cut loses (-want +got):\n%s", diff)
			}
		})
	}
	if len(names) > 0 {
		t.Errorf("no such operations: %v", names)
	}
}
