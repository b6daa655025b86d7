package filestore_test

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/mlruns/mlruns"
	"github.com/mlruns/mlruns/filestore"
	"github.com/mlruns/mlruns/filestore/internal/filestoretest"
)

// hint is what an error or problem about a link that leads out says to do.
const hint = "WithLinkTargets"

func symlink(t testing.TB, to, name string) {
	t.Helper()
	if err := os.Symlink(to, name); err != nil {
		t.Skip("no symbolic links:", err)
	}
}

// linkedStore makes a store with the experiment e and the run r, which has one of everything, and
// gives its folder, in a folder that has nothing else.
func linkedStore(t *testing.T) (dir string) {
	t.Helper()
	top, err := filepath.EvalSymlinks(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	dir = filepath.Join(top, "mlruns")
	s := filestoretest.Open(t, dir, filestore.WithSync(filestore.SyncNever))
	ctx := t.Context()
	filestoretest.Must(t,
		filestoretest.ErrOf(s.CreateExperiment(ctx, mlruns.ExperimentSpec{ID: "e", Name: "linked", Tags: map[string]string{"k": "v"}})),
		filestoretest.ErrOf(s.CreateRun(ctx, mlruns.RunSpec{ID: "r", ExperimentID: "e", Name: "r", Tags: map[string]string{"k": "v"}})),
		s.LogBatch(ctx, "r", mlruns.Batch{Params: []mlruns.Param{{Key: "p", Value: "1"}, {Key: "d/p", Value: "2"}}, Metrics: []mlruns.Metric{{Key: "m", Value: 0.5}, {Key: "d/m", Value: 1.5}}}),
		s.LogInputs(ctx, "r", mlruns.Inputs{Datasets: []mlruns.DatasetInput{{Dataset: mlruns.Dataset{Name: "ds", Digest: "1"}}}}),
		s.LogOutputs(ctx, "r", mlruns.Outputs{Models: []mlruns.ModelOutput{{ModelID: "model"}}}),
		s.WriteArtifact(ctx, "r", "a.txt", strings.NewReader("artifact")),
		s.WriteArtifact(ctx, "r", "d/b.txt", strings.NewReader("deeper")),
		s.Close(),
	)
	filestoretest.Must(t, filepath.WalkDir(dir, func(path string, _ fs.DirEntry, err error) error {
		return errors.Join(err, os.Chtimes(path, filestoretest.LongAgo, filestoretest.LongAgo))
	}))
	return dir
}

// annex moves every file to an object in cache and puts a link in its place, relative as
// git-annex's or absolute as DVC's.
func annex(t *testing.T, dir, cache string, absolute bool) {
	t.Helper()
	n := 0
	filestoretest.Must(t, os.MkdirAll(cache, 0o777), filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() || strings.HasPrefix(d.Name(), ".mlruns") {
			return err
		}
		n++
		object := filepath.Join(cache, fmt.Sprint("object", n))
		to := object
		if !absolute {
			if to, err = filepath.Rel(filepath.Dir(path), object); err != nil {
				return err
			}
		}
		if err := os.Rename(path, object); err != nil {
			return err
		}
		symlink(t, to, path)
		return nil
	}))
}

// linkedAnswers is what a reader is told of a store: what info counts, what search finds, what
// verify finds, and the artifacts of the run.
type linkedAnswers struct {
	Active, Runs int
	Experiments  []mlruns.Experiment
	Found        []*mlruns.Run
	Artifacts    []mlruns.FileInfo
	Content      string
	Problems     []string
}

func askLinked(t *testing.T, dir string, opts ...filestore.Option) linkedAnswers {
	t.Helper()
	ctx := t.Context()
	s := filestoretest.Open(t, dir, append(opts, filestore.WithReadOnly())...)
	info, err := s.Info(ctx)
	filestoretest.Must(t, err)
	experiments, err := s.SearchExperiments(ctx, mlruns.ExperimentQuery{})
	filestoretest.Must(t, err)
	runs, err := s.SearchRuns(ctx, mlruns.RunQuery{})
	filestoretest.Must(t, err)
	got := linkedAnswers{Active: info.Active, Runs: info.Runs, Experiments: experiments.Experiments, Found: runs.Runs}
	for p, err := range s.Verify(ctx, mlruns.VerifyQuery{}) {
		filestoretest.Must(t, err)
		got.Problems = append(got.Problems, p.String())
	}
	if len(runs.Runs) > 0 {
		got.Artifacts, err = s.Artifacts(ctx, "r", "")
		to, downErr := s.DownloadArtifacts(ctx, "r", "", t.TempDir())
		filestoretest.Must(t, err, downErr)
		for _, data := range filestoretest.ReadTree(t, to) {
			got.Content += string(data)
		}
		got.Content = string(slices.Sorted(slices.Values([]byte(got.Content))))
	}
	filestoretest.Must(t, s.Close())
	return got
}

