package filestore_test

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/mlruns/mlruns"
	"github.com/mlruns/mlruns/filestore"
	"github.com/mlruns/mlruns/filestore/internal/filestoretest"
)

// removals gives what a GC yields, by path, and its error.
func removals(t testing.TB, s *filestore.Store, q mlruns.GCQuery) (map[string]mlruns.Removal, error) {
	t.Helper()
	got := map[string]mlruns.Removal{}
	var last error
	for r, err := range s.GC(t.Context(), q) {
		if last = err; err == nil {
			r.Deleted = time.Time{}
			got[r.Path] = r
		}
	}
	return got, last
}

// TestGCRemovesArtifactsInTheStore removes a deleted run, and then its experiment, with the
// artifacts they have elsewhere in the store, moved or not.
func TestGCRemovesArtifactsInTheStore(t *testing.T) {
	t.Parallel()
	for _, c := range locations {
		for _, move := range []bool{false, true} {
			t.Run(c.name, func(t *testing.T) {
				dir := filepath.Join(t.TempDir(), "mlruns")
				located(t, dir, c.location)
				if move {
					to := filepath.Join(t.TempDir(), "mlruns")
					filestoretest.Rename(t, dir, to)
					dir = to
				}
				s := filestoretest.Open(t, dir)
				before := filestoretest.WithoutLocks(filestoretest.ReadTree(t, dir))
				planned, err := removals(t, s, mlruns.GCQuery{DryRun: true})
				filestoretest.Must(t, err)
				if diff := filestoretest.Changes(before, filestoretest.WithoutLocks(filestoretest.ReadTree(t, dir))); diff != nil {
					t.Errorf("the dry run changed %q", diff)
				}
				done, err := removals(t, s, mlruns.GCQuery{})
				filestoretest.Must(t, err)
				if diff := cmp.Diff(planned, done); diff != "" || len(done) != 1 {
					t.Errorf("the dry run differs (-planned +done):\n%s", diff)
				}
				// meta.yaml, the metric, two tags, two artifacts
				if r := done["e/dead"]; r.Files < 6 {
					t.Errorf("%+v, want the artifacts counted", r)
				}
				for name := range before {
					if strings.HasPrefix(name+"/", "e/dead/") || strings.HasPrefix(name+"/", c.folder+"dead/") {
						delete(before, name)
					}
				}
				if diff := filestoretest.Changes(before, filestoretest.WithoutLocks(filestoretest.ReadTree(t, dir))); diff != nil {
					t.Errorf("besides the run and its artifacts changed: %q", diff)
				}
				filestoretest.WantArtifact(t, s, "full", "a/f", "full")
				filestoretest.NoProblems(t, s)

				filestoretest.Must(t, s.DeleteExperiment(t.Context(), "e"))
				filestoretest.Must(t, filestoretest.ErrOfAll(s.GC(t.Context(), mlruns.GCQuery{})))
				for name := range filestoretest.WithoutLocks(filestoretest.ReadTree(t, dir)) {
					if strings.Contains(name, "full") {
						t.Errorf("%s is still there", name)
					}
				}
				filestoretest.WantArtifact(t, s, "neighbour", "f", "other")
				wantOnly(t, s, []string{"0", "other"}, []string{"neighbour"})
				filestoretest.NoProblems(t, s)
			})
		}
	}
}

// TestGCInterruptedAmongArtifacts finishes a removal that had taken the run out of the store but
// not yet its artifacts.
func TestGCInterruptedAmongArtifacts(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "mlruns")
	located(t, dir, "URI")
	filestoretest.Must(t, os.MkdirAll(filepath.Join(dir, ".mlruns.trash"), 0o777))
	filestoretest.Rename(t, filepath.Join(dir, "e", "dead"), filepath.Join(dir, ".mlruns.trash", ".removed.dead.0123456789abcdef"))
	s := filestoretest.Open(t, dir)
	done, err := removals(t, s, mlruns.GCQuery{})
	if r := done[".mlruns.trash/.removed.dead.0123456789abcdef"]; err != nil || len(done) != 1 || r.Files < 6 {
		t.Errorf("%+v, %v, want the leftover with its artifacts", done, err)
	}
	if _, err := os.Stat(filepath.Join(dir, "dead")); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("the artifacts are still there: %v", err)
	}
	filestoretest.WantArtifact(t, s, "full", "a/f", "full")
	filestoretest.NoProblems(t, s)
}

