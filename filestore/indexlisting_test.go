package filestore_test

import (
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"testing"

	"github.com/mlruns/mlruns"
	"github.com/mlruns/mlruns/filestore/internal/filestoretest"
	"github.com/mlruns/mlruns/internal/proof"
)

// TestIndexSeesRunsComeAndGo changes which runs an experiment has. Its folder is not listed as long
// as it looks as it did, so each change is met at once, after a while, and by an index that was
// made after it.
func TestIndexSeesRunsComeAndGo(t *testing.T) {
	if runtime.GOOS == "windows" {
		t.Skip("links need rights on Windows")
	}
	t.Parallel()
	dir, run := endedStore(t, proof.Choose(20, 80, 80), "3")
	name := func(i int) string { return filepath.Join(dir, "0", fmt.Sprintf("%032x", i)) }
	elsewhere := filepath.Join(dir, "0", ".elsewhere")
	w := newTwins(t, dir)
	queries := []mlruns.RunQuery{{View: mlruns.ViewAll, MaxResults: mlruns.MaxResultsLimit}, {Filter: "params.p = 'x'", MaxResults: 5}, {Filter: "tags.`a/b` = 'y'"}}
	ask := func() {
		for _, q := range proof.Sample(t, queries) {
			w.ask(q)
		}
	}
	w.warm()
	ask()
	for _, change := range []struct {
		name string
		do   func() error
	}{
		{"a run is made", func() error { return os.CopyFS(name(100), os.DirFS(run(0))) }},
		{"a run is renamed", func() error { return os.Rename(run(1), name(101)) }},
		{"a run is removed", func() error { return os.RemoveAll(run(2)) }},
		{"a folder that is no run", func() error { return os.Mkdir(filepath.Join(dir, "0", "no run"), 0o777) }},
		{"it goes again", func() error { return os.Remove(filepath.Join(dir, "0", "no run")) }},
		{"a run without its meta.yaml", func() error { return os.Remove(filepath.Join(run(3), "meta.yaml")) }},
		{"a run that cannot be read", func() error { return place(filepath.Join(run(4), "meta.yaml"), "{") }},
		{"it can be read again", func() error { return place(filepath.Join(run(4), "meta.yaml"), endedMeta(4, "3")) }},
		{"a run behind a link", func() error {
			if err := os.Rename(run(5), elsewhere); err != nil {
				return err
			}
			return os.Symlink(filepath.Base(elsewhere), run(5))
		}},
		{"what the link leads to is no folder any more", func() error {
			if err := os.RemoveAll(elsewhere); err != nil {
				return err
			}
			return os.WriteFile(elsewhere, nil, 0o666)
		}},
		{"the link goes", func() error { return os.Remove(run(5)) }},
		{"a file in place of a run", func() error {
			if err := os.RemoveAll(run(6)); err != nil {
				return err
			}
			return place(run(6), "x")
		}},
		{"two runs change their names", func() error { return swap(run(7), run(8), dir) }},
	} {
		if err := change.do(); err != nil {
			t.Fatalf("%s: %v", change.name, err)
		}
		t.Log(change.name)
		ask()
		filestoretest.Settle()
		ask()
		if err := w.indexed.RebuildIndex(t.Context(), nil); err != nil {
			t.Fatal(err)
		}
		w.reopen()
		ask()
	}
}

// TestIndexedListingOfALink changes what a link in an experiment leads to, which its folder does
// not tell.
func TestIndexedListingOfALink(t *testing.T) {
	if runtime.GOOS == "windows" {
		t.Skip("links need rights on Windows")
	}
	t.Parallel()
	dir, run := endedStore(t, 80, "3")
	target := filepath.Join(dir, "target.trash") // no experiment
	if err := os.Rename(run(5), target); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink("../target.trash", run(5)); err != nil {
		t.Fatal(err)
	}
	w := newTwins(t, dir)
	w.warm()
	q := mlruns.RunQuery{MaxResults: 200}
	w.ask(q)
	if err := os.RemoveAll(target); err != nil {
		t.Fatal(err)
	}
	w.ask(q)
	if got, _ := answerOf(w.indexed, q); len(got.Runs) != 79 || len(got.Problems) == 0 {
		t.Errorf("%d runs, problems %v; want 79 and that the link leads nowhere", len(got.Runs), got.Problems)
	}
}
