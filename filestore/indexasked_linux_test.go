package filestore_test

import (
	"fmt"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/mlruns/mlruns"
	"github.com/mlruns/mlruns/filestore"
)

// TestServedIndexAsksAboutFolders asks the server about each folder on the way to a value that is
// kept: a name that this machine remembers may have led elsewhere.
func TestServedIndexAsksAboutFolders(t *testing.T) {
	t.Parallel()
	dir, _ := endedStore(t, 20, "3")
	w, c := newServedTwins(t, dir, 10*time.Millisecond, 0)
	q := mlruns.RunQuery{Filter: "params.p = 'none' OR tags.`a/b` = 'none'"}
	answerOf(w.indexed, q)
	filestore.WaitForIndex(w.indexed)
	c.pass(1100 * time.Millisecond)
	c.fresh = map[string]bool{}
	read := 0
	c.reading = func(name string) {
		c.mu.Lock()
		defer c.mu.Unlock()
		at := filepath.Dir(name)
		if !strings.HasSuffix(name, "/params/p") && !strings.HasSuffix(name, "/tags/a/b") {
			return
		}
		read++
		if above := filepath.Dir(at); !c.fresh[at] || filepath.Base(above) == "tags" && !c.fresh[above] {
			t.Errorf("%s is read, and the server was not asked about each folder above it", name)
		}
	}
	if answerOf(w.indexed, q); read != 40 {
		t.Errorf("%d values are read, want 40", read)
	}
	c.reading = nil
	filestore.WaitForIndex(w.indexed)
	w.ask(q)
}

// TestServedIndexIsOfRuns edits a data set, and the experiments, within a tick of the server's
// clock after they were read: of them nothing is kept.
func TestServedIndexIsOfRuns(t *testing.T) {
	t.Parallel()
	dir, run := endedStore(t, 20, "3")
	files := map[string]string{filepath.Join(dir, "0", "datasets", "d1", "meta.yaml"): datasetMeta("ds", "abc")}
	for i := range 20 {
		files[filepath.Join(run(i), "inputs", "i", "meta.yaml")] = "destination_id: d\ndestination_type: RUN\nsource_id: d1\nsource_type: DATASET\ntags: {}\n"
	}
	experiment := func(i int, name string) (file, text string) {
		id := fmt.Sprint(100 + i)
		return filepath.Join(dir, id, "meta.yaml"), "artifact_location: /x\nexperiment_id: '" + id + "'\nlifecycle_stage: active\nname: " + name + id + "\n"
	}
	for i := range 30 {
		file, text := experiment(i, "n")
		files[file] = text
	}
	for file, text := range files {
		if err := place(file, text); err != nil {
			t.Fatal(err)
		}
	}
	w, _ := newServedTwins(t, dir, 900*time.Millisecond, 0)
	for _, names := range []struct{ dataset, experiment string }{{"ds", "n"}, {"xs", "m"}, {"ds", "n"}} {
		if err := rewrite(filepath.Join(dir, "0", "datasets", "d1", "meta.yaml"), datasetMeta(names.dataset, "abc"), true); err != nil {
			t.Fatal(err)
		}
		for i := range 30 {
			file, text := experiment(i, names.experiment)
			if err := rewrite(file, text, true); err != nil {
				t.Fatal(err)
			}
		}
		for _, of := range []string{"ds", "xs"} {
			w.ask(mlruns.RunQuery{Filter: "datasets.name = '" + of + "'"})
			filestore.WaitForIndex(w.indexed)
		}
		for _, of := range []string{"n", "m"} {
			w.askExperiments(mlruns.ExperimentQuery{Filter: "name LIKE '" + of + "%'"}, of+"110")
			filestore.WaitForIndex(w.indexed)
		}
	}
}
