//go:build unix

package crowd

import (
	"context"
	"errors"
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
	"github.com/mlruns/mlruns/internal/faultfs"
	"github.com/mlruns/mlruns/internal/rootfs"
)

// TestStaleHolders stops a process that holds a lock, and then kills it: a stopped one is waited
// for no longer than WithLockTimeout or the context says, a dead one not at all.
func TestStaleHolders(t *testing.T) {
	t.Parallel()
	dir, s := lockStore(t)
	holder := startLockTask(t, os.Args[0], "hold", dir, 0, nil)
	defer func() { _ = holder.Process.Kill() }()
	if said := holder.next(); said != "holding" {
		t.Fatalf("the holder says %q", said)
	}
	if err := holder.Process.Signal(syscall.SIGSTOP); err != nil {
		t.Fatal(err)
	}
	impatient := filestoretest.Open(t, dir, filestore.WithLockTimeout(100*time.Millisecond))
	wantBusy(t, impatient.SetTag(t.Context(), "shared", "k", "v"), "0/shared/.mlruns.lock")
	wantBusy(t, impatient.DeleteRun(t.Context(), "shared"), "0/shared/.mlruns.lock")
	if run, err := s.Run(t.Context(), "shared"); err != nil || run.Info.Stage != mlruns.StageActive {
		t.Errorf("reading beside a stopped writer: %v, %v", run, err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 100*time.Millisecond)
	defer cancel()
	if err := s.SetTag(ctx, "shared", "k", "v"); !errors.Is(err, mlruns.ErrBusy) || !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("with a deadline: %v, want ErrBusy and DeadlineExceeded", err)
	}
	if err := holder.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	_ = holder.Wait()
	if err := impatient.SetTag(t.Context(), "shared", "k", "v"); err != nil {
		t.Errorf("after the holder was killed: %v", err)
	}
	filestoretest.NoProblems(t, s, mlruns.ProblemLeftover)
}

// holdLock takes the lock of the run "shared" and keeps it until the process is killed.
func holdLock(t *testing.T, dir string, say func(string, ...any)) {
	root, err := rootfs.Open(filepath.Dir(dir), rootfs.Options{})
	if err != nil {
		t.Fatal(err)
	}
	s, err := filestore.Open("mlruns", filestore.WithFs(faultfs.New(root, func(op faultfs.Op) error {
		if op.Kind == faultfs.Rename && strings.HasSuffix(op.To, "tags/held") {
			say("holding")
			time.Sleep(time.Hour)
		}
		return nil
	})))
	if err != nil {
		t.Fatal(err)
	}
	t.Fatal("not held: ", s.SetTag(t.Context(), "shared", "held", "v"))
}

// TestLockFileOfAnotherUser writes, as another user, to a store whose folders all may write but
// whose lock files it may not.
func TestLockFileOfAnotherUser(t *testing.T) {
	t.Parallel()
	if os.Getuid() != 0 {
		t.Skip("only root can be another user")
	}
	top, err := os.MkdirTemp("", "mlruns")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(top) })
	binary, dir := filepath.Join(top, "test"), filepath.Join(top, "mlruns")
	data, err := os.ReadFile(os.Args[0])
	if err != nil {
		t.Fatal(err)
	}
	if err := errors.Join(os.Chmod(top, 0o755), os.WriteFile(binary, data, 0o755), os.Chmod(binary, 0o755)); err != nil {
		t.Fatal(err)
	}
	s := filestoretest.Open(t, dir)
	if _, err := s.CreateRun(t.Context(), mlruns.RunSpec{ID: "shared"}); err != nil {
		t.Fatal(err)
	}
	if err := s.SetTag(t.Context(), "shared", "k", "v"); err != nil { // makes the lock file
		t.Fatal(err)
	}
	err = filepath.Walk(dir, func(path string, info os.FileInfo, err error) error {
		mode := os.FileMode(0o777)
		if err == nil && strings.HasSuffix(path, ".lock") {
			mode = 0o644
		}
		return errors.Join(err, os.Chmod(path, mode))
	})
	if err != nil {
		t.Fatal(err)
	}
	nobody := startLockTask(t, binary, "log", dir, 0, func(cmd *exec.Cmd) {
		cmd.Dir = top
		cmd.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: 65534, Gid: 65534}}
	})
	said := strings.Join(finish(t, nobody)[0], "\n")
	for _, want := range []string{string(mlruns.CodePermissionDenied), "0/shared/.mlruns.lock", "permission denied", "let every user of the store write its folders and lock files"} {
		if !strings.Contains(said, want) {
			t.Errorf("another user is told %q, want %q in it", said, want)
		}
	}
	if strings.Contains(said, "WithLocking") {
		t.Errorf("another user is told %q, which takes the lock away", said)
	}
}
