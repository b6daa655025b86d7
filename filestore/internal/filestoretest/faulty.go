package filestoretest

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"math/rand/v2"
	"os"
	"path"
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

const OldMetric = "/mlruns/e1/run/metrics/old"

// Hook lets do see, and fail, every operation of the file system from now on. What do changes in
// f.fs itself is what another program does.
func (f *Faulty) Hook(do faultfs.Injector, opts ...filestore.Option) {
	f.Helper()
	f.Store = Open(f.T, "/mlruns", append(opts, filestore.WithFs(faultfs.New(f.FS, do)))...)
}

func (f *Faulty) AppendTo(name, text string) {
	f.Helper()
	w, err := f.FS.OpenFile(name, os.O_WRONLY|os.O_APPEND, 0)
	f.Must(err)
	f.Must(ErrOf(w.WriteString(text)))
	f.Must(w.Close())
}

func (f *Faulty) Content(name string) string {
	f.Helper()
	data, err := afero.ReadFile(f.FS, name)
	f.Must(err)
	return string(data)
}

// Torn are the contents of the files that keep torn lines.
func (f *Faulty) Torn() (lines []string) {
	f.Helper()
	infos, err := afero.ReadDir(f.FS, path.Dir(path.Dir(OldMetric)))
	f.Must(err)
	for _, info := range infos {
		if strings.HasPrefix(info.Name(), ".mlruns-torn-") {
			lines = append(lines, f.Content(path.Join(path.Dir(path.Dir(OldMetric)), info.Name())))
		}
	}
	return lines
}

var NewPoint = mlruns.Metric{Key: "old", Value: 2, Step: 7, Time: time.UnixMilli(5)}

// Age makes everything two hours old.
func (f *Faulty) Age() {
	f.Helper()
	for name := range TreeOf(f.T, f.FS) {
		f.Must(f.FS.Chtimes("/mlruns/"+name, LongAgo, LongAgo))
	}
}

// FinishGC collects without taking a leftover for a failure.
func (f *Faulty) FinishGC() error {
	for _, err := range f.Store.GC(f.Ctx, mlruns.GCQuery{OnProblem: func(mlruns.Problem) {}}) {
		if err != nil {
			return err
		}
	}
	return nil
}

func (f *Faulty) There(name string) bool {
	f.Helper()
	ok, err := afero.Exists(f.FS, "/mlruns/"+name)
	f.Must(err)
	return ok
}

// AfterPowerCut is the store as it is found when the power came back.
func (f *Faulty) AfterPowerCut(rng *rand.Rand) *Faulty {
	f.Helper()
	fs := f.FS.CrashClone(rng)
	return &Faulty{T: f.T, Ctx: f.Ctx, FS: fs, Faults: &Faults{}, Store: Open(f.T, "/mlruns", filestore.WithFs(fs))}
}

// Keeps fails the test if a power cut now would take something that the store answers, or damage
// it.
func (f *Faulty) Keeps(what string, want map[string]any) {
	f.Helper()
	cut := f.AfterPowerCut(nil)
	if diff := cmp.Diff(want, cut.Snapshot(), cmp.Options{Alike}); diff != "" {
		f.Errorf("%s: a power cut loses (-want +got):\n%s", what, diff)
	}
	cut.Verify("")
}

var ErrFault = errors.New("the disk is on fire")

// Faults counts the operations of the file system from arm to disarm and lets one injector see
// them, from 0 on.
type Faults struct {
	injector faultfs.Injector
	N        int
	Hit      faultfs.Op // the last that failed
	Failed   int        // how many did
}

func (x *Faults) Inject(op faultfs.Op) error {
	if x.injector == nil {
		return nil
	}
	op.Index = x.N
	x.N++
	err := x.injector(op)
	if err != nil {
		x.Hit = op
		x.Failed++
	}
	return err
}

func (x *Faults) Arm(injector faultfs.Injector) { x.injector, x.N, x.Failed = injector, 0, 0 }

func (x *Faults) Disarm() { x.injector = nil }

// Faulty is a store with the run "run" in the experiment "e1", in a file system that fails when
// told so.
type Faulty struct {
	*testing.T
	Ctx    context.Context
	FS     *memfs.FS
	Base   afero.Fs // what lies under the faults: fs, or a disk
	Faults *Faults
	Store  *filestore.Store
	About  string // for messages
	Close  func() // gives the disk back
}

func NewFaulty(t *testing.T, plain bool, sync filestore.Sync) *Faulty {
	t.Helper()
	return NewFaultyOn(t, memfs.New(), plain, sync)
}

