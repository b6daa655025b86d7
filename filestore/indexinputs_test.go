package filestore_test

import (
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"runtime"
	"testing"

	"github.com/mlruns/mlruns"
	"github.com/mlruns/mlruns/internal/proof"
)

// withInputs gives runs a data set each, of a number of them in turn, which are d0, d1 and so on,
// and a model among the inputs and the outputs.
func withInputs(t *testing.T, dir string, run func(int) string, runs, datasets int) {
	t.Helper()
	put := func(name, text string) {
		if err := place(filepath.Join(name, "meta.yaml"), text); err != nil {
			t.Fatal(err)
		}
	}
	for i := range datasets {
		put(filepath.Join(dir, "0", "datasets", fmt.Sprint("d", i)), datasetMeta("ds", fmt.Sprint(i)))
	}
	for i := range runs {
		put(filepath.Join(run(i), "inputs", "a"), inputOf(fmt.Sprint("d", i%datasets), "train"))
		put(filepath.Join(run(i), "inputs", "b"), "destination_id: m-1\ndestination_type: RUN\nsource_id: m-1\nsource_type: MODEL\ntags: {}\n")
		put(filepath.Join(run(i), "outputs", "m-2"), "destination_id: m-2\ndestination_type: MODEL_OUTPUT\nsource_id: m-2\nsource_type: RUN_OUTPUT\nstep: 3\ntags: {}\n")
	}
}

