//go:build interop

package interop

import (
	"net/http/httptest"
	"path/filepath"
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
