package filestore_test

import (
	"context"
	"encoding/json"
	"errors"
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

// faults fails the operation of the file system that comes at a chosen place after arm, or, if short, writes half of the write that does.
type faults struct {
	armed bool
	short bool
	at, n int
	hit   faultfs.Op
}

func (x *faults) inject(op faultfs.Op) error {
	if !x.armed || x.short && op.Kind != faultfs.Write {
		return nil
	}
	x.n++
	if x.n-1 != x.at {
		return nil
	}
	x.hit = op
	if x.short {
		return faultfs.ErrShort
	}
	return errFault
}

func (x *faults) arm(at int) { x.armed, x.at, x.n = true, at, 0 }

// faulty is a store with the run "run" in the experiment "e1", in a file system that fails when told so.
type faulty struct {
	*testing.T
	ctx    context.Context
	fs     *memfs.FS
	faults *faults
	store  *filestore.Store
}

func newFaulty(t *testing.T, plain bool, sync filestore.Sync) *faulty {
	t.Helper()
	f := &faulty{T: t, ctx: t.Context(), fs: memfs.New(), faults: &faults{}}
	var fsys afero.Fs = f.fs
	if plain {
		fsys = faultfs.Plain(fsys)
	}
	f.store = openStore(t, "/mlruns", filestore.WithFs(faultfs.New(fsys, f.faults.inject)), filestore.WithSync(sync))
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
	for p, err := range f.store.Verify(f.ctx) {
		if err != nil {
			f.Fatalf("Verify: %v", err)
		}
		if p.Kind != mlruns.ProblemLeftover && p.Kind != allow {
			f.Errorf("after %v: Verify: %v", f.faults.hit, p)
		}
	}
}

// snapshot is all that the store answers, by id and without times of its clock.
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
	}
	return all
}

// faultedOperation is a write. prepare is what comes before. again says what a retry of one that succeeded gives, nil if it may be repeated;
// steps that it changes the store more than once, so that a failure may leave a part of it done; allow what Verify may say of that; tidies that it has more to do
// after its commit point, so that it may fail though its effect stands.
type faultedOperation struct {
	name    string
	prepare func(*faulty) error
	do      func(*faulty) error
	again   error
	steps   bool
	allow   mlruns.ProblemKind
	tidies  bool
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
	{name: "GC of a run", tidies: true, prepare: func(f *faulty) error { return f.store.DeleteRun(f.ctx, "run") }, do: (*faulty).gc},
	{name: "GC of an experiment", tidies: true, prepare: func(f *faulty) error { return f.store.DeleteExperiment(f.ctx, "e1") }, do: (*faulty).gc},
	{name: "Relocate", steps: true, prepare: (*faulty).recordElsewhere, do: (*faulty).relocate},
}

// TestEveryFault fails each operation of the file system in turn, until the write succeeds.
func TestEveryFault(t *testing.T) {
	for _, op := range faultedOperations {
		for _, variant := range []struct {
			name  string
			sync  filestore.Sync
			plain bool
			short bool
		}{{"sync meta", filestore.SyncMeta, false, false}, {"short writes", filestore.SyncMeta, false, true}, {"sync always through afero alone", filestore.SyncAlways, true, false}} {
			t.Run(op.name+"/"+variant.name, func(t *testing.T) {
				t.Parallel()
				reference := newFaulty(t, variant.plain, variant.sync)
				if op.prepare != nil {
					reference.must(op.prepare(reference))
				}
				before := reference.snapshot()
				reference.must(op.do(reference))
				after := reference.snapshot()
				for i := 0; !t.Failed(); i++ {
					f := newFaulty(t, variant.plain, variant.sync)
					if op.prepare != nil {
						f.must(op.prepare(f))
					}
					f.faults.short = variant.short
					f.faults.arm(i)
					err := op.do(f)
					reached := f.faults.n > i
					f.faults.armed = false
					if !reached {
						f.must(err)
						break
					}
					f.check(i, err, op, before, after)
				}
			})
		}
	}
}

// check judges what a write left behind whose i-th operation failed.
func (f *faulty) check(i int, err error, op faultedOperation, before, after map[string]any) {
	f.Helper()
	if err != nil && !errors.Is(err, errFault) && !errors.Is(err, faultfs.ErrInjected) {
		f.Errorf("fault %d, %v: error %v is not the injected one", i, f.faults.hit, err)
	}
	f.verify(op.allow)
	got := f.snapshot()
	undone, done := same(got, before), same(got, after)
	switch {
	case err == nil && !done:
		f.Errorf("fault %d, %v: the write succeeded but has no effect:\n%s", i, f.faults.hit, cmp.Diff(after, got, likeness...))
	case errors.Is(err, mlruns.ErrNotDurable) && !done:
		f.Errorf("fault %d, %v: %v, but the effect does not stand:\n%s", i, f.faults.hit, err, cmp.Diff(after, got, likeness...))
	case err != nil && !errors.Is(err, mlruns.ErrNotDurable) && !undone && !op.steps && !(op.tidies && done):
		f.Errorf("fault %d, %v: %v, but the store has changed:\n%s", i, f.faults.hit, err, cmp.Diff(before, got, likeness...))
	}
	if err == nil {
		return
	}
	retry := op.do(f)
	switch {
	case retry == nil && (op.again == nil || op.steps || !done || undone):
	case op.again != nil && done && errors.Is(retry, op.again):
	default:
		f.Errorf("fault %d, %v: the retry gave %v", i, f.faults.hit, retry)
	}
	if errors.Is(err, mlruns.ErrNotDurable) {
		f.verify(mlruns.ProblemDuplicateLine) // an append was done twice
		return
	}
	f.verify("")
	if diff := cmp.Diff(after, f.snapshot(), likeness...); diff != "" {
		f.Errorf("fault %d, %v: after the retry (-want +got):\n%s", i, f.faults.hit, diff)
	}
}

// likeness leaves out what differs between two runs of a test.
var likeness = cmp.Options{cmpopts.EquateNaNs(), cmpopts.EquateEmpty(), cmpopts.IgnoreFields(mlruns.RunInfo{}, "Start", "Deleted")}

func same(a, b map[string]any) bool { return cmp.Equal(a, b, likeness...) }
