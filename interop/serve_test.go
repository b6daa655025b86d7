//go:build interop

package interop

import (
	"maps"
	"net/http/httptest"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/mlruns/mlruns"
	"github.com/mlruns/mlruns/filestore"
	"github.com/mlruns/mlruns/server"
)

// TestPythonOverHTTP has each MLflow write a random store through our server. What its client then
// reads there, what its file store reads of the folder, and what we read are the same.
func TestPythonOverHTTP(t *testing.T) {
	eachVersion(t, func(t *testing.T, p *python) {
		dir := filepath.Join(t.TempDir(), "mlruns")
		store, err := filestore.Open(dir, filestore.WithTruncation(), filestore.WithSync(filestore.SyncNever))
		if err != nil {
			t.Fatal(err)
		}
		defer store.Close()
		web := httptest.NewServer(server.New(store, throughServer(p)...))
		defer web.Close()
		var local []string
		p.must(t, "scenario", map[string]any{"root": web.URL, "seed": *seed, "experiments": 6, "runs": 4}, &local)
		var served, onDisk snapshot
		p.must(t, "dump", map[string]any{"root": web.URL, "artifacts_of": local}, &served)
		p.must(t, "dump", map[string]any{"root": dir, "artifacts_of": local}, &onDisk)
		allowed := []mlruns.ProblemKind{mlruns.ProblemNotPortable, mlruns.ProblemDuplicateLine}
		ours := take(t, mlruns.NewClient(store), local, allowed...)
		equal(t, "MLflow "+p.mlflow+" reads the folder", onDisk, knownTo(p, ours))
		equal(t, "MLflow "+p.mlflow+" reads over HTTP", served, asServed(p, ours))
		if len(ours.Runs) < 7 || len(ours.Experiments) != 7 || len(local) == 0 {
			t.Errorf("the store has %s, and %d runs with artifacts", ours.count(), len(local))
		}
		sound(t, store, allowed...)
		report(t, p, "Python over HTTP", "ok: %s", ours.count())
	})
}

// TestServedStore serves a store of everything that our API can write, read-only, and compares what
// each client reads.
func TestServedStore(t *testing.T) {
	eachVersion(t, func(t *testing.T, p *python) {
		dir := filepath.Join(t.TempDir(), "mlruns")
		w := newTold(t)
		store, err := filestore.Open(dir, filestore.WithClock(w.clock), filestore.WithSync(filestore.SyncNever))
		if err != nil {
			t.Fatal(err)
		}
		w.Client = mlruns.NewClient(store)
		w.all.Experiments["0"] = experiment{Name: "Default", Location: "file://" + dir + "/0", Stage: "active", Created: millis(w.time), Updated: millis(w.time)}
		writeEverything(w, newWild(2), abilitiesOf(p))
		if err := store.Close(); err != nil {
			t.Fatal(err)
		}
		reader, err := filestore.Open(dir, filestore.WithReadOnly())
		if err != nil {
			t.Fatal(err)
		}
		defer reader.Close()
		for id, r := range w.all.Runs {
			if w.all.Experiments[r.Experiment].Stage == "deleted" || strings.HasPrefix(r.URI, "s3:") {
				delete(w.all.Artifacts, id)
			}
		}
		web := httptest.NewServer(server.New(reader, throughServer(p)...))
		defer web.Close()
		var read snapshot
		p.must(t, "dump", map[string]any{"root": web.URL, "artifacts_of": keys(w.all.Artifacts)}, &read)
		equal(t, "MLflow "+p.mlflow+" reads over HTTP", asServed(p, w.all), read)
		report(t, p, "we serve, Python reads", "ok: %s", w.all.count())
	})
}

// TestFluentOverHTTP has each MLflow work as a training script does, and its command list what that
// made.
func TestFluentOverHTTP(t *testing.T) {
	eachVersion(t, func(t *testing.T, p *python) {
		store, err := filestore.Open(filepath.Join(t.TempDir(), "mlruns"), filestore.WithTruncation(), filestore.WithSync(filestore.SyncNever))
		if err != nil {
			t.Fatal(err)
		}
		defer store.Close()
		web := httptest.NewServer(server.New(store, throughServer(p)...))
		defer web.Close()
		var said struct {
			Parent, Failed  string
			Children, Found []string
			Files           map[string]int
			Command         int
			Listed, Told    string
		}
		params, metrics := 150, 1200
		if !p.since(2, 0) {
			params, metrics = 90, 900 // what is more it does not split
		}
		p.must(t, "fluent", map[string]any{"root": web.URL, "params": params, "metrics": metrics}, &said)
		parent, err := store.Run(t.Context(), said.Parent)
		if err != nil {
			t.Fatal(err)
		}
		if d := parent.Data; len(d.Params) != params || d.Params["p7"] != "7" || len(d.Metrics) != metrics || d.Metrics["m9"].Value != 9.0/8 || d.Metrics["m9"].Step != 3 || d.Tags["b"] != "é\n" || parent.Info.Status != mlruns.StatusFinished {
			t.Errorf("the run has %d params, %d metrics, tags %q and is %v", len(d.Params), len(d.Metrics), d.Tags, parent.Info.Status)
		}
		for _, id := range said.Children {
			child, err := store.Run(t.Context(), id)
			if err != nil || child.Data.Tags[mlruns.TagParentRunID] != said.Parent {
				t.Errorf("the child %s: %+v, %v", id, child, err)
			}
		}
		slices.Sort(said.Children)
		slices.Sort(said.Found)
		if len(said.Found) != 3 || !slices.Equal(said.Children, said.Found) {
			t.Errorf("found %v, want %v", said.Found, said.Children)
		}
		if failed, err := store.Run(t.Context(), said.Failed); err != nil || failed.Info.Status != mlruns.StatusFailed {
			t.Errorf("the run that failed: %+v, %v", failed, err)
		}
		if want := map[string]int{"top.txt": 350_000, "sub/one é.txt": 700_000, "sub/deeper/two.bin": 900_000}; !maps.Equal(said.Files, want) {
			t.Errorf("the folder came back as %v, want %v", said.Files, want)
		}
		if noFlask := strings.Contains(said.Told, "No module named"); !noFlask && (said.Command != 0 || !strings.Contains(said.Listed, `"folder"`)) {
			t.Errorf("mlflow artifacts list exits with %d: %s %s", said.Command, said.Listed, said.Told)
		}
		sound(t, store, mlruns.ProblemNotPortable)
		report(t, p, "fluent API over HTTP", "ok")
	})
}

// throughServer is with artifacts through the server, which clients know since 1.24.
func throughServer(p *python) []server.Option {
	if p.since(1, 24) {
		return nil
	}
	return []server.Option{server.WithDirectArtifacts()}
}

// asServed is what a client is told of a store: artifacts are reached through the server.
func asServed(p *python, s snapshot) snapshot {
	known := snapshot{Experiments: map[string]experiment{}, Runs: map[string]run{}, Artifacts: s.Artifacts}
	through := func(uri, path string) string {
		if strings.HasPrefix(uri, "s3:") || !p.since(1, 24) {
			return uri
		}
		return "mlflow-artifacts:/" + path
	}
	for id, e := range s.Experiments {
		e.Location = through(e.Location, id)
		known.Experiments[id] = e
	}
	for id, r := range s.Runs {
		r.URI = through(r.URI, r.Experiment+"/"+id+"/artifacts")
		known.Runs[id] = r
	}
	for _, rule := range rules {
		if rule.applies(p) && !rule.fileStore {
			rule.forget(&known)
		}
	}
	return known
}
