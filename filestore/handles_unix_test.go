//go:build unix

package filestore_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"syscall"
	"testing"

	"github.com/mlruns/mlruns"
	"github.com/mlruns/mlruns/filestore"
	"github.com/mlruns/mlruns/filestore/internal/filestoretest"
)

const (
	envLimitTask  = "MLRUNS_LIMIT_TASK"
	envLimitDir   = "MLRUNS_LIMIT_DIR"
	envLimitFiles = "MLRUNS_LIMIT_FILES"
)

// limitTasks are what processes do that may have few files open.
var limitTasks = map[string]func(ctx context.Context, t *testing.T, dir string){
	"log":      logManyKeys,
	"tags":     makeManyTags,
	"read":     readManyRuns,
	"crowded":  logBesideOthers,
	"starving": readWithNothingLeft,
}

// TestLimitTask is not a test: it is what the processes of the tests below do.
func TestLimitTask(t *testing.T) {
	task := limitTasks[os.Getenv(envLimitTask)]
	if task == nil {
		t.Skip("for processes of other tests")
	}
	n, err := strconv.ParseUint(os.Getenv(envLimitFiles), 10, 32)
	if err != nil {
		t.Fatal(err)
	}
	setHandleLimit(t, n)
	task(t.Context(), t, os.Getenv(envLimitDir))
}

// limited runs a task in a process that may have n files open.
func limited(t *testing.T, task, dir string, n int) {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), os.Args[0], "-test.run=^TestLimitTask$", "-test.count=1")
	cmd.Env = append(os.Environ(), envLimitTask+"="+task, envLimitDir+"="+dir, envLimitFiles+"="+strconv.Itoa(n))
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Errorf("with %d files: %v\n%s", n, err, out)
	}
}

const (
	manyKeys = 400
	manyRuns = 500
	rounds   = 3
)

// TestManyKeysWithFewHandles logs more metrics to one run than files may be open.
func TestManyKeysWithFewHandles(t *testing.T) {
	t.Parallel() // its processes take seconds
	for _, n := range []int{24, 256} {
		dir := filepath.Join(t.TempDir(), "mlruns")
		limited(t, "log", dir, n)
		s := filestoretest.Open(t, dir, filestore.WithMustExist())
		run, err := s.Run(t.Context(), "many")
		if err != nil || run.Info.Status != mlruns.StatusFinished || len(run.Data.Metrics) != manyKeys {
			t.Fatalf("with %d files: %v, %d metrics, %v", n, run.Info.Status, len(run.Data.Metrics), err)
		}
		for key := range run.Data.Metrics {
			if points := filestoretest.Count(t, s.MetricHistory(t.Context(), "many", key, mlruns.HistoryQuery{})); points != rounds {
				t.Fatalf("with %d files: %s has %d points, want %d", n, key, points, rounds)
			}
		}
		filestoretest.NoProblems(t, s)
	}
}

func logManyKeys(ctx context.Context, t *testing.T, dir string) {
	s := filestoretest.Open(t, dir, filestore.WithSync(filestore.SyncNever))
	c := mlruns.NewClient(s)
	run, err := c.StartRun(ctx, "e", mlruns.RunSpec{ID: "many"})
	if err != nil {
		t.Fatal(err)
	}
	logKeys(ctx, t, run)
	if run.Finish(ctx, &err); err != nil {
		t.Error(err)
	}
}

// makeManyTags makes a run of more files than may be open, and ends it, all made durable.
func makeManyTags(ctx context.Context, t *testing.T, dir string) {
	s := filestoretest.Open(t, dir)
	tags := map[string]string{}
	for i := range 100 {
		tags[fmt.Sprintf("t%d", i)] = "v"
	}
	_, err := s.CreateRun(ctx, mlruns.RunSpec{ID: "many", Tags: tags})
	if err := errors.Join(err, s.EndRun(ctx, "many", mlruns.StatusFinished, filestoretest.ClockOfFaults())); err != nil {
		t.Error(err)
	}
}

