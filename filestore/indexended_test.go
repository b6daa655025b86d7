package filestore_test

import (
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"testing"

	"github.com/mlruns/mlruns"
	"github.com/mlruns/mlruns/filestore"
	"github.com/mlruns/mlruns/filestore/internal/filestoretest"
	"github.com/mlruns/mlruns/internal/proof"
)

// endedStore has runs of 32 digits in experiment 0 with a metric, a param and a tag.
func endedStore(t *testing.T, n int, status string) (dir string, run func(i int) string) {
	t.Helper()
	dir = filepath.Join(t.TempDir(), "mlruns")
	run = func(i int) string { return filepath.Join(dir, "0", fmt.Sprintf("%032x", i)) }
	put := func(name, text string) {
		if err := place(name, text); err != nil {
			t.Fatal(err)
		}
	}
	put(filepath.Join(dir, "0", "meta.yaml"), "artifact_location: /x/0\nexperiment_id: '0'\nlifecycle_stage: active\nname: Default\n")
	for i := range n {
		put(filepath.Join(run(i), "meta.yaml"), endedMeta(i, status))
		put(filepath.Join(run(i), "metrics", "m"), "1 5 1\n2 3 2\n")
		put(filepath.Join(run(i), "params", "p"), "x")
		put(filepath.Join(run(i), "tags", "a", "b"), "y")
	}
	return dir, run
}

func endedMeta(i int, status string) string {
	return fmt.Sprintf("artifact_uri: /x\nend_time: 5\nexperiment_id: '0'\nlifecycle_stage: active\nrun_id: '%032x'\nrun_name: a\nstart_time: 1\nstatus: %s\nuser_id: ann\n", i, status)
}

// openEnded opens with IndexTrustEnded, after what was written is old enough to be kept.
func openEnded(t *testing.T, dir, indexes string) *filestore.Store {
	t.Helper()
	filestoretest.Settle()
	store, err := filestore.Open(dir, filestore.WithReadOnly(), filestore.WithIndex(filestore.IndexTrustEnded), filestore.WithIndexDir(indexes))
	if err != nil {
		t.Fatal(err)
	}
	if store.IndexMode() != filestore.IndexTrustEnded {
		t.Skipf("there is no index on %v", store.Drive())
	}
	return store
}

func askAndClose(t *testing.T, store *filestore.Store, q mlruns.RunQuery) (answer, mlruns.Scan) {
	t.Helper()
	a, scan := answerOf(store, q)
	if a.Err != "" {
		t.Fatal(a.Err)
	}
	if err := store.Close(); err != nil {
		t.Fatal(err)
	}
	return a, scan
}

// TestTrustEnded looks once at each run that has ended, and misses what it says that it misses; it
// sees all that came before the end, whatever was kept before that.
func TestTrustEnded(t *testing.T) {
	t.Parallel()
	dir, run := endedStore(t, 80, "1") // going
	indexes := filepath.Join(t.TempDir(), "indexes")
	all := mlruns.RunQuery{}
	filter := mlruns.RunQuery{Filter: "params.p = 'x' AND metrics.none IS NULL"}
	askAndClose(t, openEnded(t, dir, indexes), all)
	askAndClose(t, openEnded(t, dir, indexes), filter)
	for i := range 80 { // MLflow writes in place, and the end last
		for name, text := range map[string]string{"params/p": "z", "tags/a/b": "new", "meta.yaml": endedMeta(i, "3")} {
			if err := os.WriteFile(filepath.Join(run(i), name), []byte(text), 0o666); err != nil {
				t.Fatal(err)
			}
		}
	}
	if a, _ := askAndClose(t, openEnded(t, dir, indexes), filter); len(a.Runs) > 0 {
		t.Errorf("%d runs have the value that they had before the end", len(a.Runs))
	}
	// what that search did not ask for was of the time before the end, and is not in the index now
	for _, filter := range []string{"metrics.m = 3", "tags.`a/b` = 'new'"} {
		if a, _ := askAndClose(t, openEnded(t, dir, indexes), mlruns.RunQuery{Filter: filter, MaxResults: 1}); a.Next == "" {
			t.Errorf("%s: %d runs, want more than one", filter, len(a.Runs))
		}
	}
	for i := range 3 {
		a, scan := askAndClose(t, openEnded(t, dir, indexes), all)
		if len(a.Runs) != 80 || a.Runs[0].Data.Params["p"] != "z" || a.Runs[79].Data.Tags["a/b"] != "new" || a.Runs[0].Data.Metrics["m"].Value != 3 {
			t.Fatalf("after the end: %d runs, the first %+v", len(a.Runs), a.Runs[0])
		}
		// one look at each run finds it and makes it a result; one at their folder spares the
		// listing
		if i == 2 && (scan.Opened != 0 || scan.Looked != 81) {
			t.Errorf("%+v, want 81 looks and no file", scan)
		}
	}
	if err := rewrite(filepath.Join(run(0), "params", "p"), "missed", false); err != nil {
		t.Fatal(err)
	}
	if err := rewrite(filepath.Join(run(1), "meta.yaml"), endedMeta(1, "4"), true); err != nil {
		t.Fatal(err)
	}
	a, _ := askAndClose(t, openEnded(t, dir, indexes), mlruns.RunQuery{OrderBy: []string{"run_id ASC"}})
	if got := a.Runs[0].Data.Params["p"]; got != "z" {
		t.Errorf("a param that was edited after the end is %q; it was to be missed", got)
	}
	if got := a.Runs[1].Info.Status; got != mlruns.StatusFailed {
		t.Errorf("the status that was edited after the end is %v, want FAILED", got)
	}
}

