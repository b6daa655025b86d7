package filestore_test

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/mlruns/mlruns"
	"github.com/mlruns/mlruns/filestore"
	"github.com/mlruns/mlruns/filestore/internal/filestoretest"
	"github.com/mlruns/mlruns/internal/proof"
)

// experimentAnswer is what a search of experiments says.
type experimentAnswer struct {
	Experiments []mlruns.Experiment
	Problems    []mlruns.Problem
	Next, Err   string
}

func (w *twins) experiments(store *filestore.Store, q mlruns.ExperimentQuery) (experimentAnswer, mlruns.Scan) {
	page, err := store.SearchExperiments(w.t.Context(), q)
	if err != nil {
		return experimentAnswer{Err: err.Error()}, mlruns.Scan{}
	}
	return experimentAnswer{page.Experiments, page.Problems, page.NextPageToken, ""}, page.Scan
}

func (w *twins) named(store *filestore.Store, name string) experimentAnswer {
	e, err := store.ExperimentByName(w.t.Context(), name)
	if err != nil {
		// of several that cannot be read it names the one that is met first, as chance has it
		text, _, _ := strings.Cut(err.Error(), "for one cannot be read: ")
		return experimentAnswer{Err: text}
	}
	return experimentAnswer{Experiments: []mlruns.Experiment{*e}}
}

// askExperiments wants the same answer with the index as without, of a query and of a name.
func (w *twins) askExperiments(q mlruns.ExperimentQuery, name string) {
	w.t.Helper()
	want, _ := w.experiments(w.plain, q)
	got, scan := w.experiments(w.indexed, q)
	if diff := cmp.Diff(want, got, cmpopts.EquateEmpty()); diff != "" {
		w.t.Fatalf("filter %s order %q view %d, without (-) and with (+) the index:\n%s", q.Filter, q.OrderBy, q.View, diff)
	}
	w.asked++
	if scan.Indexed > 0 {
		w.answered++
	}
	if diff := cmp.Diff(w.named(w.plain, name), w.named(w.indexed, name), cmpopts.EquateEmpty()); diff != "" {
		w.t.Fatalf("the experiment named %s, without (-) and with (+) the index:\n%s", name, diff)
	}
}

func randomExperimentQuery(rng *rand.Rand) mlruns.ExperimentQuery {
	name := pick(rng, someNames)
	q := mlruns.ExperimentQuery{View: mlruns.View(rng.IntN(3)), MaxResults: mlruns.MaxResultsLimit, Filter: pick(rng, []string{"", "", "name = '" + name + "'", "name LIKE '%1%'",
		"name != '" + name + "'", fmt.Sprintf("creation_time > %d", 1600000000000+rng.Int64N(9)), "tags.t = 'x'", "tags.`a/b` != 'y'", "tags.t LIKE '%x%'", "last_update_time IS NULL"})}
	if rng.IntN(3) == 0 {
		q.MaxResults = 1 + rng.IntN(9)
	}
	for range rng.IntN(3) {
		q.OrderBy = append(q.OrderBy, pick(rng, []string{"name", "creation_time", "last_update_time", "experiment_id"})+pick(rng, []string{"", " DESC"}))
	}
	return q
}

var someNames = []string{"a1", "b1", "c2", "none"}

func experimentMeta(rng *rand.Rand, id, stage string) string {
	times := fmt.Sprintf("creation_time: %d\nlast_update_time: %d\n", 1600000000000+rng.Int64N(9), 1600000000000+rng.Int64N(9))
	return "artifact_location: /x/" + id + "\n" + pick(rng, []string{times, times, times, ""}) + "experiment_id: '" + id + "'\nlifecycle_stage: " + stage + "\nname: " +
		pick(rng, append([]string{"n" + id, "n" + id, "n" + id}, someNames[:3]...)) + "\n"
}

// experimentEdits are made in the folder of an experiment.
var experimentEdits = slices.Concat(experimentMetaEdits, experimentTagEdits)

