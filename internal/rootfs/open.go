package rootfs

import (
	"errors"
	"io/fs"
	"os"
	"time"

	"github.com/spf13/afero"

	"github.com/mlruns/mlruns/internal/vfs"
)

const writeFlags = os.O_WRONLY | os.O_RDWR | os.O_APPEND | os.O_CREATE | os.O_TRUNC

// Open opens a regular file or a directory for reading. The file is an *os.File.
func (f *Fs) Open(name string) (afero.File, error) {
	return f.OpenFile(name, os.O_RDONLY, 0)
}

// Create makes or truncates a regular file, of mode 0666 less umask.
func (f *Fs) Create(name string) (afero.File, error) {
	return f.OpenFile(name, os.O_RDWR|os.O_CREATE|os.O_TRUNC, 0o666)
}

// OpenFile opens a regular file, or a directory for reading. The file is an *os.File. Anything else
// is ErrNotRegular, and the call does not wait for it. A new file has the mode perm less umask.
func (f *Fs) OpenFile(name string, flag int, perm fs.FileMode) (afero.File, error) {
	if flag&writeFlags != 0 {
		if err := f.writable("open", name); err != nil {
			return nil, err
		}
	}
	dirs := flag&writeFlags == 0
	file, err := f.quick.openFile(vfs.Clean(name), flag&^os.O_TRUNC, perm)
	if err == nil {
		file, err = keepRegular(file, name, flag, dirs)
	}
	if errors.Is(err, errSlow) {
		file, err = f.openFileSlow(name, flag, perm, dirs)
	}
	if err = wrap("open", name, err); err != nil {
		return nil, err // not file, which would be a nil pointer in a non-nil interface
	}
	return file, nil
}

// openFileSlow is OpenFile by way of os.Root.
func (f *Fs) openFileSlow(name string, flag int, perm fs.FileMode, dirs bool) (file *os.File, err error) {
	through := f.read
	if !dirs {
		through = f.do
	}
	err = through("open", name, true, func(root *os.Root, n string) (err error) {
		file, err = openRegular(root, n, flag, perm, dirs)
		return err
	})
	return file, err
}

func (f *Fs) openDir(name string) (*os.File, error) {
	dir, err := f.quick.openFile(vfs.Clean(name), os.O_RDONLY|directoryFlags, 0)
	if !errors.Is(err, errSlow) {
		return dir, wrap("open", name, err)
	}
	err = f.read("open", name, true, func(root *os.Root, n string) (err error) {
		dir, err = openDir(root, n)
		return err
	})
	return dir, err
}

func openDir(root *os.Root, name string) (*os.File, error) {
	dir, err := root.OpenFile(name, os.O_RDONLY|directoryFlags, 0)
	if err != nil {
		return nil, err
	}
	info, err := dir.Stat()
	if err == nil && !info.IsDir() {
		err = notDir(name)
	}
	if err != nil {
		return nil, errors.Join(err, dir.Close())
	}
	return dir, nil
}

// openRegular opens what is a regular file, or a directory if dirs. The look is at the handle, not
// the name, so no change of the tree meanwhile deceives it.
func openRegular(root *os.Root, name string, flag int, perm fs.FileMode, dirs bool) (*os.File, error) {
	// Truncation waits until the kind is known.
	file, err := openNow(root, name, flag&^os.O_TRUNC, perm.Perm())
	if err != nil {
		return nil, nameKind(root, name, err)
	}
	return keepRegular(file, name, flag, dirs)
}

// keepRegular closes what is no regular file and no directory if dirs, and truncates if flag says
// so.
func keepRegular(file *os.File, name string, flag int, dirs bool) (*os.File, error) {
	info, err := file.Stat()
	switch {
	case err != nil:
	case info.Mode().IsRegular(), dirs && info.IsDir():
		if flag&os.O_TRUNC != 0 && info.Size() > 0 {
			err = file.Truncate(0)
		}
	default:
		err = &fs.PathError{Op: "open", Path: name, Err: vfs.NotRegular(info.Mode())}
	}
	if err != nil {
		return nil, errors.Join(err, file.Close())
	}
	return file, nil
}

// leasePatience bounds the wait for another holder of a file to give up its lease (Linux: file
// servers take them); the kernel breaks a lease after 45 s by default.
const leasePatience = time.Minute

// openNow opens without waiting for the other end of a pipe. The flag that asks for that also
// refuses to wait for a lease to be broken, so that wait is here.
func openNow(root *os.Root, name string, flag int, perm fs.FileMode) (*os.File, error) {
	file, err := root.OpenFile(name, flag|nowaitFlags, perm)
	if err == nil || !isLeased(err) {
		return file, err
	}
	for deadline := time.Now().Add(leasePatience); time.Now().Before(deadline); {
		time.Sleep(5 * time.Millisecond)
		if file, err = root.OpenFile(name, flag|nowaitFlags, perm); err == nil || !isLeased(err) {
			break
		}
	}
	return file, err
}

// nameKind replaces the error of opening a pipe or a socket ("no such device or address") by one
// that says what it is.
func nameKind(root *os.Root, name string, err error) error {
	if isEscape(err) || errors.Is(err, fs.ErrNotExist) || errors.Is(err, fs.ErrExist) || vfs.IsExhausted(err) {
		return err
	}
	info, statErr := root.Stat(name)
	if statErr != nil || info.Mode().IsRegular() || info.IsDir() {
		return err
	}
	return &fs.PathError{Op: "open", Path: name, Err: vfs.NotRegular(info.Mode())}
}
