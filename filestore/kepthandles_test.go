//go:build linux

package filestore_test

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/gofrs/flock"

	"github.com/mlruns/mlruns"
	"github.com/mlruns/mlruns/filestore"
	"github.com/mlruns/mlruns/filestore/internal/filestoretest"
)

// keptDir is a store on the disk with a run that was logged to so often, and so long after its
// making, that all its handles are kept and believed.
type keptDir struct {
	*testing.T
	dir, run string // run is the path of the run's folder, as the others see it
	id       string
	store    *filestore.Store
	other    *filestore.Store // as another process has it: it keeps nothing of the run yet
}

func newKeptDir(t *testing.T) *keptDir {
	t.Helper()
	here, there := oneFolder(t)
	k := &keptDir{T: t, dir: filepath.Join(there, "mlruns")}
	here = filepath.Join(here, "mlruns")
	k.store = filestoretest.Open(t, here, filestore.WithLockTimeout(time.Second))
	k.other = filestoretest.Open(t, k.dir)
	k.must(filestoretest.ErrOf(k.store.CreateExperiment(t.Context(), mlruns.ExperimentSpec{ID: "e1", Name: "one"})))
	run, err := k.store.CreateRun(t.Context(), mlruns.RunSpec{ExperimentID: "e1", Name: "name"})
	k.must(err)
	k.id = run.Info.ID
	k.run = filepath.Join(k.dir, "e1", k.id)
	k.must(k.log(0))
	filestoretest.Settle()
	k.must(errors.Join(k.log(1), k.log(2)))
	want := map[string]int{"ext4": 3, "nfs": 2, "nfs4": 2}[k.fileSystem()] // a server's metric is closed
	if n := openHandles(t, here); n < want {
		t.Fatalf("%d handles are open, want the lock, meta.yaml and the metric", n)
	}
	return k
}

func (k *keptDir) must(err error) {
	k.Helper()
	if err != nil {
		k.Fatal(err)
	}
}

func (k *keptDir) fileSystem() string {
	info, err := k.store.Info(k.Context())
	k.must(err)
	return info.FileSystem
}

func (k *keptDir) log(step int64) error {
	return k.store.LogMetric(k.Context(), k.id, mlruns.Metric{Key: "m", Value: 1, Step: step, Time: time.UnixMilli(1)})
}

// file is a path in the run's folder.
func (k *keptDir) file(name string) string { return filepath.Join(k.run, filepath.FromSlash(name)) }

func (k *keptDir) rename(from, to string) { k.Helper(); k.must(os.Rename(k.file(from), k.file(to))) }

func (k *keptDir) write(name, text string) {
	k.Helper()
	k.must(os.WriteFile(k.file(name), []byte(text), 0o666))
}

func (k *keptDir) read(name string) string {
	k.Helper()
	data, err := os.ReadFile(k.file(name))
	k.must(err)
	return string(data)
}

func (k *keptDir) append(name, text string) {
	k.Helper()
	f, err := os.OpenFile(k.file(name), os.O_WRONLY|os.O_APPEND, 0)
	k.must(err)
	_, err = f.WriteString(text)
	k.must(errors.Join(err, f.Close()))
}

// rewriteMeta changes a text of meta.yaml as MLflow does, in place, and leaves the length as it is.
func (k *keptDir) rewriteMeta(old, text string) {
	k.Helper()
	before := k.read("meta.yaml")
	after := strings.Replace(before, old, text, 1)
	if pad := len(before) - len(after); pad != 0 {
		after = strings.Replace(after, "run_name: name", "run_name: "+strings.Repeat("n", len("name")+pad), 1)
	}
	if len(after) != len(before) || after == before {
		k.Fatalf("meta.yaml is not rewritten with the same length:\n%s", before)
	}
	f, err := os.OpenFile(k.file("meta.yaml"), os.O_WRONLY, 0)
	k.must(err)
	_, err = f.WriteString(after)
	k.must(errors.Join(err, f.Close()))
}

// steps are the steps of a metric as another process reads them.
func (k *keptDir) steps(key string) string {
	k.Helper()
	var list []string
	for m, err := range k.other.MetricHistory(k.Context(), k.id, key, mlruns.HistoryQuery{}) {
		k.must(err)
		list = append(list, fmt.Sprint(m.Step))
	}
	return strings.Join(list, " ")
}

