package dirlock

import (
	"context"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"
	"testing/synctest"
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
	for _, errno := range []error{&fs.PathError{Op: "open", Path: "x", Err: syscall.EACCES}, syscall.EROFS, syscall.EINVAL} {
		for _, mode := range []Mode{Required, BestEffort} {
			l, tries := brokenLocker(t, mode, errno, Options{})
			age(t, l)
			if _, err := l.Lock(t.Context(), "0/lock"); !errors.Is(err, errno) || *tries != 1 {
				t.Errorf("mode %v: %v after %d tries, want %v after one", mode, err, *tries, errno)
			} else if strings.Contains(err.Error(), "WithLocking") {
				t.Errorf("%q advises to do without locks", err)
			}
		}
	}
}

// age makes the lock file one that was made long ago.
func age(t *testing.T, l *Locker) {
	t.Helper()
	path, err := l.makeFile("0/lock")
	if err == nil {
		long := time.Now().Add(-time.Hour)
		err = os.Chtimes(path, long, long)
	}
	if err != nil {
		t.Fatal(err)
	}
}

// answers is a lock that gives an answer each time, and is to be had when there are no more.
type answers struct {
	path string
	list *[]error
	free error
}

func (a answers) TryLock() (bool, error) {
	if len(*a.list) == 0 {
		return true, nil
	}
	err := (*a.list)[0]
	*a.list = (*a.list)[1:]
	return false, err
}

func (a answers) Unlock() error              { return a.free }
func (a answers) Stat() (fs.FileInfo, error) { return os.Stat(a.path) }

// answerLocker has locks that give the answers.
func answerLocker(t *testing.T, mode Mode, opts Options, free error, list ...error) *Locker {
	t.Helper()
	l, _ := brokenLocker(t, mode, nil, opts)
	l.openLock = func(path string) fileLock { return answers{path, &list, free} }
	return l
}

// busyAnswers are those of a lock that somebody holds, or that a file server which was away cannot
// give yet.
var busyAnswers = []error{
	syscall.EACCES, // SMB
	syscall.EAGAIN,
	&fs.PathError{Op: "open", Path: "lock", Err: syscall.EAGAIN}, // leased
	syscall.EIO, syscall.ESTALE, syscall.EBADF, syscall.ENOTCONN, syscall.EHOSTDOWN, syscall.ETIMEDOUT, syscall.ECONNRESET,
	&fs.PathError{Op: "open", Path: "lock", Err: syscall.ESTALE},
}

// TestBusyAnswersAreWaitedFor has a file system say in its own words that a lock is not to be had
// now: the lock is waited for, and got.
func TestBusyAnswersAreWaitedFor(t *testing.T) {
	if runtime.GOOS == "windows" {
		t.Skip("the answers of Unix")
	}
	synctest.Test(t, func(t *testing.T) {
		for _, answer := range busyAnswers {
			for _, mode := range []Mode{Required, BestEffort} {
				l := answerLocker(t, mode, Options{Timeout: 10 * time.Second, OnUnlocked: func(string, error) { t.Errorf("%v: went on without a lock", answer) }}, nil, answer, answer, answer)
				unlock, err := l.Lock(t.Context(), "0/lock")
				if err != nil {
					t.Errorf("mode %v, %v: %v", mode, answer, err)
					continue
				}
				if err := unlock(); err != nil {
					t.Error(err)
				}
			}
		}
	})
}

// TestBusyAnswersEndAsBusy has them go on: the error is ErrBusy, names the last answer, and advises
// nobody to give up on locks.
func TestBusyAnswersEndAsBusy(t *testing.T) {
	if runtime.GOOS == "windows" {
		t.Skip("the answers of Unix")
	}
	synctest.Test(t, func(t *testing.T) {
		for _, answer := range busyAnswers {
			l, tries := brokenLocker(t, Required, answer, Options{Timeout: 20 * time.Millisecond})
			_, err := l.Lock(t.Context(), "0/lock")
			if !errors.Is(err, ErrBusy) || *tries > 0 && !errors.Is(err, answer) || strings.Contains(err.Error(), "WithLocking") || !strings.Contains(err.Error(), "0/lock") {
				t.Errorf("%v: %v, want ErrBusy with the answer", answer, err)
			}
			ctx, cancel := context.WithTimeout(t.Context(), 20*time.Millisecond)
			l, tries = brokenLocker(t, Required, answer, Options{})
			if _, err := l.Lock(ctx, "0/lock"); !errors.Is(err, ErrBusy) || !errors.Is(err, context.DeadlineExceeded) || *tries > 0 && !errors.Is(err, answer) {
				t.Errorf("%v with a deadline: %v, want ErrBusy, the deadline and the answer", answer, err)
			}
			cancel()
		}
	})
}

