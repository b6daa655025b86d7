package confine

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/mlruns/mlruns"
	"github.com/mlruns/mlruns/filestore"
	"github.com/mlruns/mlruns/filestore/internal/filestoretest"
)

// canary is in every value and file outside of the store, and must be in no answer; nor must
// canaryNumber, which is so long that no time and no temporary name has it by chance.
const (
	canary       = "CANARY"
	canaryNumber = 0.8646911284551352
)

// confined is a store and, beside it, another one with the same ids whose every value is the
// canary: whatever of the second stands in the place of the same of the first is read without a
// complaint, if it is reached.
type confined struct {
	*testing.T
	top, dir, outside string
	store             *filestore.Store
	before            map[string]string
}

// memoryDir is a folder in memory where the system has one: hundreds of small stores cost a disk
// much.
func memoryDir(t *testing.T) string {
	t.Helper()
	dir, err := os.MkdirTemp("/dev/shm", "mlruns")
	if err != nil {
		return t.TempDir()
	}
	t.Cleanup(func() { _ = os.RemoveAll(dir) })
	return dir
}

// confinedTrees is the content of both, made once.
var confinedTrees struct {
	once sync.Once
	tree filestoretest.Tree
}

func newConfined(t *testing.T, opts ...filestore.Option) *confined {
	t.Helper()
	top := memoryDir(t)
	c := &confined{T: t, top: top, dir: filepath.Join(top, "store"), outside: filepath.Join(top, "outside")}
	confinedTrees.once.Do(func() {
		dir := t.TempDir()
		fillConfined(t, filepath.Join(dir, "outside"), canary, canaryNumber)
		fillConfined(t, filepath.Join(dir, "store"), "inside", 1)
		confinedTrees.tree = filestoretest.ReadTree(t, dir)
	})
	confinedTrees.tree.WriteTo(t, top)
	for _, d := range []string{"local", "downloads"} {
		if err := os.Mkdir(filepath.Join(top, d), 0o777); err != nil {
			t.Fatal(err)
		}
	}
	// What is fresh and makes no sense is read again after a pause.
	if err := filepath.WalkDir(top, func(path string, _ fs.DirEntry, err error) error {
		return errors.Join(err, os.Chtimes(path, filestoretest.LongAgo, filestoretest.LongAgo))
	}); err != nil {
		t.Fatal(err)
	}
	c.before = filestoretest.Listing(t, c.outside, true)
	opts = append([]filestore.Option{filestore.WithMustExist(), filestore.WithSync(filestore.SyncNever), filestore.WithLockTimeout(100 * time.Millisecond)}, opts...)
	var err error
	if c.store, err = filestore.Open(c.dir, opts...); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = c.store.Close() })
	return c
}

// fillConfined makes the experiments 0, e1 and, deleted, gone, the runs run, other and, deleted,
// dead, each with one of everything.
func fillConfined(t *testing.T, dir, word string, value float64) {
	t.Helper()
	s, err := filestore.Open(dir, filestore.WithSync(filestore.SyncNever))
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	ctx := t.Context()
	tags := map[string]string{"k": word}
	errs := []error{
		filestoretest.ErrOf(s.CreateExperiment(ctx, mlruns.ExperimentSpec{ID: "e1", Name: word + " e1", Tags: tags})),
		filestoretest.ErrOf(s.CreateExperiment(ctx, mlruns.ExperimentSpec{ID: "gone", Name: word + " gone", Tags: tags})),
		s.SetExperimentTag(ctx, "0", "k", word),
		s.DeleteExperiment(ctx, "gone"),
	}
	for _, id := range []string{"run", "other", "dead"} {
		model := mlruns.ModelInput{ModelID: "model"}
		errs = append(errs,
			filestoretest.ErrOf(s.CreateRun(ctx, mlruns.RunSpec{ID: id, Name: word, User: word, Tags: tags})),
			s.LogBatch(ctx, id, mlruns.Batch{Params: []mlruns.Param{{Key: "k", Value: word}, {Key: "d/k", Value: word}},
				Metrics: []mlruns.Metric{{Key: "k", Value: value, DatasetName: word, DatasetDigest: word}, {Key: "d/k", Value: value}}}),
			s.LogInputs(ctx, id, mlruns.Inputs{Datasets: []mlruns.DatasetInput{{Dataset: mlruns.Dataset{Name: "d", Digest: "1", Source: word}}}, Models: []mlruns.ModelInput{model}}),
			s.LogOutputs(ctx, id, mlruns.Outputs{Models: []mlruns.ModelOutput{{ModelID: "model"}}}),
			s.WriteArtifact(ctx, id, "k", strings.NewReader(word)),
			s.WriteArtifact(ctx, id, "d/k", strings.NewReader(word)),
		)
	}
	if err := errors.Join(append(errs, s.DeleteRun(ctx, "dead"))...); err != nil {
		t.Fatal(err)
	}
}

