package filestoretest

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/mlruns/mlruns"
	"github.com/mlruns/mlruns/filestore"
)

// CollectAll runs a GC and gives the paths it yields, sorted, and its error.
func CollectAll(t testing.TB, s *filestore.Store, q mlruns.GCQuery) (paths []string, err error) {
	t.Helper()
	for r, yielded := range s.GC(t.Context(), q) {
		if err != nil {
			t.Errorf("GC goes on after the error %v", err)
		}
		if err = yielded; err == nil {
			paths = append(paths, r.Path)
		}
	}
	slices.Sort(paths)
	return paths, err
}

// Garbage is a store at day 40 with, by path: what was deleted at day 10, at day 39, and what has
// no time of deletion.
func Garbage(t *testing.T) (dir string, store *filestore.Store) {
	t.Helper()
	dir = filepath.Join(t.TempDir(), "mlruns")
	day := func(n int) time.Time { return LongAgo.Add(time.Duration(n) * 24 * time.Hour) }
	now := day(0)
	store = Open(t, dir, filestore.WithSync(filestore.SyncNever), filestore.WithClock(func() time.Time { return now }))
	ctx := t.Context()
	for _, id := range []string{"active", "old", "young", "none", "damaged"} {
		Must(t, ErrOf(store.CreateExperiment(ctx, mlruns.ExperimentSpec{ID: id, Name: "name of " + id})))
	}
	for _, spec := range [][2]string{{"active", "kept"}, {"active", "r-old"}, {"active", "r-young"}, {"active", "r-none"}, {"active", "r-damaged"},
		{"old", "o-cascade"}, {"old", "o-active"}, {"old", "o-damaged"}, {"young", "y-old"}, {"young", "y-cascade"}, {"damaged", "d-cascade"}} {
		Must(t, ErrOf(store.CreateRun(ctx, mlruns.RunSpec{ExperimentID: spec[0], ID: spec[1], Name: "name of " + spec[1]})))
		Must(t, store.WriteArtifact(ctx, spec[1], "a/b.txt", strings.NewReader("1234567")))
	}
	now = day(10)
	Must(t, store.DeleteRun(ctx, "r-old"), store.DeleteRun(ctx, "r-none"), store.DeleteRun(ctx, "r-damaged"), store.DeleteRun(ctx, "y-old"))
	Must(t, store.DeleteExperiment(ctx, "old"), store.DeleteExperiment(ctx, "none"), store.DeleteExperiment(ctx, "damaged"))
	now = day(39)
	Must(t, store.DeleteRun(ctx, "r-young"), store.DeleteExperiment(ctx, "young"))
	now = day(40)
	edit := func(name string, change func(string) string) {
		t.Helper()
		data, err := os.ReadFile(filepath.Join(dir, name))
		Must(t, err)
		WriteFile(t, filepath.Join(dir, name), change(string(data)))
	}
	drop := func(key string) func(string) string {
		return func(text string) string {
			before, after, _ := strings.Cut(text, key)
			_, after, _ = strings.Cut(after, "\n")
			return before + after
		}
	}
	edit("active/r-none/meta.yaml", drop("deleted_time: "))
	edit(".trash/none/meta.yaml", drop("last_update_time: "))
	edit("active/r-damaged/meta.yaml", func(text string) string { return text + "- [\n" })
	edit(".trash/damaged/meta.yaml", func(text string) string { return text + "- [\n" })
	edit(".trash/old/o-damaged/meta.yaml", func(text string) string { return text + "- [\n" })
	// as MLflow ≤ 2.2 leaves it
	edit(".trash/old/o-active/meta.yaml", func(text string) string { return strings.Replace(text, "stage: deleted", "stage: active", 1) })
	WriteFile(t, filepath.Join(dir, ".trash/old/models/m-1/meta.yaml"), "carried: 1\n")
	return dir, store
}
