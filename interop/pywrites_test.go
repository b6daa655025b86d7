//go:build interop

package interop

import (
	"path/filepath"
	"testing"

	"github.com/mlruns/mlruns"
	"github.com/mlruns/mlruns/filestore"
)

// TestPythonWritesGoReads lets each MLflow write a random store and compares what we read of it
// with what that MLflow does.
func TestPythonWritesGoReads(t *testing.T) {
	eachVersion(t, func(t *testing.T, p *python) {
		dir := filepath.Join(t.TempDir(), "mlruns")
		var local []string
		p.must(t, "scenario", map[string]any{"root": dir, "seed": *seed, "experiments": 8, "runs": 6}, &local)
		var want snapshot
		p.must(t, "dump", map[string]any{"root": dir, "artifacts_of": local}, &want)
		store, err := filestore.Open(dir, filestore.WithReadOnly())
		if err != nil {
			t.Fatal(err)
		}
		defer store.Close()
		allowed := []mlruns.ProblemKind{mlruns.ProblemNotPortable, mlruns.ProblemDuplicateLine}
		if !p.since(2, 3) {
			// deleting an experiment left lifecycle_stage: active
			allowed = append(allowed, mlruns.ProblemStage)
		}
		got := take(t, mlruns.NewClient(store), local, allowed...)
		equal(t, "MLflow "+p.mlflow+" wrote, we read", want, knownTo(p, got))
		if len(want.Runs) < 9 || len(want.Experiments) != 9 || len(local) == 0 {
			t.Errorf("the store has %s, and %d runs with artifacts", want.count(), len(local))
		}
		sound(t, store, allowed...)
		report(t, p, "Python writes, we read", "ok: %s", want.count())
	})
}