// A store whose every file is a link into a cache reads as it did, once the cache is allowed;
// before that info, search and verify agree that there is nothing to read and why.
func TestAnnexedStore(t *testing.T) {
	for name, absolute := range map[string]bool{"git-annex": false, "dvc": true} {
		t.Run(name, func(t *testing.T) {
			dir := linkedStore(t)
			cache := filepath.Join(filepath.Dir(dir), ".git", "annex", "objects")
			want := askLinked(t, dir)
			if want.Runs != 1 || want.Active != 2 || len(want.Problems) > 0 || len(want.Artifacts) != 2 {
				t.Fatalf("before: %+v", want)
			}
			annex(t, dir, cache, absolute)

			got := askLinked(t, dir)
			if got.Active != 0 || got.Runs != 0 || len(got.Experiments) != 0 || len(got.Found) != 0 {
				t.Errorf("with nothing allowed: %+v", got)
			}
			if len(got.Problems) == 0 {
				t.Error("verify finds nothing")
			}
			for _, p := range got.Problems {
				if !strings.Contains(p, hint) || !strings.Contains(p, "object") || strings.Contains(p, ": foreign: ") {
					t.Errorf("verify: %s, want a link that is not followed, where it leads, and %s", p, hint)
				}
			}
			s := filestoretest.Open(t, dir)
			info, err := s.Info(t.Context())
			filestoretest.Must(t, err)
			if len(info.Problems) != 3 || info.Problems[0].Kind != mlruns.ProblemUnreadableMeta || !strings.Contains(info.Problems[0].Reason, hint) {
				t.Errorf("info: %v", info.Problems)
			}
			_, runErr := s.Run(t.Context(), "r")
			_, experimentErr := s.Experiment(t.Context(), "e")
			for _, err := range []error{runErr, experimentErr, s.SetTag(t.Context(), "r", "k", "new")} {
				if !errors.Is(err, mlruns.ErrOutside) || !strings.Contains(err.Error(), hint) || !strings.Contains(err.Error(), "e/") {
					t.Errorf("%v, want ErrOutside that names the link and %s", err, hint)
				}
			}
			for _, target := range []string{cache, filepath.Dir(filepath.Dir(cache))} {
				if diff := cmp.Diff(want, askLinked(t, dir, filestore.WithLinkTargets(target))); diff != "" {
					t.Errorf("with %s allowed (-before +now):\n%s", target, diff)
				}
			}
			before := filestoretest.Listing(t, cache, true)
			s = filestoretest.Open(t, dir, filestore.WithLinkTargets(cache))
			for call, err := range map[string]error{
				"log metric": s.LogMetric(t.Context(), "r", mlruns.Metric{Key: "m", Value: 2}), "log param": s.LogParam(t.Context(), "r", "p", "2"), "set tag": s.SetTag(t.Context(), "r", "k", "new"),
				"end run": s.EndRun(t.Context(), "r", 0, filestoretest.LongAgo), "write artifact": s.WriteArtifact(t.Context(), "r", "a.txt", strings.NewReader("new")),
				"rename experiment": s.RenameExperiment(t.Context(), "e", "other"), "set experiment tag": s.SetExperimentTag(t.Context(), "e", "k", "new"),
			} {
				if err == nil || !strings.Contains(err.Error(), "link") {
					t.Errorf("%s over a link: %v, want an error that says so", call, err)
				}
			}
			filestoretest.Must(t, filestoretest.ErrOfAll(s.Repair(t.Context(), mlruns.RepairQuery{})), filestoretest.ErrOfAll(s.Relocate(t.Context(), mlruns.RelocateQuery{})), filestoretest.ErrOfAll(s.GC(t.Context(), mlruns.GCQuery{})))
			if diff := cmp.Diff(before, filestoretest.Listing(t, cache, true)); diff != "" {
				t.Errorf("the cache has changed (-before +after):\n%s", diff)
			}
			filestoretest.NoProblems(t, s)
		})
	}
}

