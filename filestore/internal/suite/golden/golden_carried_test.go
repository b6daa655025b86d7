package golden

import (
	"bytes"
	"context"
	"errors"
	"maps"
	"slices"
	"strings"
	"testing"

	"github.com/mlruns/mlruns"
	"github.com/mlruns/mlruns/filestore"
	"github.com/mlruns/mlruns/filestore/internal/filestoretest"
)

// registry is a model registry as MLflow ≥ 2.1 keeps it in the root of a file store.
var registry = filestoretest.Tree{
	"models/fraud/meta.yaml":             []byte("aliases: {}\ncreation_timestamp: 1600000000000\ndescription: null\nlast_updated_timestamp: 1600000000000\nname: fraud\n"),
	"models/fraud/tags/owner":            []byte("ann"),
	"models/fraud/version-1/meta.yaml":   []byte("name: fraud\nversion: 1\nrun_id: ''\nstatus: READY\n"),
	"models/fraud/version-1/tags/origin": []byte("golden"),
}

// TestGoldenCarriedThings renames, deletes and restores experiments that hold logged models and
// traces, beside a model registry: none of these is ever taken for a run or an experiment, and they
// stay as they are, byte for byte.
func TestGoldenCarriedThings(t *testing.T) {
	eachGolden(t, func(t *testing.T, g *golden) {
		ctx := context.Background()
		before := maps.Clone(g.store)
		maps.Copy(before, registry)
		main := g.expected.ExperimentLabels["main"]
		if g.version != "3.11" { // the older stores have none: these get those of 3.11
			newer := loadGolden(t, "3.11")
			for name, data := range newer.store.Sub(newer.expected.ExperimentLabels["main"]) {
				if isCarried("main/" + name) {
					if data != nil {
						data = bytes.ReplaceAll(data, []byte("experiment_id: '"+newer.expected.ExperimentLabels["main"]+"'"), []byte("experiment_id: '"+main+"'"))
					}
					before[main+"/"+name] = data
				}
			}
		}
		dir := before.Write(t)
		store := filestoretest.Open(t, dir, filestore.WithSync(filestore.SyncNever))
		problems := filestoretest.Problems(t, store)
		for _, p := range problems {
			if isCarried(p.Path) {
				t.Errorf("verify: %v", p)
			}
		}

		noneListed(t, g, store, main)
		if err := store.RenameExperiment(ctx, main, "other"); err != nil {
			t.Fatal(err)
		}
		made, err := store.CreateRun(ctx, mlruns.RunSpec{ExperimentID: main, Name: "beside them"})
		if err != nil {
			t.Fatal(err)
		}
		sameCarried(t, "after a rename and a new run", before, filestoretest.ReadTree(t, dir), main, main)
		if err := store.DeleteExperiment(ctx, main); err != nil {
			t.Fatal(err)
		}
		sameCarried(t, "after deletion", before, filestoretest.ReadTree(t, dir), main, ".trash/"+main)
		if err := store.RestoreExperiment(ctx, main); err != nil {
			t.Fatal(err)
		}
		sameCarried(t, "after restoration", before, filestoretest.ReadTree(t, dir), main, main)
		noneListed(t, g, store, main, made.Info.ID)
		if now := filestoretest.Problems(t, store); !slices.Equal(now, problems) {
			t.Errorf("verify: got %v, want as before: %v", now, problems)
		}
		for _, id := range []string{"models", "traces"} {
			if _, err := store.Experiment(ctx, id); !errors.Is(err, mlruns.ErrNotFound) {
				t.Errorf("the experiment %q: got %v, want ErrNotFound", id, err)
			}
		}
		for _, id := range []string{"m-a6a856c508b04e97852689329345c1cb", "tr-00000000000000000000000000000001", "models", "traces", "datasets", "fraud", "version-1"} {
			if _, err := store.Run(ctx, id); !errors.Is(err, mlruns.ErrNotFound) {
				t.Errorf("the run %q: got %v, want ErrNotFound", id, err)
			}
		}
	})
}

// noneListed checks that the runs are those MLflow lists, and the extra ones.
func noneListed(t *testing.T, g *golden, store mlruns.Store, experiment string, extra ...string) {
	t.Helper()
	page, err := store.SearchRuns(context.Background(), mlruns.RunQuery{Experiments: []string{experiment}, View: mlruns.ViewAll})
	if err != nil {
		t.Fatal(err)
	}
	got := slices.Sorted(slices.Values(filestoretest.IDsOf(page.Runs)))
	want := slices.Sorted(slices.Values(append(slices.Clone(g.expected.SearchAll[experiment].value), extra...)))
	if !slices.Equal(got, want) {
		t.Errorf("runs of the experiment: got %v, want %v", got, want)
	}
	experiments := map[string]bool{}
	for e, err := range store.Experiments(context.Background(), mlruns.ExperimentQuery{View: mlruns.ViewAll}) {
		if err != nil {
			t.Fatal(err)
		}
		experiments[e.ID] = true
	}
	if len(experiments) != len(g.expected.Get) {
		t.Errorf("%d experiments, want %d", len(experiments), len(g.expected.Get))
	}
}

// isCarried reports whether a path belongs to the registry, a logged model or a trace.
func isCarried(name string) bool {
	steps := strings.Split(strings.TrimPrefix(name, ".trash/"), "/")
	return steps[0] == "models" || len(steps) > 1 && (steps[1] == "models" || steps[1] == "traces")
}

// sameCarried compares what is carried, in an experiment that may have moved and in the root.
func sameCarried(t *testing.T, when string, before, after filestoretest.Tree, from, to string) {
	t.Helper()
	part := func(store filestoretest.Tree, experiment string) filestoretest.Tree {
		carried := filestoretest.Tree{}
		for name, data := range store {
			if rest, ok := strings.CutPrefix(name, experiment+"/"); ok && isCarried("x/"+rest) {
				carried["experiment/"+rest] = data
			} else if strings.HasPrefix(name, "models/") && data != nil {
				carried[name] = data
			}
		}
		return carried
	}
	want := part(before, from)
	if len(want) < 20 {
		t.Fatalf("%s: only %d files and folders are carried", when, len(want))
	}
	if diff := filestoretest.Changes(want, part(after, to)); diff != nil {
		t.Errorf("%s: logged models, traces or the registry changed: %v", when, diff)
	}
}