// NewFaultyOn is NewFaulty in a file system; in a local one handles are kept.
func NewFaultyOn(t *testing.T, mem *memfs.FS, plain bool, sync filestore.Sync) *Faulty {
	t.Helper()
	f := &Faulty{T: t, Ctx: t.Context(), FS: mem, Faults: &Faults{}}
	f.Base = f.FS
	fsys := f.Base
	if plain {
		fsys = faultfs.Plain(fsys)
	}
	f.Store = Open(t, "/mlruns", filestore.WithFs(faultfs.New(fsys, f.Faults.Inject)), filestore.WithSync(sync), filestore.WithClock(ClockOfFaults))
	f.Must(ErrOf(f.Store.CreateExperiment(f.Ctx, mlruns.ExperimentSpec{ID: "e1", Name: "one", Tags: map[string]string{"old": "1"}})))
	f.Must(ErrOf(f.Store.CreateRun(f.Ctx, mlruns.RunSpec{ID: "run", ExperimentID: "e1", Name: "name", Tags: map[string]string{"old": "1"}})))
	f.Must(f.Store.LogBatch(f.Ctx, "run", mlruns.Batch{
		Metrics: []mlruns.Metric{{Key: "old", Value: 1, Time: time.UnixMilli(1)}}, Params: []mlruns.Param{{Key: "old", Value: "1"}}}))
	Warm(t, f.Store)
	return f
}

func (f *Faulty) Must(err error) {
	f.Helper()
	if err != nil {
		f.Fatal(err)
	}
}

// Verify allows leftovers, and what the operation leaves half done.
func (f *Faulty) Verify(allow mlruns.ProblemKind) {
	f.Helper()
	for p, err := range f.Store.Verify(f.Ctx, mlruns.VerifyQuery{}) {
		if err != nil {
			f.Fatalf("Verify: %v", err)
		}
		if p.Kind != mlruns.ProblemLeftover && p.Kind != allow {
			f.Errorf("after %v: Verify: %v", f.Faults.Hit, p)
		}
	}
}

// Snapshot is all that the store answers, by id and without times of its clock, artifacts included.
func (f *Faulty) Snapshot() map[string]any {
	f.Helper()
	all := map[string]any{}
	for e, err := range f.Store.Experiments(f.Ctx, mlruns.ExperimentQuery{View: mlruns.ViewAll}) {
		f.Must(err)
		e.Created, e.Updated = time.Time{}, time.Time{}
		all["experiment "+e.ID] = e
	}
	for r, err := range f.Store.Runs(f.Ctx, mlruns.RunQuery{View: mlruns.ViewAll}) {
		f.Must(err)
		for key := range r.Data.Metrics {
			var history []mlruns.Metric
			for m, err := range f.Store.MetricHistory(f.Ctx, r.Info.ID, key, mlruns.HistoryQuery{}) {
				f.Must(err)
				history = append(history, m)
			}
			all["history "+r.Info.ID+" "+key] = history
		}
		all["run "+r.Info.ID] = *r
		f.artifacts(all, r.Info.ID, "", f.Store.Artifacts, f.Store.OpenArtifact)
	}
	f.modelsAndTraces(all)
	return all
}

// modelsAndTraces adds the logged models and the traces to a snapshot.
func (f *Faulty) modelsAndTraces(all map[string]any) {
	f.Helper()
	for m, err := range f.Store.LoggedModels(f.Ctx, mlruns.ModelQuery{View: mlruns.ViewAll}) {
		f.Must(err)
		all["model "+m.ID] = *m
		if m.Stage == mlruns.StageActive {
			f.artifacts(all, m.ID, "", f.Store.ModelArtifacts, f.Store.OpenModelArtifact)
		}
	}
	for t, err := range f.Store.Traces(f.Ctx, mlruns.TraceQuery{}) {
		f.Must(err)
		all["trace "+t.ID] = *t
	}
}

type (
	artifactsOf func(ctx context.Context, id, folder string) ([]mlruns.FileInfo, error)
	artifactOf  func(ctx context.Context, id, name string) (io.ReadCloser, error)
)

// artifacts adds the files of the artifacts of a run or model to a snapshot. Folders are left out:
// a write that fails may leave one that it made, empty.
func (f *Faulty) artifacts(all map[string]any, id, folder string, list artifactsOf, open artifactOf) {
	f.Helper()
	infos, err := list(f.Ctx, id, folder)
	f.Must(err)
	for _, info := range infos {
		if info.IsDir {
			f.artifacts(all, id, info.Path, list, open)
			continue
		}
		r, err := open(f.Ctx, id, info.Path)
		f.Must(err)
		data, err := io.ReadAll(r)
		f.Must(errors.Join(err, r.Close()))
		all["artifact "+id+" "+info.Path] = string(data)
	}
}

func WriteOldArtifact(f *Faulty) error {
	return errors.Join(f.Store.WriteArtifact(f.Ctx, "run", "old/file", strings.NewReader("old")),
		f.Store.WriteArtifact(f.Ctx, "run", "other", strings.NewReader("other")))
}

