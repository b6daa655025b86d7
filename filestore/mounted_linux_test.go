package filestore_test

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/mlruns/mlruns"
	"github.com/mlruns/mlruns/filestore"
	"github.com/mlruns/mlruns/filestore/internal/filestoretest"
)

func init() {
	for _, m := range mounts {
		tasks["move on "+m.name] = func(t *testing.T, dir string) {
			if err := syscall.Mount("", "/", "", syscall.MS_PRIVATE|syscall.MS_REC, ""); err != nil {
				fmt.Println(cannot, err)
				return
			}
			syscall.Umask(0o022)
			m.moves(t, dir)
		}
	}
}

// mounts are file systems in which a store, or an experiment, lies that cannot be renamed.
var mounts = []struct {
	name  string
	moves func(t *testing.T, dir string)
}{
	{"an overlay", movesOnOverlay},
	{"a tmpfs", func(t *testing.T, dir string) { movesOnMount(t, dir, "tmpfs", "") }},
	{"a bind mount", func(t *testing.T, dir string) { movesOnMount(t, dir, "", filepath.Join(dir, "elsewhere")) }},
	{"another disk for artifacts", artifactsOnMount},
}

// TestMovesOnMounts does what moves folders where the kernel refuses to rename them: in a process
// of its own, whose mounts nobody else sees.
func TestMovesOnMounts(t *testing.T) {
	for _, m := range mounts {
		t.Run(m.name, func(t *testing.T) {
			t.Parallel()
			cmd := exec.CommandContext(t.Context(), os.Args[0], "-test.run=^TestTask$", "-test.count=1")
			cmd.Env = append(os.Environ(), filestoretest.EnvTask+"=move on "+m.name, filestoretest.EnvDir+"="+t.TempDir(), filestoretest.EnvID+"=0")
			cmd.SysProcAttr = ownMounts()
			out, err := cmd.CombinedOutput()
			if errors.Is(err, syscall.EPERM) || errors.Is(err, syscall.EACCES) || strings.Contains(string(out), cannot) {
				t.Skipf("%v %s", err, out)
			}
			if err != nil {
				t.Errorf("%v\n%s", err, out)
			}
		})
	}
}

// ownMounts is for a process whose mounts nobody else sees. Who is not root is root in there, with
// the one user and the one group that can be given: on what is mounted there nobody else, and no
// other group, can have a file.
func ownMounts() *syscall.SysProcAttr {
	as := &syscall.SysProcAttr{Cloneflags: syscall.CLONE_NEWNS}
	if os.Geteuid() != 0 {
		as.Cloneflags |= syscall.CLONE_NEWUSER
		as.UidMappings = []syscall.SysProcIDMap{{ContainerID: 0, HostID: os.Geteuid(), Size: 1}}
		as.GidMappings = []syscall.SysProcIDMap{{ContainerID: 0, HostID: os.Getegid(), Size: 1}}
	}
	return as
}

// mount does it, or says that it cannot be done here.
func mount(source, target, kind string, flags uintptr, options string) bool {
	if err := syscall.Mount(source, target, kind, flags, options); err != nil {
		fmt.Println(cannot, err)
		return false
	}
	return true
}

// storeToMove is a store with the experiments e1 and e2 of a run each, and an artifact in the
// first.
func storeToMove(t *testing.T, dir string) *filestore.Store {
	t.Helper()
	s := filestoretest.Open(t, dir)
	for _, id := range []string{"1", "2"} {
		filestoretest.Must(t, filestoretest.ErrOf(s.CreateExperiment(t.Context(), mlruns.ExperimentSpec{ID: "e" + id, Name: "name " + id})),
			filestoretest.ErrOf(s.CreateRun(t.Context(), mlruns.RunSpec{ID: "r" + id, ExperimentID: "e" + id})),
			s.LogMetric(t.Context(), "r"+id, mlruns.Metric{Key: "m", Value: 1, Time: time.UnixMilli(1)}),
			s.WriteArtifact(t.Context(), "r"+id, "a/b", strings.NewReader("artifact")))
	}
	return s
}

