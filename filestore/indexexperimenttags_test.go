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
	"github.com/mlruns/mlruns/internal/proof"
)

// experimentTagEdits change the tags of an experiment.
var experimentTagEdits = []edit{
	{name: "a tag set", do: func(_ *testing.T, rng *rand.Rand, dir, _ string) error {
		return place(filepath.Join(dir, "tags", pick(rng, []string{"t", "a/b", "u", "a/c"})), pick(rng, someTexts))
	}},
	{name: "a tag in place, same length and time", do: func(_ *testing.T, rng *rand.Rand, dir, _ string) error {
		return rewrite(anyFile(rng, filepath.Join(dir, "tags")), pick(rng, []string{"x", "y"}), true)
	}},
	{name: "a tag removed", do: func(_ *testing.T, rng *rand.Rand, dir, _ string) error {
		return os.Remove(anyFile(rng, filepath.Join(dir, "tags")))
	}},
	{name: "a tag damaged", do: func(_ *testing.T, rng *rand.Rand, dir, _ string) error {
		return rewrite(anyFile(rng, filepath.Join(dir, "tags")), "\xff", true)
	}},
	{name: "a tag or a folder of tags behind a link", do: func(_ *testing.T, rng *rand.Rand, dir, outside string) error {
		return moveBehindLink(filepath.Join(dir, pick(rng, []string{"tags", "tags/a", "tags/t", "tags/a/b"})), outside, rng)
	}},
	{name: "an empty folder of tags", do: func(_ *testing.T, rng *rand.Rand, dir, _ string) error {
		return os.MkdirAll(filepath.Join(dir, "tags", pick(rng, []string{"a", "e", "e/f"})), 0o777)
	}},
	{name: "no tags", do: func(_ *testing.T, _ *rand.Rand, dir, _ string) error { return os.RemoveAll(filepath.Join(dir, "tags")) }},
	{name: "the tags of two swapped", do: func(_ *testing.T, rng *rand.Rand, dir, outside string) error {
		return swap(filepath.Join(dir, "tags"), filepath.Join(filepath.Dir(dir), fmt.Sprint(100+rng.IntN(80)), "tags"), outside)
	}},
	{name: "a foreign file among the tags", do: func(_ *testing.T, _ *rand.Rand, dir, _ string) error {
		return place(filepath.Join(dir, "tags", ".DS_Store"), "x")
	}},
}

// taggedExperiments has experiments with three tags each.
func taggedExperiments(t *testing.T, n int) (dir string) {
	t.Helper()
	rng, dir := rand.New(rand.NewPCG(1, 1)), filepath.Join(t.TempDir(), "mlruns")
	for i := range n {
		id := fmt.Sprint(100 + i)
		for name, text := range map[string]string{"meta.yaml": experimentMeta(rng, id, "active"), "tags/t": "x", "tags/a/b": "y", "tags/a/c": "z"} {
			if err := place(filepath.Join(dir, id, name), text); err != nil {
				t.Fatal(err)
			}
		}
	}
	return dir
}

// TestIndexSeesTagsOfExperiments changes tags, and asks with the index and without.
func TestIndexSeesTagsOfExperiments(t *testing.T) {
	if runtime.GOOS == "windows" {
		t.Skip("links need rights on Windows")
	}
	t.Parallel()
	dir, outside, rng := taggedExperiments(t, 40), t.TempDir(), rand.New(rand.NewPCG(1, 1))
	w := newTwins(t, dir)
	queries := []mlruns.ExperimentQuery{{MaxResults: 100}, {Filter: "tags.t = 'x'", MaxResults: 100}, {Filter: "tags.`a/b` = 'y'", MaxResults: 100}}
	ask := func() {
		t.Helper()
		for _, q := range queries {
			w.askExperiments(q, "n101")
		}
	}
	ask()
	rebuild := func() {
		t.Helper()
		filestoretest.Settle() // what is younger is not kept
		if err := w.indexed.RebuildIndex(t.Context(), nil); err != nil {
			t.Fatal(err)
		}
		w.reopen()
	}
	for i, change := range proof.Sample(t, []struct {
		name string
		do   func(tags string) error
	}{
		{"a tag in place", func(tags string) error { return rewrite(filepath.Join(tags, "t"), "y", true) }},
		{"a tag in a folder in place", func(tags string) error { return rewrite(filepath.Join(tags, "a/b"), "x", true) }},
		{"a tag added", func(tags string) error { return place(filepath.Join(tags, "u"), "u") }},
		{"a tag in a folder added", func(tags string) error { return place(filepath.Join(tags, "a/u"), "u") }},
		{"a tag in a new folder added", func(tags string) error { return place(filepath.Join(tags, "e/u"), "u") }},
		{"a tag removed", func(tags string) error { return os.Remove(filepath.Join(tags, "t")) }},
		{"all tags removed", os.RemoveAll},
		{"a tag behind a link", func(tags string) error { return moveBehindLink(filepath.Join(tags, "t"), outside, rng) }},
		{"a folder behind a link", func(tags string) error { return moveBehindLink(filepath.Join(tags, "a"), outside, rng) }},
		{"all tags behind a link", func(tags string) error { return moveBehindLink(tags, outside, rng) }},
		{"the tags of another", func(tags string) error {
			return swap(tags, filepath.Join(filepath.Dir(filepath.Dir(tags)), "139", "tags"), outside)
		}},
		{"an empty folder, and then a tag in it", func(tags string) error {
			if err := os.Mkdir(filepath.Join(tags, "f"), 0o777); err != nil {
				return err
			}
			rebuild()
			return place(filepath.Join(tags, "f/u"), "u")
		}},
	}) {
		t.Log(change.name)
		rebuild()
		if err := change.do(filepath.Join(dir, fmt.Sprint(101+i), "tags")); err != nil {
			t.Fatal(err)
		}
		ask()
	}
}

// TestTagsOfExperimentsAreNotOpened looks at the tags that it filters by or gives.
func TestTagsOfExperimentsAreNotOpened(t *testing.T) {
	t.Parallel()
	dir := taggedExperiments(t, 40)
	w := newTwins(t, dir)
	filestoretest.Settle()
	if err := w.indexed.RebuildIndex(t.Context(), nil); err != nil {
		t.Fatal(err)
	}
	w.reopen()
	// of each experiment its meta.yaml, three tags and the two folders that they are in
	for filter, want := range map[string]int{"tags.t = 'x'": 40 * 6, "tags.t = 'none'": 40 * 6, "": 40 * 6, "name = 'none'": 40} {
		got, scan := w.experiments(w.indexed, mlruns.ExperimentQuery{Filter: filter, MaxResults: 100})
		if scan.Looked != want+1 || scan.Opened != 0 || scan.Indexed < 40 || len(got.Problems) > 0 {
			t.Errorf("%s: %+v, %v; want %d looks and no file opened", filter, scan, got.Problems, want+1)
		}
	}
}
