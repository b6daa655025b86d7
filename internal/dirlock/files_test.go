package dirlock_test

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/gofrs/flock"

	"github.com/mlruns/mlruns/internal/dirlock"
	"github.com/mlruns/mlruns/internal/rootfs"
	"github.com/mlruns/mlruns/internal/vfs"
)

// elsewhere locks the file as another process would: past the mutex of this one.
func elsewhere(t *testing.T, path string) *flock.Flock {
	t.Helper()
	f := flock.New(path, flock.SetFlag(os.O_RDWR|os.O_CREATE))
	if ok, err := f.TryLock(); !ok || err != nil {
		t.Fatalf("TryLock(%s) = %v, %v", path, ok, err)
	}
	t.Cleanup(func() { _ = f.Unlock() })
	return f
}

// locking calls Lock in the background.
func locking(ctx context.Context, l *dirlock.Locker) <-chan error {
	done := make(chan error, 1)
	go func() {
		unlock, err := l.Lock(ctx, lockName)
		if err == nil {
			err = unlock()
		}
		done <- err
	}()
	return done
}

func wantBlocked(t *testing.T, done <-chan error) {
	t.Helper()
	select {
	case err := <-done:
		t.Fatalf("Lock returned %v, want it to wait", err)
	case <-time.After(50 * time.Millisecond):
	}
}

func TestWaitsForAnotherProcess(t *testing.T) {
	dir := newDir(t)
	held := elsewhere(t, filepath.Join(dir, "0", ".mlruns.lock"))
	done := locking(t.Context(), dirlock.New(open(t, dir, rootfs.Options{}), dirlock.Required, dirlock.Options{}))
	wantBlocked(t, done)
	if err := held.Unlock(); err != nil {
		t.Fatal(err)
	}
	if err := <-done; err != nil {
		t.Errorf("Lock after the release = %v", err)
	}
}

