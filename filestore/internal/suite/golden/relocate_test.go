package golden

import (
	"bytes"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/mlruns/mlruns"
	"github.com/mlruns/mlruns/filestore/internal/filestoretest"
)

// TestGoldenRelocate moves a golden store: afterwards its meta.yaml are those that MLflow would
// have written here, to the byte.
func TestGoldenRelocate(t *testing.T) {
	eachGolden(t, func(t *testing.T, g *golden) {
		dir := g.store.Write(t)
		store := filestoretest.Open(t, dir)
		problems := filestoretest.Problems(t, store)
		want := g.under(t, dir).store
		// What moves with an experiment without being an experiment, run, logged model or trace
		// stays as it was recorded.
		moved := map[string]bool{}
		for name, data := range want {
			parts := strings.Split(strings.TrimPrefix(name, ".trash/"), "/")
			at := parts[len(parts)-1] == "meta.yaml" && (len(parts) == 2 && parts[0] != "models" ||
				len(parts) == 3 && parts[1] != "models" && parts[1] != "traces" && parts[1] != "datasets" || len(parts) == 4 && parts[1] == "models")
			if len(parts) == 5 && parts[1] == "traces" && parts[4] == "mlflow.artifactLocation" {
				at, data = true, bytes.Replace(g.store[name], []byte(goldenRoot), []byte(filepath.ToSlash(dir)), 1)
				want[name] = data
			}
			if at && !bytes.Equal(data, g.store[name]) {
				moved[name] = true
			} else {
				want[name] = g.store[name]
			}
		}
		planned, err := filestoretest.RelocateAll(t, store, mlruns.RelocateQuery{DryRun: true})
		filestoretest.Must(t, err)
		if diff := filestoretest.Changes(g.store, filestoretest.ReadTree(t, dir)); diff != nil {
			t.Errorf("the dry run changed: %q", diff)
		}
		done, err := filestoretest.RelocateAll(t, store, mlruns.RelocateQuery{})
		filestoretest.Must(t, err)
		if diff := cmp.Diff(planned, done); diff != "" {
			t.Errorf("the dry run differs (-planned +done):\n%s", diff)
		}
		for name := range moved {
			if r := done[name]; r.To != strings.Replace(r.From, goldenRoot, filepath.ToSlash(dir), 1) || r.To == r.From {
				t.Errorf("%s: %+v", name, r)
			}
		}
		if len(done) != len(moved) || len(done) < 20 {
			t.Errorf("%d were relocated, want %d", len(done), len(moved))
		}
		after := filestoretest.WithoutLocks(filestoretest.ReadTree(t, dir))
		for name, data := range want {
			if moved[name] { // the deviation "quoted look-alikes"
				data = bytes.Replace(data, []byte("\nuser_id: 12e3\n"), []byte("\nuser_id: '12e3'\n"), 1)
				want[name] = bytes.Replace(data, []byte("\nname: 1e5\n"), []byte("\nname: '1e5'\n"), 1)
			}
		}
		for _, change := range filestoretest.Changes(want, after) {
			t.Errorf("%s: %s", change, cmp.Diff(string(want[change[2:]]), string(after[change[2:]])))
		}
		if again, err := filestoretest.RelocateAll(t, store, mlruns.RelocateQuery{}); err != nil || len(again) > 0 {
			t.Errorf("again: %v, %v, want nothing", again, err)
		}
		if diff := cmp.Diff(problems, filestoretest.Problems(t, store)); diff != "" {
			t.Errorf("Verify (-before +after):\n%s", diff)
		}
	})
}
