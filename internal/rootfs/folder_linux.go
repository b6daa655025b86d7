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
	"sync/atomic"
	"syscall"

	"github.com/spf13/afero"
	"golang.org/x/sys/unix"

	"github.com/mlruns/mlruns/internal/vfs"
)

// dirFolder is a Folder on a directory handle. A plain name is opened relative to the handle
// without following links, which confines it by construction, in the fewest system calls.
// Everything else goes the way of rootFolder.
//
// The handle is a number, no *os.File: that would cost three more system calls. A folder that is
// never closed keeps its number.
type dirFolder struct {
	fsys *Fs
	name string
	fd   int // -1 once closed

	cached atomic.Int32 // what fromCache knows

	reading sync.Mutex // of the handle's position in the directory
	read    bool
}

func openFolder(f *Fs, name string) (vfs.Folder, error) {
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
	err = f.patiently(func() (err error) {
		fd, err = unix.FcntlInt(dir.Fd(), unix.F_DUPFD_CLOEXEC, 0)
		return err
	})
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

// slow gives an os.Root of the same directory, for what a plain name cannot do: through the handle,
// wherever the directory is now, and by name where /proc is not mounted.
func (d *dirFolder) slow() (*rootFolder, error) {
	if d.fd < 0 {
		return nil, d.closed()
	}
	var root *os.Root
	err := d.fsys.patiently(func() (err error) {
		root, err = os.OpenRoot("/proc/self/fd/" + strconv.Itoa(d.fd))
		return err
	})
	if vfs.IsExhausted(err) {
		return nil, wrap("open", d.name, err)
	}
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
	for try := 0; ; {
		fd, err := syscall.Openat(d.fd, name, flag|syscall.O_NOFOLLOW|syscall.O_CLOEXEC|nowaitFlags, 0)
		switch err {
		case nil:
			return fd, nil
		case syscall.EINTR:
			continue
		case syscall.ELOOP, syscall.ENOTDIR, syscall.EAGAIN, syscall.ENXIO:
			return -1, errLink // a link, a leased file, a socket
		case syscall.EMFILE, syscall.ENFILE, syscall.ENOMEM:
			if again := d.fsys.onExhausted; again != nil && again(try) {
				try++
				continue
			}
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

// openFile opens a plain name that is a regular file, and returns its size. id, if it is not nil,
// is told what the file is.
func (d *dirFolder) openFile(name string, id *vfs.Identity) (fd int, size int64, err error) {
	if fd, err = d.openPlain(name, syscall.O_RDONLY); err != nil {
		return -1, 0, err
	}
	if size, err = regularSize(fd, id); err != nil {
		_ = syscall.Close(fd)
		return -1, 0, err
	}
	return fd, size, nil
}

// regularSize gives the size of an open file, or errLink if it is no regular one: where what it is
// gets its name. id is that of openFile.
func regularSize(fd int, id *vfs.Identity) (int64, error) {
	var st syscall.Stat_t
	if err := syscall.Fstat(fd, &st); err != nil {
		return 0, err
	}
	if st.Mode&syscall.S_IFMT != syscall.S_IFREG {
		return 0, errLink
	}
	if id != nil {
		// as a look has it, see identityOf
		device := uint64(st.Dev) //nolint:unconvert // it is narrower on some processors
		*id = vfs.Identity{Device: uint64(unix.Major(device))<<32 | uint64(unix.Minor(device)), Inode: st.Ino, Size: st.Size,
			Links: uint64(st.Nlink), Changed: st.Ctim.Nano()} //nolint:unconvert // as above
	}
	return st.Size, nil
}

func (d *dirFolder) ReadFile(name string, buf []byte) ([]byte, error) {
	return d.ReadSmall(name, buf, vfs.MaxReadFile)
}

func (d *dirFolder) ReadSmall(name string, buf []byte, limit int64) ([]byte, error) {
	return d.readSmall(name, buf, limit, nil)
}

func (d *dirFolder) readSmall(name string, buf []byte, limit int64, id *vfs.Identity) ([]byte, error) {
	fd, size, err := d.openFile(name, id)
	if errors.Is(err, errLink) {
		sub, err := d.slow()
		if err != nil {
			return nil, err
		}
		defer func() { _ = sub.Close() }()
		return sub.ReadSmall(name, buf, limit)
	}
	if err != nil {
		return nil, err
	}
	defer func() { _ = syscall.Close(fd) }()
	if id != nil {
		d.forget(fd)
	}
	data, err := readAll(func(p []byte) (int, error) { return readFd(fd, p) }, size, limit, buf)
	if err != nil {
		return nil, &fs.PathError{Op: "read", Path: d.path(name), Err: err}
	}
	return data, nil
}

// ReadListed leaves out the look at what the file is, which ReadSmall takes after opening it, where
// the listing and one read tell: see readListed.
func (d *dirFolder) ReadListed(name string, buf []byte, limit int64) ([]byte, error) {
	if data, ok := d.readListed(name, buf, limit, nil); ok {
		return data, nil
	}
	return d.ReadSmall(name, buf, limit)
}

// page is the least that any kernel reads of a file at once into its cache.
const page = 4 << 10

// readListed needs no look at a file that is smaller than a page. Of what comes from the page cache
// no part of a page is read: a read that gives something, and less than was asked for, has met the
// end. A pipe, a socket or a terminal that has taken the file's place since the listing refuses to
// be read at a position. What reads as empty is looked at, as are larger files. Anything else, and
// what is mounted here from elsewhere, is left to ReadSmall.
func (d *dirFolder) readListed(name string, buf []byte, limit int64, id *vfs.Identity) (_ []byte, ok bool) {
	room := buf[:min(cap(buf), page)]
	if len(room) == 0 || d.fd < 0 || !d.fromCache() {
		return nil, false
	}
	how := unix.OpenHow{Flags: uint64(syscall.O_RDONLY | syscall.O_CLOEXEC | nowaitFlags), Resolve: resolve | unix.RESOLVE_NO_XDEV}
	fd, err := unix.Openat2(d.fd, name, &how)
	if err != nil {
		return nil, false
	}
	defer func() { _ = syscall.Close(fd) }()
	n, err := syscall.Pread(fd, room, 0)
	if err != nil {
		return nil, false
	}
	if 0 < n && n < len(room) && int64(n) <= limit && id == nil {
		return room[:n], true
	}
	size, err := regularSize(fd, id)
	if err == nil && 0 < n && n < len(room) && int64(n) <= limit {
		return room[:n], true
	}
	if err != nil {
		return nil, false
	}
	data, err := readAll(func(p []byte) (int, error) { return readFd(fd, p) }, size, limit, buf)
	return data, err == nil
}

const cachedYes, cachedNo = 1, 2

// fromCache reports whether the folder lies on a file system that reads through the page cache, or
// straight from memory, as the local ones do. One of user space may answer a read with less than
// there is, as may what lies below an overlay.
func (d *dirFolder) fromCache() bool {
	known := d.cached.Load()
	if known == 0 {
		known = cachedNo
		if d.fsys.quick != nil && d.fsys.readsFromCache(d.fd) {
			known = cachedYes
		}
		d.cached.Store(known)
	}
	return known == cachedYes
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
	fd, _, err := d.openFile(name, nil)
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

func (d *dirFolder) OpenFolder(name string) (vfs.Folder, error) {
	sub, err := d.openPlainFolder(name)
	if errors.Is(err, errLink) {
		root, err := d.slow()
		if err != nil {
			return nil, err
		}
		defer func() { _ = root.Close() }()
		return root.OpenFolder(name)
	}
	if err != nil {
		return nil, err
	}
	return sub, nil
}

// openPlainFolder is OpenFolder for a plain name, or errLink.
func (d *dirFolder) openPlainFolder(name string) (*dirFolder, error) {
	fd, err := d.openPlain(name, syscall.O_RDONLY|syscall.O_DIRECTORY)
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