// TestIndexIsPrivate makes an index that nobody else can read, and none where it cannot be made: no
// search fails for that.
func TestIndexIsPrivate(t *testing.T) {
	t.Parallel()
	dir, _ := endedStore(t, 80, "3")
	indexes := filepath.Join(t.TempDir(), "indexes")
	askAndClose(t, openEnded(t, dir, indexes), mlruns.RunQuery{})
	names := filesBelow(indexes)
	if len(names) != 1 {
		t.Fatalf("indexes: %v", names)
	}
	for name, want := range map[string]os.FileMode{names[0]: 0o600, indexes: 0o700 | os.ModeDir} {
		if info, err := os.Stat(name); err != nil || info.Mode() != want {
			t.Errorf("%s: %v, %v; want mode %v", name, info.Mode(), err, want)
		}
	}
	file := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	for _, at := range []string{file, filepath.Join(file, "below"), "/proc/nowhere"} {
		for range 2 {
			if a, _ := askAndClose(t, openEnded(t, dir, at), mlruns.RunQuery{}); len(a.Runs) != 80 || len(a.Problems) > 0 {
				t.Errorf("with its index in %s: %d runs, %v", at, len(a.Runs), a.Problems)
			}
		}
	}
}

// TestTrustEndedEqualsReading asks random queries of random stores in which runs are edited as long
// as they go on, end, go on again and end again: what changes no run that has ended is seen.
func TestTrustEndedEqualsReading(t *testing.T) {
	if runtime.GOOS == "windows" {
		t.Skip("the edits are of Linux")
	}
	t.Parallel()
	rng := proof.Rand(t)
	dir := filepath.Join(t.TempDir(), "mlruns")
	randomStore(t, rng, dir)
	w := newTwins(t, dir)
	w.mode = filestore.IndexTrustEnded
	w.reopen()
	w.warm()
	ending, going := editsOfRuns()
	for range proof.Choose(12, 300, 1500) {
		run := pick(rng, runFolders(t, dir))
		list := ending
		if goesOn(run) {
			list = going
		}
		_ = pick(rng, list).do(t, rng, run, t.TempDir())
		w.askAll(rng, randomQuery(rng))
		if rng.IntN(5) == 0 {
			w.warm()
		}
	}
}

// editsOfRuns are edits that IndexTrustEnded is to see: of any run, and of one that goes on.
func editsOfRuns() (ending, going []edit) {
	of := func(names ...string) (list []edit) {
		for _, e := range edits {
			if slices.Contains(names, e.name) {
				list = append(list, e)
			}
		}
		return list
	}
	ending = slices.Concat(of("status and name in place", "a run made", "the store moved away and back"), datasetEdits)
	going = slices.Concat(ending, of("in place, same length", "in place, same length and time", "a point appended", "a value set", "a tag with slashes set", "damaged", "two files swapped"))
	for _, e := range inputEdits {
		if e.name != "the inputs of two runs swapped" { // the other may have ended
			going = append(going, e)
		}
	}
	return ending, going
}

func goesOn(run string) bool {
	meta, _ := os.ReadFile(filepath.Join(run, "meta.yaml"))
	return strings.Contains(string(meta), "\nstatus: 1\n") || strings.Contains(string(meta), "\nstatus: 2\n")
}

// TestTrustEndedOfDamagedIndex damages each part of an index: what is missing from it is looked for
// in the files.
func TestTrustEndedOfDamagedIndex(t *testing.T) {
	t.Parallel()
	dir, run := endedStore(t, 80, "3")
	withInputs(t, dir, run, 8, 2)
	indexes := filepath.Join(t.TempDir(), "indexes")
	askAndClose(t, openEnded(t, dir, indexes), mlruns.RunQuery{})
	names := filesBelow(indexes)
	if len(names) != 1 {
		t.Fatalf("indexes: %v", names)
	}
	data, err := os.ReadFile(names[0])
	if err != nil {
		t.Fatal(err)
	}
	store := openEnded(t, dir, indexes)
	defer store.Close()
	for at := 0; at < len(data); at += 1 + len(data)/50 {
		damaged := append([]byte(nil), data...)
		damaged[at] ^= 0x40
		if err := os.WriteFile(names[0], damaged, 0o600); err != nil {
			t.Fatal(err)
		}
		for filter, want := range map[string]int{"params.p = 'x' AND metrics.m = 3 AND tags.`a/b` = 'y'": 80, "dataset.name = 'ds' AND dataset.context = 'train'": 8, "": 80} {
			a, _ := answerOf(store, mlruns.RunQuery{Filter: filter})
			if len(a.Runs) != want || len(a.Problems) > 0 {
				t.Fatalf("byte %d: %d runs, problems %v; want %d", at, len(a.Runs), a.Problems, want)
			}
			if r := a.Runs[7]; r.Data.Params["p"] != "x" || r.Data.Metrics["m"].Value != 3 || len(r.Inputs.Datasets) != 1 || len(r.Inputs.Models) != 1 || len(r.Outputs.Models) != 1 {
				t.Fatalf("byte %d: the eighth run is %+v", at, r)
			}
		}
	}
}