// movedWhole fails the test unless a run has its point and its artifact, and the stage.
func movedWhole(t *testing.T, s *filestore.Store, id string, stage mlruns.LifecycleStage) {
	t.Helper()
	run, err := s.Run(t.Context(), id)
	filestoretest.Must(t, err)
	r, err := s.OpenArtifact(t.Context(), id, "a/b")
	filestoretest.Must(t, err, r.Close())
	if run.Info.Stage != stage || run.Data.Metrics["m"].Value != 1 {
		t.Errorf("%+v, want it %s and with its point", run, stage)
	}
}

const paramsRead = 100

// readsWhile reads a run of so many params as another process would, whole each time, until it is
// stopped.
func readsWhile(t *testing.T, root, id string) (stop func()) {
	t.Helper()
	s, err := filestore.Open(root, filestore.WithReadOnly())
	filestoretest.Must(t, err)
	stopped := make(chan struct{})
	var reader sync.WaitGroup
	reader.Go(func() {
		for {
			select {
			case <-stopped:
				return
			default:
			}
			found := 0
			for run, err := range s.Runs(t.Context(), mlruns.RunQuery{View: mlruns.ViewAll, Experiments: []string{"e1"}}) {
				if err != nil || run.Info.ID == id && (len(run.Data.Metrics) != 1 || len(run.Data.Params) != paramsRead) {
					t.Errorf("read meanwhile: %+v, %v", run, err)
				} else if run.Info.ID == id {
					found++
				}
			}
			if run, err := s.Run(t.Context(), id); err != nil || len(run.Data.Params) != paramsRead || found != 1 {
				t.Errorf("found %d times meanwhile, and %+v, %v", found, run, err)
			}
		}
	})
	return func() { close(stopped); reader.Wait(); filestoretest.Must(t, s.Close()) }
}

// hasMode fails the test unless a copy has kept a mode, whatever the umask.
func hasMode(t *testing.T, name string, want fs.FileMode) {
	t.Helper()
	info, err := os.Stat(name)
	filestoretest.Must(t, err)
	if info.Mode() != want {
		t.Errorf("%s has the mode %v, want %v", name, info.Mode(), want)
	}
}

func removedBy(t *testing.T, s *filestore.Store) (paths []string, failed error) {
	t.Helper()
	for r, err := range s.GC(t.Context(), mlruns.GCQuery{}) {
		if err != nil {
			return paths, err
		}
		paths = append(paths, r.Path)
	}
	return paths, nil
}

