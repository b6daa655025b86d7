package filestore_test

import (
	"errors"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"syscall"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/spf13/afero"

	"github.com/mlruns/mlruns"
	"github.com/mlruns/mlruns/filestore"
	"github.com/mlruns/mlruns/filestore/internal/filestoretest"
	"github.com/mlruns/mlruns/internal/failure"
	"github.com/mlruns/mlruns/internal/faultfs"
	"github.com/mlruns/mlruns/internal/memfs"
)

// decomposed keeps é as HFS+ does.
var decomposed = memfs.Names{Fold: true, Bend: strings.NewReplacer("é", "e\u0301").Replace}

// exfatFuse says of a name that it does not take that there is no such thing.
var exfatFuse = memfs.Names{Fold: true, Refuse: memfs.FAT.Refuse, Refusal: syscall.ENOENT}

// named is a store on a file system with rules of its own for names.
type named struct {
	*testing.T
	mem   *memfs.FS
	store *filestore.Store
}

func newNamed(t *testing.T, names memfs.Names, wrap func(afero.Fs) afero.Fs) named {
	t.Helper()
	mem := memfs.NewNaming(names)
	return named{t, mem, filestoretest.Open(t, "/mlruns", filestore.WithFs(wrap(mem)), filestore.WithLocking(filestore.LockBestEffort))}
}

// tree has every file of the store, but for locks, with its content.
func (d named) tree() map[string]string {
	d.Helper()
	all := map[string]string{}
	err := afero.Walk(d.mem, "/mlruns", func(name string, info os.FileInfo, err error) error {
		if err != nil || info.IsDir() || strings.HasSuffix(name, ".lock") {
			return err
		}
		data, err := afero.ReadFile(d.mem, name)
		all[name] = string(data)
		return err
	})
	if err != nil {
		d.Fatal(err)
	}
	return all
}

// calls write one key each, and values of it.
func (d named) calls() map[string]func(key string) error {
	ctx := d.Context()
	step := int64(0)
	metric := func(key string) mlruns.Metric {
		step++
		return mlruns.Metric{Key: key, Value: 1, Step: step}
	}
	return map[string]func(key string) error{
		"log metric":         func(key string) error { return d.store.LogMetric(ctx, "run", metric(key)) },
		"log param":          func(key string) error { return d.store.LogParam(ctx, "run", key, "1") },
		"set tag":            func(key string) error { return d.store.SetTag(ctx, "run", key, "1") },
		"set experiment tag": func(key string) error { return d.store.SetExperimentTag(ctx, "e", key, "1") },
		"write artifact":     func(key string) error { return d.store.WriteArtifact(ctx, "run", key, strings.NewReader("1")) },
		"log batch": func(key string) error {
			return d.store.LogBatch(ctx, "run", mlruns.Batch{Params: []mlruns.Param{{Key: "fresh", Value: "1"}}, Tags: []mlruns.Tag{{Key: key, Value: "1"}}})
		},
	}
}

var wrappers = map[string]func(afero.Fs) afero.Fs{"native": func(f afero.Fs) afero.Fs { return f }, "plain": faultfs.Plain}

