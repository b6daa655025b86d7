package golden

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/mlruns/mlruns"
	"github.com/mlruns/mlruns/filestore"
	"github.com/mlruns/mlruns/filestore/internal/filestoretest"
)

// compatRows are the deviations of docs/compat.md that no golden store shows. Each gets a store of
// its own.
var compatRows = []struct {
	name string
	test func(t *testing.T, dir string, store *filestore.Store)
}{
	{"key with a trailing newline", func(t *testing.T, _ string, store *filestore.Store) { refusedKeys(t, store, "a\n", "a/b\n") }},
	{"names of desktops and sync tools", func(t *testing.T, dir string, store *filestore.Store) {
		names := []string{".DS_Store", "Thumbs.db", ".nfs0000abc", "._acc", "acc.sync-conflict-20240607-080910-ABCDEFG"}
		refusedKeys(t, store, append(names, "nested/.DS_Store", ".DS_Store/nested")...)
		run := filestoretest.MakeRun(t, store)
		folder := filepath.Join(dir, run.Info.ExperimentID, run.Info.ID)
		for _, name := range names {
			for _, sub := range []string{"metrics", "params", "tags"} {
				filestoretest.WriteFile(t, filepath.Join(folder, sub, name), "1 2 3\n")
			}
		}
		read, err := store.Run(context.Background(), run.Info.ID)
		if err != nil || len(read.Data.Metrics)+len(read.Data.Params) != 0 || len(read.Data.Tags) != 1 {
			t.Errorf("a run with foreign files: got %+v, %v, want the tag of its name only", read, err)
		}
		if got, want := len(filestoretest.Problems(t, store)), 3*len(names); got != want {
			t.Errorf("verify: %d problems, want %d: one for each foreign file", got, want)
		}
	}},
	{"over-long values", func(t *testing.T, dir string, store *filestore.Store) {
		ctx := context.Background()
		long := strings.Repeat("ü", mlruns.MaxParamValueLength+1)
		id := filestoretest.MakeRun(t, store).Info.ID
		for what, err := range map[string]error{
			"log param":          store.LogParam(ctx, id, "p", long),
			"log batch of param": store.LogBatch(ctx, id, mlruns.Batch{Params: []mlruns.Param{{Key: "p", Value: long}}}),
			"log batch of tag":   store.LogBatch(ctx, id, mlruns.Batch{Tags: []mlruns.Tag{{Key: "t", Value: strings.Repeat("x", mlruns.MaxTagValueLength+1)}}}),
		} {
			wantRefusal(t, what, err, mlruns.CodeInvalidParameter)
		}
		cutting := filestoretest.Open(t, dir, filestore.WithTruncation())
		if err := cutting.LogParam(ctx, id, "p", long); err != nil {
			t.Fatal(err)
		}
		run, err := cutting.Run(ctx, id)
		if err != nil || run.Data.Params["p"] != long[:2*mlruns.MaxParamValueLength] {
			t.Errorf("with truncation: got %d bytes, %v, want %d", len(run.Data.Params["p"]), err, 2*mlruns.MaxParamValueLength)
		}
	}},
	{"refused writes nothing", func(t *testing.T, dir string, store *filestore.Store) {
		ctx := context.Background()
		id := filestoretest.MakeRun(t, store).Info.ID
		bad := map[string]string{"good": "1", "bad!": "2"}
		good := mlruns.Metric{Key: "good"}
		before := filestoretest.ReadTree(t, dir)
		for what, err := range map[string]error{
			"create experiment": second(store.CreateExperiment(ctx, mlruns.ExperimentSpec{Name: "new", Tags: bad})),
			"create run":        second(store.CreateRun(ctx, mlruns.RunSpec{Tags: bad})),
			"log batch":         store.LogBatch(ctx, id, mlruns.Batch{Metrics: []mlruns.Metric{good}, Tags: []mlruns.Tag{{Key: "bad!"}}}),
			"update run":        store.UpdateRun(ctx, id, mlruns.RunUpdate{Name: "new", Status: 9}),
			"log inputs": store.LogInputs(ctx, id, mlruns.Inputs{Datasets: []mlruns.DatasetInput{{Dataset: mlruns.Dataset{Name: "d", Digest: "1"}},
				{Dataset: mlruns.Dataset{Name: "bad\xff", Digest: "2"}}}}),
		} {
			wantRefusal(t, what, err, mlruns.CodeInvalidParameter)
		}
		for _, change := range filestoretest.Changes(before, filestoretest.ReadTree(t, dir)) {
			if !strings.HasSuffix(change, ".lock") {
				t.Errorf("the store changed: %s", change)
			}
		}
	}},
	{"key below another key", func(t *testing.T, _ string, store *filestore.Store) {
		ctx := context.Background()
		id := filestoretest.MakeRun(t, store).Info.ID
		if err := store.LogParam(ctx, id, "a", "1"); err != nil {
			t.Fatal(err)
		}
		wantRefusal(t, "log a/b beside a", store.LogParam(ctx, id, "a/b", "2"), mlruns.CodeInvalidParameter)
		both := mlruns.Batch{Tags: []mlruns.Tag{{Key: "x/y", Value: "1"}, {Key: "x", Value: "2"}}}
		wantRefusal(t, "log x/y and x at once", store.LogBatch(ctx, id, both), mlruns.CodeInvalidParameter)
	}},
	{"restore under a taken name", func(t *testing.T, dir string, store *filestore.Store) {
		ctx := context.Background()
		e, err := store.CreateExperiment(ctx, mlruns.ExperimentSpec{Name: "e"})
		if err == nil {
			err = store.DeleteExperiment(ctx, e.ID)
		}
		if err != nil {
			t.Fatal(err)
		}
		// As MLflow 2.0 … 2.14 would: it gave the names of deleted experiments away.
		filestoretest.WriteFile(t, filepath.Join(dir, "77", "meta.yaml"), "artifact_location: x\nexperiment_id: '77'\nlifecycle_stage: active\nname: e\n")
		wantRefusal(t, "restore", store.RestoreExperiment(ctx, e.ID), mlruns.CodeExists)
		if got, err := store.Experiment(ctx, e.ID); err != nil || got.Stage != mlruns.StageDeleted {
			t.Errorf("after it: got %+v, %v, want it deleted still", got, err)
		}
	}},
	{"quoted look-alikes", func(t *testing.T, dir string, store *filestore.Store) {
		for _, name := range []string{"y", "n", "08", "1e5", "0o17", "2020-1-1", "0123456789", "12345e67890"} {
			e, err := store.CreateExperiment(context.Background(), mlruns.ExperimentSpec{Name: name})
			if err != nil {
				t.Fatal(err)
			}
			data, err := os.ReadFile(filepath.Join(dir, e.ID, "meta.yaml"))
			if want := "\nname: '" + name + "'\n"; err != nil || !strings.Contains(string(data), want) {
				t.Errorf("meta.yaml is %q, %v, want it to have %q", data, err, want)
			}
		}
	}},
	{"folder that is no experiment", func(t *testing.T, dir string, store *filestore.Store) {
		for _, name := range []string{".git", ".ipynb_checkpoints", "lost+found", "two words", strings.Repeat("9", 65)} {
			if err := os.Mkdir(filepath.Join(dir, name), 0o777); err != nil {
				t.Fatal(err)
			}
		}
		if _, err := store.CreateExperiment(context.Background(), mlruns.ExperimentSpec{Name: "e"}); err != nil {
			t.Errorf("create experiment: %v", err)
		}
		page, err := store.SearchExperiments(context.Background(), mlruns.ExperimentQuery{View: mlruns.ViewAll})
		if err != nil || len(page.Experiments) != 2 || len(page.Problems) != 5 {
			t.Errorf("search: got %+v, %v, want 2 experiments and 5 problems", page, err)
		}
	}},
	{"copied run folder", func(t *testing.T, dir string, store *filestore.Store) {
		run := filestoretest.MakeRun(t, store)
		from := filepath.Join(dir, run.Info.ExperimentID, run.Info.ID)
		copied := filestoretest.ReadTree(t, from)
		copied.WriteTo(t, filepath.Join(dir, run.Info.ExperimentID, strings.Repeat("c", 32)))
		page, err := store.SearchRuns(context.Background(), mlruns.RunQuery{})
		if err != nil || len(page.Runs) != 1 || len(page.Problems) != 1 || page.Problems[0].Kind != mlruns.ProblemIDMismatch {
			t.Errorf("search: got %+v, %v, want one run and the copy named", page, err)
		}
	}},
	{"stray file among the inputs", func(t *testing.T, dir string, store *filestore.Store) {
		ctx := context.Background()
		run := filestoretest.MakeRun(t, store)
		in := mlruns.Inputs{Datasets: []mlruns.DatasetInput{{Dataset: mlruns.Dataset{Name: "d", Digest: "1"}}}}
		if err := store.LogInputs(ctx, run.Info.ID, in); err != nil {
			t.Fatal(err)
		}
		filestoretest.WriteFile(t, filepath.Join(dir, run.Info.ExperimentID, run.Info.ID, "inputs", ".DS_Store"), "x")
		read, err := store.Run(ctx, run.Info.ID)
		if err != nil || len(read.Inputs.Datasets) != 1 || len(read.Problems) != 1 {
			t.Errorf("got %+v, %v, want its data set and one problem", read, err)
		}
	}},
	{"status by its name", func(t *testing.T, dir string, store *filestore.Store) {
		run := filestoretest.MakeRun(t, store)
		meta := filepath.Join(dir, run.Info.ExperimentID, run.Info.ID, "meta.yaml")
		data, err := os.ReadFile(meta)
		if err != nil {
			t.Fatal(err)
		}
		filestoretest.WriteFile(t, meta, strings.Replace(string(data), "status: 1\n", "status: FINISHED\n", 1))
		if read, err := store.Run(context.Background(), run.Info.ID); err != nil || read.Info.Status != mlruns.StatusFinished {
			t.Errorf("got %+v, %v, want FINISHED", read, err)
		}
	}},
	{"model registry", func(t *testing.T, dir string, store *filestore.Store) {
		filestoretest.WriteFile(t, filepath.Join(dir, "models", "m", "meta.yaml"), "name: m\n")
		_, err := mlruns.NewClient(store).RegisteredModel(context.Background(), "m")
		wantRefusal(t, "registered model", err, mlruns.CodeFeatureDisabled)
		if list := filestoretest.Problems(t, store); list != nil {
			t.Errorf("verify: %v, want nothing about the registry", list)
		}
	}},
}

