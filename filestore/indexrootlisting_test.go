package filestore_test

import (
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"runtime"
	"testing"

	"github.com/mlruns/mlruns"
	"github.com/mlruns/mlruns/filestore/internal/filestoretest"
)

// TestIndexSeesExperimentsComeAndGo changes which experiments there are. The root and the trash are
// not listed as long as they look as they did, so each change is met at once, after a while, and by
// an index that was made after it.
func TestIndexSeesExperimentsComeAndGo(t *testing.T) {
	if runtime.GOOS == "windows" {
		t.Skip("links need rights on Windows")
	}
	t.Parallel()
	rng, dir := rand.New(rand.NewPCG(1, 1)), filepath.Join(t.TempDir(), "mlruns")
	at := func(name ...string) string { return filepath.Join(append([]string{dir}, name...)...) }
	makeOne := func(i int, in, stage string) error {
		return place(at(in, fmt.Sprint(i), "meta.yaml"), experimentMeta(rng, fmt.Sprint(i), stage))
	}
	for i := 100; i < 180; i++ {
		in, stage := "", "active"
		if i >= 170 {
			in, stage = ".trash", "deleted"
		}
		if err := makeOne(i, in, stage); err != nil {
			t.Fatal(err)
		}
	}
	w := newTwins(t, dir)
	queries := []mlruns.ExperimentQuery{{View: mlruns.ViewAll, MaxResults: mlruns.MaxResultsLimit}, {MaxResults: 200}}
	ask := func() {
		t.Helper()
		for _, q := range queries {
			w.askExperiments(q, "n110")
		}
	}
	rebuild := func() {
		filestoretest.Settle()
		if err := w.indexed.RebuildIndex(t.Context(), nil); err != nil {
			t.Fatal(err)
		}
		w.reopen()
	}
	rebuild()
	ask()
	if _, scan := w.experiments(w.indexed, queries[1]); scan.Indexed != 70 {
		t.Fatalf("%d experiments from the index, want 70", scan.Indexed)
	}
	for _, change := range []struct {
		name string
		do   func() error
	}{
		{"one is made", func() error { return makeOne(300, "", "active") }},
		{"one is renamed", func() error { return os.Rename(at("101"), at("301")) }},
		{"one is removed", func() error { return os.RemoveAll(at("102")) }},
		{"one is deleted", func() error { return os.Rename(at("103"), at(".trash", "103")) }},
		{"one is restored", func() error { return os.Rename(at(".trash", "171"), at("171")) }},
		{"one in both places", func() error { return os.CopyFS(at("172"), os.DirFS(at(".trash", "172"))) }},
		{"one is removed from the trash", func() error { return os.RemoveAll(at(".trash", "173")) }},
		{"a folder that is none", func() error { return os.Mkdir(at("none.d (1)"), 0o777) }},
		{"it goes again", func() error { return os.Remove(at("none.d (1)")) }},
		{"a folder in the trash that is none", func() error { return os.Mkdir(at(".trash", "a b"), 0o777) }},
		{"it goes again, too", func() error { return os.Remove(at(".trash", "a b")) }},
		{"one without its meta.yaml", func() error { return os.Remove(at("104", "meta.yaml")) }},
		{"one behind a link", func() error {
			if err := os.Rename(at("105"), at(".trash", ".elsewhere")); err != nil {
				return err
			}
			return os.Symlink(filepath.Join(".trash", ".elsewhere"), at("105"))
		}},
		{"what the link leads to is gone", func() error { return os.RemoveAll(at(".trash", ".elsewhere")) }},
		{"the link goes", func() error { return os.Remove(at("105")) }},
		{"a file in place of one", func() error {
			if err := os.RemoveAll(at("106")); err != nil {
				return err
			}
			return place(at("106"), "x")
		}},
		{"two change their names", func() error { return swap(at("107"), at("108"), dir) }},
		{"the trash behind a link", func() error {
			if err := os.Rename(at(".trash"), at("200.trash")); err != nil {
				return err
			}
			return os.Symlink("200.trash", at(".trash"))
		}},
		{"the trash is gone", func() error { return os.Remove(at(".trash")) }},
		{"the trash is empty", func() error { return os.Mkdir(at(".trash"), 0o777) }},
		{"one comes into it", func() error { return makeOne(302, ".trash", "deleted") }},
	} {
		if err := change.do(); err != nil {
			t.Fatalf("%s: %v", change.name, err)
		}
		t.Log(change.name)
		ask()
		rebuild()
		ask()
	}
}
