package filestore_test

import (
	"errors"
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
	"github.com/mlruns/mlruns/filestore/internal/filestoretest"
)

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
			dir, store := filestoretest.Garbage(t)
			before := filestoretest.ReadTree(t, dir)
			planned, err := filestoretest.CollectAll(t, store, mlruns.GCQuery{OlderThan: c.olderThan, DryRun: true})
			if err != nil || !slices.Equal(planned, c.want) {
				t.Errorf("dry run: %q, %v, want %q", planned, err, c.want)
			}
			if diff := filestoretest.Changes(before, filestoretest.ReadTree(t, dir)); diff != nil {
				t.Errorf("the dry run changed: %q", diff)
			}
			var problems []mlruns.Problem
			removed, err := filestoretest.CollectAll(t, store, mlruns.GCQuery{OlderThan: c.olderThan, OnProblem: func(p mlruns.Problem) { problems = append(problems, p) }})
			if err != nil || !slices.Equal(removed, c.want) {
				t.Errorf("removed %q, %v, want %q", removed, err, c.want)
			}
			if len(problems) < 2 || problems[0].Path != "active/r-damaged/meta.yaml" || problems[1].Path != ".trash/damaged/meta.yaml" {
				t.Errorf("problems: %v, want the run and the experiment whose meta.yaml are unreadable", problems)
			}
			want := filestoretest.Tree{}
			for name, data := range before {
				if !slices.ContainsFunc(c.want, func(gone string) bool { return name == gone || strings.HasPrefix(name, gone+"/") }) {
					want[name] = data
				}
			}
			if diff := filestoretest.Changes(filestoretest.WithoutLocks(want), filestoretest.WithoutLocks(filestoretest.ReadTree(t, dir))); diff != nil {
				t.Errorf("left (- is missing, + is too much): %q", diff)
			}
			filestoretest.NoProblems(t, store, mlruns.ProblemUnreadableMeta)
		})
	}
}

// TestGCSays pins what is yielded of a run and an experiment.
func TestGCSays(t *testing.T) {
	_, store := filestoretest.Garbage(t)
	says := map[string]mlruns.Removal{}
	for r, err := range store.GC(t.Context(), mlruns.GCQuery{DryRun: true}) {
		filestoretest.Must(t, err)
		says[r.Path] = r
	}
	if r := says["active/r-old"]; r.ExperimentID != "active" || r.RunID != "r-old" || r.Name != "name of r-old" || !r.Deleted.Equal(filestoretest.LongAgo.Add(240*time.Hour)) ||
		r.Files != 4 || r.Bytes < 7 { // meta.yaml, the tag of the name, the artifact and the lock
		t.Errorf("run: %+v", r)
	}
	if r := says[".trash/old"]; r.ExperimentID != "old" || r.RunID != "" || r.Name != "name of old" || !r.Deleted.Equal(filestoretest.LongAgo.Add(240*time.Hour)) || r.Files < 12 {
		t.Errorf("experiment: %+v", r)
	}
}

// TestGCFreesNames makes again what was removed.
func TestGCFreesNames(t *testing.T) {
	dir, store := filestoretest.Garbage(t)
	ctx := t.Context()
	filestoretest.Must(t, filestoretest.ErrOf(filestoretest.CollectAll(t, store, mlruns.GCQuery{})))
	if _, err := os.Stat(filepath.Join(dir, ".mlruns.old.lock")); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("the lock of a removed experiment: %v, want it gone", err)
	}
	filestoretest.Must(t, filestoretest.ErrOf(os.Stat(filepath.Join(dir, ".mlruns.active.lock"))))
	if _, err := store.Run(ctx, "r-old"); !errors.Is(err, mlruns.ErrNotFound) {
		t.Errorf("Run: %v, want ErrNotFound", err)
	}
	if err := store.RestoreExperiment(ctx, "old"); !errors.Is(err, mlruns.ErrNotFound) {
		t.Errorf("RestoreExperiment: %v, want ErrNotFound", err)
	}
	filestoretest.Must(t, filestoretest.ErrOf(store.CreateExperiment(ctx, mlruns.ExperimentSpec{ID: "old", Name: "name of old"})),
		filestoretest.ErrOf(store.CreateRun(ctx, mlruns.RunSpec{ExperimentID: "old", ID: "r-old"})))
	filestoretest.NoProblems(t, store, mlruns.ProblemUnreadableMeta)
}