// TestFoldedNamesAreRefused has keys that differ in case only from one that is there, or from a
// folder above one: nothing is merged, nothing is written, nothing is found under a name that
// nobody gave.
func TestFoldedNamesAreRefused(t *testing.T) {
	for name, wrap := range wrappers {
		t.Run(name, func(t *testing.T) {
			ctx := t.Context()
			d := newNamed(t, memfs.FAT, wrap)
			must := func(err error) {
				t.Helper()
				if err != nil {
					t.Fatal(err)
				}
			}
			_, err := d.store.CreateExperiment(ctx, mlruns.ExperimentSpec{ID: "e", Name: "e"})
			must(err)
			_, err = d.store.CreateRun(ctx, mlruns.RunSpec{ID: "run", ExperimentID: "e"})
			must(err)
			for what, write := range d.calls() {
				if what == "log batch" {
					continue
				}
				for _, key := range []string{"loss", "a/b", "loss", "a/c", "Other/x"} {
					if err := write(key); err != nil {
						t.Fatalf("%s %q: %v", what, key, err)
					}
				}
			}
			before := d.tree()
			for what, write := range d.calls() {
				for key, other := range map[string]string{"Loss": "loss", "LOSS": "loss", "A/b": "a", "a/B": "a/b", "A/new": "a", "other/y": "Other"} {
					err := write(key)
					if !errors.Is(err, mlruns.ErrInvalid) || !strings.Contains(err.Error(), key) || !strings.Contains(err.Error(), "'"+filepath.Base(other)) && !strings.Contains(err.Error(), "'"+other) {
						t.Errorf("%s %q: %v, want it refused beside %q", what, key, err, other)
					}
				}
			}
			batch := mlruns.Batch{Params: []mlruns.Param{{Key: "one", Value: "1"}, {Key: "ONE", Value: "2"}}}
			if err := d.store.LogBatch(ctx, "run", batch); !errors.Is(err, mlruns.ErrInvalid) {
				t.Errorf("a batch with one key twice: %v, want it refused", err)
			}
			for _, tags := range []map[string]string{{"one": "1", "ONE": "2"}, {"A/x": "1", "a/y": "2"}, {"a": "1", "A/x": "2"}} {
				if _, err := d.store.CreateRun(ctx, mlruns.RunSpec{ExperimentID: "e", Tags: tags}); !errors.Is(err, mlruns.ErrInvalid) {
					t.Errorf("a run with the tags %v: %v, want it refused", tags, err)
				}
				if _, err := d.store.CreateExperiment(ctx, mlruns.ExperimentSpec{Name: "x", Tags: tags}); !errors.Is(err, mlruns.ErrInvalid) {
					t.Errorf("an experiment with the tags %v: %v, want it refused", tags, err)
				}
			}
			if _, err := d.store.CreateRun(ctx, mlruns.RunSpec{ID: "RUN", ExperimentID: "e"}); !errors.Is(err, mlruns.ErrExists) {
				t.Errorf("a run with the id of another: %v, want %v", err, mlruns.ErrExists)
			}
			if _, err := d.store.CreateExperiment(ctx, mlruns.ExperimentSpec{ID: "E", Name: "E"}); !errors.Is(err, mlruns.ErrExists) {
				t.Errorf("an experiment with the id of another: %v, want %v", err, mlruns.ErrExists)
			}
			for what, err := range map[string]error{"tag": d.store.DeleteTag(ctx, "run", "LOSS"), "experiment's tag": d.store.DeleteExperimentTag(ctx, "e", "LOSS")} {
				if !errors.Is(err, mlruns.ErrNotFound) {
					t.Errorf("deleting the %s of another name: %v, want %v", what, err, mlruns.ErrNotFound)
				}
			}
			if diff := cmp.Diff(before, d.tree()); diff != "" {
				t.Errorf("what was refused changed the store:\n%s", diff)
			}
			if h := filestoretest.History(t, d.store, "run", "LOSS"); len(h) > 0 {
				t.Errorf("history of another name: %v", h)
			}
			if h := filestoretest.History(t, d.store, "run", "loss"); len(h) != 2 {
				t.Errorf("history: %v, want two points", h)
			}
			for filter, want := range map[string]int{"metrics.loss = 1": 1, "metrics.LOSS = 1": 0, "params.loss = '1'": 1, "params.LOSS = '1'": 0, "tags.loss = '1'": 1, "tags.LOSS = '1'": 0,
				"max(metrics.LOSS) = 1": 0} {
				page, err := d.store.SearchRuns(ctx, mlruns.RunQuery{Experiments: []string{"e"}, Filter: filter})
				if err != nil || len(page.Runs) != want {
					t.Errorf("%s: %d runs, %v, want %d", filter, len(page.Runs), err, want)
				}
			}
			must(d.store.EndRun(ctx, "run", mlruns.StatusFinished, mlruns.Metric{}.Time))
			for _, p := range filestoretest.Problems(t, d.store) {
				t.Error(p)
			}
		})
	}
}

