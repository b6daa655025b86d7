package filestore_test

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/mlruns/mlruns"
	"github.com/mlruns/mlruns/filestore"
	"github.com/mlruns/mlruns/filestore/internal/filestoretest"
	"github.com/mlruns/mlruns/internal/drive"
)

// The tests of this file mount real file systems. They need root, a kernel that has them and the
// tools that make them; without these they are skipped. Each runs in a process with mounts of its
// own, which end with it.

const envOwnMounts = "MLRUNS_TEST_OWN_MOUNTS"

// inOwnMounts is false in the process that the test was started in: another does it then, and
// inOwnMounts tells how it went. tools are programs that it needs.
func inOwnMounts(t *testing.T, tools ...string) bool {
	t.Helper()
	if os.Getenv(envOwnMounts) != "" {
		if err := syscall.Mount("", "/", "", syscall.MS_PRIVATE|syscall.MS_REC, ""); err != nil {
			t.Skip(err)
		}
		return true
	}
	if os.Getuid() != 0 {
		t.Skip("only root mounts file systems")
	}
	for _, tool := range tools {
		if _, err := exec.LookPath(tool); err != nil {
			t.Skip(err)
		}
	}
	t.Parallel()
	cmd := exec.CommandContext(t.Context(), os.Args[0], "-test.run=^"+t.Name()+"$", "-test.count=1", "-test.v")
	cmd.Env = append(os.Environ(), envOwnMounts+"=1")
	cmd.SysProcAttr = &syscall.SysProcAttr{Cloneflags: syscall.CLONE_NEWNS}
	out, err := cmd.CombinedOutput()
	switch {
	case errors.Is(err, syscall.EPERM), err == nil && bytes.Contains(out, []byte("--- SKIP")):
		t.Skipf("%v %s", err, out)
	case err != nil:
		t.Errorf("%v\n%s", err, out)
	}
	return false
}

// have runs a tool. Where it fails the machine does not have what is to be tested.
func have(t *testing.T, name string, args ...string) string {
	t.Helper()
	out, err := exec.CommandContext(t.Context(), name, args...).CombinedOutput()
	if err != nil {
		t.Skipf("%s: %v %s", name, err, out)
	}
	return strings.TrimSpace(string(out))
}

// mountPoint makes a folder that is no mount any more when the test ends.
func mountPoint(t *testing.T) string {
	t.Helper()
	dir := filepath.Join(t.TempDir(), "mount")
	if err := os.Mkdir(dir, 0o777); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = syscall.Unmount(dir, syscall.MNT_DETACH) })
	return dir
}

// disk makes a file of a size that is to be a disk.
func disk(t *testing.T, size int64) string {
	t.Helper()
	name := filepath.Join(t.TempDir(), "disk")
	if err := errors.Join(os.WriteFile(name, nil, 0o666), os.Truncate(name, size)); err != nil {
		t.Fatal(err)
	}
	return name
}

// used makes a run in a store and writes to it in every way.
func used(t *testing.T, s *filestore.Store, experiment string) string {
	t.Helper()
	ctx := t.Context()
	e, err := mlruns.NewClient(s).GetOrCreateExperiment(ctx, experiment)
	if err != nil {
		t.Fatal(err)
	}
	run, err := s.CreateRun(ctx, mlruns.RunSpec{ExperimentID: e.ID, Name: "first", Tags: map[string]string{"made": "here"}})
	if err != nil {
		t.Fatal(err)
	}
	id := run.Info.ID
	for step := range int64(5) {
		err = errors.Join(err, s.LogMetric(ctx, id, mlruns.Metric{Key: "loss", Value: 1, Step: step, Time: time.UnixMilli(1)}))
	}
	err = errors.Join(err, s.LogParam(ctx, id, "opt/lr", "0.1"), s.SetTag(ctx, id, "k", "v"), s.SetTag(ctx, id, "k", "w"), s.SetTag(ctx, id, "gone", "v"), s.DeleteTag(ctx, id, "gone"),
		s.LogInputs(ctx, id, mlruns.Inputs{Models: []mlruns.ModelInput{{ModelID: "m-1"}}}), s.WriteArtifact(ctx, id, "a/b.txt", strings.NewReader("text")),
		s.UpdateRun(ctx, id, mlruns.RunUpdate{Name: "second"}), s.UpdateRun(ctx, id, mlruns.RunUpdate{Status: mlruns.StatusFinished}))
	if err != nil {
		t.Fatal(err)
	}
	return id
}

