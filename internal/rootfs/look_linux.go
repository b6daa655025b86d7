package rootfs

import (
	"io/fs"
	"os"
	"strings"
	"sync"
	"unsafe"

	"github.com/spf13/afero"
	"golang.org/x/sys/unix"

	"github.com/mlruns/mlruns/internal/drive"
	"github.com/mlruns/mlruns/internal/vfs"
)

// lookDir is a handle of the directory to look from. A look only compares, so it may follow links
// out of the directory: what is written to was opened within it.
type lookDir struct {
	mu   sync.RWMutex // held for reading while the handle is in use
	file *os.File

	judge  sync.Once // guards what follows
	drive  drive.Drive
	device uint64
}

// Local implements vfs.FS, by package drive.
func (f *Fs) Local() bool {
	return len(f.targets) == 0 && f.Drive().Local // a link may lead to another file system
}

// Served implements vfs.FS, by package drive.
func (f *Fs) Served() bool { return len(f.targets) == 0 && f.Drive().Served }

// Drive implements vfs.FS.
func (f *Fs) Drive() drive.Drive {
	f.look.judge.Do(func() {
		f.look.mu.RLock()
		defer f.look.mu.RUnlock()
		if f.look.file == nil {
			return
		}
		f.look.drive = f.withTargets(drive.Of(f.look.file))
		f.look.device, _ = deviceOf(int(f.look.file.Fd()))
	})
	return f.look.drive
}

// readsFromCache reports whether an open folder lies on the file system of the directory, and that
// reads through the page cache.
func (f *Fs) readsFromCache(fd int) bool {
	if !f.Drive().Cached {
		return false
	}
	device, ok := deviceOf(fd)
	return ok && device == f.look.device
}

// deviceOf is the file system that an open file lies on.
func deviceOf(fd int) (uint64, bool) {
	var st unix.Stat_t
	err := unix.Fstat(fd, &st)
	return uint64(st.Dev), err == nil //nolint:unconvert // it is narrower on some processors
}

// Identify implements vfs.FS.
func (f *Fs) Identify(name string, changed bool) (vfs.Identity, error) {
	f.look.mu.RLock()
	defer f.look.mu.RUnlock()
	if f.look.file == nil {
		return vfs.Identity{}, &fs.PathError{Op: "stat", Path: name, Err: fs.ErrClosed}
	}
	return lookUp(int(f.look.file.Fd()), vfs.Clean(name), unix.AT_SYMLINK_NOFOLLOW, changed, name)
}

// lookMask is what a look that tells the time of change asks for.
const lookMask = unix.STATX_TYPE | unix.STATX_INO | unix.STATX_SIZE | unix.STATX_NLINK | unix.STATX_CTIME

// longName is more than the names that looks are taken at have, ids and keys, but not all.
const longName = 320

// Look implements vfs.Folder. It is asked tens of thousands of times in a search, so it makes the
// call itself: unix.Statx would copy the name into new memory each time.
func (d *dirFolder) Look(folder, name string) (vfs.Identity, error) {
	return d.look(folder, name, unix.AT_SYMLINK_NOFOLLOW)
}

// FreshLook implements vfs.Folder.
func (d *dirFolder) FreshLook(folder, name string) (vfs.Identity, error) {
	return d.look(folder, name, unix.AT_SYMLINK_NOFOLLOW|unix.AT_STATX_FORCE_SYNC)
}

func (d *dirFolder) look(folder, name string, flags int) (vfs.Identity, error) {
	if d.fd < 0 {
		return vfs.Identity{}, d.closed()
	}
	var room [longName]byte
	n := copy(room[:], folder)
	if n > 0 && n < len(room) {
		room[n] = '/'
		n++
	}
	if n+len(name) >= len(room) || strings.IndexByte(folder, 0) >= 0 || strings.IndexByte(name, 0) >= 0 {
		name = vfs.Below(folder, name)
		return lookUp(d.fd, name, flags, true, d.path(name))
	}
	copy(room[n:], name)
	var st unix.Statx_t
	for {
		_, _, err := unix.Syscall6(unix.SYS_STATX, uintptr(d.fd), uintptr(unsafe.Pointer(&room[0])), uintptr(flags),
			lookMask, uintptr(unsafe.Pointer(&st)), 0)
		switch err {
		case 0:
			return identityOf(&st, true), nil
		case unix.EINTR:
			continue
		}
		return vfs.Identity{}, &fs.PathError{Op: "stat", Path: d.path(vfs.Below(folder, name)), Err: err}
	}
}

// FreshFolder implements vfs.FS: a client that sees that a folder has changed looks its names up
// anew.
func (f *Fs) FreshFolder(name string) error {
	f.look.mu.RLock()
	defer f.look.mu.RUnlock()
	if f.look.file == nil {
		return &fs.PathError{Op: "stat", Path: name, Err: fs.ErrClosed}
	}
	_, err := lookUp(int(f.look.file.Fd()), vfs.Clean(name), unix.AT_SYMLINK_NOFOLLOW|unix.AT_STATX_FORCE_SYNC, true, name)
	return err
}

// IdentifyFile implements vfs.FS.
func (f *Fs) IdentifyFile(file afero.File, changed bool) (vfs.Identity, error) {
	return lookAt(file, unix.AT_EMPTY_PATH, changed)
}

// FreshFile implements vfs.FS.
func (f *Fs) FreshFile(file afero.File) (vfs.Identity, error) {
	return lookAt(file, unix.AT_EMPTY_PATH|unix.AT_STATX_FORCE_SYNC, true)
}

func lookAt(file afero.File, flags int, changed bool) (vfs.Identity, error) {
	handle, ok := file.(*os.File)
	if !ok {
		return vfs.Identity{}, &fs.PathError{Op: "stat", Path: file.Name(), Err: fs.ErrInvalid}
	}
	return lookUp(int(handle.Fd()), "", flags, changed, file.Name())
}

func lookUp(fd int, path string, flags int, changed bool, name string) (vfs.Identity, error) {
	mask := lookMask
	if !changed {
		mask &^= unix.STATX_CTIME
	}
	var st unix.Statx_t
	err := unix.Statx(fd, path, flags, mask, &st)
	for err == unix.EINTR {
		err = unix.Statx(fd, path, flags, mask, &st)
	}
	if err != nil {
		return vfs.Identity{}, &fs.PathError{Op: "stat", Path: name, Err: err}
	}
	return identityOf(&st, changed), nil
}

func identityOf(st *unix.Statx_t, changed bool) vfs.Identity {
	s := vfs.Identity{Device: uint64(st.Dev_major)<<32 | uint64(st.Dev_minor), Inode: st.Ino, Size: int64(st.Size), Links: uint64(st.Nlink), Mode: typeOf(uint32(st.Mode)),
		// sizes of files fit
		MountRoot: st.Attributes&unix.STATX_ATTR_MOUNT_ROOT != 0} //nolint:gosec
	if changed {
		s.Changed = st.Ctime.Sec*1e9 + int64(st.Ctime.Nsec)
	}
	return s
}

// typeOf tells files, folders and links apart, and these from all else.
func typeOf(mode uint32) fs.FileMode {
	switch mode & unix.S_IFMT {
	case unix.S_IFREG:
		return 0
	case unix.S_IFDIR:
		return fs.ModeDir
	case unix.S_IFLNK:
		return fs.ModeSymlink
	}
	return fs.ModeIrregular
}

func (d *lookDir) open(root *os.Root) (err error) {
	d.file, err = openDir(root, ".")
	return err
}

func (d *lookDir) close() error {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.file == nil {
		return nil
	}
	file := d.file
	d.file = nil
	return file.Close()
}