// read makes every call that reads, about one run and experiment and with one path, and gives all
// that they say.
func (c *confined) read(ctx context.Context, run, experiment, path string) string {
	var b strings.Builder
	var mu sync.Mutex // problems come from other goroutines, too
	say := func(what any, err error) {
		mu.Lock()
		defer mu.Unlock()
		fmt.Fprintf(&b, "%+v %v\n", what, err)
	}
	s := c.store
	r, err := s.Run(ctx, run)
	if err == nil {
		say(*r, nil)
	}
	say("run", err)
	e, err := s.Experiment(ctx, experiment)
	if err == nil {
		say(*e, nil)
	}
	say("experiment", err)
	report := func(p mlruns.Problem) { say(p, nil) }
	q := mlruns.RunQuery{Filter: "metrics.k > 0 OR params.k = 'x' OR tags.k = 'x' OR dataset.name = 'd'", View: mlruns.ViewAll, OnProblem: report}
	for _, experiments := range [][]string{nil, {experiment}} {
		q.Experiments = experiments
		for r, err := range s.Runs(ctx, q) {
			if err != nil {
				say("runs", err)
				continue
			}
			say(*r, nil)
		}
	}
	for e, err := range s.Experiments(ctx, mlruns.ExperimentQuery{View: mlruns.ViewAll, OnProblem: report}) {
		say(e, err)
	}
	for info, err := range s.RunInfos(ctx, experiment, mlruns.ViewAll) {
		say(info, err)
	}
	for _, p := range []string{"", "k", "d", "d/k", path} {
		b.WriteString(c.readAt(ctx, run, p))
	}
	for p, err := range s.Verify(ctx, mlruns.VerifyQuery{}) {
		say(p, err)
	}
	return b.String()
}

// readAt makes the calls that read with a key or path of a run.
func (c *confined) readAt(ctx context.Context, run, path string) string {
	var b strings.Builder
	say := func(what any, err error) { fmt.Fprintf(&b, "%+v %v\n", what, err) }
	for m, err := range c.store.MetricHistory(ctx, run, path, mlruns.HistoryQuery{OnProblem: func(p mlruns.Problem) { say(p, nil) }}) {
		say(m, err)
	}
	list, err := c.store.Artifacts(ctx, run, path)
	say(list, err)
	f, err := c.store.OpenArtifact(ctx, run, path)
	if err == nil {
		data, readErr := io.ReadAll(io.LimitReader(f, 1<<20))
		say(string(data), errors.Join(readErr, f.Close()))
	}
	say("open", err)
	_, err = c.store.DownloadArtifacts(ctx, run, path, filepath.Join(c.top, "downloads"))
	say("download", err)
	return b.String()
}

// writeAt makes the calls that write with a key or path of a run or experiment.
func (c *confined) writeAt(ctx context.Context, run, experiment, path string) string {
	s := c.store
	return fmt.Sprint(
		s.LogMetric(ctx, run, mlruns.Metric{Key: path, Value: 2}), s.LogParam(ctx, run, path, "new"), s.SetTag(ctx, run, path, "new"), s.DeleteTag(ctx, run, path),
		s.LogBatch(ctx, run, mlruns.Batch{Metrics: []mlruns.Metric{{Key: path}}}), s.LogInputs(ctx, run, mlruns.Inputs{Models: []mlruns.ModelInput{{ModelID: path}}}),
		s.LogOutputs(ctx, run, mlruns.Outputs{Models: []mlruns.ModelOutput{{ModelID: path}}}), s.RecordLoggedModel(ctx, run, mlruns.ModelRecord{ArtifactPath: path}),
		s.WriteArtifact(ctx, run, path, strings.NewReader("new")), s.LogArtifacts(ctx, run, filepath.Join(c.top, "local"), path), s.DeleteArtifacts(ctx, run, path),
		s.SetExperimentTag(ctx, experiment, path, "new"), s.DeleteExperimentTag(ctx, experiment, path))
}

