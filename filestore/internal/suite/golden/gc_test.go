package golden

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/mlruns/mlruns"
	"github.com/mlruns/mlruns/filestore/internal/filestoretest"
)

// TestGoldenGC removes what MLflow deleted: all else answers as before, and Verify finds nothing
// new.
func TestGoldenGC(t *testing.T) {
	eachGolden(t, func(t *testing.T, g *golden) {
		dir := g.store.Write(t)
		store := filestoretest.Open(t, dir)
		var want []string
		for id, e := range g.expected.Get {
			if e.err == nil && e.value.Stage == "deleted" || g.store[".trash/"+id+"/meta.yaml"] != nil {
				want = append(want, ".trash/"+id)
			}
		}
		for id, run := range g.expected.Runs {
			if place := fmt.Sprintf("%s/%s", run.value.Info.ExperimentID, id); run.err == nil && run.value.Info.Stage == "deleted" && g.store[place+"/meta.yaml"] != nil {
				want = append(want, place)
			}
		}
		for name, data := range g.store {
			place, isMeta := strings.CutSuffix(name, "/meta.yaml")
			if parts := strings.Split(place, "/"); isMeta && len(parts) == 3 && parts[1] == "models" && strings.Contains(string(data), "\nlifecycle_stage: deleted\n") {
				want = append(want, place)
			}
		}
		slices.Sort(want)
		problems := filestoretest.Problems(t, store)
		removed, err := filestoretest.CollectAll(t, store, mlruns.GCQuery{})
		if err != nil || !slices.Equal(removed, want) || len(want) < 3 {
			t.Errorf("removed %q, %v, want %q", removed, err, want)
		}
		left := filestoretest.Tree{}
		for name, data := range g.store {
			if !slices.ContainsFunc(want, func(gone string) bool { return name == gone || strings.HasPrefix(name, gone+"/") }) {
				left[name] = data
			}
		}
		after := filestoretest.WithoutLocks(filestoretest.ReadTree(t, dir))
		delete(after, ".mlruns.trash")
		if diff := filestoretest.Changes(left, after); diff != nil {
			t.Errorf("left (- is missing, + is too much): %q", diff)
		}
		for _, p := range filestoretest.Problems(t, store) {
			if !slices.Contains(problems, p) {
				t.Errorf("Verify finds what it did not before: %v", p)
			}
		}
	})
}
