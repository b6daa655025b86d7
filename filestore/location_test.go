package filestore_test

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/mlruns/mlruns"
	artifact "github.com/mlruns/mlruns/artifacts"
	"github.com/mlruns/mlruns/filestore"
	"github.com/mlruns/mlruns/filestore/internal/filestoretest"
)

// locations are artifact locations below a store's directory, STORE, of the experiment "e". The
// experiment "other" is there, too.
var locations = []struct{ name, location, folder string }{
	{"the root", "URI", ""},
	{"the root as a path", "STORE", ""},
	{"a folder", "STORE/shared", "shared/"},
	{"a folder that no experiment could be", "URI/my%20artifacts", "my artifacts/"},
	{"a folder with a name of MLflow's", "STORE/models", "models/"},
	{"deep", "URI/x/y/z", "x/y/z/"},
	{"another experiment", "STORE/other", "other/"},
	{"in another experiment", "URI/other/arts", "other/arts/"},
	{"in the experiment itself", "URI/e/arts", "e/arts/"},
	{"with a query", "URI/shared?x=1#y", "shared/"},
	{"the root, roundabout", "STORE/other/../.", ""},
}

// located is a store in dir with the experiment "e" of a location and its runs: "full" has
// artifacts, "bare" none and "dead" is deleted and has some.
func located(t *testing.T, dir, location string) {
	t.Helper()
	location = strings.NewReplacer("URI", artifact.FileURI(filepath.ToSlash(dir)), "STORE", filepath.ToSlash(dir)).Replace(location)
	s, err := filestore.Open(dir, filestore.WithSync(filestore.SyncNever))
	filestoretest.Must(t, err)
	defer s.Close()
	ctx := t.Context()
	filestoretest.Must(t, filestoretest.ErrOf(s.CreateExperiment(ctx, mlruns.ExperimentSpec{ID: "other", Name: "other"})),
		filestoretest.ErrOf(s.CreateExperiment(ctx, mlruns.ExperimentSpec{ID: "e", Name: "e", ArtifactLocation: location})),
		filestoretest.ErrOf(s.CreateRun(ctx, mlruns.RunSpec{ID: "neighbour", ExperimentID: "other"})), s.WriteArtifact(ctx, "neighbour", "f", strings.NewReader("other")))
	for _, run := range []string{"full", "bare", "dead"} {
		filestoretest.Must(t, filestoretest.ErrOf(s.CreateRun(ctx, mlruns.RunSpec{ID: run, ExperimentID: "e"})), s.LogMetric(ctx, run, mlruns.Metric{Key: "loss", Value: 1}))
		if run != "bare" {
			filestoretest.Must(t, s.WriteArtifact(ctx, run, "a/f", strings.NewReader(run)), s.WriteArtifact(ctx, run, "meta.yaml", strings.NewReader("run_id: artifacts\nexperiment_id: "+run+"\n")))
		}
	}
	filestoretest.Must(t, s.DeleteRun(ctx, "dead"))
	filestoretest.NoProblems(t, s)
}

// TestLocationsInTheStore reads and writes the artifacts of an experiment whose location is in the
// store: where it was made, moved, and beside the original.
func TestLocationsInTheStore(t *testing.T) {
	t.Parallel()
	for _, c := range locations {
		for _, how := range []string{"in place", "moved", "copied", "read-only"} {
			t.Run(c.name+"/"+how, func(t *testing.T) {
				was, dir := filepath.Join(t.TempDir(), "a b", "mlruns"), filepath.Join(t.TempDir(), "mlruns")
				located(t, was, c.location)
				var original filestoretest.Tree
				switch how {
				case "in place":
					dir = was
				case "copied":
					filestoretest.ReadTree(t, was).WriteTo(t, dir)
					filestoretest.Poisoned(filestoretest.ReadTree(t, was)).WriteTo(t, was)
					original = filestoretest.ReadTree(t, was)
				default:
					filestoretest.Rename(t, was, dir)
				}
				if _, err := os.Stat(filepath.Join(dir, filepath.FromSlash(c.folder), "full", "artifacts", "a", "f")); err != nil {
					t.Errorf("the artifacts are not where MLflow puts them: %v", err)
				}
				var opts []filestore.Option
				if how == "read-only" {
					opts = append(opts, filestore.WithReadOnly())
				}
				s := filestoretest.Open(t, dir, opts...)
				wantLocated(t, s, c.folder)
				for m, err := range s.Repair(t.Context(), mlruns.RepairQuery{DryRun: true}) {
					t.Errorf("Repair would do %v, %v", m, err)
				}
				if how != "read-only" {
					writeLocated(t, s, dir, c.folder)
				}
				if original != nil {
					if diff := filestoretest.Changes(original, filestoretest.ReadTree(t, was)); diff != nil {
						t.Errorf("the original has changed: %q", diff)
					}
				}
				filestoretest.NoProblems(t, s)
			})
		}
	}
}