// A clone of an annexed store lacks its empty folders, .trash above all, by which a store is known.
func TestAnnexedCloneIsAStore(t *testing.T) {
	dir := linkedStore(t)
	cache := filepath.Join(filepath.Dir(dir), "cache")
	annex(t, dir, cache, false)
	filestoretest.Must(t, os.RemoveAll(filepath.Join(dir, ".trash")), os.RemoveAll(filepath.Join(dir, ".mlruns.trash")))
	_, err := filestore.Open(dir, filestore.WithReadOnly())
	if !errors.Is(err, mlruns.ErrInvalid) || !strings.Contains(err.Error(), hint) {
		t.Errorf("Open = %v, want ErrInvalid that names %s", err, hint)
	}
	if got := askLinked(t, dir, filestore.WithLinkTargets(cache)); got.Runs != 1 || len(got.Found) != 1 || len(got.Problems) != 0 {
		t.Errorf("with the cache allowed: %+v", got)
	}
}

// An experiment that was moved to another disk and linked back is read and written there, once that
// is allowed.
func TestExperimentOnAnotherDisk(t *testing.T) {
	dir := linkedStore(t)
	disk := filepath.Join(filepath.Dir(dir), "disk")
	want := askLinked(t, dir)
	filestoretest.Must(t, os.MkdirAll(disk, 0o777), os.Rename(filepath.Join(dir, "e"), filepath.Join(disk, "e")))
	symlink(t, filepath.Join(disk, "e"), filepath.Join(dir, "e"))

	got := askLinked(t, dir)
	if got.Active != 1 || len(got.Experiments) != 1 || len(got.Found) != 0 || len(got.Problems) != 1 || !strings.HasPrefix(got.Problems[0], "e: unreadable: a symbolic link that leads to '"+disk) ||
		!strings.Contains(got.Problems[0], hint) {
		t.Errorf("with nothing allowed: %+v", got)
	}
	if diff := cmp.Diff(want, askLinked(t, dir, filestore.WithLinkTargets(disk))); diff != "" {
		t.Errorf("with the disk allowed (-before +now):\n%s", diff)
	}
	t.Chdir(filepath.Dir(dir))
	s := filestoretest.Open(t, dir, filestore.WithLinkTargets("disk"))
	filestoretest.Must(t, s.LogMetric(t.Context(), "r", mlruns.Metric{Key: "m", Value: 2}), s.LogParam(t.Context(), "r", "new", "2"), s.SetTag(t.Context(), "r", "k", "new"),
		s.WriteArtifact(t.Context(), "r", "new/f", strings.NewReader("new")), s.EndRun(t.Context(), "r", 0, filestoretest.LongAgo), s.SetExperimentTag(t.Context(), "e", "k", "new"))
	if info, err := os.Lstat(filepath.Join(dir, "e")); err != nil || info.Mode()&fs.ModeSymlink == 0 {
		t.Errorf("e is %v, %v; want the link", info, err)
	}
	filestoretest.NoProblems(t, s)
}

func TestLinkTargetsMustBeThere(t *testing.T) {
	dir := linkedStore(t)
	for _, target := range []string{filepath.Join(dir, "none"), filepath.Join(dir, "e", "meta.yaml")} {
		if _, err := filestore.Open(dir, filestore.WithLinkTargets(target)); !errors.Is(err, mlruns.ErrInvalid) || !strings.Contains(err.Error(), "WithLinkTargets of '"+target+"'") {
			t.Errorf("Open with %s = %v, want ErrInvalid that names it", target, err)
		}
	}
}

// replaceByLink moves what is at place below a folder of its own and leaves a link.
func replaceByLink(t *testing.T, dir, place, to string) {
	t.Helper()
	name := filepath.Join(dir, filepath.FromSlash(place))
	filestoretest.Must(t, os.RemoveAll(name))
	symlink(t, to, name)
}

