package filestore_test

import (
	"errors"
	"fmt"
	"iter"
	"os"
	"path/filepath"
	"sync/atomic"
	"syscall"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/mlruns/mlruns"
	"github.com/mlruns/mlruns/filestore"
	"github.com/mlruns/mlruns/internal/faultfs"
	"github.com/mlruns/mlruns/internal/memfs"
	"github.com/mlruns/mlruns/internal/proof"
)

// shortages are the errors that say something of the process, and nothing of what it reads.
var shortages = []error{syscall.EMFILE, syscall.ENFILE, syscall.ENOMEM, syscall.EINTR, syscall.EAGAIN}

// readAnswers are all calls that read, each with its whole answer.
var readAnswers = []struct {
	name string
	do   func(f *faulty, problem func(mlruns.Problem)) (any, error)
}{
	{"Run", func(f *faulty, _ func(mlruns.Problem)) (any, error) { return f.store.Run(f.ctx, "run") }},
	{"Run deleted", func(f *faulty, _ func(mlruns.Problem)) (any, error) { return f.store.Run(f.ctx, "gone") }},
	{"SearchRuns", func(f *faulty, problem func(mlruns.Problem)) (any, error) {
		page, err := f.store.SearchRuns(f.ctx, mlruns.RunQuery{View: mlruns.ViewAll, OnProblem: problem})
		return pageOf(page), err
	}},
	{"SearchRuns by values", func(f *faulty, problem func(mlruns.Problem)) (any, error) {
		page, err := f.store.SearchRuns(f.ctx, mlruns.RunQuery{OnProblem: problem, Filter: "metrics.old = 1 AND params.old = '1' AND tags.old = '1' AND dataset.name = 'd'",
			OrderBy: []string{"tags.`x/y` DESC", "metrics.old"}})
		return pageOf(page), err
	}},
	{"SearchRuns by what is missing", func(f *faulty, problem func(mlruns.Problem)) (any, error) {
		page, err := f.store.SearchRuns(f.ctx, mlruns.RunQuery{OnProblem: problem, Filter: "params.q IS NULL AND count(metrics.old) = 1", View: mlruns.ViewAll})
		return pageOf(page), err
	}},
	{"Runs", func(f *faulty, problem func(mlruns.Problem)) (any, error) {
		return collected(f.store.Runs(f.ctx, mlruns.RunQuery{Experiments: []string{"e1"}, OnProblem: problem}))
	}},
	{"RunInfos", func(f *faulty, _ func(mlruns.Problem)) (any, error) {
		return collected(f.store.RunInfos(f.ctx, "e1", mlruns.ViewAll))
	}},
	{"Experiment", func(f *faulty, _ func(mlruns.Problem)) (any, error) { return f.store.Experiment(f.ctx, "e1") }},
	{"ExperimentByName", func(f *faulty, _ func(mlruns.Problem)) (any, error) { return f.store.ExperimentByName(f.ctx, "two") }},
	{"SearchExperiments", func(f *faulty, problem func(mlruns.Problem)) (any, error) {
		page, err := f.store.SearchExperiments(f.ctx, mlruns.ExperimentQuery{View: mlruns.ViewAll, Filter: "tags.old = '1'", OnProblem: problem})
		if page == nil {
			return nil, err
		}
		return page.Experiments, err
	}},
	{"Experiments", func(f *faulty, problem func(mlruns.Problem)) (any, error) {
		return collected(f.store.Experiments(f.ctx, mlruns.ExperimentQuery{View: mlruns.ViewAll, OnProblem: problem}))
	}},
	{"MetricHistory", func(f *faulty, problem func(mlruns.Problem)) (any, error) {
		return collected(f.store.MetricHistory(f.ctx, "run", "old", mlruns.HistoryQuery{OnProblem: problem}))
	}},
	{"Info", func(f *faulty, _ func(mlruns.Problem)) (any, error) { return f.store.Info(f.ctx) }},
	{"Artifacts", func(f *faulty, _ func(mlruns.Problem)) (any, error) { return f.store.Artifacts(f.ctx, "run", "old") }},
	{"ArtifactRoot", func(f *faulty, _ func(mlruns.Problem)) (any, error) { return f.store.ArtifactRoot(f.ctx, "run") }},
	{"DownloadArtifacts", func(f *faulty, _ func(mlruns.Problem)) (any, error) {
		to := f.TempDir()
		_, err := f.store.DownloadArtifacts(f.ctx, "run", "", to)
		if err != nil {
			return nil, err
		}
		data, err := os.ReadFile(filepath.Join(to, "old", "file"))
		return string(data), err
	}},
	{"Verify", func(f *faulty, problem func(mlruns.Problem)) (any, error) {
		for p, err := range f.store.Verify(f.ctx, mlruns.VerifyQuery{}) {
			if err != nil {
				return nil, err
			}
			problem(p)
		}
		return "whole", nil
	}},
	{"Repair, dry", func(f *faulty, problem func(mlruns.Problem)) (any, error) {
		for r, err := range f.store.Repair(f.ctx, mlruns.RepairQuery{DryRun: true}) {
			if err != nil {
				return nil, err
			}
			problem(r.Problem)
		}
		return "whole", nil
	}},
	{"GC, dry", func(f *faulty, problem func(mlruns.Problem)) (any, error) {
		return collected(f.store.GC(f.ctx, mlruns.GCQuery{DryRun: true, OnProblem: problem}))
	}},
	{"Relocate, dry", func(f *faulty, problem func(mlruns.Problem)) (any, error) {
		return collected(f.store.Relocate(f.ctx, mlruns.RelocateQuery{DryRun: true, OnProblem: problem}))
	}},
}