// TestGCKeepsArtifactsOfOthers removes nothing of a run that is not deleted, though another that is
// names the same folder, or lies around it.
func TestGCKeepsArtifactsOfOthers(t *testing.T) {
	t.Parallel()
	t.Run("one id twice", func(t *testing.T) {
		dir := filepath.Join(t.TempDir(), "mlruns")
		located(t, dir, "URI")
		twin := filestoretest.ReadTree(t, filepath.Join(dir, "e", "dead"))
		twin["meta.yaml"] = []byte(strings.NewReplacer("lifecycle_stage: deleted", "lifecycle_stage: active", "experiment_id: e", "experiment_id: other").Replace(string(twin["meta.yaml"])))
		twin.WriteTo(t, filepath.Join(dir, "other", "dead"))
		s := filestoretest.Open(t, dir)
		filestoretest.Must(t, filestoretest.ErrOfAll(s.GC(t.Context(), mlruns.GCQuery{})))
		filestoretest.WantArtifact(t, s, "dead", "a/f", "dead")
		filestoretest.NoProblems(t, s)
	})
	t.Run("in a deleted experiment", func(t *testing.T) {
		for _, location := range []string{"URI/other", "URI/other/arts"} {
			dir := filepath.Join(t.TempDir(), "mlruns")
			located(t, dir, location)
			s := filestoretest.Open(t, dir)
			filestoretest.Must(t, s.DeleteExperiment(t.Context(), "other"))
			filestoretest.WantArtifact(t, s, "full", "a/f", "full")
			done, err := removals(t, s, mlruns.GCQuery{})
			if err == nil || !strings.Contains(err.Error(), "the artifacts of the experiment 'e'") || len(done) != 1 {
				t.Errorf("%+v, %v, want the run removed and the experiment kept", done, err)
			}
			filestoretest.WantArtifact(t, s, "full", "a/f", "full")
			filestoretest.Must(t, s.RestoreExperiment(t.Context(), "other"))
			filestoretest.NoProblems(t, s)
		}
	})
	t.Run("hostile", func(t *testing.T) {
		for _, uri := range []string{"STORE/e", "STORE", "STORE/other/neighbour/artifacts", "STORE/other/neighbour", "STORE/other/neighbour/params/dead/artifacts", "STORE/other/tags/dead/artifacts",
			"STORE/other/neighbour/artifacts/dead/artifacts", "STORE/.mlruns.trash/dead/artifacts", "STORE/../dead/artifacts", "STORE/link/dead/artifacts", "STORE/dead"} {
			dir := filepath.Join(t.TempDir(), "mlruns")
			located(t, dir, "")
			for _, d := range []string{"other/neighbour/params/dead/artifacts", "other/tags/dead/artifacts", "other/neighbour/artifacts/dead/artifacts", "../dead/artifacts", "other/x/dead/artifacts", "dead"} {
				filestoretest.Must(t, os.MkdirAll(filepath.Join(dir, d), 0o777), os.WriteFile(filepath.Join(dir, d, "f"), []byte("theirs"), 0o666))
			}
			if err := os.Symlink("other/x", filepath.Join(dir, "link")); err != nil {
				t.Skip(err)
			}
			name := filepath.Join(dir, "e", "dead", "meta.yaml")
			meta, err := os.ReadFile(name)
			filestoretest.Must(t, err)
			meta = filestoretest.ArtifactURILine.ReplaceAll(meta, []byte("artifact_uri: "+strings.ReplaceAll(uri, "STORE", filepath.ToSlash(dir))))
			filestoretest.Must(t, os.WriteFile(name, meta, 0o666))
			s := filestoretest.Open(t, dir)
			if err := s.WriteArtifact(t.Context(), "dead", "f", strings.NewReader("mine")); !errors.Is(err, mlruns.ErrOutside) {
				t.Errorf("%s: WriteArtifact: %v, want it refused", uri, err)
			}
			before := filestoretest.Listing(t, filepath.Dir(dir), false)
			filestoretest.Must(t, filestoretest.ErrOfAll(s.GC(t.Context(), mlruns.GCQuery{})))
			after := filestoretest.Listing(t, filepath.Dir(dir), false)
			for name := range before {
				if _, ok := after[name]; !ok && !strings.HasPrefix(name, filepath.Join(dir, "e", "dead")) {
					t.Errorf("%s: gc of the run removed %s", uri, name)
				}
			}
		}
	})
}