// A link that leads nowhere, into a cache whose objects were dropped for instance, is never
// silently taken for something that is not there.
func TestDanglingLinks(t *testing.T) {
	t.Parallel()
	input := func(dir, folder string) string {
		list, err := os.ReadDir(filepath.Join(dir, filepath.FromSlash(folder)))
		if err != nil || len(list) != 1 {
			t.Fatal(list, err)
		}
		return folder + "/" + list[0].Name()
	}
	for place, kind := range map[string]mlruns.ProblemKind{
		"e": mlruns.ProblemUnreadable, "e/meta.yaml": mlruns.ProblemUnreadableMeta, "e/tags": mlruns.ProblemUnreadable, "e/tags/k": mlruns.ProblemUnreadable,
		"e/r": mlruns.ProblemUnreadable, "e/r/meta.yaml": mlruns.ProblemUnreadableMeta, "e/r/metrics": mlruns.ProblemUnreadable, "e/r/metrics/m": mlruns.ProblemUnreadable,
		"e/r/metrics/d": mlruns.ProblemUnreadable, "e/r/metrics/d/m": mlruns.ProblemUnreadable, "e/r/params": mlruns.ProblemUnreadable, "e/r/params/p": mlruns.ProblemUnreadable,
		"e/r/tags": mlruns.ProblemUnreadable, "e/r/tags/k": mlruns.ProblemUnreadable, "e/r/artifacts": mlruns.ProblemUnreadable, "e/r/artifacts/a.txt": mlruns.ProblemLeftOut,
		"e/r/artifacts/d": mlruns.ProblemLeftOut, "e/r/artifacts/d/b.txt": mlruns.ProblemLeftOut, "e/r/inputs": mlruns.ProblemUnreadable, "e/r/outputs": mlruns.ProblemUnreadable,
		"e/r/outputs/model": mlruns.ProblemForeign, "e/r/outputs/model/meta.yaml": mlruns.ProblemUnreadableMeta, "INPUT/meta.yaml": mlruns.ProblemUnreadableMeta, "DATASET/meta.yaml": mlruns.ProblemUnreadableMeta,
	} {
		t.Run(place, func(t *testing.T) {
			dir := linkedStore(t)
			path := strings.NewReplacer("INPUT", input(dir, "e/r/inputs"), "DATASET", input(dir, "e/datasets")).Replace(place)
			about := path
			if strings.HasPrefix(place, "DATASET") {
				about = input(dir, "e/r/inputs") + "/meta.yaml" // who names the data set
			}
			replaceByLink(t, dir, path, "nowhere")
			for _, opts := range [][]filestore.Option{nil, {filestore.WithLinkTargets(t.TempDir())}} {
				got := askLinked(t, dir, opts...)
				found := false
				for _, p := range got.Problems {
					found = found || strings.HasPrefix(p, fmt.Sprintf("%s: %s: a symbolic link that leads nowhere, to 'nowhere'", about, kind))
					if strings.Contains(p, "outside") || strings.Contains(p, "missing") || strings.Contains(p, hint) {
						t.Errorf("verify: %s, which is not so", p)
					}
				}
				if place == "e/r/artifacts" && len(got.Problems) != 1 {
					t.Errorf("verify: %q, want one problem", got.Problems)
				}
				if !found {
					t.Errorf("verify: %q, want a problem %s of %s that says that the link leads nowhere", got.Problems, kind, about)
				}
				if whole := place != "e" && place != "e/r" && !strings.HasSuffix(place, "r/meta.yaml"); (len(got.Found) == 1) != whole || (got.Runs == 1) != whole {
					t.Errorf("search finds %d runs, info counts %d", len(got.Found), got.Runs)
				}
			}
		})
	}
}

// placesBackIn are what an absolute link to the same content elsewhere in the store can stand for.
// Links to folders among keys are not followed, as in MLflow.
var placesBackIn = []string{
	"e", "e/meta.yaml", "e/tags", "e/tags/k", "e/datasets", "e/r", "e/r/meta.yaml", "e/r/metrics", "e/r/metrics/m", "e/r/params", "e/r/params/p", "e/r/tags", "e/r/tags/k",
	"e/r/inputs", "e/r/outputs", "e/r/outputs/model",
}

