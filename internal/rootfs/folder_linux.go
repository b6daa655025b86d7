package rootfs

import (
	"errors"
	"io"
	"io/fs"
	"os"
	"path"
	"strconv"
	"strings"
	"sync"
	"syscall"

	"github.com/spf13/afero"
	"golang.org/x/sys/unix"
)

// dirFolder is a Folder on a directory handle. A plain name is opened relative to the handle without following links,
// which confines it by construction, in the fewest system calls. Everything else goes the way of rootFolder.
//
// The handle is a number, no *os.File: that would cost three more system calls. A folder that is never closed keeps its number.
type dirFolder struct {
	fsys *Fs
	name string
	fd   int // -1 once closed

	reading sync.Mutex // of the handle's position in the directory
	read    bool
}

func openFolder(f *Fs, name string) (Folder, error) {
	fd, err := f.quick.open(name, os.O_RDONLY|directoryFlags, 0)
	if err == nil {
		return &dirFolder{fsys: f, name: name, fd: fd}, nil
	}
	if !errors.Is(err, errSlow) {
		return nil, wrap("open", name, err)
	}
	dir, err := f.openDir(name)
	if err != nil {
		return nil, err
	}
	defer func() { _ = dir.Close() }()
	fd, err = unix.FcntlInt(dir.Fd(), unix.F_DUPFD_CLOEXEC, 0)
	if err != nil {
		return nil, wrap("open", name, err)
	}
	return &dirFolder{fsys: f, name: name, fd: fd}, nil
}

func (d *dirFolder) Close() error {
	if d.fd < 0 {
		return d.closed()
	}
	fd := d.fd
	d.fd = -1 // its number may soon be that of another file
	return wrap("close", d.name, syscall.Close(fd))
}

func (d *dirFolder) path(name string) string { return path.Join(d.name, name) }

// slow gives an os.Root of the same directory, for what a plain name cannot do: through the handle, wherever the
// directory is now, and by name where /proc is not mounted.
func (d *dirFolder) slow() (*rootFolder, error) {
	if d.fd < 0 {
		return nil, d.closed()
	}
	root, err := os.OpenRoot("/proc/self/fd/" + strconv.Itoa(d.fd))
	if err != nil {
		return d.fsys.openRootFolder(d.name)
	}
	return &rootFolder{fsys: d.fsys, name: d.name, root: root}, nil
}

func (d *dirFolder) closed() error {
	return &fs.PathError{Op: "open", Path: d.name, Err: fs.ErrClosed}
}

// errLink says that the slow way is to be taken.
var errLink = errors.New("not a plain name")

// openPlain opens name relative to the handle, or returns errLink.
func (d *dirFolder) openPlain(name string, flag int) (int, error) {
	if d.fd < 0 {
		return -1, d.closed()
	}
	if strings.Contains(name, "/") {
		return d.openBelow(name, flag)
	}
	if name == "" || name == "." || name == ".." {
		return -1, errLink
	}
	for {
		fd, err := syscall.Openat(d.fd, name, flag|syscall.O_NOFOLLOW|syscall.O_CLOEXEC|nowaitFlags, 0)
		switch err {
		case nil:
			return fd, nil
		case syscall.EINTR:
			continue
		case syscall.ELOOP, syscall.ENOTDIR, syscall.EAGAIN, syscall.ENXIO:
			return -1, errLink // a link, a leased file, a socket
		}
		return -1, &fs.PathError{Op: "open", Path: d.path(name), Err: err}
	}
}

// openBelow is openPlain for names of several elements.
func (d *dirFolder) openBelow(name string, flag int) (int, error) {
	if d.fsys.quick == nil {
		return -1, errLink
	}
	if flag&unix.O_PATH == 0 {
		flag |= nowaitFlags // openat2 takes no other flags with O_PATH
	}
	fd, err := openBelow(d.fd, name, flag, 0)
	switch {
	case err == nil:
		return fd, nil
	case errors.Is(err, errSlow):
		return -1, errLink
	}
	return -1, &fs.PathError{Op: "open", Path: d.path(name), Err: err}
}

// openFile opens a plain name that is a regular file.
func (d *dirFolder) openFile(name string) (fd int, err error) {
	if fd, err = d.openPlain(name, syscall.O_RDONLY); err != nil {
		return -1, err
	}
	if _, err = regularSize(fd); err != nil {
		_ = syscall.Close(fd)
		return -1, err
	}
	return fd, nil
}