// TestManyTagsWithFewHandles makes a run whole, and makes it durable, with fewer files open than it
// has.
func TestManyTagsWithFewHandles(t *testing.T) {
	t.Parallel() // as above
	dir := filepath.Join(t.TempDir(), "mlruns")
	limited(t, "tags", dir, 24)
	s := filestoretest.Open(t, dir, filestore.WithMustExist())
	if run, err := s.Run(t.Context(), "many"); err != nil || len(run.Data.Tags) != 101 || run.Info.Status != mlruns.StatusFinished {
		t.Errorf("%v, %v", run, err)
	}
	filestoretest.NoProblems(t, s)
}

func logKeys(ctx context.Context, t *testing.T, run *mlruns.ActiveRun) {
	t.Helper()
	for round := range int64(rounds) {
		for key := range manyKeys {
			if err := run.LogMetric(ctx, fmt.Sprintf("m%d", key), 1, round); err != nil {
				t.Fatalf("round %d, key %d: %v", round, key, err)
			}
		}
	}
}

// TestLoggingBesideTheProgramsOwnFiles has a program open all files it may after handles were kept:
// they are given back for what is logged then.
func TestLoggingBesideTheProgramsOwnFiles(t *testing.T) {
	t.Parallel() // its processes take seconds
	dir := filepath.Join(t.TempDir(), "mlruns")
	limited(t, "crowded", dir, 256)
	filestoretest.NoProblems(t, filestoretest.Open(t, dir, filestore.WithMustExist()))
}

func logBesideOthers(ctx context.Context, t *testing.T, dir string) {
	s := filestoretest.Open(t, dir, filestore.WithSync(filestore.SyncNever))
	other := filestoretest.Open(t, filepath.Join(filepath.Dir(dir), "other"), filestore.WithSync(filestore.SyncNever))
	c := mlruns.NewClient(s)
	run, err := c.StartRun(ctx, "e", mlruns.RunSpec{ID: "many"})
	if err != nil {
		t.Fatal(err)
	}
	logKeys(ctx, t, run)
	openAll(t)
	if err := run.LogMetric(ctx, "new", 1, 0); err != nil { // by what the run itself has open
		t.Error(err)
	}
	if err := run.LogParam(ctx, "p", "v"); err != nil {
		t.Error(err)
	}
	// by what another store has open
	if err := filestoretest.ErrOf(other.CreateRun(ctx, mlruns.RunSpec{ID: "another"})); err != nil {
		t.Error(err)
	}
	if run.Finish(ctx, &err); err != nil {
		t.Error(err)
	}
}

// TestManyRunsWithFewHandles reads all there is with so few files that it cannot be read at once as
// usual.
func TestManyRunsWithFewHandles(t *testing.T) {
	t.Parallel() // its processes take seconds
	dir := manyRunsIn(t)
	for _, n := range []int{20, 64} {
		limited(t, "read", dir, n)
	}
}

