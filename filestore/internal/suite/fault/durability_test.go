package fault

import (
	"context"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/mlruns/mlruns"
	"github.com/mlruns/mlruns/filestore"
	"github.com/mlruns/mlruns/filestore/internal/filestoretest"
	"github.com/mlruns/mlruns/internal/faultfs"
	"github.com/mlruns/mlruns/internal/memfs"
)

// valueOperations write nothing but points, params and tags of a run that goes on, which SyncMeta
// leaves to the file system.
var valueOperations = []string{"LogMetric", "LogMetric new", "LogMetric again", "LogMetric again and settled", "LogParam", "SetTag", "DeleteTag",
	"RecordLoggedModel"}

// TestAcknowledgedIsDurable cuts the power after each write and loses all that was not synced.
func TestAcknowledgedIsDurable(t *testing.T) {
	for _, op := range faultedOperations {
		for _, variant := range []struct {
			name  string
			sync  filestore.Sync
			plain bool
			local bool
		}{{name: "sync meta"}, {name: "sync always", sync: filestore.SyncAlways}, {name: "sync always through afero alone", sync: filestore.SyncAlways, plain: true},
			{name: "sync always, kept handles", sync: filestore.SyncAlways, local: true}} {
			if variant.sync == filestore.SyncMeta && slices.Contains(valueOperations, op.name) {
				continue
			}
			t.Run(op.name+"/"+variant.name, func(t *testing.T) {
				t.Parallel()
				mem := memfs.New()
				if variant.local {
					mem = memfs.NewLocal()
				}
				f := filestoretest.NewFaultyOn(t, mem, variant.plain, variant.sync)
				op.ready(f)
				if variant.sync == filestore.SyncMeta {
					f.FS.SyncEverything() // the values of newFaulty
				}
				f.Must(op.do(f))
				want := f.Snapshot()
				if variant.sync == filestore.SyncMeta {
					leaveValuesOut(op.name, want, f)
				}
				f.Keeps(op.name, want)
			})
		}
	}
}

// leaveValuesOut takes from what is wanted the values that SyncMeta does not promise: they are as
// the power cut left them.
func leaveValuesOut(op string, want map[string]any, f *filestoretest.Faulty) {
	if !strings.HasPrefix(op, "LogBatch") && !strings.HasSuffix(op, " name") {
		return
	}
	run, cut := want["run run"].(mlruns.Run), f.AfterPowerCut(nil).Snapshot()["run run"].(mlruns.Run)
	run.Data = cut.Data
	want["run run"] = run
}

// TestEndedRunIsDurable logs with SyncMeta, so that nothing of it need be durable, and ends the
// run.
func TestEndedRunIsDurable(t *testing.T) {
	for name, end := range map[string]func(*filestoretest.Faulty) error{
		"EndRun": func(f *filestoretest.Faulty) error { return f.Store.EndRun(f.Ctx, "run", 0, time.UnixMilli(9)) },
		"UpdateRun": func(f *filestoretest.Faulty) error {
			return f.Store.UpdateRun(f.Ctx, "run", mlruns.RunUpdate{Status: mlruns.StatusKilled, Name: "ended", End: time.UnixMilli(9)})
		},
	} {
		t.Run(name, func(t *testing.T) {
			f := filestoretest.NewFaulty(t, false, filestore.SyncMeta)
			f.Must(f.Store.SetTag(f.Ctx, "run", "gone/deep", "1"))
			f.FS.SyncEverything()
			f.Must(f.Store.DeleteTag(f.Ctx, "run", "gone/deep"))
			f.Must(f.Store.LogBatch(f.Ctx, "run", mlruns.Batch{
				Metrics: []mlruns.Metric{{Key: "old", Value: 2, Time: time.UnixMilli(2)}, {Key: "a/b/c", Value: 3, Time: time.UnixMilli(3)}},
				Params:  []mlruns.Param{{Key: "p", Value: "1"}, {Key: "q/r", Value: "2"}},
				Tags:    []mlruns.Tag{{Key: "old", Value: "2"}, {Key: "s/t", Value: "3"}}}))
			f.Must(end(f))
			f.Keeps(name, f.Snapshot())
		})
	}
}

// TestNewStoreIsDurable cuts the power when Open has returned.
func TestNewStoreIsDurable(t *testing.T) {
	fs := memfs.New()
	if err := fs.MkdirAll("/data/stores", 0o777); err != nil {
		t.Fatal(err)
	}
	fs.SyncEverything()
	filestoretest.Open(t, "/data/stores/mlruns", filestore.WithFs(fs))
	cut := fs.CrashClone(nil)
	for _, name := range []string{"/data/stores/mlruns/0/meta.yaml", "/data/stores/mlruns/.trash"} {
		if _, err := cut.Stat(name); err != nil {
			t.Errorf("after a power cut: %v", err)
		}
	}
}

// TestPowerCutAtEveryOperation cuts the power before each operation of the file system, with every
// kind of loss: what is found is the store before the write or after it, whole.
func TestPowerCutAtEveryOperation(t *testing.T) {
	for _, op := range faultedOperations {
		if op.steps || slices.Contains(valueOperations, op.name) {
			continue
		}
		t.Run(op.name, func(t *testing.T) {
			t.Parallel()
			f := filestoretest.NewFaulty(t, false, filestore.SyncMeta)
			op.ready(f)
			f.FS.SyncEverything()
			before := f.Snapshot()
			var cuts []*memfs.FS
			f.Store = filestoretest.Open(t, "/mlruns", filestore.WithFs(faultfs.New(f.FS, func(o faultfs.Op) error {
				if o.Kind.Mutates() || o.Kind == faultfs.Sync || o.Kind == faultfs.SyncDir {
					for seed := range uint64(4) {
						cuts = append(cuts, f.FS.CrashClone(rand.New(rand.NewPCG(seed, uint64(o.Index)))))
					}
				}
				return nil
			})))
			f.Must(op.do(f))
			after := f.Snapshot()
			for i, fs := range cuts {
				cut := &filestoretest.Faulty{T: t, Ctx: context.WithoutCancel(f.Ctx), Faults: &filestoretest.Faults{}, FS: fs, Store: filestoretest.Open(t, "/mlruns", filestore.WithFs(fs))}
				cut.Verify("")
				if got := cut.Snapshot(); !filestoretest.SameAnswers(got, before) && !filestoretest.SameAnswers(got, after) {
					t.Errorf("cut %d: neither before nor after:\n%s", i, cmp.Diff(after, got, cmp.Options{filestoretest.Alike}))
				}
			}
		})
	}
}