func (d *dirFolder) ReadFile(name string, buf []byte) ([]byte, error) {
	return d.ReadSmall(name, buf, MaxReadFile)
}

func (d *dirFolder) ReadSmall(name string, buf []byte, limit int64) ([]byte, error) {
	fd, err := d.openPlain(name, syscall.O_RDONLY)
	if err == nil {
		var data []byte
		data, err = readRegular(fd, buf, limit)
		_ = syscall.Close(fd)
		if err == nil {
			return data, nil
		}
		if !errors.Is(err, errLink) {
			return nil, &fs.PathError{Op: "read", Path: d.path(name), Err: err}
		}
	}
	if !errors.Is(err, errLink) {
		return nil, err
	}
	sub, err := d.slow()
	if err != nil {
		return nil, err
	}
	defer func() { _ = sub.Close() }()
	return sub.ReadSmall(name, buf, limit)
}

// page is the least that any kernel reads at once.
const page = 4 << 10

// readRegular reads a regular file into buf[:0], or returns errLink. Most files are smaller than a page, and those need no look at what they are: a kernel
// reads no part of a page, so a read that ends within the first has met the file's end; and it refuses a read at a position of a pipe, a socket, a terminal
// and a folder. A file that reads as empty, or as a page and maybe more, may be a device, and is looked at.
func readRegular(fd int, buf []byte, limit int64) ([]byte, error) {
	room := buf[:min(cap(buf), page)]
	n, err := ignoringEINTR(func() (int, error) { return syscall.Pread(fd, room, 0) })
	if err == nil && 0 < n && n < len(room) && int64(n) <= limit {
		return room[:n], nil
	}
	size, err := regularSize(fd)
	if err != nil {
		return nil, err
	}
	return readAll(func(p []byte) (int, error) { return readFd(fd, p) }, size, limit, buf)
}

// regularSize gives the size of an open file, or errLink if it is no regular one: where what it is gets its name.
func regularSize(fd int) (int64, error) {
	var st syscall.Stat_t
	if err := syscall.Fstat(fd, &st); err != nil {
		return 0, err
	}
	if st.Mode&syscall.S_IFMT != syscall.S_IFREG {
		return 0, errLink
	}
	return st.Size, nil
}

func ignoringEINTR(call func() (int, error)) (int, error) {
	for {
		n, err := call()
		if err != syscall.EINTR {
			return n, err
		}
	}
}

func readFd(fd int, p []byte) (int, error) {
	n, err := ignoringEINTR(func() (int, error) { return syscall.Read(fd, p) })
	switch {
	case err != nil:
		return 0, err
	case n == 0:
		return 0, io.EOF
	}
	return n, nil
}

func (d *dirFolder) Open(name string) (afero.File, error) {
	fd, err := d.openFile(name)
	if errors.Is(err, errLink) {
		sub, err := d.slow()
		if err != nil {
			return nil, err
		}
		defer func() { _ = sub.Close() }()
		return sub.Open(name)
	}
	if err != nil {
		return nil, err
	}
	return os.NewFile(uintptr(fd), d.path(name)), nil
}

func (d *dirFolder) OpenFolder(name string) (Folder, error) {
	fd, err := d.openPlain(name, syscall.O_RDONLY|syscall.O_DIRECTORY)
	if errors.Is(err, errLink) {
		sub, err := d.slow()
		if err != nil {
			return nil, err
		}
		defer func() { _ = sub.Close() }()
		return sub.OpenFolder(name)
	}
	if err != nil {
		return nil, err
	}
	return &dirFolder{fsys: d.fsys, name: d.path(name), fd: fd}, nil
}

func (d *dirFolder) Stat(name string) (fs.FileInfo, error) {
	fd, err := d.openPlain(name, unix.O_PATH)
	if err == nil {
		info, statErr := statHandle(fd, name)
		if statErr == nil && info.Mode()&fs.ModeSymlink == 0 {
			return info, nil
		}
		err = errLink
	}
	if !errors.Is(err, errLink) {
		return nil, err
	}
	sub, err := d.slow()
	if err != nil {
		return nil, err
	}
	defer func() { _ = sub.Close() }()
	return sub.Stat(name)
}
