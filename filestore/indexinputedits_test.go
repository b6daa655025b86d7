package filestore_test

import (
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"testing"
)

// inputEdits change the inputs and outputs of a run.
var inputEdits = []edit{
	{name: "an input set", do: func(_ *testing.T, rng *rand.Rand, run, _ string) error {
		return place(filepath.Join(run, "inputs", fmt.Sprint("i", rng.IntN(3)), "meta.yaml"), inputMeta(rng))
	}},
	{name: "an output set", do: func(_ *testing.T, rng *rand.Rand, run, _ string) error {
		return place(filepath.Join(run, "outputs", fmt.Sprint("m-", rng.IntN(3)), "meta.yaml"), outputMeta(rng))
	}},
	{name: "an input or an output in place", do: func(_ *testing.T, rng *rand.Rand, run, _ string) error {
		name := anyLink(rng, run)
		text := inputMeta(rng)
		if filepath.Base(filepath.Dir(name)) == "outputs" {
			text = outputMeta(rng)
		}
		return rewrite(filepath.Join(name, "meta.yaml"), text, rng.IntN(2) == 0)
	}},
	{name: "an input or an output renamed", do: func(_ *testing.T, rng *rand.Rand, run, _ string) error {
		name := anyLink(rng, run)
		return os.Rename(name, filepath.Join(filepath.Dir(name), fmt.Sprint("r", rng.IntN(9))))
	}},
	{name: "an input or an output removed", do: func(_ *testing.T, rng *rand.Rand, run, _ string) error {
		name := anyLink(rng, run)
		if _, err := os.Lstat(name); err != nil {
			return err
		}
		return os.RemoveAll(name)
	}},
	{name: "all inputs removed", do: func(_ *testing.T, _ *rand.Rand, run, _ string) error {
		name := filepath.Join(run, "inputs")
		if _, err := os.Lstat(name); err != nil {
			return err
		}
		return os.RemoveAll(name)
	}},
	{name: "an input or an output behind a link", do: func(_ *testing.T, rng *rand.Rand, run, outside string) error {
		return moveBehindLink(anyLink(rng, run), outside, rng)
	}},
	{name: "an input or an output behind a link in the run", do: func(_ *testing.T, rng *rand.Rand, run, _ string) error {
		return moveWithin(anyLink(rng, run), run, "../", rng)
	}},
	{name: "the inputs behind a link in the run", do: func(_ *testing.T, rng *rand.Rand, run, _ string) error {
		return moveWithin(filepath.Join(run, "inputs"), run, "", rng)
	}},
	{name: "the inputs of two runs swapped", do: func(t *testing.T, rng *rand.Rand, run, outside string) error {
		return swap(filepath.Join(run, "inputs"), filepath.Join(pick(rng, runFolders(t, storeOf(run))), "inputs"), outside)
	}},
}

// datasetEdits change the data sets of a run's experiment.
var datasetEdits = []edit{
	{name: "a data set in place", do: func(_ *testing.T, rng *rand.Rand, run, _ string) error {
		return rewrite(filepath.Join(anyDataset(rng, run), "meta.yaml"), datasetMeta(pick(rng, []string{"ds", "x", "y"}), pick(rng, []string{"abc", "12"})), rng.IntN(2) == 0)
	}},
	{name: "a data set renamed over", do: func(_ *testing.T, rng *rand.Rand, run, outside string) error {
		tmp := filepath.Join(outside, "tmp")
		if err := place(tmp, datasetMeta(pick(rng, []string{"ds", "x", "y"}), "abc")); err != nil {
			return err
		}
		return os.Rename(tmp, filepath.Join(anyDataset(rng, run), "meta.yaml"))
	}},
	{name: "a data set damaged", do: func(_ *testing.T, rng *rand.Rand, run, _ string) error {
		return rewrite(filepath.Join(anyDataset(rng, run), "meta.yaml"), pick(rng, []string{"", "{[", "digest: 1\n"}), true)
	}},
	{name: "a data set made", do: func(_ *testing.T, rng *rand.Rand, run, _ string) error {
		return place(filepath.Join(anyDataset(rng, run), "meta.yaml"), datasetMeta(pick(rng, []string{"ds", "x", "y"}), "abc"))
	}},
	{name: "a data set removed", do: func(_ *testing.T, rng *rand.Rand, run, _ string) error {
		name := anyDataset(rng, run)
		if _, err := os.Lstat(name); err != nil || rng.IntN(2) == 0 {
			return os.ErrNotExist
		}
		return os.RemoveAll(name)
	}},
	{name: "two data sets swapped", do: func(_ *testing.T, _ *rand.Rand, run, outside string) error {
		datasets := filepath.Join(filepath.Dir(run), "datasets")
		return swap(filepath.Join(datasets, "d1"), filepath.Join(datasets, "d2"), outside)
	}},
	{name: "the data sets of two experiments swapped", do: func(_ *testing.T, _ *rand.Rand, run, outside string) error {
		return swap(filepath.Join(storeOf(run), "0", "datasets"), filepath.Join(storeOf(run), "7", "datasets"), outside)
	}},
	{name: "a data set behind a link", do: func(_ *testing.T, rng *rand.Rand, run, outside string) error {
		return moveBehindLink(anyDataset(rng, run), outside, rng)
	}},
	{name: "the data sets behind a link", do: func(_ *testing.T, rng *rand.Rand, run, outside string) error {
		if rng.IntN(3) > 0 {
			return os.ErrNotExist
		}
		return moveBehindLink(filepath.Join(filepath.Dir(run), "datasets"), outside, rng)
	}},
	{name: "the data sets behind a link in the store", do: func(_ *testing.T, rng *rand.Rand, run, _ string) error {
		return moveWithin(filepath.Join(filepath.Dir(run), "datasets"), run, filepath.Base(run)+"/", rng)
	}},
}

// anyLink is the folder of an input or an output.
func anyLink(rng *rand.Rand, run string) string {
	list, _ := filepath.Glob(filepath.Join(run, pick(rng, []string{"inputs", "outputs"}), "*"))
	if len(list) == 0 {
		return filepath.Join(run, "inputs", "i0")
	}
	return pick(rng, list)
}

func anyDataset(rng *rand.Rand, run string) string {
	return filepath.Join(filepath.Dir(run), "datasets", pick(rng, []string{"d1", "d2"}))
}

// moveWithin moves what has a name to another in the folder of a run, and leaves a link; way leads
// from the one folder to the other. What is behind the link changes with the files of the run.
func moveWithin(name, run, way string, rng *rand.Rand) error {
	to := fmt.Sprintf("moved%x", rng.Uint32())
	if err := os.Rename(name, filepath.Join(run, to)); err != nil {
		return err
	}
	return os.Symlink(filepath.FromSlash(way)+to, name)
}
