package rootfs

import (
	"io/fs"
	"os"
	"sync"

	"github.com/spf13/afero"
	"golang.org/x/sys/unix"
)

// lookDir is a handle of the directory to look from. A look only compares, so it may follow links out of the directory: what is written to was opened
// within it.
type lookDir struct {
	mu   sync.RWMutex // held for reading while the handle is in use
	file *os.File
}

var _ Looker = (*Fs)(nil)

// Local implements Looker. A file system that is not known is not local.
func (f *Fs) Local() bool {
	f.look.mu.RLock()
	defer f.look.mu.RUnlock()
	if f.look.file == nil || len(f.targets) > 0 { // a link may lead to another file system
		return false
	}
	kind := fileSystem(int(f.look.file.Fd()))
	return kind == unix.OVERLAYFS_SUPER_MAGIC || localKind(kind)
}

// fileSystem is the magic number of what an open file lies on, 0 if that cannot be known.
func fileSystem(fd int) uint32 {
	var st unix.Statfs_t
	if err := unix.Fstatfs(fd, &st); err != nil {
		return 0
	}
	return uint32(st.Type) //nolint:gosec // the magic number has 32 bits, whatever the width of the field
}

// localKind reports whether a file system is known to be this machine's own.
func localKind(magic uint32) bool {
	switch magic {
	case unix.EXT4_SUPER_MAGIC, unix.XFS_SUPER_MAGIC, unix.BTRFS_SUPER_MAGIC, unix.TMPFS_MAGIC, unix.F2FS_SUPER_MAGIC:
		return true
	}
	return false
}

// Look implements Looker.
func (f *Fs) Look(name string, changed bool) (Sight, error) {
	f.look.mu.RLock()
	defer f.look.mu.RUnlock()
	if f.look.file == nil {
		return Sight{}, &fs.PathError{Op: "stat", Path: name, Err: fs.ErrClosed}
	}
	return lookUp(int(f.look.file.Fd()), Clean(name), unix.AT_SYMLINK_NOFOLLOW, changed, name)
}

// LookAt implements Looker.
func (f *Fs) LookAt(file afero.File, changed bool) (Sight, error) {
	handle, ok := file.(*os.File)
	if !ok {
		return Sight{}, &fs.PathError{Op: "stat", Path: file.Name(), Err: fs.ErrInvalid}
	}
	return lookUp(int(handle.Fd()), "", unix.AT_EMPTY_PATH, changed, file.Name())
}

func lookUp(fd int, path string, flags int, changed bool, name string) (Sight, error) {
	mask := unix.STATX_TYPE | unix.STATX_INO | unix.STATX_SIZE | unix.STATX_NLINK
	if changed {
		mask |= unix.STATX_CTIME
	}
	var st unix.Statx_t
	err := unix.Statx(fd, path, flags, mask, &st)
	for err == unix.EINTR {
		err = unix.Statx(fd, path, flags, mask, &st)
	}
	if err != nil {
		return Sight{}, &fs.PathError{Op: "stat", Path: name, Err: err}
	}
	s := Sight{Device: uint64(st.Dev_major)<<32 | uint64(st.Dev_minor), Inode: st.Ino, Size: int64(st.Size), Links: uint64(st.Nlink), Mode: fs.ModeIrregular} //nolint:gosec // sizes of files fit
	switch st.Mode & unix.S_IFMT {
	case unix.S_IFREG:
		s.Mode = 0
	case unix.S_IFDIR:
		s.Mode = fs.ModeDir
	case unix.S_IFLNK:
		s.Mode = fs.ModeSymlink
	}
	if changed {
		s.Changed = st.Ctime.Sec*1e9 + int64(st.Ctime.Nsec)
	}
	return s, nil
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
