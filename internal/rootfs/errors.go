package rootfs

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"sync"
	"syscall"
)

var (
	// ErrOutside is returned when a name leads out of the directory, by ".." or through a symbolic link. The text
	// names the path.
	ErrOutside = errors.New("leads outside of the directory")

	// ErrReadOnly is returned by every mutating call on a read-only file system. It is an fs.ErrPermission and a
	// syscall.EROFS.
	ErrReadOnly error = readOnlyError{}

	// ErrNotRegular is returned when something else than a regular file is opened for reading or writing. The text
	// says what it is. For a directory it is a syscall.EISDIR too.
	ErrNotRegular = errors.New("not a regular file")

	// ErrTooLarge is returned when a file that is read whole is larger than MaxReadFile.
	ErrTooLarge = errors.New("too large to be read whole")
)

type readOnlyError struct{}

func (readOnlyError) Error() string { return "file system is open read-only" }

func (readOnlyError) Is(target error) bool {
	return target == fs.ErrPermission || target == syscall.EROFS
}

// kindError says what was found where a regular file was wanted.
type kindError fs.FileMode

func (k kindError) Error() string {
	return "is a " + KindOf(fs.FileMode(k)) + ", not a regular file"
}

func (k kindError) Is(target error) bool {
	return target == ErrNotRegular || target == syscall.EISDIR && fs.FileMode(k).IsDir()
}

// KindOf says in words what is no regular file.
func KindOf(mode fs.FileMode) string {
	switch {
	case mode.IsDir():
		return "directory"
	case mode&fs.ModeSymlink != 0:
		return "symbolic link"
	case mode&fs.ModeNamedPipe != 0:
		return "named pipe"
	case mode&fs.ModeSocket != 0:
		return "socket"
	case mode&fs.ModeDevice != 0:
		return "device"
	}
	return "file of an unknown kind"
}

// escapes is the error of os.Root for a name that leads out of it, which package os does not export.
var escapes struct {
	once sync.Once
	err  error
}

func learnEscapes(root *os.Root) {
	escapes.once.Do(func() {
		_, err := root.Lstat("..")
		var pe *fs.PathError
		if errors.As(err, &pe) {
			escapes.err = pe.Err
		}
	})
}

func isEscape(err error) bool {
	return err != nil && escapes.err != nil && errors.Is(err, escapes.err)
}

// wrap gives err the name that the caller used and turns an escape into ErrOutside.
func wrap(op, name string, err error) error {
	if err == nil {
		return nil
	}
	if isEscape(err) {
		return &fs.PathError{Op: op, Path: name, Err: fmt.Errorf("%w (%w)", ErrOutside, escapes.err)}
	}
	var pe *fs.PathError
	if errors.As(err, &pe) {
		return &fs.PathError{Op: op, Path: name, Err: pe.Err}
	}
	var errno syscall.Errno
	if errors.As(err, &errno) {
		return &fs.PathError{Op: op, Path: name, Err: errno}
	}
	return err
}

// wrapLink is wrap for the calls that have two names.
func wrapLink(op, oldname, newname string, err error) error {
	if err == nil {
		return nil
	}
	var le *os.LinkError
	if errors.As(err, &le) {
		err = le.Err
	}
	if isEscape(err) {
		err = fmt.Errorf("%w (%w)", ErrOutside, escapes.err)
	}
	return &os.LinkError{Op: op, Old: oldname, New: newname, Err: err}
}

func notDir(name string) error {
	return &fs.PathError{Op: "open", Path: name, Err: syscall.ENOTDIR}
}