func TestBusyInAnotherProcess(t *testing.T) {
	dir := newDir(t)
	elsewhere(t, filepath.Join(dir, "0", ".mlruns.lock"))
	l := dirlock.New(open(t, dir, rootfs.Options{}), dirlock.Required, dirlock.Options{Timeout: 30 * time.Millisecond})
	if _, err := l.Lock(t.Context(), lockName); !errors.Is(err, dirlock.ErrBusy) {
		t.Errorf("Lock with a timeout = %v, want ErrBusy", err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	time.AfterFunc(10*time.Millisecond, cancel)
	if _, err := dirlock.New(open(t, dir, rootfs.Options{}), dirlock.Required, dirlock.Options{}).Lock(ctx, lockName); !errors.Is(err, context.Canceled) {
		t.Errorf("Lock cancelled = %v, want Canceled", err)
	}
}

// A program deletes the lock file while a waiter waits for it: the waiter locks the one that the
// name leads to, and does not hold the lock of a deleted file.
func TestLockFileDeleted(t *testing.T) {
	dir := newDir(t)
	path := filepath.Join(dir, "0", ".mlruns.lock")
	held := elsewhere(t, path)
	l := dirlock.New(open(t, dir, rootfs.Options{}), dirlock.Required, dirlock.Options{})
	done := locking(t.Context(), l)
	wantBlocked(t, done)
	if err := os.Remove(path); err != nil {
		t.Skip(err)
	}
	if err := <-done; err != nil {
		t.Fatalf("Lock of the new file: %v", err)
	}
	fresh := elsewhere(t, path) // it must be free, and be the one that counts
	done = locking(t.Context(), l)
	wantBlocked(t, done)
	if err := errors.Join(held.Unlock(), fresh.Unlock()); err != nil {
		t.Fatal(err)
	}
	if err := <-done; err != nil {
		t.Errorf("Lock = %v", err)
	}
}

func TestFolderRenamedWhileWaiting(t *testing.T) {
	dir := newDir(t)
	elsewhere(t, filepath.Join(dir, "0", ".mlruns.lock"))
	done := locking(t.Context(), dirlock.New(open(t, dir, rootfs.Options{}), dirlock.Required, dirlock.Options{}))
	wantBlocked(t, done)
	if err := os.Rename(filepath.Join(dir, "0"), filepath.Join(dir, "1")); err != nil {
		t.Skip(err)
	}
	if err := <-done; !errors.Is(err, dirlock.ErrGone) {
		t.Errorf("Lock = %v, want ErrGone", err)
	}
	if _, err := os.Stat(filepath.Join(dir, "0")); err == nil {
		t.Error("the folder was made again")
	}
}

func TestSymlinkedFolder(t *testing.T) {
	top := t.TempDir()
	dir, out := filepath.Join(top, "store"), filepath.Join(top, "out")
	for _, d := range []string{dir, out, filepath.Join(dir, "real")} {
		if err := os.Mkdir(d, 0o777); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.Symlink("../out", filepath.Join(dir, "0")); err != nil {
		t.Skip(err)
	}
	l := dirlock.New(open(t, dir, rootfs.Options{}), dirlock.Required, dirlock.Options{})
	if _, err := l.Lock(t.Context(), lockName); !errors.Is(err, vfs.ErrOutside) {
		t.Errorf("Lock through a link that leads out = %v, want ErrOutside", err)
	}
	if list, err := os.ReadDir(out); len(list) != 0 || err != nil {
		t.Errorf("made outside: %v, %v", list, err)
	}

	if err := errors.Join(os.Remove(filepath.Join(dir, "0")), os.Symlink("real", filepath.Join(dir, "0"))); err != nil {
		t.Fatal(err)
	}
	lock(t, l)()
	elsewhere(t, filepath.Join(dir, "real", ".mlruns.lock"))
	ctx, cancel := context.WithCancel(t.Context())
	done := locking(ctx, l)
	wantBlocked(t, done)
	cancel()
	if err := <-done; !errors.Is(err, context.Canceled) {
		t.Errorf("Lock = %v, want Canceled", err)
	}
}

// The lock file itself is a link: it is not followed.
func TestLockFileIsLink(t *testing.T) {
	if runtime.GOOS == "windows" {
		t.Skip("links are followed")
	}
	dir := newDir(t)
	if err := os.WriteFile(filepath.Join(dir, "target"), nil, 0o666); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink("../target", filepath.Join(dir, "0", ".mlruns.lock")); err != nil {
		t.Skip(err)
	}
	l := dirlock.New(open(t, dir, rootfs.Options{}), dirlock.Required, dirlock.Options{Timeout: time.Second})
	if unlock, err := l.Lock(t.Context(), lockName); err == nil || errors.Is(err, dirlock.ErrBusy) {
		t.Errorf("Lock of a link = %v, want an error at once", err)
		if unlock != nil {
			_ = unlock()
		}
	}
}

// A link that leads nowhere is not filled where it leads.
func TestLockFileIsDanglingLink(t *testing.T) {
	dir := newDir(t)
	if err := os.Symlink("../target", filepath.Join(dir, "0", ".mlruns.lock")); err != nil {
		t.Skip(err)
	}
	l := dirlock.New(open(t, dir, rootfs.Options{}), dirlock.Required, dirlock.Options{Timeout: time.Second})
	if unlock, err := l.Lock(t.Context(), lockName); err == nil {
		t.Error("Lock succeeded")
		_ = unlock()
	}
	if _, err := os.Lstat(filepath.Join(dir, "target")); err == nil {
		t.Error("Lock made the file that the link leads to")
	}
}

// The store is moved while it is open: the lock is that of the new place, or an error, and never
// none.
func TestStoreMoved(t *testing.T) {
	top := t.TempDir()
	dir, moved := filepath.Join(top, "a"), filepath.Join(top, "b")
	if err := os.MkdirAll(filepath.Join(dir, "0"), 0o777); err != nil {
		t.Fatal(err)
	}
	l := dirlock.New(open(t, dir, rootfs.Options{}), dirlock.Required, dirlock.Options{})
	lock(t, l)()
	if err := os.Rename(dir, moved); err != nil {
		t.Skip(err)
	}
	if runtime.GOOS == "linux" {
		lock(t, l)()
	}
	elsewhere(t, filepath.Join(moved, "0", ".mlruns.lock"))
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	if _, err := l.Lock(ctx, lockName); !errors.Is(err, dirlock.ErrBusy) {
		t.Errorf("Lock of a moved store = %v, want ErrBusy", err)
	}
}

// What is no regular file is named, and not opened.
func TestLockFileIsFolder(t *testing.T) {
	dir := newDir(t)
	if err := os.Mkdir(filepath.Join(dir, "0", ".mlruns.lock"), 0o777); err != nil {
		t.Fatal(err)
	}
	l := dirlock.New(open(t, dir, rootfs.Options{}), dirlock.Required, dirlock.Options{Timeout: time.Second})
	if _, err := l.Lock(t.Context(), lockName); !errors.Is(err, vfs.ErrNotRegular) || !strings.Contains(err.Error(), lockName) || !strings.Contains(err.Error(), "directory") {
		t.Errorf("Lock of a folder = %v, want ErrNotRegular that names it", err)
	}
}