// wantLocated reads what located wrote.
func wantLocated(t *testing.T, s *filestore.Store, folder string) {
	t.Helper()
	ctx := t.Context()
	for _, run := range []string{"full", "dead"} {
		list, err := s.Artifacts(ctx, run, "")
		if want := []mlruns.FileInfo{{Path: "a", IsDir: true}, {Path: "meta.yaml", Size: int64(len("run_id: artifacts\nexperiment_id: full\n"))}}; !slices.Equal(list, want) || err != nil {
			t.Errorf("the artifacts of %s are %v, %v; want %v", run, list, err, want)
		}
		filestoretest.WantArtifact(t, s, run, "a/f", run)
		to := t.TempDir()
		if at, err := s.DownloadArtifacts(ctx, run, "a", to); err != nil || at != filepath.Join(to, "a") {
			t.Errorf("DownloadArtifacts of %s: %q, %v", run, at, err)
		}
	}
	if list, err := s.Artifacts(ctx, "bare", ""); len(list) > 0 || err != nil {
		t.Errorf("a run without artifacts has %v, %v", list, err)
	}
	root, err := s.ArtifactRoot(ctx, "full")
	local, localErr := artifact.LocalPath(root)
	here, hereErr := artifact.LocalPath(s.URI())
	if want := here + "/" + folder + "full/artifacts"; filepath.Clean(local) != filepath.Clean(want) || errors.Join(err, localErr, hereErr) != nil {
		t.Errorf("ArtifactRoot is %q, want %q (%v)", root, want, errors.Join(err, localErr, hereErr))
	}
	wantOnly(t, s, []string{"0", "e", "other"}, []string{"bare", "full", "neighbour"})
}

// wantOnly wants these active experiments and runs and no others, and no problem, from every call
// that lists.
func wantOnly(t *testing.T, s *filestore.Store, experiments, runs []string) {
	t.Helper()
	ctx := t.Context()
	problem := func(p mlruns.Problem) { t.Errorf("a search told of %v", p) }
	var gotE, gotR []string
	page, err := s.SearchExperiments(ctx, mlruns.ExperimentQuery{OnProblem: problem, MaxResults: 100})
	filestoretest.Must(t, err)
	for _, e := range page.Experiments {
		gotE = append(gotE, e.ID)
	}
	for r, err := range s.Runs(ctx, mlruns.RunQuery{OnProblem: problem}) {
		filestoretest.Must(t, err)
		gotR = append(gotR, r.Info.ID)
	}
	slices.Sort(gotE)
	slices.Sort(gotR)
	if diff := cmp.Diff([][]string{experiments, runs}, [][]string{gotE, gotR}); diff != "" {
		t.Errorf("experiments and runs (-want +got):\n%s", diff)
	}
	if info, err := s.Info(ctx); info.Active != len(experiments) || err != nil {
		t.Errorf("Info counts %d experiments, %v; want %d", info.Active, err, len(experiments))
	}
}

// writeLocated writes and deletes artifacts, of a new run too.
func writeLocated(t *testing.T, s *filestore.Store, dir, folder string) {
	t.Helper()
	ctx := t.Context()
	before := filestoretest.WithoutLocks(filestoretest.ReadTree(t, dir))
	filestoretest.Must(t, filestoretest.ErrOf(s.CreateRun(ctx, mlruns.RunSpec{ID: "new", ExperimentID: "e"})))
	for _, run := range []string{"full", "bare", "new"} {
		filestoretest.Must(t, s.WriteArtifact(ctx, run, "d/n", strings.NewReader("new "+run)))
		filestoretest.WantArtifact(t, s, run, "d/n", "new "+run)
	}
	filestoretest.Must(t, s.DeleteArtifacts(ctx, "full", "a"))
	run, err := s.Run(ctx, "new")
	filestoretest.Must(t, err)
	if local, err := artifact.LocalPath(run.Info.ArtifactURI); err != nil || !strings.HasPrefix(local, filepath.ToSlash(dir)+"/") {
		t.Errorf("a new run's artifact URI is %q, want it below %s", run.Info.ArtifactURI, dir)
	}
	var got []string
	for _, change := range filestoretest.Changes(before, filestoretest.WithoutLocks(filestoretest.ReadTree(t, dir))) {
		if !strings.Contains(change, " e/new") && !strings.Contains(change, ".mlruns.trash") {
			got = append(got, change)
		}
	}
	want := []string{"- " + folder + "full/artifacts/a", "- " + folder + "full/artifacts/a/f", "+ " + folder + "full/artifacts/d", "+ " + folder + "full/artifacts/d/n"}
	for _, run := range []string{"bare", "new"} {
		if folder == "e/" {
			continue
		}
		for _, below := range []string{"", "/artifacts", "/artifacts/d", "/artifacts/d/n"} {
			if !strings.HasPrefix(folder+run, "e/new") {
				want = append(want, "+ "+folder+run+below)
			}
		}
	}
	slices.Sort(got)
	slices.Sort(want)
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("writing artifacts changed (-want +got):\n%s", diff)
	}
}