var experimentMetaEdits = []edit{
	{name: "in place", do: func(_ *testing.T, rng *rand.Rand, dir, _ string) error {
		return rewrite(filepath.Join(dir, "meta.yaml"), experimentMeta(rng, filepath.Base(dir), "active"), rng.IntN(2) == 0)
	}},
	{name: "same length and time", do: func(_ *testing.T, rng *rand.Rand, dir, _ string) error {
		name := filepath.Join(dir, "meta.yaml")
		data, err := os.ReadFile(name)
		if err != nil {
			return err
		}
		text := string(data)
		i := strings.LastIndex(strings.TrimSpace(text), "name: ")
		if i < 0 {
			return errors.New("damaged")
		}
		return rewrite(name, text[:i]+"name: "+pick(rng, []string{"x", "y"})+text[i+7:], true)
	}},
	{name: "renamed over", do: func(_ *testing.T, rng *rand.Rand, dir, outside string) error {
		tmp := filepath.Join(outside, "tmp")
		return errors.Join(place(tmp, experimentMeta(rng, filepath.Base(dir), "active")), os.Rename(tmp, filepath.Join(dir, "meta.yaml")))
	}},
	{name: "damaged", do: func(_ *testing.T, rng *rand.Rand, dir, _ string) error {
		return rewrite(filepath.Join(dir, "meta.yaml"), pick(rng, []string{"", "{[", "experiment_id: 'other'\nname: a1\n", "- 1\n"}), true)
	}},
	{name: "a stage that is not the place's", do: func(_ *testing.T, rng *rand.Rand, dir, _ string) error {
		return rewrite(filepath.Join(dir, "meta.yaml"), experimentMeta(rng, filepath.Base(dir), "deleted"), true)
	}},
	{name: "deleted or restored", do: func(_ *testing.T, rng *rand.Rand, dir, _ string) error {
		to, stage := filepath.Join(filepath.Dir(dir), ".trash", filepath.Base(dir)), "deleted"
		if filepath.Base(filepath.Dir(dir)) == ".trash" {
			to, stage = filepath.Join(filepath.Dir(filepath.Dir(dir)), filepath.Base(dir)), "active"
		}
		return errors.Join(os.Rename(dir, to), rewrite(filepath.Join(to, "meta.yaml"), experimentMeta(rng, filepath.Base(dir), stage), false))
	}},
	{name: "moved only", do: func(_ *testing.T, _ *rand.Rand, dir, _ string) error {
		return os.Rename(dir, filepath.Join(filepath.Dir(dir), ".trash", filepath.Base(dir)))
	}},
	{name: "behind a link", do: func(_ *testing.T, rng *rand.Rand, dir, outside string) error {
		return moveBehindLink(dir, outside, rng)
	}},
	{name: "its meta.yaml behind a link", do: func(_ *testing.T, rng *rand.Rand, dir, outside string) error {
		return moveBehindLink(filepath.Join(dir, "meta.yaml"), outside, rng)
	}},
	{name: "a link to another experiment", do: func(_ *testing.T, rng *rand.Rand, dir, outside string) error {
		return errors.Join(os.Rename(dir, filepath.Join(outside, fmt.Sprint(rng.Uint64()))), os.Symlink("100", dir))
	}},
	{name: "the trash behind a link", do: func(_ *testing.T, rng *rand.Rand, dir, outside string) error {
		if rng.IntN(3) > 0 || filepath.Base(filepath.Dir(dir)) == ".trash" {
			return errors.New("seldom")
		}
		return moveBehindLink(filepath.Join(filepath.Dir(dir), ".trash"), outside, rng)
	}},
	{name: "removed", do: func(_ *testing.T, _ *rand.Rand, dir, _ string) error { return os.RemoveAll(dir) }},
	{name: "its meta.yaml removed", do: func(_ *testing.T, _ *rand.Rand, dir, _ string) error {
		return os.Remove(filepath.Join(dir, "meta.yaml"))
	}},
	{name: "made", do: func(_ *testing.T, rng *rand.Rand, dir, _ string) error {
		id := fmt.Sprint(200 + rng.IntN(50))
		return place(filepath.Join(filepath.Dir(dir), id, "meta.yaml"), experimentMeta(rng, id, "active"))
	}},
	{name: "two swapped", do: func(_ *testing.T, rng *rand.Rand, dir, outside string) error {
		return swap(dir, filepath.Join(filepath.Dir(dir), fmt.Sprint(100+rng.IntN(80))), outside)
	}},
}