// movesOnOverlay has a store in the lower layer of an overlay file system, which renames none of
// its folders.
func movesOnOverlay(t *testing.T, dir string) {
	for _, name := range []string{"upper", "work", "merged"} {
		filestoretest.Must(t, os.Mkdir(filepath.Join(dir, name), 0o777))
	}
	lower := filepath.Join(dir, "lower")
	below := storeToMove(t, filepath.Join(lower, "mlruns"))
	var many mlruns.Batch
	for i := range paramsRead {
		many.Params = append(many.Params, mlruns.Param{Key: strconv.Itoa(i), Value: "1"})
	}
	filestoretest.Must(t, below.LogBatch(t.Context(), "r1", many), below.DeleteRun(t.Context(), "r2"), os.Chmod(filepath.Join(lower, "mlruns", "e1", "r1", "params"), fs.ModeSetgid|0o775))
	merged := filepath.Join(dir, "merged")
	if !mount("overlay", merged, "overlay", 0, "redirect_dir=off,lowerdir="+lower+",upperdir="+filepath.Join(dir, "upper")+",workdir="+filepath.Join(dir, "work")) {
		return
	}
	defer func() { filestoretest.Must(t, syscall.Unmount(merged, 0)) }()
	root := filepath.Join(merged, "mlruns")
	if err := os.Rename(filepath.Join(root, "e2"), filepath.Join(root, "e3")); !errors.Is(err, syscall.EXDEV) {
		fmt.Println(cannot, "the overlay renames folders:", err)
		return
	}
	s, err := filestore.Open(root)
	filestoretest.Must(t, err)
	defer func() { filestoretest.Must(t, s.Close()) }()
	stopped := readsWhile(t, root, "r1")
	filestoretest.Must(t, s.DeleteExperiment(t.Context(), "e1"))
	stopped()
	movedWhole(t, s, "r1", mlruns.StageDeleted)
	hasMode(t, filepath.Join(root, ".trash", "e1", "r1", "params"), fs.ModeDir|fs.ModeSetgid|0o775)
	filestoretest.NoProblems(t, s)
	filestoretest.Must(t, s.RestoreExperiment(t.Context(), "e1"))
	movedWhole(t, s, "r1", mlruns.StageActive)
	filestoretest.NoProblems(t, s)
	removed, err := removedBy(t, s)
	if err != nil || len(removed) != 1 {
		t.Errorf("gc of a run removed %v, %v", removed, err)
	}
	filestoretest.Must(t, s.DeleteExperiment(t.Context(), "e2"), filestoretest.ErrOf(removedBy(t, s)))
	filestoretest.Must(t, filestoretest.ErrOf(s.CreateRun(t.Context(), mlruns.RunSpec{ExperimentID: "e1"})))
	if _, err := s.Experiment(t.Context(), "e2"); !errors.Is(err, mlruns.ErrNotFound) {
		t.Errorf("the experiment that was collected: %v", err)
	}
	filestoretest.NoProblems(t, s)
}

// movesOnMount has a file system mounted at an experiment.
func movesOnMount(t *testing.T, dir, kind, source string) {
	root := filepath.Join(dir, "mlruns")
	before := storeToMove(t, root)
	filestoretest.Must(t, before.Close())
	e1 := filepath.Join(root, "e1")
	held := filestoretest.ReadTree(t, e1)
	if source != "" {
		held.WriteTo(t, source)
	}
	flags := uintptr(0)
	if source != "" {
		flags = syscall.MS_BIND
	}
	if !mount(source, e1, kind, flags, "") {
		return
	}
	defer func() { _ = syscall.Unmount(e1, syscall.MNT_DETACH) }()
	if source == "" {
		held.WriteTo(t, e1)
	}
	s, err := filestore.Open(root)
	filestoretest.Must(t, err)
	defer func() { filestoretest.Must(t, s.Close()) }()
	filestoretest.Must(t, filestoretest.ErrOf(s.CreateRun(t.Context(), mlruns.RunSpec{ID: "new", ExperimentID: "e1"})),
		s.LogInputs(t.Context(), "new", mlruns.Inputs{Datasets: []mlruns.DatasetInput{{Dataset: mlruns.Dataset{Name: "d", Digest: "1"}}}}),
		s.LogOutputs(t.Context(), "new", mlruns.Outputs{Models: []mlruns.ModelOutput{{ModelID: "m-1"}}}),
		s.LogMetric(t.Context(), "new", mlruns.Metric{Key: "m", Value: 1}), s.WriteArtifact(t.Context(), "new", "a/b", strings.NewReader("x")))
	partsOnMount(t, s, e1)
	movedWhole(t, s, "new", mlruns.StageActive)
	was := filestoretest.WithoutLocks(filestoretest.ReadTree(t, root))
	if err := s.DeleteExperiment(t.Context(), "e1"); !errors.Is(err, syscall.EBUSY) || !strings.Contains(err.Error(), "unmount") {
		t.Errorf("deleting what is mounted: %v", err)
	}
	if diff := filestoretest.Changes(was, filestoretest.WithoutLocks(filestoretest.ReadTree(t, root))); diff != nil {
		t.Errorf("a refused deletion has changed %v", diff)
	}
	filestoretest.Must(t, s.DeleteRun(t.Context(), "new"))
	if removed, err := removedBy(t, s); err != nil || len(removed) != 1 {
		t.Errorf("gc of a run in it removed %v, %v", removed, err)
	}
	movedWhole(t, s, "r1", mlruns.StageActive)
	foreign := filepath.Join(e1, "r1", "metrics", ".DS_Store")
	filestoretest.Must(t, os.WriteFile(foreign, nil, 0o666), os.Chmod(foreign, 0o664))
	for _, err := range s.Repair(t.Context(), mlruns.RepairQuery{}) {
		filestoretest.Must(t, err)
	}
	saved, err := filepath.Glob(filepath.Join(root, ".mlruns.trash", "repaired-*", "e1", "r1", "metrics", ".DS_Store"))
	if err != nil || len(saved) != 1 {
		t.Fatalf("saved %v, %v", saved, err)
	}
	hasMode(t, saved[0], 0o664)
	filestoretest.NoProblems(t, s)
	filestoretest.Must(t, syscall.Unmount(e1, syscall.MNT_DETACH), s.DeleteExperiment(t.Context(), "e2"))
	trashed := filepath.Join(root, ".trash", "e2")
	if !mount("", trashed, "tmpfs", 0, "") {
		return
	}
	defer func() { _ = syscall.Unmount(trashed, syscall.MNT_DETACH) }()
	filestoretest.Tree{"meta.yaml": []byte(strings.NewReplacer("e1", "e2", "name 1", "name 2").Replace(string(held["meta.yaml"])))}.WriteTo(t, trashed)
	for what, err := range map[string]error{"gc": filestoretest.ErrOf(removedBy(t, s)), "restore": s.RestoreExperiment(t.Context(), "e2")} {
		if !errors.Is(err, syscall.EBUSY) || !strings.Contains(err.Error(), "unmount") {
			t.Errorf("%s of what is mounted in the trash: %v", what, err)
		}
	}
	if _, err := os.Stat(filepath.Join(trashed, "meta.yaml")); err != nil {
		t.Errorf("what is mounted in the trash has changed: %v", err)
	}
}

