//go:build !windows

package atomicfile

import (
	"errors"
	"syscall"

	"github.com/mlruns/mlruns/internal/vfs"
)

func rename(fsys vfs.FS, from, to string) error { return fsys.Rename(from, to) }

// CrossesFileSystems reports whether an error says that a name cannot be moved to, or linked at,
// another place because the two lie on different file systems, or on one that does not move
// folders, as an overlay does not move those of its lower layer.
func CrossesFileSystems(err error) bool { return errors.Is(err, syscall.EXDEV) }

// hasNoLinks reports whether an error of Link can mean that the file system, or the file, cannot
// have another link: FAT and some network file systems answer EPERM, those of user space what comes
// to their minds, EIO (rclone) and EINVAL among it, and Android EACCES. Where it meant something
// else the rename that is tried then fails too.
func hasNoLinks(err error) bool {
	for _, errno := range [...]syscall.Errno{syscall.EPERM, syscall.EMLINK, syscall.EIO, syscall.EINVAL, syscall.EACCES} {
		if errors.Is(err, errno) {
			return true
		}
	}
	return errors.Is(err, errors.ErrUnsupported)
}
