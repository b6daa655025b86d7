package fault

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
	"github.com/mlruns/mlruns/filestore/internal/filestoretest"
	"github.com/mlruns/mlruns/internal/faultfs"
	"github.com/mlruns/mlruns/internal/memfs"
	"github.com/mlruns/mlruns/internal/proof"
)

// shortages are the errors that say something of the process, and nothing of what it reads.
var shortages = []error{syscall.EMFILE, syscall.ENFILE, syscall.ENOMEM, syscall.EINTR, syscall.EAGAIN}

// readAnswers are all calls that read, each with its whole answer.
var readAnswers = []struct {
	name string
	do   func(f *filestoretest.Faulty, problem func(mlruns.Problem)) (any, error)
}{
	{"Run", func(f *filestoretest.Faulty, _ func(mlruns.Problem)) (any, error) { return f.Store.Run(f.Ctx, "run") }},
	{"Run deleted", func(f *filestoretest.Faulty, _ func(mlruns.Problem)) (any, error) { return f.Store.Run(f.Ctx, "gone") }},
	{"SearchRuns", func(f *filestoretest.Faulty, problem func(mlruns.Problem)) (any, error) {
		page, err := f.Store.SearchRuns(f.Ctx, mlruns.RunQuery{View: mlruns.ViewAll, OnProblem: problem})
		return pageOf(page), err
	}},
	{"SearchRuns by values", func(f *filestoretest.Faulty, problem func(mlruns.Problem)) (any, error) {
		page, err := f.Store.SearchRuns(f.Ctx, mlruns.RunQuery{OnProblem: problem, Filter: "metrics.old = 1 AND params.old = '1' AND tags.old = '1' AND dataset.name = 'd'",
			OrderBy: []string{"tags.`x/y` DESC", "metrics.old"}})
		return pageOf(page), err
	}},
	{"SearchRuns by what is missing", func(f *filestoretest.Faulty, problem func(mlruns.Problem)) (any, error) {
		page, err := f.Store.SearchRuns(f.Ctx, mlruns.RunQuery{OnProblem: problem, Filter: "params.q IS NULL AND count(metrics.old) = 1", View: mlruns.ViewAll})
		return pageOf(page), err
	}},
	{"Runs", func(f *filestoretest.Faulty, problem func(mlruns.Problem)) (any, error) {
		return collected(f.Store.Runs(f.Ctx, mlruns.RunQuery{Experiments: []string{"e1"}, OnProblem: problem}))
	}},
	{"RunInfos", func(f *filestoretest.Faulty, _ func(mlruns.Problem)) (any, error) {
		return collected(f.Store.RunInfos(f.Ctx, "e1", mlruns.ViewAll))
	}},
	{"Experiment", func(f *filestoretest.Faulty, _ func(mlruns.Problem)) (any, error) {
		return f.Store.Experiment(f.Ctx, "e1")
	}},
	{"ExperimentByName", func(f *filestoretest.Faulty, _ func(mlruns.Problem)) (any, error) {
		return f.Store.ExperimentByName(f.Ctx, "two")
	}},
	{"SearchExperiments", func(f *filestoretest.Faulty, problem func(mlruns.Problem)) (any, error) {
		page, err := f.Store.SearchExperiments(f.Ctx, mlruns.ExperimentQuery{View: mlruns.ViewAll, Filter: "tags.old = '1'", OnProblem: problem})
		if page == nil {
			return nil, err
		}
		return page.Experiments, err
	}},
	{"Experiments", func(f *filestoretest.Faulty, problem func(mlruns.Problem)) (any, error) {
		return collected(f.Store.Experiments(f.Ctx, mlruns.ExperimentQuery{View: mlruns.ViewAll, OnProblem: problem}))
	}},
	{"MetricHistory", func(f *filestoretest.Faulty, problem func(mlruns.Problem)) (any, error) {
		return collected(f.Store.MetricHistory(f.Ctx, "run", "old", mlruns.HistoryQuery{OnProblem: problem}))
	}},
	{"Info", func(f *filestoretest.Faulty, _ func(mlruns.Problem)) (any, error) { return f.Store.Info(f.Ctx) }},
	{"Artifacts", func(f *filestoretest.Faulty, _ func(mlruns.Problem)) (any, error) {
		return f.Store.Artifacts(f.Ctx, "run", "old")
	}},
	{"ArtifactRoot", func(f *filestoretest.Faulty, _ func(mlruns.Problem)) (any, error) {
		return f.Store.ArtifactRoot(f.Ctx, "run")
	}},
	{"DownloadArtifacts", func(f *filestoretest.Faulty, _ func(mlruns.Problem)) (any, error) {
		to := f.TempDir()
		_, err := f.Store.DownloadArtifacts(f.Ctx, "run", "", to)
		if err != nil {
			return nil, err
		}
		data, err := os.ReadFile(filepath.Join(to, "old", "file"))
		return string(data), err
	}},
	{"Verify", func(f *filestoretest.Faulty, problem func(mlruns.Problem)) (any, error) {
		for p, err := range f.Store.Verify(f.Ctx, mlruns.VerifyQuery{}) {
			if err != nil {
				return nil, err
			}
			problem(p)
		}
		return "whole", nil
	}},
	{"Repair, dry", func(f *filestoretest.Faulty, problem func(mlruns.Problem)) (any, error) {
		for r, err := range f.Store.Repair(f.Ctx, mlruns.RepairQuery{DryRun: true}) {
			if err != nil {
				return nil, err
			}
			problem(r.Problem)
		}
		return "whole", nil
	}},
	{"GC, dry", func(f *filestoretest.Faulty, problem func(mlruns.Problem)) (any, error) {
		return collected(f.Store.GC(f.Ctx, mlruns.GCQuery{DryRun: true, OnProblem: problem}))
	}},
	{"Relocate, dry", func(f *filestoretest.Faulty, problem func(mlruns.Problem)) (any, error) {
		return collected(f.Store.Relocate(f.Ctx, mlruns.RelocateQuery{DryRun: true, OnProblem: problem}))
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

// shortageStore has of everything that is read.
func shortageStore(t *testing.T, mem *memfs.FS, plain bool) *filestoretest.Faulty {
	t.Helper()
	f := filestoretest.NewFaultyOn(t, mem, plain, filestore.SyncNever)
	f.Must(filestoretest.WriteOldArtifact(f))
	f.Must(f.Store.LogBatch(f.Ctx, "run", mlruns.Batch{Params: []mlruns.Param{{Key: "a/b", Value: "1"}}, Tags: []mlruns.Tag{{Key: "x/y", Value: "1"},
		{Key: mlruns.TagModelHistory, Value: "[]"}}}))
	f.Must(f.Store.LogInputs(f.Ctx, "run", mlruns.Inputs{Datasets: []mlruns.DatasetInput{{Dataset: mlruns.Dataset{Name: "d", Digest: "1"}}}, Models: []mlruns.ModelInput{{ModelID: "m-1"}}}))
	f.Must(f.Store.LogOutputs(f.Ctx, "run", mlruns.Outputs{Models: []mlruns.ModelOutput{{ModelID: "m-1"}}}))
	f.Must(filestoretest.ErrOf(f.Store.CreateRun(f.Ctx, mlruns.RunSpec{ID: "gone", ExperimentID: "e1"})))
	f.Must(f.Store.DeleteRun(f.Ctx, "gone"))
	f.Must(filestoretest.ErrOf(f.Store.CreateExperiment(f.Ctx, mlruns.ExperimentSpec{ID: "e2", Name: "two", Tags: map[string]string{"old": "1"}})))
	f.Must(filestoretest.ErrOf(f.Store.CreateRun(f.Ctx, mlruns.RunSpec{ID: "away", ExperimentID: "e2"})))
	f.Must(f.Store.DeleteExperiment(f.Ctx, "e2"))
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
					f.Must(err)
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
								f.Faults.Arm(injector)
								got, err := call.do(f, func(p mlruns.Problem) { t.Errorf("%s: %v of operation %d, %v: %v", about, cause, i, f.Faults.Hit, p) })
								f.Faults.Disarm()
								injected.Add(int64(f.Faults.Failed))
								switch {
								case err != nil && !errors.Is(err, cause):
									t.Errorf("%s: %v of operation %d, %v: %v", about, cause, i, f.Faults.Hit, err)
								case err == nil && !cmp.Equal(got, whole, filestoretest.Alike...):
									t.Errorf("%s: %v of operation %d, %v: another answer:\n%s", about, cause, i, f.Faults.Hit, cmp.Diff(whole, got, filestoretest.Alike...))
								}
								if f.Faults.Failed == 0 && i >= f.Faults.N || t.Failed() {
									break
								}
							}
						}
					}
				}
				f.Verify("")
			})
		}
	}
}

// TestShortageWhileARunEnds has the process lack a handle for a value that is to be made durable:
// the run has not ended, and nothing says that it is durable.
func TestShortageWhileARunEnds(t *testing.T) {
	for _, cause := range shortages {
		f := filestoretest.NewFaulty(t, false, filestore.SyncMeta)
		f.Faults.Arm(faultfs.FailMatching(func(op faultfs.Op) bool { return op.Path == filestoretest.OldMetric && op.Kind == faultfs.Open }, cause))
		err := f.Store.EndRun(f.Ctx, "run", mlruns.StatusFinished, filestoretest.ClockOfFaults())
		f.Faults.Disarm()
		if !errors.Is(err, cause) || errors.Is(err, mlruns.ErrNotDurable) {
			t.Errorf("%v: %v", cause, err)
		}
		if run, err := f.Store.Run(f.Ctx, "run"); err != nil || run.Info.Status != mlruns.StatusRunning {
			t.Errorf("%v: %v, %v", cause, run.Info.Status, err)
		}
		f.Verify("")
	}
}