// collect has another process remove what was deleted.
func (k *keptDir) collect(want int) {
	k.Helper()
	n := 0
	for _, err := range k.other.GC(k.Context(), mlruns.GCQuery{}) {
		k.must(err)
		n++
	}
	if n != want {
		k.Fatalf("gc removed %d, want %d", n, want)
	}
}

// repair has another process mend problems of one kind, which are all that there are.
func (k *keptDir) repair(kind mlruns.ProblemKind) {
	k.Helper()
	n := 0
	for done, err := range k.other.Repair(k.Context(), mlruns.RepairQuery{}) {
		k.must(err)
		if done.Action == "" || done.Kind != kind {
			k.Fatalf("repaired %+v, want a problem of kind %s", done, kind)
		}
		n++
	}
	if n == 0 {
		k.Fatalf("no problem of kind %s was found", kind)
	}
}

// openHandles counts the open files of this process below a folder, the folders aside.
func openHandles(t *testing.T, dir string) int {
	t.Helper()
	fds, err := os.ReadDir("/proc/self/fd")
	if err != nil {
		t.Skip(err)
	}
	n := 0
	for _, fd := range fds {
		name, err := os.Readlink("/proc/self/fd/" + fd.Name())
		if info, statErr := os.Stat("/proc/self/fd/" + fd.Name()); err == nil && statErr == nil && !info.IsDir() && strings.HasPrefix(name, dir+"/") {
			n++
		}
	}
	return n
}