// partsOnMount makes, changes and removes logged models and traces in an experiment of another file
// system, where nothing can be renamed out of it.
func partsOnMount(t *testing.T, s *filestore.Store, experiment string) {
	ctx := t.Context()
	for _, id := range []string{"mod-1", "mod-2"} {
		filestoretest.Must(t, filestoretest.ErrOf(s.CreateLoggedModel(ctx, mlruns.ModelSpec{ID: id, ExperimentID: "e1", Params: map[string]string{"p": "1"}})),
			filestoretest.ErrOf(s.StartTrace(ctx, mlruns.Trace{ID: "tr-" + id, ExperimentID: "e1", State: mlruns.TraceOK, Tags: map[string]string{"t": "1"}})),
			s.SetLoggedModelTags(ctx, id, map[string]string{"t": "1"}), s.WriteModelArtifact(ctx, id, "a/b", strings.NewReader("x")),
			s.LogMetric(ctx, "new", mlruns.Metric{Key: "m", Value: 1, ModelID: id}), filestoretest.ErrOf(s.FinalizeLoggedModel(ctx, id, mlruns.ModelReady)))
	}
	filestoretest.NoProblems(t, s)
	if n, err := s.DeleteTraces(ctx, mlruns.TraceDeletion{ExperimentID: "e1", IDs: []string{"tr-mod-1"}}); n != 1 || err != nil {
		t.Errorf("%d traces deleted, %v", n, err)
	}
	filestoretest.Must(t, s.DeleteLoggedModel(ctx, "mod-1"))
	if removed, err := removedBy(t, s); err != nil || len(removed) != 1 {
		t.Errorf("gc of a model removed %v, %v", removed, err)
	}
	// as a gc and a deletion leave them that are interrupted
	for _, name := range []string{"models/mod-2/meta.yaml", "traces/tr-mod-2/trace_info.yaml"} {
		name = filepath.Join(experiment, filepath.FromSlash(name))
		filestoretest.Must(t, os.Rename(name, filepath.Join(filepath.Dir(name), ".mlruns-removed")))
	}
	if problems := filestoretest.Problems(t, s); len(problems) != 2 || problems[0].Kind != mlruns.ProblemLeftover || problems[1].Kind != mlruns.ProblemLeftover {
		t.Errorf("half-removed: %v", problems)
	}
	if removed, err := removedBy(t, s); err != nil || len(removed) != 2 {
		t.Errorf("gc of what was half-removed: %v, %v", removed, err)
	}
	for name := range filestoretest.ReadTree(t, experiment) {
		if strings.Contains(name, "mod-") || strings.Contains(name, ".mlruns-tmp-") {
			t.Errorf("%s is left", name)
		}
	}
}