// An absolute link to a place in the store is followed for reading, and nothing is written through
// it.
func TestAbsoluteLinksBackIntoTheStore(t *testing.T) {
	t.Parallel()
	for _, place := range placesBackIn {
		t.Run(place, func(t *testing.T) {
			dir := linkedStore(t)
			want := askLinked(t, dir)
			at := filepath.Join(dir, filepath.FromSlash(place))
			kept := filepath.Join(dir, "models", "kept")
			filestoretest.Must(t, os.MkdirAll(filepath.Dir(kept), 0o777), os.Rename(at, kept))
			symlink(t, kept, at)
			if diff := cmp.Diff(want, askLinked(t, dir)); diff != "" {
				t.Errorf("what is read (-before +now):\n%s", diff)
			}
			before := filestoretest.Listing(t, kept, true)
			s := filestoretest.Open(t, dir)
			ctx := t.Context()
			said := fmt.Sprint(s.LogMetric(ctx, "r", mlruns.Metric{Key: "m", Value: 2}), s.LogMetric(ctx, "r", mlruns.Metric{Key: "d/m", Value: 2}), s.LogParam(ctx, "r", "p", "2"), s.LogParam(ctx, "r", "d/new", "2"),
				s.SetTag(ctx, "r", "k", "new"), s.DeleteTag(ctx, "r", "k"), s.SetExperimentTag(ctx, "e", "k", "new"), s.DeleteExperimentTag(ctx, "e", "k"), s.RenameExperiment(ctx, "e", "other"),
				s.LogInputs(ctx, "r", mlruns.Inputs{Datasets: []mlruns.DatasetInput{{Dataset: mlruns.Dataset{Name: "new", Digest: "1"}}}}), s.LogOutputs(ctx, "r", mlruns.Outputs{Models: []mlruns.ModelOutput{{ModelID: "new"}}}),
				filestoretest.ErrOf(s.CreateRun(ctx, mlruns.RunSpec{ExperimentID: "e"})), s.EndRun(ctx, "r", 0, filestoretest.LongAgo), s.DeleteRun(ctx, "r"), s.RestoreRun(ctx, "r"),
				filestoretest.ErrOfAll(s.Repair(ctx, mlruns.RepairQuery{})), filestoretest.ErrOfAll(s.Relocate(ctx, mlruns.RelocateQuery{})), filestoretest.ErrOfAll(s.GC(ctx, mlruns.GCQuery{})))
			// which no call writes to
			if !strings.Contains(said, "link") && place != "e/r/outputs/model" ||
				strings.Contains(said, "outside") {
				t.Errorf("the calls that write say %s; want the link, and not that it leads outside", said)
			}
			if diff := cmp.Diff(before, filestoretest.Listing(t, kept, true)); diff != "" {
				t.Errorf("what is behind the link has changed (-before +after):\n%s", diff)
			}
			filestoretest.NoProblems(t, s)
		})
	}
}

