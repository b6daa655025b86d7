package dirlock

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path"
	"sync"
	"sync/atomic"
	"syscall"
	"time"

	"github.com/spf13/afero"

	"github.com/mlruns/mlruns/internal/failure"
	"github.com/mlruns/mlruns/internal/vfs"
)

var (
	// ErrBusy is returned when the lock was not free before the timeout or the deadline of the
	// context. The text names the lock file and the option that sets the timeout.
	ErrBusy = failure.ErrBusy
	// ErrUnsupported is returned where the file system has no locks, if it never had any. The text
	// names the option that does without.
	ErrUnsupported = failure.ErrUnsupported
	// ErrGone is returned when the folder of the lock file does not exist, or no longer. The caller
	// must find the object that it wanted to lock again.
	ErrGone = errors.New("folder of the lock is gone")
	// ErrLost is returned by unlock when the file system knows no more of the lock: a file server
	// was away, or began anew. Others may have held the lock since.
	ErrLost = errors.New("lock was lost while it was held")
)

// Mode says how much a lock must promise.
type Mode int

const (
	// Required fails with ErrUnsupported where the file system has no locks. It is the zero Mode.
	Required Mode = iota
	// BestEffort goes on there with the mutex of the process alone, after a call of
	// Options.OnUnlocked.
	BestEffort
	// None takes the mutex of the process alone, and makes no lock file.
	None
)

// Options of New. The zero value waits as long as the context allows.
type Options struct {
	// Timeout bounds the wait of one Lock. 0 means no bound but the context's.
	Timeout time.Duration
	// OnUnlocked is called at most once in the life of a Locker, before a BestEffort lock first
	// does without the file system, with the name of the lock file and the cause.
	OnUnlocked func(name string, err error)
	// OnExhausted is that of rootfs.Options, for lock files, which are opened by their paths.
	OnExhausted func(try int) bool
}

// Locker locks files of one file system. It is safe for concurrent use. Two lockers of one
// directory exclude each other, in one process and in two. The zero value is not usable; call New.
type Locker struct {
	fsys     vfs.FS
	mode     Mode
	opts     Options
	warn     sync.Once
	worked   atomic.Bool                // the file system has given a lock
	openLock func(path string) fileLock // replaced by tests
}

// fileLock is what is used of a *flock.Flock.
type fileLock interface {
	TryLock() (bool, error)
	Unlock() error
	Stat() (fs.FileInfo, error)
}

// New returns a Locker for lock files in fsys. Where the files of fsys are not files of the
// operating system (memory), the mutex of the process is all there is and all that is needed.
func New(fsys vfs.FS, mode Mode, opts Options) *Locker {
	return &Locker{fsys: fsys, mode: mode, opts: opts, openLock: newFlock}
}

// HasFiles reports whether locks are files, by which other processes are excluded too.
func (l *Locker) HasFiles() bool { return l.mode != None }

// Lock takes the lock whose file is name, and makes the file if it is missing; its folder must
// exist. It waits until the lock is free, the timeout is over or ctx is done. Waiters are served in
// no particular order.
//
// A lock that somebody holds is waited for whatever the file system calls that, and so is one that
// a file server cannot give just now: the error is ErrBusy and says why.
//
// unlock frees the lock; calling it again does nothing. An error of unlock is ErrLost, or means
// that the operating system may keep the lock until the process ends.
//
// Errors: ErrBusy (also a context.DeadlineExceeded if that is why), context.Canceled,
// ErrUnsupported, ErrGone, vfs.ErrOutside; vfs.ErrNotRegular where something else is in its
// place; fs.ErrPermission and vfs.ErrReadOnly where the lock file cannot be written. Each names
// the lock file.
func (l *Locker) Lock(ctx context.Context, name string) (unlock func() error, err error) {
	name = path.Clean(name) // a leading slash means something to file systems that are not confined
	w := newWait(ctx, name, l.opts.Timeout)
	free, err := l.lockProcess(w, name)
	if err != nil {
		return nil, err
	}
	var file fileLock
	if l.mode != None {
		if file, err = l.lockFile(w, name); err != nil {
			free()
			return nil, err
		}
	}
	var once sync.Once
	return func() (err error) {
		once.Do(func() {
			if file != nil {
				err = unlocked(file.Unlock())
			}
			free()
		})
		return err
	}, nil
}

// lockFile returns nil for a lock that needs, or is content with, the mutex of the process.
func (l *Locker) lockFile(w *wait, name string) (fileLock, error) {
	for {
		path, err := l.makeFile(name)
		if err == nil && path == "" || err != nil && !isHeld(err) {
			return nil, err
		}
		var lock fileLock
		if err == nil {
			lock, err = l.tryFile(name, path)
		}
		switch {
		case lock != nil:
			l.worked.Store(true)
			return lock, nil
		case l.passes(err), l.isFresh(name, err):
			w.cause = err
		case isUnsupported(err) && l.mode == BestEffort:
			if l.opts.OnUnlocked != nil {
				l.warn.Do(func() { l.opts.OnUnlocked(name, err) })
			}
			return nil, nil
		case isUnsupported(err):
			return nil, fmt.Errorf("%s: the file system has no locks, %w (%w); open the store with WithLocking(LockBestEffort) or WithLocking(LockNone) to do without", name, ErrUnsupported, err)
		case err != nil:
			return nil, err
		}
		if err = w.pause(); err != nil {
			return nil, err
		}
	}
}

