package main

import (
	"bufio"
	"encoding/binary"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// TestSecondInterruptWhileAMountHangs looks at a store whose file system never answers, as a
// network drive whose server is gone. The first signal cannot end the call that waits; the second
// must end the process.
func TestSecondInterruptWhileAMountHangs(t *testing.T) {
	for _, sig := range []syscall.Signal{syscall.SIGINT, syscall.SIGTERM} {
		for _, args := range [][]string{{"store", "verify"}, {"runs", "search"}, {"experiments", "create", "x"}} {
			t.Run(fmt.Sprint(sig, args), func(t *testing.T) {
				t.Parallel()
				dir := t.TempDir()
				hung := mountHanging(t, dir)
				cmd := exec.Command("mlruns", append(args, "--store", filepath.Join(dir, "mlruns"))...)
				errs, err := cmd.StderrPipe()
				if err != nil {
					t.Fatal(err)
				}
				if err := cmd.Start(); err != nil {
					t.Fatal(err)
				}
				hung(t)
				if err := cmd.Process.Signal(sig); err != nil {
					t.Fatal(err)
				}
				// it has seen the first when it says so
				if line, err := bufio.NewReader(errs).ReadString('\n'); !strings.Contains(line, "interrupt once more to end at once") {
					t.Errorf("standard error has %q, %v", line, err)
				}
				ended := make(chan error, 1)
				go func() { ended <- cmd.Wait() }()
				if err := cmd.Process.Signal(sig); err != nil {
					t.Fatal(err)
				}
				select {
				case err := <-ended:
					if err == nil {
						t.Error("exits with 0, want a failure")
					}
				case <-time.After(atMost):
					t.Error("two signals and the process is still there")
					_ = cmd.Process.Kill()
					<-ended
				}
			})
		}
	}
}

// mountHanging mounts a file system in dir that answers nothing but the mount. It gives a function
// that waits until somebody waits for an answer.
func mountHanging(t *testing.T, dir string) (hung func(t *testing.T)) {
	t.Helper()
	dev, err := os.OpenFile("/dev/fuse", os.O_RDWR, 0)
	if err != nil {
		t.Skipf("no FUSE here: %v", err)
	}
	fd := int(dev.Fd())
	options := fmt.Sprintf("fd=%d,rootmode=40000,user_id=%d,group_id=%d", fd, os.Getuid(), os.Getgid())
	if err := unix.Mount("hanging", dir, "fuse", 0, options); err != nil {
		_ = dev.Close()
		t.Skipf("no right to mount: %v", err)
	}
	t.Cleanup(func() {
		_ = dev.Close() // what still waits fails now
		if err := unix.Unmount(dir, unix.MNT_DETACH); err != nil {
			t.Error(err)
		}
	})
	request := make([]byte, 64<<10)
	if _, err := unix.Read(fd, request); err != nil {
		t.Fatal(err)
	}
	answer := make([]byte, 16+24)
	binary.NativeEndian.PutUint32(answer, uint32(len(answer)))
	copy(answer[8:16], request[8:16])              // which request
	binary.NativeEndian.PutUint32(answer[16:], 7)  // the protocol
	binary.NativeEndian.PutUint32(answer[20:], 22) // its version with this length of the answer
	if _, err := unix.Write(fd, answer); err != nil {
		t.Fatal(err)
	}
	return func(t *testing.T) {
		t.Helper()
		n, err := -1, error(unix.EINTR) // by a signal of Go's scheduler
		for err == unix.EINTR {
			n, err = unix.Poll([]unix.PollFd{{Fd: int32(fd), Events: unix.POLLIN}}, int(atMost/time.Millisecond))
		}
		if err != nil || n != 1 {
			t.Fatalf("nobody asks the file system: %d, %v", n, err)
		}
	}
}