// artifactsOnMount has a file system mounted at the artifacts of a run, and in them.
func artifactsOnMount(t *testing.T, dir string) {
	root := filepath.Join(dir, "mlruns")
	s := storeToMove(t, root)
	folder := filepath.Join(root, "e1", "r1", "artifacts")
	if !mount("", folder, "tmpfs", 0, "") {
		return
	}
	defer func() { _ = syscall.Unmount(folder, syscall.MNT_DETACH) }()
	in := filepath.Join(folder, "in")
	filestoretest.Must(t, s.WriteArtifact(t.Context(), "r1", "a/b", strings.NewReader("artifact")), os.Mkdir(in, 0o777))
	if !mount("", in, "tmpfs", 0, "") {
		return
	}
	defer func() { _ = syscall.Unmount(in, syscall.MNT_DETACH) }()
	filestoretest.Must(t, s.WriteArtifact(t.Context(), "r1", "in/deep/c", strings.NewReader("deep")), s.LogArtifacts(t.Context(), "r1", filepath.Join(root, "e2"), "in/tree"),
		s.WriteArtifact(t.Context(), "r1", "in/deep/c", strings.NewReader("deeper")))
	for name := range filestoretest.ReadTree(t, root) {
		if strings.Contains(name, ".mlruns-tmp-") {
			t.Errorf("%s is left", name)
		}
	}
	to := t.TempDir()
	filestoretest.Must(t, os.Mkdir(filepath.Join(to, "in"), 0o777))
	if !mount("", filepath.Join(to, "in"), "tmpfs", 0, "") {
		return
	}
	defer func() { _ = syscall.Unmount(filepath.Join(to, "in"), syscall.MNT_DETACH) }()
	filestoretest.Must(t, filestoretest.ErrOf(s.DownloadArtifacts(t.Context(), "r1", "", to)))
	if data, err := os.ReadFile(filepath.Join(to, "in", "deep", "c")); string(data) != "deeper" {
		t.Errorf("downloaded %q, %v", data, err)
	}
	before := filestoretest.ReadTree(t, folder)
	for _, path := range []string{"", "in"} {
		if err := s.DeleteArtifacts(t.Context(), "r1", path); !errors.Is(err, syscall.EBUSY) || !strings.Contains(err.Error(), "unmount") {
			t.Errorf("removing the artifacts %q: %v", path, err)
		}
	}
	filestoretest.Must(t, s.DeleteRun(t.Context(), "r1"))
	if removed, err := removedBy(t, s); !errors.Is(err, syscall.EBUSY) || removed != nil {
		t.Errorf("gc removed %v, %v", removed, err)
	}
	if diff := filestoretest.Changes(before, filestoretest.ReadTree(t, folder)); diff != nil {
		t.Errorf("refused, but: %v", diff)
	}
	movedWhole(t, s, "r1", mlruns.StageDeleted)
	// the kernel moves what is mounted below with it
	filestoretest.Must(t, s.DeleteExperiment(t.Context(), "e1"))
	movedWhole(t, s, "r1", mlruns.StageDeleted)
	filestoretest.NoProblems(t, s)
}
