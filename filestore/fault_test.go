package filestore_test

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"github.com/spf13/afero"

	"github.com/mlruns/mlruns"
	"github.com/mlruns/mlruns/filestore"
	"github.com/mlruns/mlruns/internal/faultfs"
	"github.com/mlruns/mlruns/internal/memfs"
)

var errFault = errors.New("the disk is on fire")

// faults counts the operations of the file system from arm to disarm and lets one injector see
// them, from 0 on.
type faults struct {
	injector faultfs.Injector
	n        int
	hit      faultfs.Op // the last that failed
	failed   int        // how many did
}

func (x *faults) inject(op faultfs.Op) error {
	if x.injector == nil {
		return nil
	}
	op.Index = x.n
	x.n++
	err := x.injector(op)
	if err != nil {
		x.hit = op
		x.failed++
	}
	return err
}

func (x *faults) arm(injector faultfs.Injector) { x.injector, x.n, x.failed = injector, 0, 0 }

func (x *faults) disarm() { x.injector = nil }

// faulty is a store with the run "run" in the experiment "e1", in a file system that fails when
// told so.
type faulty struct {
	*testing.T
	ctx    context.Context
	fs     *memfs.FS
	base   afero.Fs // what lies under the faults: fs, or a disk
	faults *faults
	store  *filestore.Store
	about  string // for messages
	close  func() // gives the disk back
}

func newFaulty(t *testing.T, plain bool, sync filestore.Sync) *faulty {
	t.Helper()
	return newFaultyOn(t, memfs.New(), plain, sync)
}

// newFaultyOn is newFaulty in a file system; in a local one handles are kept.
func newFaultyOn(t *testing.T, mem *memfs.FS, plain bool, sync filestore.Sync) *faulty {
	t.Helper()
	f := &faulty{T: t, ctx: t.Context(), fs: mem, faults: &faults{}}
	f.base = f.fs
	fsys := f.base
	if plain {
		fsys = faultfs.Plain(fsys)
	}
	f.store = openStore(t, "/mlruns", filestore.WithFs(faultfs.New(fsys, f.faults.inject)), filestore.WithSync(sync), filestore.WithClock(clockOfFaults))
	f.must(errOf(f.store.CreateExperiment(f.ctx, mlruns.ExperimentSpec{ID: "e1", Name: "one", Tags: map[string]string{"old": "1"}})))
	f.must(errOf(f.store.CreateRun(f.ctx, mlruns.RunSpec{ID: "run", ExperimentID: "e1", Name: "name", Tags: map[string]string{"old": "1"}})))
	f.must(f.store.LogBatch(f.ctx, "run", mlruns.Batch{
		Metrics: []mlruns.Metric{{Key: "old", Value: 1, Time: time.UnixMilli(1)}}, Params: []mlruns.Param{{Key: "old", Value: "1"}}}))
	return f
}

func errOf[T any](_ T, err error) error { return err }

func (f *faulty) must(err error) {
	f.Helper()
	if err != nil {
		f.Fatal(err)
	}
}

// verify allows leftovers, and what the operation leaves half done.
func (f *faulty) verify(allow mlruns.ProblemKind) {
	f.Helper()
	for p, err := range f.store.Verify(f.ctx, mlruns.VerifyQuery{}) {
		if err != nil {
			f.Fatalf("Verify: %v", err)
		}
		if p.Kind != mlruns.ProblemLeftover && p.Kind != allow {
			f.Errorf("after %v: Verify: %v", f.faults.hit, p)
		}
	}
}

// snapshot is all that the store answers, by id and without times of its clock, artifacts included.
func (f *faulty) snapshot() map[string]any {
	f.Helper()
	all := map[string]any{}
	for e, err := range f.store.Experiments(f.ctx, mlruns.ExperimentQuery{View: mlruns.ViewAll}) {
		f.must(err)
		e.Created, e.Updated = time.Time{}, time.Time{}
		all["experiment "+e.ID] = e
	}
	for r, err := range f.store.Runs(f.ctx, mlruns.RunQuery{View: mlruns.ViewAll}) {
		f.must(err)
		for key := range r.Data.Metrics {
			var history []mlruns.Metric
			for m, err := range f.store.MetricHistory(f.ctx, r.Info.ID, key, mlruns.HistoryQuery{}) {
				f.must(err)
				history = append(history, m)
			}
			all["history "+r.Info.ID+" "+key] = history
		}
		all["run "+r.Info.ID] = *r
		f.artifacts(all, r.Info.ID, "")
	}
	return all
}

// artifacts adds the files of a run's artifacts to a snapshot. Folders are left out: a write that
// fails may leave one that it made, empty.
func (f *faulty) artifacts(all map[string]any, run, folder string) {
	f.Helper()
	list, err := f.store.Artifacts(f.ctx, run, folder)
	f.must(err)
	for _, info := range list {
		if info.IsDir {
			f.artifacts(all, run, info.Path)
			continue
		}
		r, err := f.store.OpenArtifact(f.ctx, run, info.Path)
		f.must(err)
		data, err := io.ReadAll(r)
		f.must(errors.Join(err, r.Close()))
		all["artifact "+run+" "+info.Path] = string(data)
	}
}