// TestKeptHandlesSeeOthers has another process change what a handle is kept of, between two calls.
func TestKeptHandlesSeeOthers(t *testing.T) {
	for name, tc := range map[string]struct {
		change func(*keptDir)
		want   error  // of the next call
		steps  string // of the metric after it
		allow  mlruns.ProblemKind
	}{
		"nothing": {change: func(*keptDir) {}, steps: "0 1 2 3"},
		"the metric is replaced by a copy": {change: func(k *keptDir) {
			k.write(".mlruns-copy", k.read("metrics/m"))
			k.rename(".mlruns-copy", "metrics/m")
		}, steps: "0 1 2 3"},
		"the metric is replaced while a link keeps it": {change: func(k *keptDir) {
			k.must(os.Link(k.file("metrics/m"), k.file("metrics/old")))
			k.write(".mlruns-copy", k.read("metrics/m"))
			k.rename(".mlruns-copy", "metrics/m")
		}, steps: "0 1 2 3"},
		"the metric is renamed":                 {change: func(k *keptDir) { k.rename("metrics/m", "metrics/old") }, steps: "3"},
		"the metric is deleted":                 {change: func(k *keptDir) { k.must(os.Remove(k.file("metrics/m"))) }, steps: "3"},
		"the metric is emptied":                 {change: func(k *keptDir) { k.must(os.Truncate(k.file("metrics/m"), 0)) }, steps: "3"},
		"MLflow appends a point":                {change: func(k *keptDir) { k.append("metrics/m", "1 1.0 9\n") }, steps: "0 1 2 9 3"},
		"a writer dies in the middle of a line": {change: func(k *keptDir) { k.append("metrics/m", "1 1.0") }, steps: "0 1 2 3"},
		"the last newline is overwritten": {change: func(k *keptDir) {
			text := k.read("metrics/m")
			k.write("metrics/m", text[:len(text)-1]+"0")
		}, steps: "0 1 3"},
		"the metric comes to be a link": {change: func(k *keptDir) {
			k.rename("metrics/m", "metrics/old")
			k.must(os.Symlink("old", k.file("metrics/m")))
		}, want: mlruns.ErrInvalid, steps: "0 1 2"},
		"the metric comes to be a folder": {change: func(k *keptDir) {
			k.rename("metrics/m", ".mlruns-gone")
			k.must(os.MkdirAll(k.file("metrics/m"), 0o777))
			k.rename(".mlruns-gone", "metrics/m/n")
		}, want: mlruns.ErrInvalid},
		"the metrics lie behind a link to others": {change: func(k *keptDir) {
			k.rename("metrics", "artifacts/metrics")
			k.must(os.CopyFS(k.file("artifacts/others"), os.DirFS(k.file("artifacts/metrics"))))
			k.must(os.Symlink("artifacts/others", k.file("metrics")))
		}, want: mlruns.ErrOutside, steps: "0 1 2"},
		"the lock file is deleted": {change: func(k *keptDir) { k.must(os.Remove(k.file(".mlruns.lock"))) }, steps: "0 1 2 3"},
		"another process locks a new lock file": {change: func(k *keptDir) {
			k.must(os.Remove(k.file(".mlruns.lock")))
			lock := flock.New(k.file(".mlruns.lock"))
			if ok, err := lock.TryLock(); !ok || err != nil {
				k.Fatal(ok, err)
			}
			k.Cleanup(func() { _ = lock.Unlock() })
		}, want: mlruns.ErrBusy, steps: "0 1 2"},
		"another process holds the lock": {change: func(k *keptDir) {
			lock := flock.New(k.file(".mlruns.lock"))
			if ok, err := lock.TryLock(); !ok || err != nil {
				k.Fatal(ok, err)
			}
			k.Cleanup(func() { _ = lock.Unlock() })
		}, want: mlruns.ErrBusy, steps: "0 1 2"},
		"the run is deleted": {change: func(k *keptDir) { k.must(k.other.DeleteRun(k.Context(), k.id)) }, want: mlruns.ErrNotActive, steps: "0 1 2"},
		"the run is deleted by MLflow": {change: func(k *keptDir) {
			k.rewriteMeta("lifecycle_stage: active", "lifecycle_stage: deleted")
		}, want: mlruns.ErrNotActive, steps: "0 1 2"},
		"the run is deleted and restored": {change: func(k *keptDir) {
			k.must(errors.Join(k.other.DeleteRun(k.Context(), k.id), k.other.RestoreRun(k.Context(), k.id)))
		}, steps: "0 1 2 3"},
		"meta.yaml is damaged": {change: func(k *keptDir) { k.rewriteMeta("run_uuid: ", "run_uuid?:") }, want: mlruns.ErrCorrupt, steps: "0 1 2", allow: mlruns.ProblemUnreadableMeta},
		"meta.yaml is gone":    {change: func(k *keptDir) { k.must(os.Remove(k.file("meta.yaml"))) }, want: mlruns.ErrCorrupt, allow: mlruns.ProblemMissingMeta},
		"gc removes the run": {change: func(k *keptDir) {
			k.must(k.other.DeleteRun(k.Context(), k.id))
			k.collect(1)
		}, want: mlruns.ErrNotFound},
		"gc removes the experiment": {change: func(k *keptDir) {
			k.must(k.other.DeleteExperiment(k.Context(), "e1"))
			k.collect(1)
		}, want: mlruns.ErrNotFound},
		"gc removes the run, which comes back from a copy": {change: func(k *keptDir) {
			saved := filepath.Join(k.dir, "..", "saved")
			k.must(os.CopyFS(saved, os.DirFS(k.run)))
			k.must(k.other.DeleteRun(k.Context(), k.id))
			k.collect(1)
			k.must(os.CopyFS(k.run, os.DirFS(saved)))
		}, steps: "0 1 2 3"},
		"gc finds nothing to remove": {change: func(k *keptDir) { k.collect(0) }, steps: "0 1 2 3"},
		"repair replaces the metric": {change: func(k *keptDir) {
			k.append("metrics/m", "no point\n1 1.0 9\n")
			k.repair(mlruns.ProblemMalformed)
		}, steps: "0 1 2 9 3"},
		"repair gives the last line its newline": {change: func(k *keptDir) {
			k.append("metrics/m", "1 1.0 9")
			k.repair(mlruns.ProblemUnterminated)
		}, steps: "0 1 2 9 3"},
		"repair moves the metric aside": {change: func(k *keptDir) {
			k.must(os.Truncate(k.file("metrics/m"), 0))
			k.repair(mlruns.ProblemEmpty)
		}, steps: "3"},
		"repair merges a copy into the metric": {change: func(k *keptDir) {
			k.write("metrics/m (conflicted copy 2026-11-25)", "1 1.0 9\n")
			k.repair(mlruns.ProblemConflict)
		}, steps: "0 1 2 9 3"},
		"the experiment is deleted": {change: func(k *keptDir) { k.must(k.other.DeleteExperiment(k.Context(), "e1")) }, want: mlruns.ErrNotActive, steps: "0 1 2"},
		"the experiment is deleted and restored": {change: func(k *keptDir) {
			k.must(errors.Join(k.other.DeleteExperiment(k.Context(), "e1"), k.other.RestoreExperiment(k.Context(), "e1")))
		}, steps: "0 1 2 3"},
		"the experiment is moved to the trash by hand": {change: func(k *keptDir) {
			k.must(os.Rename(filepath.Join(k.dir, "e1"), filepath.Join(k.dir, ".trash", "e1")))
		}, steps: "0 1 2 3", allow: mlruns.ProblemStage},
		"the run is moved away": {change: func(k *keptDir) { k.must(os.Rename(k.run, filepath.Join(k.dir, "..", "moved"))) }, want: mlruns.ErrNotFound},
		"the run is replaced by a copy": {change: func(k *keptDir) {
			k.must(os.Rename(k.run, filepath.Join(k.dir, "..", "moved")))
			k.must(os.CopyFS(k.run, os.DirFS(filepath.Join(k.dir, "..", "moved"))))
		}, steps: "0 1 2 3"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			k := newKeptDir(t)
			if above := name == "the run is moved away" || name == "the run is replaced by a copy"; above && os.Getenv("MLRUNS_TWO_CLIENTS") != "" {
				t.Skip("a client sees that a folder above the run's has changed when it looks there again")
			}
			tc.change(k)
			if err := k.log(3); !errors.Is(err, tc.want) {
				t.Errorf("error %v, want %v", err, tc.want)
			}
			if readable := name != "the metric comes to be a folder" && name != "meta.yaml is gone"; readable && tc.want != mlruns.ErrNotFound {
				if got := k.steps("m"); got != tc.steps {
					t.Errorf("steps %q, want %q", got, tc.steps)
				}
			}
			allow := []mlruns.ProblemKind{mlruns.ProblemLeftover, tc.allow}
			filestoretest.NoProblems(t, k.other, allow...)
		})
	}
}

