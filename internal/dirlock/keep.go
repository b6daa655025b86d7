package dirlock

import (
	"context"
	"errors"
	"io/fs"
	"os"
	"path"

	"github.com/spf13/afero"

	"github.com/mlruns/mlruns/internal/vfs"
)

// Kept is a lock whose file stays open while the lock is free, so that it is taken again in three
// system calls. It excludes, and is excluded by, every other holder of the lock. A Kept is safe for
// concurrent use, but for Close.
type Kept struct {
	locker *Locker
	name   string
	key    mutexKey
	mutex  *mutex
	file   afero.File
	// the file's descriptor; -1 in memory, where the mutex of the process is all that is needed
	flock    int
	identity vfs.Identity
	// stable says that a rename of the file makes another identity of it.
	stable bool
}

// Keep is Lock for a lock that will be taken again soon. It is nil, and no error, where a lock
// cannot be kept, or something about its file is unusual: then nothing is held, and Lock is the
// way.
func (l *Locker) Keep(ctx context.Context, name string) (*Kept, error) {
	if l.mode == None || !l.fsys.Local() && !l.fsys.Served() {
		return nil, nil //nolint:nilnil // documented
	}
	k := &Kept{locker: l, name: path.Clean(name)}
	k.key = l.key(k.name)
	k.mutex = retain(k.key)
	if ok, err := k.open(); !ok {
		k.drop()
		return nil, err
	}
	if err := k.acquire(ctx); err != nil {
		k.drop()
		if isUnsupported(err) || isLost(err) {
			err = nil
		}
		return nil, err
	}
	l.worked.Store(true)
	ok, err := k.look()
	if ok {
		return k, nil
	}
	err = errors.Join(err, k.Unlock())
	k.drop()
	return nil, err
}

func (k *Kept) drop() {
	release(k.key, k.mutex)
	if k.file != nil {
		_ = k.file.Close() // it holds nothing
	}
}

// open opens the lock file, and makes it if it is missing.
func (k *Kept) open() (ok bool, err error) {
	if k.locker.fsys.Served() {
		if err := k.locker.fsys.FreshFolder(path.Dir(k.name)); err != nil {
			return false, nil //nolint:nilerr // as below
		}
	}
	file, err := k.locker.fsys.OpenFile(k.name, os.O_RDWR, 0)
	if errors.Is(err, fs.ErrNotExist) {
		if _, err = k.locker.makeFile(k.name); err != nil {
			return false, err
		}
		file, err = k.locker.fsys.OpenFile(k.name, os.O_RDWR, 0)
	}
	if err != nil {
		return false, nil // Lock finds out what is wrong
	}
	k.file = file
	if handle, ok := file.(interface{ Fd() uintptr }); ok {
		k.flock = int(handle.Fd())
		return true, nil
	}
	k.flock = -1
	real, ok := k.locker.nativePath(k.name)
	return ok && real == "", nil
}

// acquire waits for the mutex and then for the file.
func (k *Kept) acquire(ctx context.Context) error {
	if err := ctx.Err(); err != nil {
		return newWait(ctx, k.name, 0).over()
	}
	var w *wait // only who waits has one
	select {
	case k.mutex.held <- struct{}{}:
	default:
		w = newWait(ctx, k.name, k.locker.opts.Timeout)
		if err := w.acquire(k.mutex); err != nil {
			return err
		}
	}
	for k.flock >= 0 {
		ok, err := tryFlock(k.flock)
		if ok {
			break
		}
		if w == nil {
			w = newWait(ctx, k.name, k.locker.opts.Timeout)
		}
		if err == nil {
			err = w.pause()
		}
		if err != nil {
			<-k.mutex.held
			return err
		}
	}
	return nil
}

// Lock takes the lock again. False, and no error, if the file was removed, renamed or replaced in
// its folder, or a file server knows no more of its handle: nothing is held then, and the Kept is
// of no more use. Whether the folder is still where it was is for the caller to find out, by Here
// or by a file of the folder.
//
// Of a server's file the lock alone is taken, in one call: it is granted in the session of now, so
// that one that was lost is not believed. Whether it is the lock of those who open the file by its
// name is then for the caller to find out, by Here.
func (k *Kept) Lock(ctx context.Context) (bool, error) {
	if err := k.acquire(ctx); err != nil {
		if isLost(err) {
			err = nil
		}
		return false, err
	}
	var ok bool
	if k.locker.fsys.Served() {
		return true, nil
	}
	if k.stable {
		now, err := k.locker.fsys.IdentifyFile(k.file, true)
		ok = err == nil && now == k.identity
	} else {
		ok, _ = k.look()
	}
	if ok {
		return true, nil
	}
	if err := k.Unlock(); !errors.Is(err, ErrLost) {
		return false, err
	}
	return false, nil
}

// look notes what the file looks like where the name leads to it.
func (k *Kept) look() (ok bool, err error) {
	now := vfs.Clock()
	if k.identity, err = k.locker.fsys.IdentifyFile(k.file, true); err != nil {
		return false, err
	}
	k.stable = k.identity.Stable(now)
	return k.Here()
}

// Here reports whether the name still leads to the file.
func (k *Kept) Here() (bool, error) {
	if k.locker.fsys.Served() {
		if err := k.locker.fsys.FreshFolder(path.Dir(k.name)); err != nil {
			return false, err
		}
	}
	now, err := k.locker.fsys.Identify(k.name, false)
	if errors.Is(err, fs.ErrNotExist) {
		return false, nil
	}
	return err == nil && now.Same(k.identity) && now.Mode.IsRegular(), err
}

// Unlock frees the lock.
func (k *Kept) Unlock() (err error) {
	if k.flock >= 0 {
		err = unlocked(freeFlock(k.flock))
	}
	<-k.mutex.held
	return err
}

// Close gives the file back. The lock must be free and not be taken again.
func (k *Kept) Close() error {
	release(k.key, k.mutex)
	return k.file.Close()
}