// wantUsed checks that a run is as used left it.
func wantUsed(t *testing.T, s *filestore.Store, id string) {
	t.Helper()
	run, err := s.Run(t.Context(), id)
	if err != nil {
		t.Fatal(err)
	}
	got := fmt.Sprint(run.Info.Name, run.Info.Status, run.Data.Params, run.Data.Tags["k"], run.Data.Tags["gone"], run.Data.Metrics["loss"].Step, len(run.Problems))
	if want := fmt.Sprint("second", mlruns.StatusFinished, map[string]string{"opt/lr": "0.1"}, "w", "", 4, 0); got != want {
		t.Errorf("the run is %s, want %s", got, want)
	}
	points := 0
	for _, err := range s.MetricHistory(t.Context(), id, "loss", mlruns.HistoryQuery{}) {
		if err != nil {
			t.Error(err)
		}
		points++
	}
	if points != 5 {
		t.Errorf("%d points, want 5", points)
	}
}

func wantDrive(t *testing.T, s *filestore.Store, want filestore.Drive) {
	t.Helper()
	got := s.Drive()
	if want.LocksMayBeLocal && got.LockWarning != "" {
		want.LockWarning = got.LockWarning
	}
	if got != want {
		t.Errorf("the drive is %+v, want %+v", got, want)
	}
}

// TestDriveSquashfs reads a store on media that cannot be written, and is told so when it writes.
func TestDriveSquashfs(t *testing.T) {
	if !inOwnMounts(t, "mksquashfs", "mount") {
		return
	}
	from := filepath.Join(t.TempDir(), "mlruns")
	s := filestoretest.Open(t, from)
	id := used(t, s, "sweep")
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	image, at := filepath.Join(t.TempDir(), "image"), mountPoint(t)
	have(t, "mksquashfs", from, image, "-quiet", "-no-progress")
	have(t, "mount", "-t", "squashfs", "-o", "loop,ro", image, at)

	want := filestore.Drive{FileSystem: "squashfs", ReadOnlyMedia: true}
	for _, opts := range [][]filestore.Option{{filestore.WithReadOnly()}, nil} {
		s := filestoretest.Open(t, at, opts...)
		wantDrive(t, s, want)
		wantUsed(t, s, id)
		filestoretest.NoProblems(t, s)
		ctx := t.Context()
		for what, err := range map[string]error{
			"create an experiment": filestoretest.ErrOf(s.CreateExperiment(ctx, mlruns.ExperimentSpec{Name: "new"})),
			"create a run":         filestoretest.ErrOf(s.CreateRun(ctx, mlruns.RunSpec{})),
			"log a point":          s.LogMetric(ctx, id, mlruns.Metric{Key: "loss", Value: 2}),
			"set a tag":            s.SetTag(ctx, id, "k", "x"),
			"delete a run":         s.DeleteRun(ctx, id),
		} {
			if !errors.Is(err, mlruns.ErrReadOnly) {
				t.Errorf("%s: %v, want %v", what, err, mlruns.ErrReadOnly)
			}
		}
	}
}

// TestDriveOverlay writes to a store of which all lies in the lower layer, as in a container's
// image.
func TestDriveOverlay(t *testing.T) {
	if !inOwnMounts(t) {
		return
	}
	top, at := t.TempDir(), mountPoint(t)
	lower, upper, work := filepath.Join(top, "lower"), filepath.Join(top, "upper"), filepath.Join(top, "work")
	if err := errors.Join(os.Mkdir(upper, 0o777), os.Mkdir(work, 0o777)); err != nil {
		t.Fatal(err)
	}
	s := filestoretest.Open(t, filepath.Join(lower, "mlruns"))
	old := used(t, s, "sweep")
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	before := filestoretest.ReadTree(t, lower)
	if err := syscall.Mount("overlay", at, "overlay", 0, "lowerdir="+lower+",upperdir="+upper+",workdir="+work); err != nil {
		t.Skip(err)
	}
	s, other := filestoretest.Open(t, filepath.Join(at, "mlruns")), filestoretest.Open(t, filepath.Join(at, "mlruns"))
	wantDrive(t, s, filestore.Drive{FileSystem: "overlay"})
	wantUsed(t, s, old)
	// in turn, so that each holds files that the other has changed, or brought to the upper layer
	for step := range int64(4) {
		for i, writer := range []*filestore.Store{s, other} {
			if err := writer.LogMetric(t.Context(), old, mlruns.Metric{Key: "loss", Value: 1, Step: 5 + 2*step + int64(i), Time: time.UnixMilli(1)}); err != nil {
				t.Fatal(err)
			}
		}
	}
	points := 0
	for m, err := range other.MetricHistory(t.Context(), old, "loss", mlruns.HistoryQuery{}) {
		if err != nil || m.Step != int64(points) {
			t.Errorf("point %d has the step %d, %v", points, m.Step, err)
		}
		points++
	}
	if points != 13 {
		t.Errorf("%d points, want 13", points)
	}
	if err := s.SetTag(t.Context(), old, "k", "x"); err != nil {
		t.Error(err)
	}
	wantUsed(t, other, used(t, s, "sweep"))
	wantUsed(t, s, used(t, other, "in the upper layer"))
	filestoretest.NoProblems(t, s)
	if diff := filestoretest.Changes(before, filestoretest.ReadTree(t, lower)); diff != nil {
		t.Errorf("the lower layer has changed: %v", diff)
	}
}