// manyRunsIn makes a store of many runs with a metric, a param, a nested tag, a data set and an
// artifact each.
func manyRunsIn(t *testing.T) string {
	t.Helper()
	dir := filepath.Join(t.TempDir(), "mlruns")
	s := filestoretest.Open(t, dir, filestore.WithSync(filestore.SyncNever))
	for i := range manyRuns {
		id := fmt.Sprintf("r%03d", i)
		b := mlruns.Batch{Metrics: []mlruns.Metric{{Key: "a/b/m", Value: float64(i)}}, Params: []mlruns.Param{{Key: "a/p", Value: "v"}},
			Tags: []mlruns.Tag{{Key: "a/b/c/t", Value: "v"}}}
		err := errors.Join(filestoretest.ErrOf(s.CreateRun(t.Context(), mlruns.RunSpec{ID: id})), s.LogBatch(t.Context(), id, b))
		if i%50 == 0 {
			err = errors.Join(err, s.LogInputs(t.Context(), id, mlruns.Inputs{Datasets: []mlruns.DatasetInput{{Dataset: mlruns.Dataset{Name: "d", Digest: "1"}}}}))
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

func readManyRuns(ctx context.Context, t *testing.T, dir string) {
	s := filestoretest.Open(t, dir, filestore.WithMustExist())
	problem := func(p mlruns.Problem) { t.Errorf("a shortage was called a problem: %v", p) }
	q := mlruns.RunQuery{Filter: "metrics.`a/b/m` >= 0 AND params.`a/p` = 'v' AND tags.`a/b/c/t` = 'v'", OrderBy: []string{"metrics.`a/b/m` DESC"}, OnProblem: problem}
	page, err := s.SearchRuns(ctx, q)
	if err != nil || len(page.Runs) != manyRuns {
		t.Errorf("SearchRuns: %v, %v", page, err)
	}
	var runs int
	for run, err := range s.Runs(ctx, q) {
		if err != nil {
			t.Fatal(err)
		}
		runs++
		if len(run.Data.Metrics) != 1 || len(run.Data.Params) != 1 || len(run.Data.Tags) != 2 || len(run.Problems) > 0 {
			t.Errorf("Runs: %+v", run)
		}
	}
	infos := filestoretest.Count(t, s.RunInfos(ctx, "0", mlruns.ViewAll))
	if runs != manyRuns || infos != manyRuns {
		t.Errorf("Runs: %d; RunInfos: %d", runs, infos)
	}
	for _, dataset := range []string{"d", "e"} {
		q := mlruns.RunQuery{Filter: "dataset.name = '" + dataset + "'", OnProblem: problem}
		if page, err := s.SearchRuns(ctx, q); err != nil || len(page.Runs) != map[string]int{"d": 10}[dataset] {
			t.Errorf("SearchRuns by data set %s: %v, %v", dataset, page, err)
		}
	}
	filestoretest.NoProblems(t, s)
	for what, err := range map[string]error{
		"Repair":   filestoretest.ErrOfAll(s.Repair(ctx, mlruns.RepairQuery{DryRun: true})),
		"GC":       filestoretest.ErrOfAll(s.GC(ctx, mlruns.GCQuery{DryRun: true, OnProblem: problem})),
		"Relocate": filestoretest.ErrOfAll(s.Relocate(ctx, mlruns.RelocateQuery{DryRun: true, OnProblem: problem})),
	} {
		if err != nil {
			t.Errorf("%s: %v", what, err)
		}
	}
}

// TestNoHandleLeft has every call that reads fail with the shortage, of which the store has no
// fault, and give nothing instead.
func TestNoHandleLeft(t *testing.T) {
	t.Parallel() // its processes take seconds
	dir := filepath.Join(t.TempDir(), "mlruns")
	s := filestoretest.Open(t, dir)
	for id := range 3 {
		if err := filestoretest.ErrOf(s.CreateRun(t.Context(), mlruns.RunSpec{ID: fmt.Sprint("r", id)})); err != nil {
			t.Fatal(err)
		}
	}
	limited(t, "starving", dir, 64)
	filestoretest.NoProblems(t, s)
}

func readWithNothingLeft(ctx context.Context, t *testing.T, dir string) {
	s := filestoretest.Open(t, dir, filestore.WithMustExist())
	held := openAll(t)
	problem := func(p mlruns.Problem) { t.Errorf("a shortage was called a problem: %v", p) }
	for what, err := range map[string]error{
		"Run":                filestoretest.ErrOf(s.Run(ctx, "r1")),
		"SearchRuns":         filestoretest.ErrOf(s.SearchRuns(ctx, mlruns.RunQuery{OnProblem: problem})),
		"Runs":               filestoretest.ErrOfAll(s.Runs(ctx, mlruns.RunQuery{OnProblem: problem})),
		"RunInfos":           filestoretest.ErrOfAll(s.RunInfos(ctx, "0", mlruns.ViewAll)),
		"Experiment":         filestoretest.ErrOf(s.Experiment(ctx, "0")),
		"ExperimentByName":   filestoretest.ErrOf(s.ExperimentByName(ctx, "nobody")),
		"SearchExperiments":  filestoretest.ErrOf(s.SearchExperiments(ctx, mlruns.ExperimentQuery{OnProblem: problem})),
		"Experiments":        filestoretest.ErrOfAll(s.Experiments(ctx, mlruns.ExperimentQuery{OnProblem: problem})),
		"MetricHistory":      filestoretest.ErrOfAll(s.MetricHistory(ctx, "r1", "m", mlruns.HistoryQuery{OnProblem: problem})),
		"Info":               filestoretest.ErrOf(s.Info(ctx)),
		"Artifacts":          filestoretest.ErrOf(s.Artifacts(ctx, "r1", "")),
		"Verify":             filestoretest.ErrOfAll(s.Verify(ctx, mlruns.VerifyQuery{})),
		"Repair":             filestoretest.ErrOfAll(s.Repair(ctx, mlruns.RepairQuery{})),
		"GC":                 filestoretest.ErrOfAll(s.GC(ctx, mlruns.GCQuery{OnProblem: problem})),
		"Relocate":           filestoretest.ErrOfAll(s.Relocate(ctx, mlruns.RelocateQuery{OnProblem: problem})),
		"CreateExperiment":   filestoretest.ErrOf(s.CreateExperiment(ctx, mlruns.ExperimentSpec{Name: "new"})),
		"CreateRun with id":  filestoretest.ErrOf(s.CreateRun(ctx, mlruns.RunSpec{ID: "r9"})),
		"LogMetric":          s.LogMetric(ctx, "r1", mlruns.Metric{Key: "m", Value: 1}),
		"SetTag":             s.SetTag(ctx, "r1", "k", "v"),
		"Open":               filestoretest.ErrOf(filestore.Open(dir)),
		"Open of a new":      filestoretest.ErrOf(filestore.Open(filepath.Join(filepath.Dir(dir), "new"))),
		"DownloadArtifacts":  filestoretest.ErrOf(s.DownloadArtifacts(ctx, "r1", "", filepath.Dir(dir))),
		"RestoreExperiment":  s.RestoreExperiment(ctx, "0"),
		"RenameExperiment":   s.RenameExperiment(ctx, "0", "new"),
		"DeleteRun":          s.DeleteRun(ctx, "r1"),
		"EndRun":             s.EndRun(ctx, "r1", mlruns.StatusFinished, filestoretest.ClockOfFaults()),
		"GetOrCreate":        filestoretest.ErrOf(mlruns.NewClient(s).GetOrCreateExperiment(ctx, "nobody")),
		"Run that is not":    filestoretest.ErrOf(s.Run(ctx, "nobody")),
		"Runs of a filter":   filestoretest.ErrOfAll(s.Runs(ctx, mlruns.RunQuery{Filter: "metrics.m IS NULL", OnProblem: problem})),
		"LogArtifact":        s.LogArtifact(ctx, "r1", "doc.go", ""),
		"LogInputs":          s.LogInputs(ctx, "r1", mlruns.Inputs{Models: []mlruns.ModelInput{{ModelID: "m-1"}}}),
		"experiment's tag":   s.SetExperimentTag(ctx, "0", "k", "v"),
		"Experiment by id 9": filestoretest.ErrOf(s.Experiment(ctx, "9")),
	} {
		if !errors.Is(err, syscall.EMFILE) {
			t.Errorf("%s: %v, want EMFILE", what, err)
		}
	}
	for _, f := range held {
		_ = f.Close()
	}
	page, err := s.SearchRuns(ctx, mlruns.RunQuery{OnProblem: problem})
	if err != nil || len(page.Runs) != 3 {
		t.Errorf("when there are handles again: %v, %v", page, err)
	}
}

// openAll opens all files that the process may.
func openAll(t *testing.T) (held []*os.File) {
	t.Helper()
	for {
		f, err := os.Open(os.DevNull)
		if errors.Is(err, syscall.EMFILE) {
			return slices.Clip(held)
		}
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = f.Close() })
		held = append(held, f)
	}
}

// setHandleLimit sets how many files this process may have open, for good.
func setHandleLimit(t *testing.T, n uint64) {
	t.Helper()
	limit := syscall.Rlimit{}
	if err := syscall.Getrlimit(syscall.RLIMIT_NOFILE, &limit); err != nil {
		t.Fatal(err)
	}
	set(&limit.Cur, n)
	set(&limit.Max, n)
	if err := syscall.Setrlimit(syscall.RLIMIT_NOFILE, &limit); err != nil {
		t.Fatal(err)
	}
}

func set[T int64 | uint64](field *T, n uint64) { *field = T(n) } // signed on some systems