// TestBentNamesAreRefused has keys that the file system keeps under another name, or not at all:
// the file is taken back, and the text says why.
func TestBentNamesAreRefused(t *testing.T) {
	if runtime.GOOS == "windows" {
		t.Skip("refused before they are tried")
	}
	for _, c := range []struct {
		names     memfs.Names
		key, says string
		there     string // a key that is logged before
	}{
		{memfs.FAT, "lr.", "'lr", ""},
		{memfs.FAT, "lr.", "is the same name", "lr"},
		{memfs.FAT, "a./b", "'a", ""},
		{decomposed, "é", "under another name", ""},
		{decomposed, "a/é", "under another name", ""},
		{memfs.FAT, "a:b", "which Windows does not allow", ""},
		{memfs.FAT, "a:b/c", "which Windows does not allow", ""},
		{memfs.FAT, "c/a:b", "which Windows does not allow", ""},
		{exfatFuse, "a:b", "which Windows does not allow", ""},
		{exfatFuse, "a:b/c", "which Windows does not allow", ""},
		{exfatFuse, "c/a:b", "which Windows does not allow", ""},
	} {
		for name, wrap := range wrappers {
			t.Run(name+"/"+c.key+"/"+c.there, func(t *testing.T) {
				d := newNamed(t, c.names, wrap)
				if _, err := d.store.CreateExperiment(t.Context(), mlruns.ExperimentSpec{ID: "e", Name: "e"}); err != nil {
					t.Fatal(err)
				}
				if _, err := d.store.CreateRun(t.Context(), mlruns.RunSpec{ID: "run", ExperimentID: "e"}); err != nil {
					t.Fatal(err)
				}
				if err := d.store.LogParam(t.Context(), "run", "fresh", "1"); err != nil {
					t.Fatal(err)
				}
				for what, write := range d.calls() {
					if c.there != "" {
						if err := write(c.there); err != nil {
							t.Fatalf("%s %q: %v", what, c.there, err)
						}
					}
					before := d.tree()
					err := write(c.key)
					var reason *failure.Reason
					if !errors.Is(err, mlruns.ErrInvalid) || !errors.As(err, &reason) || mlruns.CodeOf(err) != mlruns.CodeInvalidParameter || !strings.Contains(err.Error(), c.says) {
						t.Errorf("%s %q: %v, want it refused with %q", what, c.key, err, c.says)
					}
					if diff := cmp.Diff(before, d.tree()); diff != "" {
						t.Errorf("%s %q changed the store:\n%s", what, c.key, diff)
					}
				}
				tags := map[string]string{c.key: "1"}
				if _, err := d.store.CreateRun(t.Context(), mlruns.RunSpec{ExperimentID: "e", Tags: tags}); !errors.Is(err, mlruns.ErrInvalid) || !strings.Contains(err.Error(), c.key) {
					t.Errorf("a run with such a tag: %v, want it refused", err)
				}
				for _, p := range filestoretest.Problems(t, d.store) {
					t.Error(p)
				}
			})
		}
	}
}

// TestBentIDsAreRefused has an id that the file system keeps otherwise.
func TestBentIDsAreRefused(t *testing.T) {
	d := newNamed(t, decomposed, wrappers["native"])
	before := d.tree()
	if _, err := d.store.CreateExperiment(t.Context(), mlruns.ExperimentSpec{ID: "xé", Name: "x"}); !errors.Is(err, mlruns.ErrInvalid) {
		t.Errorf("an experiment: %v, want it refused", err)
	}
	if _, err := d.store.CreateRun(t.Context(), mlruns.RunSpec{ID: "xé"}); !errors.Is(err, mlruns.ErrInvalid) {
		t.Errorf("a run: %v, want it refused", err)
	}
	if diff := cmp.Diff(before, d.tree()); diff != "" {
		t.Errorf("what was refused changed the store:\n%s", diff)
	}
	for _, p := range filestoretest.Problems(t, d.store) {
		t.Error(p)
	}
}

// TestArtifactTreesAreNotFolded has a folder with two names that differ in case only logged to, and
// downloaded onto, a file system that folds: the second is refused, and the first stays.
func TestArtifactTreesAreNotFolded(t *testing.T) {
	d := newNamed(t, memfs.FAT, wrappers["native"])
	if _, err := d.store.CreateRun(t.Context(), mlruns.RunSpec{ID: "run"}); err != nil {
		t.Fatal(err)
	}
	src := t.TempDir()
	filestoretest.WriteFile(t, filepath.Join(src, "Model", "A.txt"), "first")
	filestoretest.WriteFile(t, filepath.Join(src, "Model", "a.txt"), "second")
	if entries, err := os.ReadDir(filepath.Join(src, "Model")); err != nil || len(entries) != 2 {
		t.Skip("this file system folds case")
	}
	if err := d.store.LogArtifacts(t.Context(), "run", src, ""); !errors.Is(err, mlruns.ErrInvalid) || !strings.Contains(err.Error(), "A.txt") {
		t.Errorf("logging it: %v, want it refused", err)
	}
	if got := d.tree()["/mlruns/0/run/artifacts/Model/A.txt"]; got != "first" {
		t.Errorf("the first has %q", got)
	}
}

// TestArtifactsOfOtherNamesAreNotDeleted has artifacts deleted by names that differ in case only
// from theirs.
func TestArtifactsOfOtherNamesAreNotDeleted(t *testing.T) {
	for name, wrap := range wrappers {
		t.Run(name, func(t *testing.T) {
			d := newNamed(t, memfs.FAT, wrap)
			_, err := d.store.CreateRun(t.Context(), mlruns.RunSpec{ID: "run"})
			err = errors.Join(err, d.store.WriteArtifact(t.Context(), "run", "model/a.txt", strings.NewReader("1")))
			for _, other := range []string{"MODEL", "model/A.txt", "Model/a.txt"} {
				err = errors.Join(err, d.store.DeleteArtifacts(t.Context(), "run", other))
			}
			if got := d.tree()["/mlruns/0/run/artifacts/model/a.txt"]; err != nil || got != "1" {
				t.Errorf("%v; the artifact has %q, want it left", err, got)
			}
			err = d.store.DeleteArtifacts(t.Context(), "run", "model/a.txt")
			if _, left := d.tree()["/mlruns/0/run/artifacts/model/a.txt"]; err != nil || left {
				t.Errorf("%v; by its own name it is left: %v", err, left)
			}
		})
	}
}