// TestExperimentsIndexEqualsReading asks random queries of experiments, and for experiments by
// their names, with the index and without, between edits of every kind.
func TestExperimentsIndexEqualsReading(t *testing.T) {
	if runtime.GOOS == "windows" {
		t.Skip("links need rights on Windows")
	}
	t.Parallel()
	rng := proof.Rand(t)
	dir, outside := filepath.Join(t.TempDir(), "mlruns"), t.TempDir()
	makeAll := func() {
		for _, list := range filesBelow(dir) {
			_ = os.Remove(list)
		}
		if err := os.RemoveAll(dir); err != nil {
			t.Fatal(err)
		}
		for i := range 80 {
			id, in, stage := fmt.Sprint(100+i), "", "active"
			if i%8 == 7 {
				in, stage = ".trash", "deleted"
			}
			if err := place(filepath.Join(dir, in, id, "meta.yaml"), experimentMeta(rng, id, stage)); err != nil {
				t.Fatal(err)
			}
			for _, key := range []string{"t", "a/b"} {
				if rng.IntN(4) == 0 {
					continue
				}
				if err := place(filepath.Join(dir, in, id, "tags", key), pick(rng, someTexts)); err != nil {
					t.Fatal(err)
				}
			}
		}
	}
	makeAll()
	w := newTwins(t, dir)
	warm := func() {
		filestoretest.Settle()
		w.askExperiments(mlruns.ExperimentQuery{View: mlruns.ViewAll}, "none")
		w.reopen()
	}
	warm()
	done := map[string]int{}
	for i := range proof.Choose(60, 600, 6000) {
		if i%40 == 39 {
			makeAll()
			w.reopen()
			warm()
		}
		all, _ := filepath.Glob(filepath.Join(dir, "*"))
		trashed, _ := filepath.Glob(filepath.Join(dir, ".trash", "*"))
		if e := pick(rng, experimentEdits); len(all) > 0 && e.do(t, rng, pick(rng, append(all, trashed...)), outside) == nil {
			done[e.name]++
		}
		w.askExperiments(randomExperimentQuery(rng), pick(rng, append([]string{fmt.Sprint("n", 100+rng.IntN(80))}, someNames...)))
		if rng.IntN(6) == 0 {
			warm()
		}
	}
	t.Logf("%d queries had the same answer with the index, which had something of %d; edits: %v", w.asked, w.answered, done)
	if part := proof.Choose(5, 2, 2); w.answered*part < w.asked { // of a few chance decides
		t.Errorf("the index had something of %d of %d answers, want one of %d", w.answered, w.asked, part)
	}
}

// TestExperimentIsFoundByIndex opens no meta.yaml but that of the experiment found.
func TestExperimentIsFoundByIndex(t *testing.T) {
	t.Parallel()
	rng, dir := rand.New(rand.NewPCG(1, 1)), filepath.Join(t.TempDir(), "mlruns")
	for i := range 100 {
		if err := place(filepath.Join(dir, fmt.Sprint(100+i), "meta.yaml"), experimentMeta(rng, fmt.Sprint(100+i), "active")); err != nil {
			t.Fatal(err)
		}
	}
	w := newTwins(t, dir)
	filestoretest.Settle()
	w.askExperiments(mlruns.ExperimentQuery{}, "n150") // either makes the index
	w.reopen()
	_, scan := w.experiments(w.indexed, mlruns.ExperimentQuery{Filter: "name = 'none'"})
	if scan.Looked != 101 || scan.Indexed != 100 || scan.Opened != 0 {
		t.Errorf("%+v, want a look at the folder and one at each experiment", scan)
	}
	if info := w.indexed.IndexInfo(); info.Runs != 0 || info.Bytes == 0 {
		t.Errorf("%+v, want no runs and some bytes", info)
	}
}

// TestNamesOfTwins finds experiments by their names where some ids are in the trash too, with other
// names: those are what is found without the index.
func TestNamesOfTwins(t *testing.T) {
	t.Parallel()
	dir := filepath.Join(t.TempDir(), "mlruns")
	put := func(in, id, name, stage string) {
		text := "artifact_location: /x\nexperiment_id: '" + id + "'\nlifecycle_stage: " + stage + "\nname: " + name + "\n"
		if err := place(filepath.Join(dir, in, id, "meta.yaml"), text); err != nil {
			t.Fatal(err)
		}
	}
	for i := range 80 {
		id := fmt.Sprint(100 + i)
		put("", id, "n"+id, "active")
		if i%9 == 0 {
			put(".trash", id, "t"+id, "deleted")
		}
		if i%9 == 1 {
			put(".trash", "1"+id, "t1"+id, "deleted")
		}
	}
	w := newTwins(t, dir)
	filestoretest.Settle()
	w.askExperiments(mlruns.ExperimentQuery{View: mlruns.ViewAll}, "none")
	w.reopen()
	for _, name := range []string{"n100", "t100", "n101", "t1101", "n179", "t172", "n105", "t105", "none", ""} {
		w.askExperiments(mlruns.ExperimentQuery{MaxResults: 1}, name)
	}
	put("", "150", "other", "active")
	for _, name := range []string{"n150", "other"} {
		w.askExperiments(mlruns.ExperimentQuery{MaxResults: 1}, name)
	}
}