// passes reports whether what kept an attempt from the lock is expected to end: somebody holds it,
// or the file server is away. A file system that has given locks has some, whatever it says now.
func (l *Locker) passes(err error) bool {
	return err != nil && (isHeld(err) || isLost(err) || isUnsupported(err) && l.worked.Load())
}

// sharing is more than the time that another user's process takes to share a lock file that it has
// made.
const sharing = time.Second

// isFresh reports whether an attempt was refused because the lock file was made a moment ago, by
// another user who is about to share it.
func (l *Locker) isFresh(name string, refused error) bool {
	if !errors.Is(refused, fs.ErrPermission) {
		return false
	}
	info, err := l.fsys.Lstat(name)
	return err == nil && time.Since(info.ModTime()).Abs() < sharing
}

// unlocked names the error of an unlock.
func unlocked(err error) error {
	if err != nil && (isLost(err) || isUnsupported(err)) {
		return fmt.Errorf("%w: %w", ErrLost, err)
	}
	return err
}

// makeFile makes the lock file if it is missing, through the confined file system, shares it with
// all who may write to its folder, and returns its path. That is empty where there is no file of
// the operating system. A link in its place is not followed, or the file would be made where it
// leads. O_EXCL matters: in a folder like /tmp Linux may refuse O_CREAT of another user's file that
// is there (fs.protected_regular).
func (l *Locker) makeFile(name string) (string, error) {
	f, err := l.fsys.OpenFile(name, os.O_RDWR|os.O_CREATE|os.O_EXCL, 0o666)
	if err == nil {
		vfs.ShareFile(l.fsys, name, f)
	}
	if errors.Is(err, fs.ErrExist) {
		if err := l.checkKind(name); err != nil {
			return "", err
		}
		if path, ok := l.nativePath(name); ok {
			return path, nil
		}
		f, err = l.fsys.OpenFile(name, os.O_RDWR, 0o666)
	}
	if errors.Is(err, fs.ErrNotExist) || errors.Is(err, syscall.ENOTDIR) {
		return "", fmt.Errorf("lock %s: %w: %w", name, ErrGone, err)
	}
	if err == nil {
		err = f.Close()
	}
	if err != nil {
		return "", failed(name, err)
	}
	return l.realPath(f, name), nil
}

// checkKind refuses what stands in the place of a lock file before it is opened: to open a device
// can do something.
func (l *Locker) checkKind(name string) error {
	info, err := l.fsys.Lstat(name)
	if err != nil || info.Mode().IsRegular() {
		return nil // what is wrong with it, opening it will say
	}
	return fmt.Errorf("lock %s: it is a %s, %w: remove it", name, vfs.KindOf(info.Mode()), vfs.ErrNotRegular)
}

// failed names the lock file, and what to do about one that another user made.
func failed(name string, err error) error {
	if errors.Is(err, fs.ErrPermission) && !errors.Is(err, vfs.ErrReadOnly) {
		return fmt.Errorf("lock %s: %w; let every user of the store write its folders and lock files", name, err)
	}
	return fmt.Errorf("lock %s: %w", name, err)
}

// realPath finds the path for the file lock: from the file system if it knows, else from the handle
// that it gave.
func (l *Locker) realPath(f afero.File, name string) string {
	if path, ok := l.nativePath(name); ok {
		return path
	}
	if based, ok := f.(*afero.BasePathFile); ok {
		f = based.File
	}
	if file, ok := f.(*os.File); ok {
		return file.Name()
	}
	return ""
}

// nativePath is the path for the file lock where the file system knows; "" where that has no files
// of the operating system.
func (l *Locker) nativePath(name string) (path string, ok bool) {
	if path, ok = l.fsys.RealPath(name); ok {
		return path, true
	}
	return "", l.fsys.Drive().InMemory()
}

// tryFile makes one attempt. It returns nil and no error if the lock is not to be had now: it is
// held, or what was locked is not what the name leads to.
func (l *Locker) tryFile(name, path string) (fileLock, error) {
	lock := l.openLock(path)
	ok, err := lock.TryLock()
	for try := 0; isExhausted(err) && l.opts.OnExhausted != nil && l.opts.OnExhausted(try); try++ {
		ok, err = lock.TryLock()
	}
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil // deleted or moved since it was made
	}
	if err != nil {
		return nil, failed(name, err)
	}
	if !ok {
		return nil, nil
	}
	same, err := l.isAt(lock, name)
	if same {
		return lock, nil
	}
	return nil, errors.Join(err, lock.Unlock())
}

// isExhausted reports whether the process has no handle or no memory for a lock file. EAGAIN is a
// lease, which is waited for.
func isExhausted(err error) bool { return vfs.IsShortage(err) && !errors.Is(err, syscall.EAGAIN) }

// isAt reports whether the file that is locked is the one that name leads to.
func (l *Locker) isAt(lock fileLock, name string) (bool, error) {
	locked, err := lock.Stat()
	if err != nil {
		return false, err
	}
	now, err := l.fsys.Lstat(name)
	if errors.Is(err, fs.ErrNotExist) {
		return false, nil
	}
	return err == nil && os.SameFile(locked, now), err
}