func pageOf(page *mlruns.RunPage) any {
	if page == nil {
		return nil
	}
	return page.Runs
}

func collected[T any](seq iter.Seq2[T, error]) (list []T, err error) {
	for item, err := range seq {
		if err != nil {
			return nil, err
		}
		list = append(list, item)
	}
	return list, nil
}

// countAll counts what a call yields.
func countAll[T any](t *testing.T, seq iter.Seq2[T, error]) (n int) {
	t.Helper()
	for _, err := range seq {
		if err != nil {
			t.Fatal(err)
		}
		n++
	}
	return n
}

// shortageStore has of everything that is read.
func shortageStore(t *testing.T, mem *memfs.FS, plain bool) *faulty {
	t.Helper()
	f := newFaultyOn(t, mem, plain, filestore.SyncNever)
	f.must(writeOldArtifact(f))
	f.must(f.store.LogBatch(f.ctx, "run", mlruns.Batch{Params: []mlruns.Param{{Key: "a/b", Value: "1"}}, Tags: []mlruns.Tag{{Key: "x/y", Value: "1"},
		{Key: mlruns.TagModelHistory, Value: "[]"}}}))
	f.must(f.store.LogInputs(f.ctx, "run", mlruns.Inputs{Datasets: []mlruns.DatasetInput{{Dataset: mlruns.Dataset{Name: "d", Digest: "1"}}}, Models: []mlruns.ModelInput{{ModelID: "m-1"}}}))
	f.must(f.store.LogOutputs(f.ctx, "run", mlruns.Outputs{Models: []mlruns.ModelOutput{{ModelID: "m-1"}}}))
	f.must(errOf(f.store.CreateRun(f.ctx, mlruns.RunSpec{ID: "gone", ExperimentID: "e1"})))
	f.must(f.store.DeleteRun(f.ctx, "gone"))
	f.must(errOf(f.store.CreateExperiment(f.ctx, mlruns.ExperimentSpec{ID: "e2", Name: "two", Tags: map[string]string{"old": "1"}})))
	f.must(errOf(f.store.CreateRun(f.ctx, mlruns.RunSpec{ID: "away", ExperimentID: "e2"})))
	f.must(f.store.DeleteExperiment(f.ctx, "e2"))
	return f
}

// TestShortageIsNoAnswer fails each operation of each call that reads, alone and with all that
// follow, as a process does that is out of handles, out of memory or interrupted. The call fails
// with that error, or gives its whole answer; nothing is called damaged.
func TestShortageIsNoAnswer(t *testing.T) {
	var injected atomic.Int64
	t.Cleanup(func() { t.Logf("%d operations failed in %d calls", injected.Load(), len(readAnswers)) })
	for _, plain := range []bool{false, true} {
		for _, local := range []bool{false, true} {
			if plain && local {
				continue
			}
			mem := memfs.New()
			if local {
				mem = memfs.NewLocal()
			}
			t.Run(fmt.Sprintf("plain %v, local %v", plain, local), func(t *testing.T) {
				t.Parallel()
				rng := proof.Rand(t)
				f := shortageStore(t, mem, plain)
				for _, call := range readAnswers {
					about := call.name
					whole, err := call.do(f, func(p mlruns.Problem) { t.Fatalf("%s: %v", about, p) })
					f.must(err)
					for k, cause := range shortages {
						for _, on := range []bool{false, true} {
							// Of the others a few are enough: what is a shortage is decided in one
							// place.
							step := proof.Choose(7, 1, 1)
							switch {
							case k > 0 || on:
								step = proof.Choose(43, 7, 7)
							case local || plain:
								step = proof.Choose(19, 3, 1)
							}
							for i := rng.IntN(step); ; i += step {
								injector := faultfs.FailAt(i, cause)
								if on {
									injector = faultfs.FailFrom(i, cause)
								}
								f.faults.arm(injector)
								got, err := call.do(f, func(p mlruns.Problem) { t.Errorf("%s: %v of operation %d, %v: %v", about, cause, i, f.faults.hit, p) })
								f.faults.disarm()
								injected.Add(int64(f.faults.failed))
								switch {
								case err != nil && !errors.Is(err, cause):
									t.Errorf("%s: %v of operation %d, %v: %v", about, cause, i, f.faults.hit, err)
								case err == nil && !cmp.Equal(got, whole, likeness...):
									t.Errorf("%s: %v of operation %d, %v: another answer:\n%s", about, cause, i, f.faults.hit, cmp.Diff(whole, got, likeness...))
								}
								if f.faults.failed == 0 && i >= f.faults.n || t.Failed() {
									break
								}
							}
						}
					}
				}
				f.verify("")
			})
		}
	}
}

// TestShortageWhileARunEnds has the process lack a handle for a value that is to be made durable:
// the run has not ended, and nothing says that it is durable.
func TestShortageWhileARunEnds(t *testing.T) {
	for _, cause := range shortages {
		f := newFaulty(t, false, filestore.SyncMeta)
		f.faults.arm(faultfs.FailMatching(func(op faultfs.Op) bool { return op.Path == oldMetric && op.Kind == faultfs.Open }, cause))
		err := f.store.EndRun(f.ctx, "run", mlruns.StatusFinished, clockOfFaults())
		f.faults.disarm()
		if !errors.Is(err, cause) || errors.Is(err, mlruns.ErrNotDurable) {
			t.Errorf("%v: %v", cause, err)
		}
		if run, err := f.store.Run(f.ctx, "run"); err != nil || run.Info.Status != mlruns.StatusRunning {
			t.Errorf("%v: %v, %v", cause, run.Info.Status, err)
		}
		f.verify("")
	}
}