// TestIndexSeesInputs changes what runs used and made, and asks with the index and without.
func TestIndexSeesInputs(t *testing.T) {
	if runtime.GOOS == "windows" {
		t.Skip("links need rights on Windows")
	}
	t.Parallel()
	type change struct {
		name     string
		do       func(rng *rand.Rand, run, other, datasets, outside string) error
		problems int
		before   func(run string) error
	}
	for _, change := range proof.Sample(t, []change{
		{name: "an input leads to another data set", do: func(_ *rand.Rand, run, _, _, _ string) error {
			return rewrite(filepath.Join(run, "inputs", "a", "meta.yaml"), inputOf("d1", "train"), true)
		}},
		{name: "an input has another tag", do: func(_ *rand.Rand, run, _, _, _ string) error {
			return rewrite(filepath.Join(run, "inputs", "a", "meta.yaml"), inputOf("d0", "other"), true)
		}},
		{name: "an input is renamed", do: func(_ *rand.Rand, run, _, _, _ string) error {
			return os.Rename(filepath.Join(run, "inputs", "a"), filepath.Join(run, "inputs", "c"))
		}},
		{name: "an input is removed", do: func(_ *rand.Rand, run, _, _, _ string) error {
			return os.RemoveAll(filepath.Join(run, "inputs", "a"))
		}},
		{name: "an input is added", do: func(_ *rand.Rand, run, _, _, _ string) error {
			return place(filepath.Join(run, "inputs", "c", "meta.yaml"), inputOf("d1", "added"))
		}},
		{name: "an input has lost its document", problems: 1, do: func(_ *rand.Rand, run, _, _, _ string) error {
			return os.Remove(filepath.Join(run, "inputs", "a", "meta.yaml"))
		}},
		{name: "an input is behind a link", problems: 1, do: func(rng *rand.Rand, run, _, _, outside string) error {
			return moveBehindLink(filepath.Join(run, "inputs", "a"), outside, rng)
		}},
		{name: "the inputs are behind a link", problems: 1, do: func(rng *rand.Rand, run, _, _, outside string) error {
			return moveBehindLink(filepath.Join(run, "inputs"), outside, rng)
		}},
		{name: "what a link of the inputs leads to is behind a link", problems: 1, before: func(run string) error {
			return moveWithin(filepath.Join(run, "inputs", "a"), run, "../", rand.New(rand.NewPCG(1, 1)))
		}, do: func(rng *rand.Rand, run, _, _, outside string) error {
			to, err := os.Readlink(filepath.Join(run, "inputs", "a"))
			if err != nil {
				return err
			}
			return moveBehindLink(filepath.Join(run, "inputs", to), outside, rng)
		}},
		{name: "the inputs are removed", do: func(_ *rand.Rand, run, _, _, _ string) error {
			return os.RemoveAll(filepath.Join(run, "inputs"))
		}},
		{name: "the inputs are those of another run", do: func(_ *rand.Rand, run, other, _, outside string) error {
			return swap(filepath.Join(run, "inputs"), filepath.Join(other, "inputs"), outside)
		}},
		{name: "an output has another step", do: func(_ *rand.Rand, run, _, _, _ string) error {
			return rewrite(filepath.Join(run, "outputs", "m-2", "meta.yaml"), "destination_id: m-2\nstep: 4\n", true)
		}},
		{name: "an output is added", do: func(_ *rand.Rand, run, _, _, _ string) error {
			return place(filepath.Join(run, "outputs", "m-3", "meta.yaml"), "destination_id: m-3\nstep: 4\n")
		}},
		{name: "the outputs are behind a link", problems: 1, do: func(rng *rand.Rand, run, _, _, outside string) error {
			return moveBehindLink(filepath.Join(run, "outputs"), outside, rng)
		}},
		{name: "a data set is another", do: func(_ *rand.Rand, _, _, datasets, _ string) error {
			return rewrite(filepath.Join(datasets, "d0", "meta.yaml"), datasetMeta("no", "7"), true)
		}},
		{name: "a data set is removed", problems: 12, do: func(_ *rand.Rand, _, _, datasets, _ string) error {
			return os.RemoveAll(filepath.Join(datasets, "d0"))
		}},
		{name: "a data set is behind a link", problems: 12, do: func(rng *rand.Rand, _, _, datasets, outside string) error {
			return moveBehindLink(filepath.Join(datasets, "d0"), outside, rng)
		}},
		{name: "the data sets are behind a link", problems: 25, do: func(rng *rand.Rand, _, _, datasets, outside string) error {
			return moveBehindLink(datasets, outside, rng)
		}},
		{name: "two data sets are swapped", do: func(_ *rand.Rand, _, _, datasets, outside string) error {
			return swap(filepath.Join(datasets, "d0"), filepath.Join(datasets, "d1"), outside)
		}},
	}) {
		t.Run(change.name, func(t *testing.T) {
			t.Parallel()
			dir, run := endedStore(t, 24, "1")
			withInputs(t, dir, run, 24, 2)
			opened := 0
			if change.before != nil { // and so one run is read
				opened = 2
				if err := change.before(run(20)); err != nil {
					t.Fatal(err)
				}
			}
			w := newTwins(t, dir)
			w.warm()
			queries := []mlruns.RunQuery{
				// the order keeps the runs that change from the page, which has all of its runs
				{Filter: "dataset.name = 'ds' AND dataset.digest = '0' AND dataset.context = 'train'", OrderBy: []string{"run_id ASC"}, MaxResults: 1},
				{Filter: "dataset.name != 'ds' OR dataset.context = 'added'", MaxResults: 200},
				{MaxResults: 200},
			}
			if got, scan := answerOf(w.indexed, queries[0]); len(got.Runs) != 1 || scan.Opened != opened {
				t.Errorf("%d runs, %+v; want one, and %d files opened", len(got.Runs), scan, opened)
			}
			if err := change.do(rand.New(rand.NewPCG(1, 1)), run(20), run(21), filepath.Join(dir, "0", "datasets"), t.TempDir()); err != nil {
				t.Fatal(err)
			}
			for range 2 { // of the index that was there, and of one that was made since
				for _, q := range queries {
					w.ask(q)
				}
				w.warm()
			}
			got, _ := answerOf(w.indexed, queries[2])
			if len(got.Runs) != 24 || len(got.Problems) != change.problems {
				t.Errorf("%d runs, %d problems; want 24 and %d", len(got.Runs), len(got.Problems), change.problems)
			}
		})
	}
}

// TestDatasetsAreLookedAtOnce asks for data sets that many runs have, and runs that have none.
func TestDatasetsAreLookedAtOnce(t *testing.T) {
	t.Parallel()
	dir, run := endedStore(t, 80, "1")
	withInputs(t, dir, run, 60, 2)
	w := newTwins(t, dir)
	w.warm()
	for q, want := range map[string]int{
		// of each run its meta.yaml, and its inputs or that there are none; of those two documents;
		// the folder of data sets and of each its folder and document; the experiment's folder
		"dataset.name = 'no'": 80 + 80 + 60*2 + 1 + 2*2 + 1,
		"status = 'none'":     80 + 1,
	} {
		got, scan := answerOf(w.indexed, mlruns.RunQuery{Filter: q})
		if len(got.Runs) != 0 || scan.Opened != 0 || scan.Looked != want {
			t.Errorf("%s: %d runs, %+v; want %d looks and no file opened", q, len(got.Runs), scan, want)
		}
	}
	if info := w.indexed.IndexInfo(); info.Runs != 80 {
		t.Errorf("%+v, want 80 runs", info)
	}
}
