//go:build interop

package interop

import (
	"path/filepath"
	"testing"

	"github.com/mlruns/mlruns"
	"github.com/mlruns/mlruns/filestore"
	"github.com/mlruns/mlruns/transfer"
)

// TestMLflowReadsWhatWasMerged lets each MLflow write a random store, copies it into an empty
// folder, and compares what that MLflow says of the two.
func TestMLflowReadsWhatWasMerged(t *testing.T) {
	eachVersion(t, func(t *testing.T, p *python) {
		dir, copied := filepath.Join(t.TempDir(), "mlruns"), filepath.Join(t.TempDir(), "mlruns")
		var local []string
		p.must(t, "scenario", map[string]any{"root": dir, "seed": *seed, "experiments": 4, "runs": 6}, &local)
		src, err := filestore.Open(dir, filestore.WithReadOnly())
		if err != nil {
			t.Fatal(err)
		}
		defer src.Close()
		dst, err := filestore.Open(copied)
		if err != nil {
			t.Fatal(err)
		}
		defer dst.Close()
		for it, err := range transfer.Copy(t.Context(), dst, src, transfer.Query{Deleted: true}) {
			if err != nil {
				t.Fatal(err)
			}
			for _, refused := range it.Refused {
				if refused.Field != "artifacts" { // of a run whose artifacts lie elsewhere
					t.Errorf("%s %s: %v", it.Kind, it.SourceID, refused)
				}
			}
			for _, conflict := range it.Conflicts {
				t.Errorf("%s %s: %v", it.Kind, it.SourceID, conflict)
			}
		}
		var want, got snapshot
		p.must(t, "dump", map[string]any{"root": dir, "artifacts_of": local}, &want)
		p.must(t, "dump", map[string]any{"root": copied, "artifacts_of": local}, &got)
		equal(t, "MLflow "+p.mlflow+" reads what was merged", placeless(want), placeless(got))
		sound(t, dst, mlruns.ProblemNotPortable, mlruns.ProblemDuplicateLine)
		report(t, p, "merged, Python reads", "ok: %s", got.count())
	})
}

// placeless leaves out what tells where a store lies, and when its default experiment was made.
func placeless(s snapshot) snapshot {
	for id, e := range s.Experiments {
		e.Location = ""
		if id == mlruns.DefaultExperimentID {
			e.Created, e.Updated = nil, nil
		}
		s.Experiments[id] = e
	}
	for id, r := range s.Runs {
		r.URI = ""
		s.Runs[id] = r
	}
	return s
}