// faultedOperation is a write. prepare is what comes before, and warm what the same store does
// before, so that it keeps handles. again says what a retry of one that succeeded gives, nil if it
// may be repeated; steps that it changes the store more than once, so that a failure may leave a
// part of it done; allow what Verify may say of that; tidies that it has more to do after its
// commit point, so that it may fail though its effect stands.
type faultedOperation struct {
	name    string
	prepare func(*faulty) error
	warm    func(*faulty) error
	do      func(*faulty) error
	again   error
	steps   bool
	allow   mlruns.ProblemKind
	tidies  bool
}

// ready does in one store what comes before.
func (op faultedOperation) ready(f *faulty) {
	f.Helper()
	for _, do := range []func(*faulty) error{op.prepare, op.warm} {
		if do != nil {
			f.must(do(f))
		}
	}
}

var faultedOperations = []faultedOperation{
	{name: "CreateExperiment", again: mlruns.ErrExists, do: func(f *faulty) error {
		return errOf(f.store.CreateExperiment(f.ctx, mlruns.ExperimentSpec{ID: "e2", Name: "two", Tags: map[string]string{"a": "1", "b/c": "2"}}))
	}},
	{name: "RenameExperiment", again: mlruns.ErrExists, do: func(f *faulty) error { return f.store.RenameExperiment(f.ctx, "e1", "other") }},
	{name: "DeleteExperiment", again: mlruns.ErrNotFound, steps: true, allow: mlruns.ProblemStage, do: func(f *faulty) error { return f.store.DeleteExperiment(f.ctx, "e1") }},
	{name: "RestoreExperiment", again: mlruns.ErrNotFound, steps: true, allow: mlruns.ProblemStage,
		prepare: func(f *faulty) error { return f.store.DeleteExperiment(f.ctx, "e1") },
		do:      func(f *faulty) error { return f.store.RestoreExperiment(f.ctx, "e1") }},
	{name: "SetExperimentTag", do: func(f *faulty) error { return f.store.SetExperimentTag(f.ctx, "e1", "old", "2") }},
	{name: "SetExperimentTag nested", do: func(f *faulty) error { return f.store.SetExperimentTag(f.ctx, "e1", "a/b/c", "2") }},
	{name: "DeleteExperimentTag", again: mlruns.ErrNotFound, do: func(f *faulty) error { return f.store.DeleteExperimentTag(f.ctx, "e1", "old") }},
	{name: "CreateRun", again: mlruns.ErrExists, do: func(f *faulty) error {
		return errOf(f.store.CreateRun(f.ctx, mlruns.RunSpec{ID: "r2", ExperimentID: "e1", Name: "n", Tags: map[string]string{"a": "1", "b/c": "2"}}))
	}},
	{name: "UpdateRun", do: func(f *faulty) error {
		return f.store.UpdateRun(f.ctx, "run", mlruns.RunUpdate{Status: mlruns.StatusFailed, End: time.UnixMilli(9)})
	}},
	{name: "UpdateRun name", steps: true, do: func(f *faulty) error {
		return f.store.UpdateRun(f.ctx, "run", mlruns.RunUpdate{Name: "new"})
	}},
	{name: "EndRun", do: func(f *faulty) error { return f.store.EndRun(f.ctx, "run", 0, time.UnixMilli(9)) }},
	{name: "DeleteRun", do: func(f *faulty) error { return f.store.DeleteRun(f.ctx, "run") }},
	{name: "RestoreRun", prepare: func(f *faulty) error { return f.store.DeleteRun(f.ctx, "run") },
		do: func(f *faulty) error { return f.store.RestoreRun(f.ctx, "run") }},
	{name: "LogMetric", do: func(f *faulty) error {
		return f.store.LogMetric(f.ctx, "run", mlruns.Metric{Key: "old", Value: 2, Time: time.UnixMilli(2)})
	}},
	{name: "LogMetric new", do: func(f *faulty) error {
		return f.store.LogMetric(f.ctx, "run", mlruns.Metric{Key: "a/b", Value: 2, Time: time.UnixMilli(2)})
	}},
	{name: "LogMetric again", warm: logOld(1), do: logOld(2)},
	{name: "LogMetric again and settled", warm: func(f *faulty) error { return errors.Join(logOld(1)(f), settle(f), logOld(2)(f)) }, do: logOld(3)},
	{name: "LogBatch again", warm: logOld(1), steps: true, do: func(f *faulty) error {
		return f.store.LogBatch(f.ctx, "run", mlruns.Batch{Params: []mlruns.Param{{Key: "p", Value: "1"}}, Tags: []mlruns.Tag{{Key: "t", Value: "1"}}})
	}},
	{name: "LogParam", do: func(f *faulty) error { return f.store.LogParam(f.ctx, "run", "a/b", "1") }},
	{name: "LogParam again", do: func(f *faulty) error { return f.store.LogParam(f.ctx, "run", "old", "1") }},
	{name: "SetTag", do: func(f *faulty) error { return f.store.SetTag(f.ctx, "run", "old", "2") }},
	{name: "SetTag name", steps: true, do: func(f *faulty) error { return f.store.SetTag(f.ctx, "run", mlruns.TagRunName, "new") }},
	{name: "DeleteTag", again: mlruns.ErrNotFound, do: func(f *faulty) error { return f.store.DeleteTag(f.ctx, "run", "old") }},
	{name: "LogBatch", steps: true, do: func(f *faulty) error {
		return f.store.LogBatch(f.ctx, "run", mlruns.Batch{Params: []mlruns.Param{{Key: "p", Value: "1"}, {Key: "q", Value: "1"}},
			Tags: []mlruns.Tag{{Key: "t", Value: "1"}, {Key: mlruns.TagRunName, Value: "new"}}})
	}},
	{name: "LogInputs", steps: true, do: func(f *faulty) error {
		return f.store.LogInputs(f.ctx, "run", mlruns.Inputs{Datasets: []mlruns.DatasetInput{{Dataset: mlruns.Dataset{Name: "d", Digest: "1"}}},
			Models: []mlruns.ModelInput{{ModelID: "m-1"}}})
	}},
	{name: "LogOutputs", do: func(f *faulty) error {
		return f.store.LogOutputs(f.ctx, "run", mlruns.Outputs{Models: []mlruns.ModelOutput{{ModelID: "m-1"}}})
	}},
	{name: "RecordLoggedModel", do: func(f *faulty) error {
		return f.store.RecordLoggedModel(f.ctx, "run", mlruns.ModelRecord{ArtifactPath: "m", Created: time.UnixMilli(1), Flavors: map[string]json.RawMessage{"f": json.RawMessage("{}")}})
	}},
	{name: "WriteArtifact", do: func(f *faulty) error { return f.store.WriteArtifact(f.ctx, "run", "a/b", strings.NewReader("new")) }},
	{name: "WriteArtifact over one", prepare: writeOldArtifact, do: func(f *faulty) error {
		return f.store.WriteArtifact(f.ctx, "run", "old/file", strings.NewReader("new"))
	}},
	{name: "LogArtifact", do: func(f *faulty) error { return f.store.LogArtifact(f.ctx, "run", "doc.go", "a/b") }},
	{name: "LogArtifact a folder", steps: true, do: func(f *faulty) error { return f.store.LogArtifact(f.ctx, "run", "layout", "a") }},
	{name: "LogArtifacts", steps: true, do: func(f *faulty) error { return f.store.LogArtifacts(f.ctx, "run", "layout", "a") }},
	{name: "DeleteArtifacts", prepare: writeOldArtifact, do: func(f *faulty) error { return f.store.DeleteArtifacts(f.ctx, "run", "old/file") }},
	{name: "DeleteArtifacts all", steps: true, prepare: writeOldArtifact, do: func(f *faulty) error { return f.store.DeleteArtifacts(f.ctx, "run", "") }},
	{name: "GC of a run", tidies: true, prepare: func(f *faulty) error { return f.store.DeleteRun(f.ctx, "run") }, do: (*faulty).gc},
	{name: "GC of an experiment", tidies: true, prepare: func(f *faulty) error { return f.store.DeleteExperiment(f.ctx, "e1") }, do: (*faulty).gc},
	{name: "Relocate", steps: true, prepare: (*faulty).recordElsewhere, do: (*faulty).relocate},
}

func logOld(step int64) func(*faulty) error {
	return func(f *faulty) error {
		return f.store.LogMetric(f.ctx, "run", mlruns.Metric{Key: "old", Value: 2, Step: step, Time: time.UnixMilli(2)})
	}
}

// settle waits until a kept run is no longer so fresh that its meta.yaml is read each time.
func settle(*faulty) error {
	time.Sleep(25 * time.Millisecond)
	return nil
}

func writeOldArtifact(f *faulty) error {
	return errors.Join(f.store.WriteArtifact(f.ctx, "run", "old/file", strings.NewReader("old")),
		f.store.WriteArtifact(f.ctx, "run", "other", strings.NewReader("other")))
}

// likeness leaves out what differs between two runs of a test.
var likeness = cmp.Options{cmpopts.EquateNaNs(), cmpopts.EquateEmpty(), cmpopts.IgnoreFields(mlruns.RunInfo{}, "Start", "Deleted")}

func same(a, b map[string]any) bool { return cmp.Equal(a, b, likeness...) }
