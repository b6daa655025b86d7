package atomicfile

import (
	"errors"
	"syscall"
	"time"

	"github.com/mlruns/mlruns/internal/vfs"
)

const (
	errorInvalidFunction  syscall.Errno = 1 // what a FAT volume answers to a hard link
	errorAccessDenied     syscall.Errno = 5
	errorNotSameDevice    syscall.Errno = 17
	errorSharingViolation syscall.Errno = 32
)

// renamePatience bounds the wait for readers, virus scanners and sync programs to close the file.
const renamePatience = 2 * time.Second

// rename tries again while another program has one of the files open.
func rename(fsys vfs.FS, from, to string) error {
	deadline := time.Now().Add(renamePatience)
	for delay := time.Millisecond; ; delay = min(2*delay, 100*time.Millisecond) {
		err := fsys.Rename(from, to)
		if !errors.Is(err, errorAccessDenied) && !errors.Is(err, errorSharingViolation) || time.Now().After(deadline) {
			return err
		}
		time.Sleep(delay)
	}
}

// CrossesFileSystems reports whether an error says that a name cannot be moved to, or linked at,
// another place because the two lie on different volumes.
func CrossesFileSystems(err error) bool {
	// the latter is rootfs's
	return errors.Is(err, errorNotSameDevice) || errors.Is(err, syscall.EXDEV)
}

// hasNoLinks reports whether an error of Link means that the volume, or the file, cannot have
// another link.
func hasNoLinks(err error) bool {
	return errors.Is(err, errors.ErrUnsupported) || errors.Is(err, errorInvalidFunction)
}