// TestKeptHandlesAreBounded logs more metrics to more runs than handles are kept of.
func TestKeptHandlesAreBounded(t *testing.T) {
	const runs, metrics, limit = 70, 6, 64*2 + 256
	dir := filepath.Join(t.TempDir(), "mlruns")
	s := filestoretest.Open(t, dir, filestore.WithSync(filestore.SyncNever))
	batch := func(keys string, n, step int) (b mlruns.Batch) {
		for i := range n {
			b.Metrics = append(b.Metrics, mlruns.Metric{Key: fmt.Sprintf("%s%d", keys, i), Step: int64(step)})
		}
		return b
	}
	most := 0
	for i := range runs {
		run, err := s.CreateRun(t.Context(), mlruns.RunSpec{ID: fmt.Sprintf("r%d", i)})
		if err != nil {
			t.Fatal(err)
		}
		for step := range 3 {
			if err := s.LogBatch(t.Context(), run.Info.ID, batch("m", metrics, step)); err != nil {
				t.Fatal(err)
			}
		}
		most = max(most, openHandles(t, dir))
	}
	for step := range 3 {
		if err := s.LogBatch(t.Context(), "r0", batch("w", 300, step)); err != nil {
			t.Fatal(err)
		}
		most = max(most, openHandles(t, dir))
	}
	if most > limit {
		t.Errorf("%d handles were open, want at most %d", most, limit)
	}
	info, err := s.Info(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if info.FileSystem == "ext4" && most < 256 {
		t.Errorf("only %d handles were open: nothing is kept", most)
	}
	filestoretest.NoProblems(t, s)
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	if n := openHandles(t, dir); n != 0 {
		t.Errorf("%d handles are open after Close", n)
	}
}

// TestNothingKept logs where no handle may be kept.
func TestNothingKept(t *testing.T) {
	for name, opts := range map[string][]filestore.Option{
		"without locks":     {filestore.WithLocking(filestore.LockNone)},
		"with link targets": {filestore.WithLinkTargets(os.TempDir())},
	} {
		t.Run(name, func(t *testing.T) {
			dir := filepath.Join(t.TempDir(), "mlruns")
			s := filestoretest.Open(t, dir, opts...)
			run, err := s.CreateRun(t.Context(), mlruns.RunSpec{})
			if err != nil {
				t.Fatal(err)
			}
			for step := range int64(3) {
				if err := s.LogMetric(t.Context(), run.Info.ID, mlruns.Metric{Key: "m", Step: step}); err != nil {
					t.Fatal(err)
				}
			}
			if n := openHandles(t, dir); n != 0 {
				t.Errorf("%d handles are open", n)
			}
			filestoretest.NoProblems(t, s)
		})
	}
}
