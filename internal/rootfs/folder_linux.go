package rootfs

import (
	"errors"
	"io"
	"io/fs"
	"os"
	"path"
	"runtime"
	"strconv"
	"strings"
	"syscall"

	"github.com/spf13/afero"
)

// dirFolder is a Folder on a directory handle. A plain name is opened relative to the handle without following links,
// which confines it by construction, in the fewest system calls. Everything else goes the way of rootFolder.
type dirFolder struct {
	fsys *Fs
	name string
	dir  *os.File
	fd   int
}

func openFolder(f *Fs, name string) (Folder, error) {
	dir, err := f.openDir(name)
	if err != nil {
		return nil, err
	}
	return newDirFolder(f, name, dir), nil
}

func newDirFolder(f *Fs, name string, dir *os.File) *dirFolder {
	return &dirFolder{fsys: f, name: name, dir: dir, fd: int(dir.Fd())}
}

func (d *dirFolder) Close() error {
	d.fd = -1 // its number may soon be that of another file
	return d.dir.Close()
}

func (d *dirFolder) path(name string) string { return path.Join(d.name, name) }

// slow gives an os.Root of the same directory, for what a plain name cannot do: through the handle, wherever the
// directory is now, and by name where /proc is not mounted.
func (d *dirFolder) slow() (*rootFolder, error) {
	if d.fd < 0 {
		return nil, d.closed()
	}
	defer runtime.KeepAlive(d)
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
	if name == "" || name == "." || name == ".." || strings.Contains(name, "/") {
		return -1, errLink
	}
	if d.fd < 0 {
		return -1, d.closed()
	}
	defer runtime.KeepAlive(d) // the finalizer of dir would close fd
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

// openFile opens a plain name that is a regular file, and returns its size.
func (d *dirFolder) openFile(name string) (fd int, size int64, err error) {
	if fd, err = d.openPlain(name, syscall.O_RDONLY); err != nil {
		return -1, 0, err
	}
	var st syscall.Stat_t
	if err = syscall.Fstat(fd, &st); err == nil && st.Mode&syscall.S_IFMT != syscall.S_IFREG {
		err = errLink // where what it is gets its name
	}
	if err != nil {
		_ = syscall.Close(fd)
		return -1, 0, err
	}
	return fd, st.Size, nil
}

func (d *dirFolder) ReadFile(name string, buf []byte) ([]byte, error) {
	fd, size, err := d.openFile(name)
	if errors.Is(err, errLink) {
		sub, err := d.slow()
		if err != nil {
			return nil, err
		}
		defer func() { _ = sub.Close() }()
		return sub.ReadFile(name, buf)
	}
	if err != nil {
		return nil, err
	}
	defer func() { _ = syscall.Close(fd) }()
	data, err := readAll(func(p []byte) (int, error) { return readFd(fd, p) }, size, buf)
	if err != nil {
		return nil, &fs.PathError{Op: "read", Path: d.path(name), Err: err}
	}
	return data, nil
}

func readFd(fd int, p []byte) (int, error) {
	for {
		n, err := syscall.Read(fd, p)
		switch {
		case err == syscall.EINTR:
			continue
		case err != nil:
			return 0, err
		case n == 0:
			return 0, io.EOF
		}
		return n, nil
	}
}

func (d *dirFolder) Open(name string) (afero.File, error) {
	fd, _, err := d.openFile(name)
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
	return newDirFolder(d.fsys, d.path(name), os.NewFile(uintptr(fd), d.path(name))), nil
}

func (d *dirFolder) Stat(name string) (fs.FileInfo, error) {
	const oPath = 0x200000 // O_PATH, which package syscall lacks: a handle for fstat alone, even of a link
	fd, err := d.openPlain(name, oPath)
	if err == nil {
		file := os.NewFile(uintptr(fd), name)
		info, statErr := file.Stat()
		_ = file.Close()
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