// TestLocksThatWorkedBefore has a file system that gave a lock say that it has none: that is an
// outage, and no leave to go on without.
func TestLocksThatWorkedBefore(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		for _, answer := range []error{syscall.ENOLCK, syscall.EOPNOTSUPP} {
			for _, mode := range []Mode{Required, BestEffort} {
				var list []error
				l, _ := brokenLocker(t, mode, nil, Options{Timeout: 50 * time.Millisecond, OnUnlocked: func(string, error) { t.Errorf("%v: went on without a lock", answer) }})
				l.openLock = func(path string) fileLock { return answers{path, &list, nil} }
				for range 2 {
					unlock, err := l.Lock(t.Context(), "0/lock")
					if err != nil {
						t.Fatalf("mode %v, %v: %v", mode, answer, err)
					}
					if err := unlock(); err != nil {
						t.Error(err)
					}
					list = []error{answer, answer}
				}
				list = slices.Repeat([]error{answer}, 1000)
				if _, err := l.Lock(t.Context(), "0/lock"); !errors.Is(err, ErrBusy) || !errors.Is(err, answer) || errors.Is(err, ErrUnsupported) {
					t.Errorf("mode %v: %v, want ErrBusy with %v", mode, err, answer)
				}
			}
		}
	})
}

// TestLockLostWhileHeld frees a lock that the file server no longer knows.
func TestLockLostWhileHeld(t *testing.T) {
	for _, answer := range []error{syscall.EBADF, syscall.ESTALE, syscall.EIO, syscall.ENOLCK} {
		if runtime.GOOS == "windows" && answer != syscall.ENOLCK {
			continue
		}
		unlock, err := answerLocker(t, Required, Options{}, answer).Lock(t.Context(), "0/lock")
		if err != nil {
			t.Fatal(err)
		}
		if err := unlock(); runtime.GOOS != "windows" && (!errors.Is(err, ErrLost) || !errors.Is(err, answer)) {
			t.Errorf("unlock: %v, want ErrLost with %v", err, answer)
		}
	}
}

// TestFreshLockFileIsWaitedFor refuses a lock file that was made a moment ago, as one of another
// user who has not shared it yet.
func TestFreshLockFileIsWaitedFor(t *testing.T) {
	now := time.Now()
	synctest.Test(t, func(t *testing.T) {
		time.Sleep(time.Until(now)) // the file's time is not that of the bubble
		refused := &fs.PathError{Op: "open", Path: "lock", Err: syscall.EACCES}
		unlock, err := answerLocker(t, Required, Options{}, nil, refused, refused).Lock(t.Context(), "0/lock")
		if err != nil {
			t.Fatal(err)
		}
		if err := unlock(); err != nil {
			t.Error(err)
		}
	})
}

// A lock file that keeps vanishing is given up, and not in a busy loop.
func TestNeverSpins(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l, tries := brokenLocker(t, Required, fs.ErrNotExist, Options{Timeout: 100 * time.Millisecond})
		if _, err := l.Lock(t.Context(), "0/lock"); !errors.Is(err, ErrBusy) {
			t.Errorf("Lock = %v, want ErrBusy", err)
		}
		if *tries > 100 {
			t.Errorf("%d tries in 100 ms", *tries)
		}
	})
}

// A failed Lock leaves the mutex free, and no entry behind.
func TestMutexIsFreed(t *testing.T) {
	l, _ := brokenLocker(t, Required, syscall.EINVAL, Options{Timeout: time.Second})
	for range 3 {
		if _, err := l.Lock(t.Context(), "0/lock"); !errors.Is(err, syscall.EINVAL) {
			t.Fatalf("Lock = %v, want EINVAL", err)
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
	synctest.Test(t, func(t *testing.T) {
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
	})
}