// TestDriveFull fills a small disk to its last block while a run is logged. What was acknowledged
// is there, nothing is torn, and with room again it goes on.
func TestDriveFull(t *testing.T) {
	if !inOwnMounts(t, "mkfs.ext4", "mount") {
		return
	}
	image, at := disk(t, 4<<20), mountPoint(t)
	have(t, "mkfs.ext4", "-q", "-F", "-m", "0", "-O", "^has_journal", image)
	have(t, "mount", "-t", "ext4", "-o", "loop", image, at)
	s := filestoretest.Open(t, filepath.Join(at, "mlruns"))
	wantDrive(t, s, filestore.Drive{FileSystem: "ext4"})
	id := used(t, s, "sweep")
	run, err := s.CreateRun(t.Context(), mlruns.RunSpec{ID: "full"})
	if err != nil {
		t.Fatal(err)
	}
	filler := filepath.Join(at, "filler")
	block := make([]byte, 4<<10)
	f, err := os.Create(filler)
	if err != nil {
		t.Fatal(err)
	}
	for err == nil {
		_, err = f.Write(block)
	}
	info, statErr := f.Stat()
	if err := errors.Join(statErr, f.Truncate(info.Size()-6*int64(len(block))), f.Close()); err != nil {
		t.Fatal(err)
	}
	logged, failures := 0, 0
	for step := range int64(2000) {
		err := s.LogBatch(t.Context(), run.Info.ID, mlruns.Batch{Metrics: []mlruns.Metric{{Key: "loss", Value: 0.123456789012345, Step: step, Time: time.UnixMilli(1)}}})
		switch {
		case err == nil && failures == 0:
			logged++
		case errors.Is(err, syscall.ENOSPC):
			failures++
		case err != nil:
			t.Fatal(err)
		}
		if failures == 3 {
			break
		}
	}
	if failures == 0 {
		t.Fatal("the disk was not full")
	}
	wantPoints := func(want int) {
		t.Helper()
		points := 0
		for m, err := range s.MetricHistory(t.Context(), run.Info.ID, "loss", mlruns.HistoryQuery{}) {
			if err != nil || m.Step != int64(points) {
				t.Fatalf("point %d has the step %d, %v", points, m.Step, err)
			}
			points++
		}
		if points != want {
			t.Errorf("%d points, want %d", points, want)
		}
	}
	wantPoints(logged)
	for what, err := range map[string]error{
		"log a param":          s.LogParam(t.Context(), run.Info.ID, "p", strings.Repeat("x", 5000)),
		"create an experiment": filestoretest.ErrOf(s.CreateExperiment(t.Context(), mlruns.ExperimentSpec{Name: "new"})),
	} {
		if !errors.Is(err, syscall.ENOSPC) {
			t.Errorf("%s: %v, want %v", what, err, syscall.ENOSPC)
		}
	}
	filestoretest.NoProblems(t, s)
	if err := os.Remove(filler); err != nil {
		t.Fatal(err)
	}
	if err := s.LogMetric(t.Context(), run.Info.ID, mlruns.Metric{Key: "loss", Value: 1, Step: int64(logged), Time: time.UnixMilli(1)}); err != nil {
		t.Fatal(err)
	}
	wantPoints(logged + 1)
	wantUsed(t, s, id)
	filestoretest.NoProblems(t, s)
}

// TestDriveExfatFUSE uses a stick: no hard links, no modes, one program of user space that has the
// disk.
func TestDriveExfatFUSE(t *testing.T) {
	if !inOwnMounts(t, "mkfs.exfat", "mount.exfat-fuse", "losetup") {
		return
	}
	image, at := disk(t, 16<<20), mountPoint(t)
	have(t, "mkfs.exfat", image)
	device := have(t, "losetup", "--find", "--show", image)
	t.Cleanup(func() { _ = exec.Command("losetup", "--detach", device).Run() })
	serve(t, at, "mount.exfat-fuse", "-d", device, at)
	s, other := filestoretest.Open(t, filepath.Join(at, "mlruns")), filestoretest.Open(t, filepath.Join(at, "mlruns"))
	wantDrive(t, s, filestore.Drive{FileSystem: "fuseblk"})
	wantUsed(t, other, used(t, s, "sweep"))
	wantUsed(t, s, used(t, other, "sweep"))
	filestoretest.NoProblems(t, s)
}