// write makes every call that writes, about one run and experiment and with one key or path, and
// gives what their errors say.
func (c *confined) write(ctx context.Context, run, experiment, path string) string {
	s := c.store
	local := filepath.Join(c.top, "local")
	said := c.writeAt(ctx, run, experiment, path)
	errs := []error{
		s.LogMetric(ctx, run, mlruns.Metric{Key: "k", Value: 2}), s.LogMetric(ctx, run, mlruns.Metric{Key: "d/new", Value: 2}), s.LogParam(ctx, run, "d/new", "new"), s.SetTag(ctx, run, "k", "new"),
		s.DeleteTag(ctx, run, "k"), s.SetTag(ctx, run, mlruns.TagRunName, "new"),
		s.LogInputs(ctx, run, mlruns.Inputs{Datasets: []mlruns.DatasetInput{{Dataset: mlruns.Dataset{Name: "d", Digest: "new"}}}, Models: []mlruns.ModelInput{{ModelID: "new"}}}),
		s.LogOutputs(ctx, run, mlruns.Outputs{Models: []mlruns.ModelOutput{{ModelID: "new"}}}),
		s.RecordLoggedModel(ctx, run, mlruns.ModelRecord{ArtifactPath: path}),
		s.UpdateRun(ctx, run, mlruns.RunUpdate{Name: "new", Status: mlruns.StatusFailed}), s.EndRun(ctx, run, mlruns.StatusFinished, time.Time{}),
		s.WriteArtifact(ctx, run, "k", strings.NewReader("new")), s.WriteArtifact(ctx, run, "d/new", strings.NewReader("new")),
		s.LogArtifacts(ctx, run, local, ""), s.DeleteArtifacts(ctx, run, "d/k"), s.DeleteArtifacts(ctx, run, ""),
		s.SetExperimentTag(ctx, experiment, "k", "new"), s.DeleteExperimentTag(ctx, experiment, "k"),
		s.RenameExperiment(ctx, experiment, "new "+experiment), filestoretest.ErrOf(s.CreateRun(ctx, mlruns.RunSpec{ID: "new", ExperimentID: experiment})), filestoretest.ErrOf(s.CreateRun(ctx, mlruns.RunSpec{ExperimentID: experiment})),
		s.RestoreExperiment(ctx, "gone"), filestoretest.ErrOf(s.CreateExperiment(ctx, mlruns.ExperimentSpec{Name: "fresh"})), s.DeleteExperiment(ctx, "gone"),
		s.RestoreRun(ctx, "dead"), s.DeleteRun(ctx, run), s.RestoreRun(ctx, run), s.DeleteExperiment(ctx, "e1"), s.RestoreExperiment(ctx, "e1"), s.DeleteExperiment(ctx, experiment),
	}
	return said + fmt.Sprint(errs)
}

// watched makes a call that must end: a pipe or a device in the store makes no one wait.
func (c *confined) watched(what string, do func(context.Context) string) {
	c.Helper()
	ctx, cancel := context.WithTimeout(c.Context(), 30*time.Second)
	defer cancel()
	done := make(chan string, 1)
	go func() { done <- do(ctx) }()
	select {
	case said := <-done:
		if i := strings.Index(said, canary); i >= 0 {
			c.Errorf("%s gives what is outside of the store: …%s…", what, said[max(0, i-200):min(len(said), i+60)])
		}
		if i := strings.Index(said, fmt.Sprint(canaryNumber)); i >= 0 {
			c.Errorf("%s gives a number from outside of the store: …%s…", what, said[max(0, i-200):min(len(said), i+60)])
		}
	case <-time.After(60 * time.Second):
		c.Fatalf("%s hangs", what)
	}
}

// exercise reads, writes and reads again, and looks that nothing outside of the store was read or
// has changed.
func (c *confined) exercise(run, experiment, path string) {
	c.Helper()
	c.watched("reading", func(ctx context.Context) string { return c.read(ctx, run, experiment, path) })
	c.watched("writing", func(ctx context.Context) string { return c.write(ctx, run, experiment, path) })
	c.watched("reading again", func(ctx context.Context) string { return c.read(ctx, run, experiment, path) })
	c.untouched()
}

// inside goes deep into a folder of the test, so that a relative path that is opened by mistake
// stays in it.
func (c *confined) inside() {
	c.Helper()
	deep := filepath.Join(c.top, "local", "1", "2", "3", "4", "5", "6")
	if err := os.MkdirAll(deep, 0o777); err != nil {
		c.Fatal(err)
	}
	c.Chdir(deep)
}

func (c *confined) untouched() {
	c.Helper()
	if diff := cmp.Diff(c.before, filestoretest.Listing(c.T, c.outside, true)); diff != "" {
		c.Errorf("what is outside of the store has changed (-before +after):\n%s", diff)
	}
	entries, err := os.ReadDir(c.top)
	if err != nil || len(entries) != 4 {
		c.Errorf("beside the store are %v, %v; want downloads, local, outside and store", entries, err)
	}
	for _, data := range filestoretest.ReadTree(c.T, filepath.Join(c.top, "downloads")) {
		if strings.Contains(string(data), canary) {
			c.Error("a file from outside of the store was downloaded")
		}
	}
}
