package filestore_test

import (
	"errors"
	"fmt"
	"os"
	"path"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/mlruns/mlruns"
	"github.com/mlruns/mlruns/filestore"
)

// collect runs a GC and gives the paths it yields, sorted, and its error.
func collect(t testing.TB, s *filestore.Store, q mlruns.GCQuery) (paths []string, err error) {
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

// must is for calls that a test needs to succeed.
func must(t testing.TB, errs ...error) {
	t.Helper()
	if err := errors.Join(errs...); err != nil {
		t.Fatal(err)
	}
}

// withoutLocks leaves the lock files out.
func withoutLocks(t tree) tree {
	kept := tree{}
	for name, data := range t {
		if !strings.HasSuffix(name, ".lock") {
			kept[name] = data
		}
	}
	return kept
}

// garbage is a store at day 40 with, by path: what was deleted at day 10, at day 39, and what has
// no time of deletion.
func garbage(t *testing.T) (dir string, store *filestore.Store) {
	t.Helper()
	dir = filepath.Join(t.TempDir(), "mlruns")
	day := func(n int) time.Time { return longAgo.Add(time.Duration(n) * 24 * time.Hour) }
	now := day(0)
	store = openStore(t, dir, filestore.WithSync(filestore.SyncNever), filestore.WithClock(func() time.Time { return now }))
	ctx := t.Context()
	for _, id := range []string{"active", "old", "young", "none", "damaged"} {
		must(t, errOf(store.CreateExperiment(ctx, mlruns.ExperimentSpec{ID: id, Name: "name of " + id})))
	}
	for _, spec := range [][2]string{{"active", "kept"}, {"active", "r-old"}, {"active", "r-young"}, {"active", "r-none"}, {"active", "r-damaged"},
		{"old", "o-cascade"}, {"old", "o-active"}, {"old", "o-damaged"}, {"young", "y-old"}, {"young", "y-cascade"}, {"damaged", "d-cascade"}} {
		must(t, errOf(store.CreateRun(ctx, mlruns.RunSpec{ExperimentID: spec[0], ID: spec[1], Name: "name of " + spec[1]})))
		must(t, store.WriteArtifact(ctx, spec[1], "a/b.txt", strings.NewReader("1234567")))
	}
	now = day(10)
	must(t, store.DeleteRun(ctx, "r-old"), store.DeleteRun(ctx, "r-none"), store.DeleteRun(ctx, "r-damaged"), store.DeleteRun(ctx, "y-old"))
	must(t, store.DeleteExperiment(ctx, "old"), store.DeleteExperiment(ctx, "none"), store.DeleteExperiment(ctx, "damaged"))
	now = day(39)
	must(t, store.DeleteRun(ctx, "r-young"), store.DeleteExperiment(ctx, "young"))
	now = day(40)
	edit := func(name string, change func(string) string) {
		t.Helper()
		data, err := os.ReadFile(filepath.Join(dir, name))
		must(t, err)
		put(t, filepath.Join(dir, name), change(string(data)))
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
	put(t, filepath.Join(dir, ".trash/old/models/m-1/meta.yaml"), "carried: 1\n")
	return dir, store
}

func TestGC(t *testing.T) {
	for _, c := range []struct {
		olderThan time.Duration
		want      []string
	}{
		{0, []string{".trash/none", ".trash/old", ".trash/young", "active/r-none", "active/r-old", "active/r-young"}},
		{30 * 24 * time.Hour, []string{".trash/old", ".trash/young/y-old", "active/r-old"}},
		{30*24*time.Hour + time.Millisecond, nil},
		{1000 * 24 * time.Hour, nil},
	} {
		t.Run(c.olderThan.String(), func(t *testing.T) {
			dir, store := garbage(t)
			before := readTree(t, dir)
			planned, err := collect(t, store, mlruns.GCQuery{OlderThan: c.olderThan, DryRun: true})
			if err != nil || !slices.Equal(planned, c.want) {
				t.Errorf("dry run: %q, %v, want %q", planned, err, c.want)
			}
			if diff := changes(before, readTree(t, dir)); diff != nil {
				t.Errorf("the dry run changed: %q", diff)
			}
			var problems []mlruns.Problem
			removed, err := collect(t, store, mlruns.GCQuery{OlderThan: c.olderThan, OnProblem: func(p mlruns.Problem) { problems = append(problems, p) }})
			if err != nil || !slices.Equal(removed, c.want) {
				t.Errorf("removed %q, %v, want %q", removed, err, c.want)
			}
			if len(problems) < 2 || problems[0].Path != "active/r-damaged/meta.yaml" || problems[1].Path != ".trash/damaged/meta.yaml" {
				t.Errorf("problems: %v, want the run and the experiment whose meta.yaml are unreadable", problems)
			}
			want := tree{}
			for name, data := range before {
				if !slices.ContainsFunc(c.want, func(gone string) bool { return name == gone || strings.HasPrefix(name, gone+"/") }) {
					want[name] = data
				}
			}
			if diff := changes(withoutLocks(want), withoutLocks(readTree(t, dir))); diff != nil {
				t.Errorf("left (- is missing, + is too much): %q", diff)
			}
			noProblems(t, store, mlruns.ProblemUnreadableMeta)
		})
	}
}

// TestGCSays pins what is yielded of a run and an experiment.
func TestGCSays(t *testing.T) {
	_, store := garbage(t)
	says := map[string]mlruns.Removal{}
	for r, err := range store.GC(t.Context(), mlruns.GCQuery{DryRun: true}) {
		must(t, err)
		says[r.Path] = r
	}
	if r := says["active/r-old"]; r.ExperimentID != "active" || r.RunID != "r-old" || r.Name != "name of r-old" || !r.Deleted.Equal(longAgo.Add(240*time.Hour)) ||
		r.Files != 4 || r.Bytes < 7 { // meta.yaml, the tag of the name, the artifact and the lock
		t.Errorf("run: %+v", r)
	}
	if r := says[".trash/old"]; r.ExperimentID != "old" || r.RunID != "" || r.Name != "name of old" || !r.Deleted.Equal(longAgo.Add(240*time.Hour)) || r.Files < 12 {
		t.Errorf("experiment: %+v", r)
	}
}

// TestGCFreesNames makes again what was removed.
func TestGCFreesNames(t *testing.T) {
	dir, store := garbage(t)
	ctx := t.Context()
	must(t, errOf(collect(t, store, mlruns.GCQuery{})))
	if _, err := os.Stat(filepath.Join(dir, ".mlruns.old.lock")); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("the lock of a removed experiment: %v, want it gone", err)
	}
	must(t, errOf(os.Stat(filepath.Join(dir, ".mlruns.active.lock"))))
	if _, err := store.Run(ctx, "r-old"); !errors.Is(err, mlruns.ErrNotFound) {
		t.Errorf("Run: %v, want ErrNotFound", err)
	}
	if err := store.RestoreExperiment(ctx, "old"); !errors.Is(err, mlruns.ErrNotFound) {
		t.Errorf("RestoreExperiment: %v, want ErrNotFound", err)
	}
	must(t, errOf(store.CreateExperiment(ctx, mlruns.ExperimentSpec{ID: "old", Name: "name of old"})),
		errOf(store.CreateRun(ctx, mlruns.RunSpec{ExperimentID: "old", ID: "r-old"})))
	noProblems(t, store, mlruns.ProblemUnreadableMeta)
}

func TestGCRefuses(t *testing.T) {
	dir, store := garbage(t)
	before := readTree(t, dir)
	readOnly := openStore(t, dir, filestore.WithReadOnly())
	for _, c := range []struct {
		what  string
		store *filestore.Store
		query mlruns.GCQuery
		want  error
		text  string
	}{
		{"negative age", store, mlruns.GCQuery{OlderThan: -time.Second}, mlruns.ErrInvalid, "'older_than'"},
		{"read-only", readOnly, mlruns.GCQuery{}, mlruns.ErrReadOnly, ""},
	} {
		if got, err := collect(t, c.store, c.query); got != nil || !errors.Is(err, c.want) || !strings.Contains(err.Error(), c.text) {
			t.Errorf("%s: %q, %v, want %v", c.what, got, err, c.want)
		}
	}
	if got, err := collect(t, readOnly, mlruns.GCQuery{DryRun: true}); err != nil || len(got) != 6 {
		t.Errorf("dry run of a read-only store: %q, %v, want 6", got, err)
	}
	if diff := changes(before, readTree(t, dir)); diff != nil {
		t.Errorf("the store changed: %q", diff)
	}
}

// TestGCStops ends the iteration after the first: no more is removed, and no lock is held.
func TestGCStops(t *testing.T) {
	_, store := garbage(t)
	for r, err := range store.GC(t.Context(), mlruns.GCQuery{}) {
		must(t, err, store.SetTag(t.Context(), "kept", "during", path.Base(r.Path)))
		break
	}
	if left, err := collect(t, store, mlruns.GCQuery{}); err != nil || len(left) != 5 {
		t.Errorf("left were %q, %v, want 5", left, err)
	}
}

func TestGCProgress(t *testing.T) {
	dir, _ := garbage(t)
	var last mlruns.Progress
	told := 0
	must(t, errOf(collect(t, openStore(t, dir), mlruns.GCQuery{DryRun: true, Progress: func(p mlruns.Progress) {
		if p.Done != told+1 || p.Total < p.Done {
			t.Errorf("after %d: %+v", told, p)
		}
		told, last = p.Done, p
	}})))
	// Six experiments and the five runs of the active one: the deleted ones go whole.
	if last.Done != 11 || last.Total != 11 {
		t.Errorf("at the end: %+v, want 11 of 11", last)
	}
}

// TestGCFollowsNoLink removes links to the outside and to other runs, and leaves what they lead to.
func TestGCFollowsNoLink(t *testing.T) {
	if runtime.GOOS == "windows" {
		t.Skip("links need rights on Windows")
	}
	dir, _ := garbage(t)
	outside := filepath.Join(filepath.Dir(dir), "outside")
	put(t, filepath.Join(outside, "precious.txt"), "1")
	// A run on another disk, reached by a link that the caller allowed.
	scratch := filepath.Join(filepath.Dir(dir), "scratch")
	must(t, os.Mkdir(scratch, 0o777), os.Rename(filepath.Join(dir, "active/r-old"), filepath.Join(scratch, "r-old")))
	for link, to := range map[string]string{
		"active/r-old":                scratch + "/r-old",
		"active/r-young/out":          outside,
		"active/r-young/other":        "../kept",
		"active/r-none/artifacts/out": outside,
		".trash/old/r-linked":         "../../active/kept",
		".trash/young/models":         outside,
		".mlruns.trash/.removed.x":    outside,
	} {
		must(t, os.Symlink(to, filepath.Join(dir, link)))
	}
	must(t, os.RemoveAll(filepath.Join(dir, "active/r-none/artifacts")), os.Symlink(outside, filepath.Join(dir, "active/r-none/artifacts")))
	kept := readTree(t, filepath.Join(dir, "active/kept"))
	before, scratched := readTree(t, outside), readTree(t, scratch)
	store := openStore(t, dir, filestore.WithLinkTargets(scratch))
	removed, err := collect(t, store, mlruns.GCQuery{})
	if want := []string{".mlruns.trash/.removed.x", ".trash/none", ".trash/old", ".trash/young", "active/r-none", "active/r-old", "active/r-young"}; err != nil || !slices.Equal(removed, want) {
		t.Errorf("removed %q, %v, want %q", removed, err, want)
	}
	for what, diff := range map[string][]string{"outside": changes(before, readTree(t, outside)), "the other run": changes(kept, readTree(t, filepath.Join(dir, "active/kept"))),
		"the other disk": changes(withoutLocks(scratched), withoutLocks(readTree(t, scratch)))} {
		if diff != nil {
			t.Errorf("%s changed: %q", what, diff)
		}
	}
	if left, err := os.ReadDir(filepath.Join(dir, ".mlruns.trash")); err != nil || len(left) > 0 {
		t.Errorf("left in the private folder: %v, %v", left, err)
	}
}

// TestGCInACopy leaves the artifacts of the original, which the copy's runs recorded.
func TestGCInACopy(t *testing.T) {
	original, _ := garbage(t)
	copied := filepath.Join(t.TempDir(), "mlruns")
	before := readTree(t, original)
	before.writeTo(t, copied)
	must(t, errOf(collect(t, openStore(t, copied, filestore.WithArtifactRoots(original)), mlruns.GCQuery{})))
	if diff := changes(before, readTree(t, original)); diff != nil {
		t.Errorf("the original changed: %q", diff)
	}
}

// TestGoldenGC removes what MLflow deleted: all else answers as before, and Verify finds nothing
// new.
func TestGoldenGC(t *testing.T) {
	eachGolden(t, func(t *testing.T, g *golden) {
		dir := g.store.write(t)
		store := open(t, dir)
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
		slices.Sort(want)
		problems := verify(t, store)
		removed, err := collect(t, store, mlruns.GCQuery{})
		if err != nil || !slices.Equal(removed, want) || len(want) < 3 {
			t.Errorf("removed %q, %v, want %q", removed, err, want)
		}
		left := tree{}
		for name, data := range g.store {
			if !slices.ContainsFunc(want, func(gone string) bool { return name == gone || strings.HasPrefix(name, gone+"/") }) {
				left[name] = data
			}
		}
		after := withoutLocks(readTree(t, dir))
		delete(after, ".mlruns.trash")
		if diff := changes(left, after); diff != nil {
			t.Errorf("left (- is missing, + is too much): %q", diff)
		}
		for _, p := range verify(t, store) {
			if !slices.Contains(problems, p) {
				t.Errorf("Verify finds what it did not before: %v", p)
			}
		}
	})
}
