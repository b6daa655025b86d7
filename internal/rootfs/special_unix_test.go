//go:build unix

package rootfs

import (
	"errors"
	"net"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/mlruns/mlruns/internal/vfs"
)

func TestSpecialFiles(t *testing.T) {
	dir := t.TempDir()
	write(t, filepath.Join(dir, "d", "f"), "")
	if err := syscall.Mkfifo(filepath.Join(dir, "fifo"), 0o666); err != nil {
		t.Skip(err)
	}
	// A socket's path is short by force.
	short, err := os.MkdirTemp("", "s")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = os.RemoveAll(short) }()
	listener, err := net.Listen("unix", filepath.Join(short, "s"))
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = listener.Close() }()
	if err := os.Rename(filepath.Join(short, "s"), filepath.Join(dir, "socket")); err != nil {
		t.Skip(err)
	}
	symlink(t, "fifo", filepath.Join(dir, "link"))
	kinds := map[string]string{"fifo": "named pipe", "socket": "socket", "link": "named pipe", "d": "directory"}
	// of Linux, for root: one gives nothing, one has no end
	for name, number := range map[string]int{"null": 1<<8 | 3, "zero": 1<<8 | 5} {
		if runtime.GOOS != "linux" || syscall.Mknod(filepath.Join(dir, name), syscall.S_IFCHR|0o666, number) != nil {
			continue
		}
		// not where devices are shut out
		if device, err := os.Open(filepath.Join(dir, name)); err == nil {
			_ = device.Close()
			kinds[name] = "device"
		}
	}
	// Text waits in the pipe, for which nobody else has come.
	full, err := os.OpenFile(filepath.Join(dir, "fifo"), os.O_RDWR, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = full.Close() }()
	if _, err := full.WriteString("text"); err != nil {
		t.Fatal(err)
	}

	fsys := mustOpen(t, dir, Options{})
	done := make(chan struct{})
	go func() {
		defer close(done)
		folders := map[string]vfs.Folder{"root": mustRootFolder(t, fsys, "."), "platform": mustFolder(t, fsys, ".")}
		for name, kind := range kinds {
			check := func(call string, err error) {
				t.Helper()
				if !errors.Is(err, vfs.ErrNotRegular) || !strings.Contains(err.Error(), kind) {
					t.Errorf("%s(%s) = %v, want ErrNotRegular that says %s", call, name, err, kind)
				}
			}
			for label, folder := range folders {
				_, err := folder.Open(name)
				check(label+" folder Open", err)
				for _, room := range []int{0, 1, 4096} {
					_, err = folder.ReadFile(name, make([]byte, 0, room))
					check(label+" folder ReadFile", err)
					// has taken a file's place since the listing
					_, err = folder.ReadListed(name, make([]byte, 0, room), vfs.MaxReadFile)
					check(label+" folder ReadListed", err)
				}
			}
			if name == "d" || kind == "device" {
				continue
			}
			for _, flag := range []int{os.O_RDONLY, os.O_WRONLY, os.O_RDWR, os.O_APPEND | os.O_WRONLY | os.O_CREATE, os.O_TRUNC | os.O_WRONLY} {
				_, err := fsys.OpenFile(name, flag, 0o666)
				check("OpenFile", err)
			}
			if _, err := fsys.OpenFolder(name); !errors.Is(err, syscall.ENOTDIR) {
				t.Errorf("OpenFolder(%s) = %v, want ENOTDIR", name, err)
			}
			for label, folder := range folders {
				if _, err := folder.OpenFolder(name); !errors.Is(err, syscall.ENOTDIR) {
					t.Errorf("%s folder OpenFolder(%s) = %v, want ENOTDIR", label, name, err)
				}
			}
		}
	}()
	select {
	case <-done:
	case <-time.After(time.Minute):
		t.Fatal("a special file hangs the reader")
	}
	text := make([]byte, 5)
	if err := full.SetReadDeadline(time.Now().Add(time.Minute)); err != nil {
		t.Fatal(err)
	}
	if n, err := full.Read(text); string(text[:n]) != "text" {
		t.Errorf("%q waits in the pipe, %v; want text", text[:n], err)
	}
	if _, err := fsys.OpenFile("d", os.O_RDWR, 0); !errors.Is(err, syscall.EISDIR) {
		t.Errorf("open of a directory for writing = %v, want EISDIR", err)
	}
}