// TestLocationsMoveToTheTrash follows a location in an experiment's folder to where that goes when
// it is deleted.
func TestLocationsMoveToTheTrash(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "mlruns")
	located(t, dir, "URI/e/arts")
	s := filestoretest.Open(t, dir)
	filestoretest.Must(t, s.DeleteExperiment(t.Context(), "e"))
	filestoretest.WantArtifact(t, s, "full", "a/f", "full")
	filestoretest.NoProblems(t, s)
	filestoretest.Must(t, s.RestoreExperiment(t.Context(), "e"))
	filestoretest.WantArtifact(t, s, "full", "a/f", "full")
	filestoretest.NoProblems(t, s)
}

// TestArtifactFoldersAreNoRecords asks for folders of artifacts as experiments and runs, also for
// those that somebody made look like a run.
func TestArtifactFoldersAreNoRecords(t *testing.T) {
	for _, c := range locations {
		dir := filepath.Join(t.TempDir(), "mlruns")
		located(t, dir, c.location)
		s := filestoretest.Open(t, dir)
		ctx := t.Context()
		before := filestoretest.ReadTree(t, dir)
		for _, err := range []error{filestoretest.ErrOf(s.Run(ctx, "artifacts")), s.SetTag(ctx, "artifacts", "k", "v"), filestoretest.ErrOf(s.Artifacts(ctx, "artifacts", "")), s.DeleteRun(ctx, "artifacts"),
			filestoretest.ErrOf(s.Experiment(ctx, "full")), s.SetExperimentTag(ctx, "full", "k", "v"), s.DeleteExperiment(ctx, "full"), filestoretest.ErrOf(s.CreateRun(ctx, mlruns.RunSpec{ExperimentID: "full"}))} {
			if !errors.Is(err, mlruns.ErrNotFound) {
				t.Errorf("%s: %v, want not found", c.name, err)
			}
		}
		if diff := filestoretest.Changes(before, filestoretest.WithoutLocks(filestoretest.ReadTree(t, dir))); slices.ContainsFunc(diff, func(c string) bool { return !strings.HasSuffix(c, ".lock") }) {
			t.Errorf("%s: the refused calls changed %q", c.name, diff)
		}
	}
	s := filestoretest.Open(t, filepath.Join(t.TempDir(), "mlruns"))
	if _, err := s.CreateRun(t.Context(), mlruns.RunSpec{ID: "artifacts", ExperimentID: "0"}); !errors.Is(err, mlruns.ErrInvalid) {
		t.Errorf("a run named artifacts: %v, want it refused", err)
	}
}

// TestLostRecordsAmongArtifacts still tells of an experiment and a run that have lost their
// meta.yaml where there are folders of artifacts.
func TestLostRecordsAmongArtifacts(t *testing.T) {
	for _, c := range locations {
		if c.folder == "e/arts/" || c.folder == "other/arts/" { // which is lost with its experiment
			continue
		}
		dir := filepath.Join(t.TempDir(), "mlruns")
		located(t, dir, c.location)
		filestoretest.Must(t, os.Remove(filepath.Join(dir, "other", "meta.yaml")), os.Remove(filepath.Join(dir, "e", "bare", "meta.yaml")))
		var got []string
		for _, p := range filestoretest.Problems(t, filestoretest.Open(t, dir)) {
			got = append(got, fmt.Sprint(p.Kind, " ", p.Path))
		}
		if diff := cmp.Diff([]string{"missing-meta e/bare", "missing-meta other"}, got); diff != "" {
			t.Errorf("%s (-want +got):\n%s", c.name, diff)
		}
	}
}
