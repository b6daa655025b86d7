package filestore_test

import (
	"fmt"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/mlruns/mlruns"
	"github.com/mlruns/mlruns/filestore"
	"github.com/mlruns/mlruns/internal/drive"
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

// TestServedIndexOutlivesMounts believes what was kept when the drive had another number.
func TestServedIndexOutlivesMounts(t *testing.T) {
	t.Parallel()
	dir, _ := endedStore(t, 20, "3")
	w, c := newServedTwins(t, dir, 10*time.Millisecond, 0)
	w.settle(c)
	c.mount++
	store, err := filestore.Open(filepath.Base(dir), filestore.WithFs(c), filestore.WithReadOnly(), filestore.WithIndex(w.mode), filestore.WithIndexDir(w.indexes))
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = store.Close() }()
	if _, scan := answerOf(store, mlruns.RunQuery{Filter: "params.p = 'none'"}); scan.Opened != 0 || scan.Indexed == 0 {
		t.Errorf("%+v", scan)
	}
}

// deaf is a client that cannot be made to ask the server.
type deaf struct{ *client }

func (deaf) Drive() drive.Drive { return drive.Drive{Kind: "nfs4", Excludes: true, Served: true} }

// TestNoIndexOnServer uses no index, whatever was asked for, where a look cannot be made to ask the
// server, and where links to other disks are followed.
func TestNoIndexOnServer(t *testing.T) {
	t.Parallel()
	dir, _ := endedStore(t, 1, "3")
	c := newClient(t, filepath.Dir(dir), time.Millisecond, 0)
	for name, options := range map[string][]filestore.Option{
		"not asked": {filestore.WithFs(deaf{c})},
		"links":     {filestore.WithFs(c), filestore.WithLinkTargets(t.TempDir())},
	} {
		store, err := filestore.Open(filepath.Base(dir), append(options, filestore.WithReadOnly(), filestore.WithIndex(filestore.IndexTrustEnded), filestore.WithIndexDir(t.TempDir()))...)
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		if info := store.IndexInfo(); store.IndexMode() != filestore.IndexNone || info.Path != "" || info.Why == "" {
			t.Errorf("%s: %v, %+v", name, store.IndexMode(), info)
		}
		if err := store.Close(); err != nil {
			t.Error(err)
		}
	}
}