// Alike leaves out what differs between two runs of a test.
var Alike = cmp.Options{cmpopts.EquateNaNs(), cmpopts.EquateEmpty(), cmpopts.IgnoreFields(mlruns.RunInfo{}, "Start", "Deleted")}

func SameAnswers(a, b map[string]any) bool { return cmp.Equal(a, b, Alike...) }

// ShortWrite writes half of the i-th write.
func ShortWrite(i int) faultfs.Injector {
	writes := -1
	return faultfs.FailMatching(func(op faultfs.Op) bool {
		if op.Kind == faultfs.Write {
			writes++
		}
		return op.Kind == faultfs.Write && writes == i
	}, faultfs.ErrShort)
}

func ClockOfFaults() time.Time { return time.UnixMilli(1767323045678) }

// ReadsStrictly fails the test unless every version of MLflow reads all that the store answers,
// which is in a snapshot.
func (f *Faulty) ReadsStrictly(got map[string]any) {
	f.Helper()
	sub, err := fs.Sub(afero.NewIOFS(f.Base), "mlruns")
	f.Must(err)
	s, err := ReadStrictly(sub, true)
	if err != nil {
		f.Errorf("%s: %v: a reader with MLflow's rules: %v", f.About, f.Faults.Hit, err)
	}
	for key := range got {
		what, id, _ := strings.Cut(key, " ")
		if what == "run" && s.Runs[id] == nil || what == "experiment" && s.Experiments[id] == nil {
			f.Errorf("%s: %v: a reader with MLflow's rules does not find the %s", f.About, f.Faults.Hit, key)
		}
	}
}

// Edit replaces a file by what a person makes of it, an hour ago.
func (f *Faulty) Edit(name string, change func(string) string) {
	f.Helper()
	f.Must(afero.WriteFile(f.FS, name, []byte(change(f.Content(name))), 0o666))
	long := time.Now().Add(-time.Hour)
	f.Must(f.FS.Chtimes(name, long, long))
}

// On opens a copy of the store, with a clock that is later.
func (f *Faulty) On(inject faultfs.Injector) *Faulty {
	f.Helper()
	c := &Faulty{T: f.T, Ctx: f.Ctx, FS: f.FS.CrashClone(nil), Faults: &Faults{}}
	c.Base = c.FS
	c.reopen(inject)
	return c
}

func (f *Faulty) reopen(inject faultfs.Injector) {
	f.Helper()
	ms := int64(1768000000000)
	f.Hook(func(op faultfs.Op) error {
		if inject != nil {
			if err := inject(op); err != nil {
				return err
			}
		}
		return f.Faults.Inject(op)
	}, filestore.WithClock(func() time.Time { ms++; return time.UnixMilli(ms) }))
}

func (f *Faulty) Repair() {
	f.Helper()
	for _, err := range f.Store.Repair(f.Ctx, mlruns.RepairQuery{}) {
		f.Must(err)
	}
}

// Clean fails the test if anything private is left but locks, what a repair saved, and what a kill
// left of the look whether files can be appended to.
func (f *Faulty) Clean(about string) {
	f.Helper()
	NoProblems(f.T, f.Store)
	for name := range TreeOf(f.T, f.Base) {
		if !strings.Contains(name, "/repaired-") && !strings.HasPrefix(name, ".mlruns-tmp-append.") && (strings.Contains(name, ".mlruns-") || strings.HasPrefix(name, ".mlruns.trash/")) {
			f.Errorf("%s: %s is left", about, name)
		}
	}
}

// GC and relocate count a problem as a failure: what an injected fault makes unreadable is passed
// over.

func (f *Faulty) GC() (err error) {
	q := mlruns.GCQuery{OnProblem: func(p mlruns.Problem) { err = fmt.Errorf("%w: %v", ErrFault, p) }}
	for _, yielded := range f.Store.GC(f.Ctx, q) {
		if yielded != nil {
			err = yielded
		}
	}
	return err
}

func (f *Faulty) Relocate() (err error) {
	q := mlruns.RelocateQuery{OnProblem: func(p mlruns.Problem) { err = fmt.Errorf("%w: %v", ErrFault, p) }}
	for _, yielded := range f.Store.Relocate(f.Ctx, q) {
		if yielded != nil {
			err = yielded
		}
	}
	return err
}

// RecordElsewhere makes the store one that was moved here.
func (f *Faulty) RecordElsewhere() error {
	for name, data := range TreeOf(f.T, f.FS) {
		old := []byte("/old/mlruns/")
		switch moved := bytes.Replace(data, []byte("/mlruns/"), old, 1); {
		case path.Base(name) == "meta.yaml", path.Base(name) == mlruns.TagTraceArtifactLocation:
			if err := afero.WriteFile(f.FS, "/mlruns/"+name, moved, 0o666); err != nil {
				return err
			}
		}
	}
	f.FS.SyncEverything()
	return nil
}