// TestFoldedOutputsAreRefused has models whose ids differ in case only from one that is there, or
// from each other: their folders would be one.
func TestFoldedOutputsAreRefused(t *testing.T) {
	d := newNamed(t, memfs.FAT, wrappers["native"])
	log := func(ids ...string) error {
		var out mlruns.Outputs
		for _, id := range ids {
			out.Models = append(out.Models, mlruns.ModelOutput{ModelID: id, Step: 1})
		}
		return d.store.LogOutputs(t.Context(), "run", out)
	}
	_, err := d.store.CreateRun(t.Context(), mlruns.RunSpec{ID: "run"})
	if err = errors.Join(err, log("m-a"), log("m-a", "m-a")); err != nil {
		t.Fatal(err)
	}
	for _, ids := range [][]string{{"M-A"}, {"m-b", "M-B"}} {
		if err := log(ids...); !errors.Is(err, mlruns.ErrInvalid) || !strings.Contains(err.Error(), "is the same name") {
			t.Errorf("models %q: %v, want them refused", ids, err)
		}
	}
	r, err := d.store.Run(t.Context(), "run")
	if err != nil || len(r.Outputs.Models) != 1 {
		t.Errorf("%v, %v, want one model", r.Outputs, err)
	}
	for _, p := range filestoretest.Problems(t, d.store) {
		t.Error(p)
	}
}

// TestNamesThatWouldMergeAreNamed has names that are two here, and one where case is folded: once a
// copy of the store has merged them nothing can tell.
func TestNamesThatWouldMergeAreNamed(t *testing.T) {
	for name, wrap := range wrappers {
		t.Run(name, func(t *testing.T) {
			d := newNamed(t, memfs.Names{}, wrap)
			var err error
			for _, id := range []string{"e", "E"} {
				_, failed := d.store.CreateExperiment(t.Context(), mlruns.ExperimentSpec{ID: id, Name: "experiment " + id})
				err = errors.Join(err, failed)
			}
			for _, id := range []string{"run", "Run", "RUN", "con"} {
				_, failed := d.store.CreateRun(t.Context(), mlruns.RunSpec{ID: id, ExperimentID: "e"})
				err = errors.Join(err, failed)
			}
			for _, p := range []string{"a.txt", "A.txt", "d/x", "D/y", "b/x", "c/X"} {
				err = errors.Join(err, d.store.WriteArtifact(t.Context(), "run", p, strings.NewReader(p)))
			}
			if err != nil {
				t.Fatal(err)
			}
			got := map[string]string{}
			for _, p := range filestoretest.Problems(t, d.store) {
				got[p.Path] = strings.TrimPrefix(p.Reason, "a file system that folds case merges it with ")
				if p.Kind != mlruns.ProblemNotPortable {
					t.Error(p)
				}
			}
			want := map[string]string{"e": `"E"`, "e/Run": `"e/RUN"`, "e/run": `"e/Run"`, "e/con": `the part "con" is the name of a device on Windows`,
				"e/run/artifacts/a.txt": `"A.txt"`, "e/run/artifacts/d": `"D"`}
			if diff := cmp.Diff(want, got); diff != "" {
				t.Errorf("problems (-want +got):\n%s", diff)
			}
		})
	}
}

// TestNamesCostNothing counts what is done to find out about names on a file system that keeps
// them: one look for an experiment, and none for a key that is there.
func TestNamesCostNothing(t *testing.T) {
	looks := map[string]int{}
	mem := memfs.New()
	watched := faultfs.New(mem, func(op faultfs.Op) error {
		if strings.Contains(op.Path, "META.YAML") {
			looks["probe"]++
		} else if op.Kind == faultfs.OpenFolder && strings.HasSuffix(op.Path, "metrics") {
			looks["listing"]++
		}
		return nil
	})
	s := filestoretest.Open(t, "/mlruns", filestore.WithFs(watched))
	for _, id := range []string{"r1", "r2"} {
		if _, err := s.CreateRun(t.Context(), mlruns.RunSpec{ID: id}); err != nil {
			t.Fatal(err)
		}
		for step, key := range []string{"loss", "acc", "a/b", "loss"} {
			if err := s.LogMetric(t.Context(), id, mlruns.Metric{Key: key, Value: 1, Step: int64(step)}); err != nil {
				t.Fatal(err)
			}
		}
	}
	if looks["probe"] != 1 || looks["listing"] != 0 {
		t.Errorf("looks %v, want one probe and no listing", looks)
	}
	for _, p := range filestoretest.Problems(t, s) {
		t.Error(p)
	}
}
