package rootfs

import (
	"errors"
	"io/fs"
	"os"
	"syscall"

	"golang.org/x/sys/unix"
)

// beneath opens names below a directory with one openat2(2), where os.Root walks them element by
// element. The kernel confines the call: the name cannot leave the directory, and no element of it
// may be a symbolic link. What that cannot open, os.Root opens or refuses.
type beneath struct {
	base string // the directory's path, as os.Root names its files
	dir  *os.File
	conn syscall.RawConn // holds dir open while its number is in use
}

// errSlow says that os.Root is to be asked: for a link, a name that is not in its shortest form, a
// leased file, a missing right.
var errSlow = errors.New("not for openat2")

// resolve are the rules of every call.
const resolve = unix.RESOLVE_BENEATH | unix.RESOLVE_NO_SYMLINKS

// openBeneath gives nil where the kernel lacks or forbids openat2.
func openBeneath(root *os.Root) *beneath {
	dir, err := openDir(root, ".")
	if err != nil {
		return nil
	}
	b := &beneath{base: root.Name() + "/", dir: dir}
	if b.conn, err = dir.SyscallConn(); err == nil {
		var fd int
		if fd, err = b.open(".", unix.O_PATH|unix.O_DIRECTORY, 0); err == nil {
			err = syscall.Close(fd)
		}
	}
	if err != nil {
		_ = dir.Close()
		return nil
	}
	return b
}

func (b *beneath) close() error {
	if b == nil {
		return nil
	}
	return b.dir.Close()
}

// open gives a handle, errSlow, or an error that is final: there is no such name, or with O_EXCL
// there is.
func (b *beneath) open(name string, flag int, perm uint32) (fd int, err error) {
	if b == nil {
		return -1, errSlow
	}
	fd, err = -1, errSlow
	_ = b.conn.Control(func(dir uintptr) { fd, err = openBelow(int(dir), name, flag, perm) })
	return fd, err
}

// openBelow opens name, of any number of elements, below an open directory.
func openBelow(dir int, name string, flag int, perm uint32) (int, error) {
	if !fs.ValidPath(name) {
		return -1, errSlow
	}
	how := unix.OpenHow{Flags: uint64(flag | unix.O_CLOEXEC), Mode: uint64(perm), Resolve: resolve}
	for {
		fd, err := unix.Openat2(dir, name, &how)
		switch err {
		case nil:
			return fd, nil
		case unix.EINTR:
			continue
		case unix.ENOENT, unix.EEXIST:
			return -1, err
		}
		return -1, errSlow
	}
}

// openFile is os.Root.OpenFile for what lies in the base and has no link in its name.
func (b *beneath) openFile(name string, flag int, perm fs.FileMode) (*os.File, error) {
	mode := uint32(0)
	if flag&os.O_CREATE != 0 {
		mode = uint32(perm.Perm())
	}
	// what is made is a file, and os.NewFile need not find out that nobody waits at it
	if made := os.O_CREATE | os.O_EXCL; flag&made != made {
		flag |= nowaitFlags
	}
	fd, err := b.open(name, flag|unix.O_LARGEFILE, mode)
	if err != nil {
		return nil, err
	}
	return os.NewFile(uintptr(fd), b.base+name), nil
}

// stat looks at what name is; link says that it may be a link, which is not followed.
func (b *beneath) stat(name string, link bool) (fs.FileInfo, error) {
	flag := unix.O_PATH
	if link {
		flag |= unix.O_NOFOLLOW
	}
	fd, err := b.open(name, flag, 0)
	if err != nil {
		return nil, err
	}
	return statHandle(fd, name)
}

// statHandle closes the handle.
func statHandle(fd int, name string) (fs.FileInfo, error) {
	file := os.NewFile(uintptr(fd), name)
	info, err := file.Stat()
	return info, errors.Join(err, file.Close())
}