// TestDriveTwoFUSEMounts has one folder in two mounts: it says of each that locks are its own,
// which is why.
func TestDriveTwoFUSEMounts(t *testing.T) {
	if !inOwnMounts(t, "bindfs") {
		return
	}
	below := filepath.Join(t.TempDir(), "mlruns")
	filestoretest.Open(t, below)
	var mounts []string
	for range 2 {
		at := mountPoint(t)
		serve(t, at, "bindfs", "-f", below, at)
		s := filestoretest.Open(t, at)
		wantDrive(t, s, filestore.Drive{FileSystem: s.Drive().FileSystem, LocksMayBeLocal: true})
		if kind := s.Drive().FileSystem; !strings.HasPrefix(kind, "fuse") || s.Drive().LockWarning == "" {
			t.Errorf("the drive is %+v", s.Drive())
		}
		wantUsed(t, s, used(t, s, "sweep"))
		filestoretest.NoProblems(t, s)
		mounts = append(mounts, at)
	}
	var files []*os.File
	for _, at := range mounts {
		f, err := os.OpenFile(filepath.Join(at, ".mlruns.lock"), os.O_RDWR, 0)
		if err != nil {
			t.Fatal(err)
		}
		defer f.Close()
		files = append(files, f)
	}
	if err := errors.Join(syscall.Flock(int(files[0].Fd()), syscall.LOCK_EX|syscall.LOCK_NB), syscall.Flock(int(files[1].Fd()), syscall.LOCK_EX|syscall.LOCK_NB)); err != nil {
		t.Errorf("two mounts exclude each other, and the warning is for nothing: %v", err)
	}
}

// TestDriveOfOneExperiment has an experiment on a drive of its own, mounted in the store or linked
// to: its runs' locks are no better than that drive's.
func TestDriveOfOneExperiment(t *testing.T) {
	if !inOwnMounts(t, "bindfs") {
		return
	}
	top := t.TempDir()
	store, far, near := filepath.Join(top, "mlruns"), filepath.Join(top, "far"), mountPoint(t)
	s := filestoretest.Open(t, store)
	e, err := s.CreateExperiment(t.Context(), mlruns.ExperimentSpec{ID: "e1", Name: "far"})
	if err := errors.Join(err, s.Close(), os.Rename(filepath.Join(store, "e1"), far), os.Mkdir(filepath.Join(store, "e1"), 0o777)); err != nil {
		t.Fatal(err)
	}
	wantWeak := func(s *filestore.Store, place string) {
		t.Helper()
		if d := s.Drive(); !d.LocksMayBeLocal || !strings.Contains(d.LockWarning, place+" is on another drive") {
			t.Errorf("the drive is %+v, want a warning of %s", d, place)
		}
		// who cannot move a folder to another drive makes none there
		if run, err := s.CreateRun(t.Context(), mlruns.RunSpec{ExperimentID: e.ID}); err == nil {
			if err := s.LogMetric(t.Context(), run.Info.ID, mlruns.Metric{Key: "loss", Value: 1}); err != nil {
				t.Error(err)
			}
		}
		filestoretest.NoProblems(t, s, mlruns.ProblemLeftover)
	}
	serve(t, near, "bindfs", "-f", far, near)
	at := filepath.Join(store, "e1")
	if err := syscall.Mount(near, at, "", syscall.MS_BIND, ""); err != nil {
		t.Skip(err)
	}
	wantWeak(filestoretest.Open(t, store), at)
	if err := errors.Join(syscall.Unmount(at, syscall.MNT_DETACH), os.Remove(at), os.Symlink(near, at)); err != nil {
		t.Fatal(err)
	}
	wantDrive(t, filestoretest.Open(t, store), filestore.Drive{FileSystem: drive.At(store).Kind})
	wantWeak(filestoretest.Open(t, store, filestore.WithLinkTargets(near)), near)
}

// serve starts the program of a FUSE file system, which ends with the test, and waits until it is
// mounted.
func serve(t *testing.T, at, name string, args ...string) {
	t.Helper()
	before := drive.At(at)
	cmd := exec.Command(name, args...)
	cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	if err := cmd.Start(); err != nil {
		t.Skip(err)
	}
	ended := make(chan error, 1)
	go func() { ended <- cmd.Wait() }()
	t.Cleanup(func() {
		_ = syscall.Unmount(at, syscall.MNT_DETACH)
		_ = cmd.Process.Kill()
		<-ended
	})
	for range 500 {
		select {
		case err := <-ended:
			ended <- err
			t.Skipf("%s: %v", name, err)
		case <-time.After(10 * time.Millisecond):
		}
		if drive.At(at) != before {
			return
		}
	}
	t.Fatalf("%s has mounted nothing", name)
}