func TestGCRefuses(t *testing.T) {
	dir, store := filestoretest.Garbage(t)
	before := filestoretest.ReadTree(t, dir)
	readOnly := filestoretest.Open(t, dir, filestore.WithReadOnly())
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
		if got, err := filestoretest.CollectAll(t, c.store, c.query); got != nil || !errors.Is(err, c.want) || !strings.Contains(err.Error(), c.text) {
			t.Errorf("%s: %q, %v, want %v", c.what, got, err, c.want)
		}
	}
	if got, err := filestoretest.CollectAll(t, readOnly, mlruns.GCQuery{DryRun: true}); err != nil || len(got) != 6 {
		t.Errorf("dry run of a read-only store: %q, %v, want 6", got, err)
	}
	if diff := filestoretest.Changes(before, filestoretest.ReadTree(t, dir)); diff != nil {
		t.Errorf("the store changed: %q", diff)
	}
}

// TestGCStops ends the iteration after the first: no more is removed, and no lock is held.
func TestGCStops(t *testing.T) {
	_, store := filestoretest.Garbage(t)
	for r, err := range store.GC(t.Context(), mlruns.GCQuery{}) {
		filestoretest.Must(t, err, store.SetTag(t.Context(), "kept", "during", path.Base(r.Path)))
		break
	}
	if left, err := filestoretest.CollectAll(t, store, mlruns.GCQuery{}); err != nil || len(left) != 5 {
		t.Errorf("left were %q, %v, want 5", left, err)
	}
}

func TestGCProgress(t *testing.T) {
	dir, _ := filestoretest.Garbage(t)
	var last mlruns.Progress
	told := 0
	filestoretest.Must(t, filestoretest.ErrOf(filestoretest.CollectAll(t, filestoretest.Open(t, dir), mlruns.GCQuery{DryRun: true, Progress: func(p mlruns.Progress) {
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
	dir, _ := filestoretest.Garbage(t)
	outside := filepath.Join(filepath.Dir(dir), "outside")
	filestoretest.WriteFile(t, filepath.Join(outside, "precious.txt"), "1")
	// A run on another disk, reached by a link that the caller allowed.
	scratch := filepath.Join(filepath.Dir(dir), "scratch")
	filestoretest.Must(t, os.Mkdir(scratch, 0o777), os.Rename(filepath.Join(dir, "active/r-old"), filepath.Join(scratch, "r-old")))
	for link, to := range map[string]string{
		"active/r-old":                scratch + "/r-old",
		"active/r-young/out":          outside,
		"active/r-young/other":        "../kept",
		"active/r-none/artifacts/out": outside,
		".trash/old/r-linked":         "../../active/kept",
		".trash/young/models":         outside,
		".mlruns.trash/.removed.x":    outside,
	} {
		filestoretest.Must(t, os.Symlink(to, filepath.Join(dir, link)))
	}
	filestoretest.Must(t, os.RemoveAll(filepath.Join(dir, "active/r-none/artifacts")), os.Symlink(outside, filepath.Join(dir, "active/r-none/artifacts")))
	kept := filestoretest.ReadTree(t, filepath.Join(dir, "active/kept"))
	before, scratched := filestoretest.ReadTree(t, outside), filestoretest.ReadTree(t, scratch)
	store := filestoretest.Open(t, dir, filestore.WithLinkTargets(scratch))
	removed, err := filestoretest.CollectAll(t, store, mlruns.GCQuery{})
	if want := []string{".mlruns.trash/.removed.x", ".trash/none", ".trash/old", ".trash/young", "active/r-none", "active/r-old", "active/r-young"}; err != nil || !slices.Equal(removed, want) {
		t.Errorf("removed %q, %v, want %q", removed, err, want)
	}
	for what, diff := range map[string][]string{"outside": filestoretest.Changes(before, filestoretest.ReadTree(t, outside)), "the other run": filestoretest.Changes(kept, filestoretest.ReadTree(t, filepath.Join(dir, "active/kept"))),
		"the other disk": filestoretest.Changes(filestoretest.WithoutLocks(scratched), filestoretest.WithoutLocks(filestoretest.ReadTree(t, scratch)))} {
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
	original, _ := filestoretest.Garbage(t)
	copied := filepath.Join(t.TempDir(), "mlruns")
	before := filestoretest.ReadTree(t, original)
	before.WriteTo(t, copied)
	filestoretest.Must(t, filestoretest.ErrOf(filestoretest.CollectAll(t, filestoretest.Open(t, copied, filestore.WithArtifactRoots(original)), mlruns.GCQuery{})))
	if diff := filestoretest.Changes(before, filestoretest.ReadTree(t, original)); diff != nil {
		t.Errorf("the original changed: %q", diff)
	}
}
