package rootfs

import (
	"errors"
	"io/fs"
	"os"
	"sync"
	"syscall"

	"github.com/mlruns/mlruns/internal/vfs"
)

// escapes is the error of os.Root for a name that leads out of it, which package os does not
// export.
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
		return &fs.PathError{Op: op, Path: name, Err: vfs.ErrOutside}
	}
	// Most are what a system call says, bare: errors.As allocates for each that it looks for.
	if errno, ok := err.(syscall.Errno); ok { //nolint:errorlint // the rest is below
		return &fs.PathError{Op: op, Path: name, Err: errno}
	}
	var link *vfs.LinkError
	if errors.As(err, &link) {
		link.Last = link.Link == vfs.Clean(name)
		return &fs.PathError{Op: op, Path: name, Err: link}
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
		err = vfs.ErrOutside
	}
	return &os.LinkError{Op: op, Old: oldname, New: newname, Err: err}
}

func notDir(name string) error {
	return &fs.PathError{Op: "open", Path: name, Err: syscall.ENOTDIR}
}