// Whatever a listing or a copy of artifacts leaves out is told, and verify names what none shows.
func TestLeftOutArtifacts(t *testing.T) {
	dir := linkedStore(t)
	top := filepath.Dir(dir)
	at := filepath.Join(dir, "e", "r", "artifacts")
	filestoretest.WriteFile(t, filepath.Join(top, "secret", "f"), "secret")
	for name, to := range map[string]string{
		"last.ckpt": filepath.Join(top, "secret", "f"), "up": "../../../../secret", "gone": "nowhere", "loop": "loop", "other": "../meta.yaml", "latest": "d", "same": "a.txt",
		"back": filepath.Join(at, "d", "b.txt"), "backdir": filepath.Join(at, "d"), "d/out": filepath.Join(top, "secret"),
	} {
		symlink(t, to, filepath.Join(at, filepath.FromSlash(name)))
	}
	told := map[string]string{}
	s := filestoretest.Open(t, dir, filestore.WithOnProblem(func(p mlruns.Problem) {
		if p.Kind != mlruns.ProblemLeftOut || p.Repairable {
			t.Errorf("told of %+v", p)
		}
		told[strings.TrimPrefix(p.Path, "e/r/artifacts/")] = p.Reason
	}))
	wantTold := func(what string, want map[string]string) {
		t.Helper()
		for name, reason := range want {
			if !strings.Contains(told[name], reason) {
				t.Errorf("%s: told of %s that it is %q, want %q", what, name, told[name], reason)
			}
		}
		if len(told) != len(want) {
			t.Errorf("%s: told of %v, want %v", what, told, want)
		}
		clear(told)
	}
	hidden := map[string]string{"last.ckpt": hint, "up": "outside of the directory, to '../../../../secret'", "gone": "leads nowhere, to 'nowhere'", "loop": "too many levels", "other": "leads out of the run's artifacts"}
	list, err := s.Artifacts(t.Context(), "r", "")
	filestoretest.Must(t, err)
	var names []string
	for _, f := range list {
		names = append(names, f.Path)
	}
	if diff := cmp.Diff([]string{"a.txt", "back", "backdir", "d", "latest", "same"}, names); diff != "" {
		t.Errorf("listed (-want +got):\n%s", diff)
	}
	wantTold("list", hidden)

	hidden["d/out"] = hint
	copied := map[string]string{"latest": "a link to a folder", "backdir": "a link to a folder"}
	for name, reason := range hidden {
		copied[name] = reason
	}
	for name := range copied {
		copied[name] = strings.Replace(copied[name], "a link to a folder", "a symbolic link to a folder", 1)
	}
	dst := t.TempDir()
	_, err = s.DownloadArtifacts(t.Context(), "r", "", dst)
	filestoretest.Must(t, err)
	if got := filestoretest.ReadTree(t, dst); len(got) != 5 || string(got["back"]) != "deeper" || string(got["same"]) != "artifact" {
		t.Errorf("downloaded %q", got)
	}
	wantTold("download", copied)
	for name := range map[string]bool{"latest": true, "backdir": true} {
		_, err = s.DownloadArtifacts(t.Context(), "r", name, dst)
		filestoretest.Must(t, err)
		wantTold("download of "+name, map[string]string{name + "/out": hint})
	}
	for name, reason := range map[string]string{"last.ckpt": hint, "up": hint, "other": "outside the artifact directory"} {
		if _, err := s.OpenArtifact(t.Context(), "r", name); !errors.Is(err, mlruns.ErrOutside) || !strings.Contains(err.Error(), reason) {
			t.Errorf("open of %s = %v, want ErrOutside that says %q", name, err, reason)
		}
	}
	if err := s.WriteArtifact(t.Context(), "r", "backdir/new", strings.NewReader("x")); err == nil || !strings.Contains(err.Error(), "for reading only") {
		t.Errorf("write through an absolute link = %v, want an error that says that it is for reading", err)
	}
	for p, err := range s.Verify(t.Context(), mlruns.VerifyQuery{}) {
		filestoretest.Must(t, err)
		told[strings.TrimPrefix(p.Path, "e/r/artifacts/")] = p.Reason
	}
	wantTold("verify", hidden)

	src := t.TempDir()
	filestoretest.WriteFile(t, filepath.Join(src, "f"), "1")
	filestoretest.WriteFile(t, filepath.Join(src, "real", "g"), "2")
	symlink(t, "real", filepath.Join(src, "folder"))
	symlink(t, "..", filepath.Join(src, "real", "circle"))
	symlink(t, "f", filepath.Join(src, "file"))
	filestoretest.Must(t, s.LogArtifacts(t.Context(), "r", src, "logged"))
	wantTold("log", map[string]string{"logged/folder": filepath.ToSlash(src) + "/folder' is a symbolic link to a folder", "logged/real/circle": "a symbolic link to a folder"})
	if got := filestoretest.ReadTree(t, filepath.Join(at, "logged")); len(got) != 4 || string(got["file"]) != "1" {
		t.Errorf("logged %q", got)
	}
	for name, says := range map[string]string{"nowhere": "leads nowhere", "self": "too many levels"} {
		bad := t.TempDir()
		symlink(t, name, filepath.Join(bad, "self"))
		if err := s.LogArtifacts(t.Context(), "r", bad, ""); err == nil || !strings.Contains(err.Error(), says) || !strings.Contains(err.Error(), "self") {
			t.Errorf("log of a link to %s = %v, want an error that names it and says %q", name, err, says)
		}
	}
}

// A link to a file beside the runs is nobody's business, as is a file.
func TestLinksToFilesAreNotForeign(t *testing.T) {
	dir := linkedStore(t)
	filestoretest.WriteFile(t, filepath.Join(dir, "notes.txt"), "notes")
	symlink(t, "../notes.txt", filepath.Join(dir, "e", "notes"))
	symlink(t, "notes.txt", filepath.Join(dir, "note"))
	filestoretest.NoProblems(t, filestoretest.Open(t, dir))
	symlink(t, "../../notes", filepath.Join(dir, "e", "away.txt"))
	symlink(t, "none", filepath.Join(dir, "e", "broken.txt"))
	got := askLinked(t, dir)
	want := []string{"e/away.txt: foreign: a symbolic link that leads outside of the directory, to '../../notes'; WithLinkTargets allows links into a directory", "e/broken.txt: foreign: a symbolic link that leads nowhere, to 'none'"}
	if diff := cmp.Diff(want, got.Problems); diff != "" {
		t.Errorf("verify (-want +got):\n%s", diff)
	}
}
