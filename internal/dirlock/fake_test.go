package dirlock

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/mlruns/mlruns/internal/rootfs"
)

// brokenLock is a lock on a file system that has none.
type brokenLock struct {
	err   error
	tries *int
}

func (b brokenLock) TryLock() (bool, error)     { *b.tries++; return false, b.err }
func (b brokenLock) Unlock() error              { return nil }
func (b brokenLock) Stat() (fs.FileInfo, error) { return nil, b.err }

func brokenLocker(t *testing.T, mode Mode, err error, opts Options) (*Locker, *int) {
	t.Helper()
	dir := t.TempDir()
	if err := os.Mkdir(filepath.Join(dir, "0"), 0o777); err != nil {
		t.Fatal(err)
	}
	fsys, openErr := rootfs.Open(dir, rootfs.Options{})
	if openErr != nil {
		t.Fatal(openErr)
	}
	t.Cleanup(func() { _ = fsys.Close() })
	l, tries := New(fsys, mode, opts), new(int)
	l.openLock = func(string) fileLock { return brokenLock{err, tries} }
	return l, tries
}

func TestUnsupported(t *testing.T) {
	for _, errno := range []error{syscall.ENOLCK, syscall.ENOSYS, syscall.ENOTSUP, syscall.EOPNOTSUPP} {
		l, tries := brokenLocker(t, Required, errno, Options{})
		_, err := l.Lock(t.Context(), "0/lock")
		if !errors.Is(err, ErrUnsupported) || !errors.Is(err, errno) || !strings.Contains(err.Error(), "WithLocking") || !strings.Contains(err.Error(), "0/lock") {
			t.Errorf("Required, %v: %v, want ErrUnsupported that names WithLocking and the file", errno, err)
		}
		if *tries != 1 {
			t.Errorf("Required, %v: %d tries, want 1", errno, *tries)
		}

		var told []string
		l, _ = brokenLocker(t, BestEffort, errno, Options{OnUnlocked: func(name string, err error) {
			told = append(told, name)
			if !errors.Is(err, errno) {
				t.Errorf("OnUnlocked was given %v, want %v", err, errno)
			}
		}})
		n := 0
		var wg sync.WaitGroup
		for range 4 {
			wg.Go(func() {
				unlock, err := l.Lock(t.Context(), "0/lock")
				if err != nil {
					t.Errorf("BestEffort, %v: %v", errno, err)
					return
				}
				n++ // the race detector watches it
				if err := unlock(); err != nil {
					t.Errorf("unlock: %v", err)
				}
			})
		}
		wg.Wait()
		if n != 4 || len(told) != 1 {
			t.Errorf("BestEffort, %v: %d locks, OnUnlocked called %d times; want 4 and 1", errno, n, len(told))
		}

		l, tries = brokenLocker(t, None, errno, Options{})
		if unlock, err := l.Lock(t.Context(), "0/lock"); err != nil {
			t.Errorf("None, %v: %v", errno, err)
		} else if err = unlock(); err != nil || *tries != 0 {
			t.Errorf("None, %v: unlock %v, %d tries; want none", errno, err, *tries)
		}
	}
}

func TestOtherErrorsPass(t *testing.T) {
	for _, errno := range []error{syscall.EACCES, syscall.EROFS, syscall.EIO} {
		for _, mode := range []Mode{Required, BestEffort} {
			l, tries := brokenLocker(t, mode, errno, Options{})
			if _, err := l.Lock(t.Context(), "0/lock"); !errors.Is(err, errno) || *tries != 1 {
				t.Errorf("mode %v: %v after %d tries, want %v after one", mode, err, *tries, errno)
			}
		}
	}
}

// A lock file that keeps vanishing is given up, and not in a busy loop.
func TestNeverSpins(t *testing.T) {
	l, tries := brokenLocker(t, Required, fs.ErrNotExist, Options{Timeout: 100 * time.Millisecond})
	if _, err := l.Lock(t.Context(), "0/lock"); !errors.Is(err, ErrBusy) {
		t.Errorf("Lock = %v, want ErrBusy", err)
	}
	if *tries > 100 {
		t.Errorf("%d tries in 100 ms", *tries)
	}
}

// A failed Lock leaves the mutex free, and no entry behind.
func TestMutexIsFreed(t *testing.T) {
	l, _ := brokenLocker(t, Required, syscall.EIO, Options{Timeout: time.Second})
	for range 3 {
		if _, err := l.Lock(t.Context(), "0/lock"); !errors.Is(err, syscall.EIO) {
			t.Fatalf("Lock = %v, want EIO", err)
		}
	}
	mutexes.Lock()
	defer mutexes.Unlock()
	if n := len(mutexes.byKey); n != 0 {
		t.Errorf("%d mutexes left, want 0", n)
	}
}

// movingLock gets its lock at once, on another file than the name leads to for the first two times.
type movingLock struct {
	other, right fs.FileInfo
	tries, frees *int
}

func (m movingLock) TryLock() (bool, error) { *m.tries++; return true, nil }
func (m movingLock) Unlock() error          { *m.frees++; return nil }

func (m movingLock) Stat() (fs.FileInfo, error) {
	if *m.tries <= 2 {
		return m.other, nil
	}
	return m.right, nil
}

// What was locked is not what the name leads to: it is freed, and the lock taken again.
func TestOtherFileLocked(t *testing.T) {
	l, _ := brokenLocker(t, Required, nil, Options{Timeout: 10 * time.Second})
	m := movingLock{tries: new(int), frees: new(int)}
	l.openLock = func(path string) fileLock {
		var err error
		if m.right, err = os.Stat(path); err != nil {
			t.Fatal(err)
		}
		if m.other, err = os.Stat(filepath.Dir(path)); err != nil {
			t.Fatal(err)
		}
		return m
	}
	unlock, err := l.Lock(t.Context(), "0/lock")
	if err != nil {
		t.Fatal(err)
	}
	if *m.tries != 3 || *m.frees != 2 {
		t.Errorf("%d tries, %d freed; want 3 and 2", *m.tries, *m.frees)
	}
	if err := unlock(); err != nil || *m.frees != 3 {
		t.Errorf("unlock: %v, %d freed; want 3", err, *m.frees)
	}
}