func TestCompat(t *testing.T) {
	for _, row := range compatRows {
		t.Run(row.name, func(t *testing.T) {
			dir := filepath.Join(t.TempDir(), "mlruns")
			row.test(t, dir, filestoretest.Open(t, dir, filestore.WithSync(filestore.SyncNever)))
		})
	}
}

func wantRefusal(t *testing.T, what string, err error, code mlruns.Code) {
	t.Helper()
	if refusal(err) != "refused "+string(code) {
		t.Errorf("%s: got %v, want it refused with %s", what, err, code)
	}
}

func refusedKeys(t *testing.T, store *filestore.Store, keys ...string) {
	t.Helper()
	ctx := context.Background()
	id := filestoretest.MakeRun(t, store).Info.ID
	for _, key := range keys {
		what := fmt.Sprintf("the key %q", key)
		wantRefusal(t, what, store.LogMetric(ctx, id, mlruns.Metric{Key: key}), mlruns.CodeInvalidParameter)
		wantRefusal(t, what, store.LogParam(ctx, id, key, "v"), mlruns.CodeInvalidParameter)
		wantRefusal(t, what, store.SetTag(ctx, id, key, "v"), mlruns.CodeInvalidParameter)
		wantRefusal(t, what, store.SetExperimentTag(ctx, mlruns.DefaultExperimentID, key, "v"), mlruns.CodeInvalidParameter)
		wantRefusal(t, what, second(store.CreateRun(ctx, mlruns.RunSpec{Tags: map[string]string{key: "v"}})), mlruns.CodeInvalidParameter)
	}
}
