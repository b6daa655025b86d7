package filestore_test

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/mlruns/mlruns"
	"github.com/mlruns/mlruns/filestore/internal/filestoretest"
)

func init() {
	tasks["read without permission"] = func(t *testing.T, dir string) {
		readsUnwritable(t, dir, func(err error) bool {
			return errors.Is(err, fs.ErrPermission) && mlruns.CodeOf(err) == mlruns.CodePermissionDenied
		})
	}
	tasks["read from a read-only mount"] = func(t *testing.T, dir string) {
		// Nothing of it is seen outside of this process, and it ends with it.
		err := syscall.Mount("", "/", "", syscall.MS_PRIVATE|syscall.MS_REC, "")
		if err == nil {
			err = syscall.Mount(dir, dir, "", syscall.MS_BIND, "")
		}
		if err == nil {
			err = syscall.Mount("", dir, "", syscall.MS_BIND|syscall.MS_REMOUNT|syscall.MS_RDONLY, "")
		}
		if err != nil {
			fmt.Println(cannot, err)
			return
		}
		readsUnwritable(t, dir, func(err error) bool { return errors.Is(err, mlruns.ErrReadOnly) && errors.Is(err, syscall.EROFS) })
	}
}

const cannot = "cannot be shown here:"

// unwritableTask does a task in a process of another kind than this, with the program and the store
// in a folder that anybody may read.
func unwritableTask(t *testing.T, task string, as *syscall.SysProcAttr) {
	t.Helper()
	top, err := os.MkdirTemp("", "mlruns-unwritable-")
	if err != nil {
		t.Fatal(err)
	}
	dir := filepath.Join(top, "mlruns")
	t.Cleanup(func() {
		filestoretest.ChmodTree(t, dir, 0o644, 0o755)
		if err := os.RemoveAll(top); err != nil {
			t.Error(err)
		}
	})
	filestoretest.ReadTree(t, preparedDir(t)).WriteTo(t, dir)
	program, err := os.ReadFile(os.Args[0])
	if err != nil {
		t.Fatal(err)
	}
	copied := filepath.Join(top, "program")
	if err := errors.Join(os.Chmod(top, 0o755), os.WriteFile(copied, program, 0o755)); err != nil {
		t.Fatal(err)
	}
	filestoretest.ChmodTree(t, dir, 0o444, 0o555)
	before := filestoretest.ReadTree(t, dir)
	cmd := exec.CommandContext(t.Context(), copied, "-test.run=^TestTask$", "-test.count=1")
	cmd.Dir = top
	cmd.Env = append(os.Environ(), filestoretest.EnvTask+"="+task, filestoretest.EnvDir+"="+dir, filestoretest.EnvID+"=0", "TMPDIR=/tmp")
	cmd.SysProcAttr = as
	out, err := cmd.CombinedOutput()
	if errors.Is(err, syscall.EPERM) || errors.Is(err, syscall.EACCES) || strings.Contains(string(out), cannot) {
		t.Skipf("%v %s", err, out)
	}
	if err != nil {
		t.Errorf("%v\n%s", err, out)
	}
	if diff := filestoretest.Changes(before, filestoretest.ReadTree(t, dir)); diff != nil {
		t.Errorf("the store has changed: %v", diff)
	}
}

// TestReadsWithoutPermission reads as a user who may write nothing.
func TestReadsWithoutPermission(t *testing.T) {
	as := &syscall.SysProcAttr{}
	if os.Geteuid() == 0 {
		as.Credential = &syscall.Credential{Uid: 65534, Gid: 65534}
	}
	unwritableTask(t, "read without permission", as)
}

// TestReadsFromReadOnlyMount reads a store on a mount that is read-only.
func TestReadsFromReadOnlyMount(t *testing.T) {
	unwritableTask(t, "read from a read-only mount", ownMounts())
}
