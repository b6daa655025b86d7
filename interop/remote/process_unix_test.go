//go:build interop && unix

package remote

import (
	"os"
	"os/exec"
	"os/user"
	"strconv"
	"syscall"
	"testing"
	"time"
)

// group starts a program in a group of its own, all of which is ended with it, as another user if
// one is named.
func group(cmd *exec.Cmd, as *user.User) {
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	if as != nil {
		uid, gid := ids(as)
		cmd.SysProcAttr.Credential = &syscall.Credential{Uid: uint32(uid), Gid: uint32(gid)}
	}
	if cmd.Cancel != nil {
		cmd.Cancel = func() error { return syscall.Kill(-cmd.Process.Pid, syscall.SIGINT) }
		cmd.WaitDelay = 20 * time.Second
	}
}

func give(t *testing.T, dir string, to *user.User) {
	t.Helper()
	uid, gid := ids(to)
	if err := os.Chown(dir, uid, gid); err != nil {
		t.Fatal(err)
	}
}

func ids(u *user.User) (uid, gid int) {
	uid, _ = strconv.Atoi(u.Uid)
	gid, _ = strconv.Atoi(u.Gid)
	return uid, gid
}
