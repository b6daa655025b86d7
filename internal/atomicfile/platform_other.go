//go:build !windows

package atomicfile

import (
	"errors"
	"syscall"

	"github.com/spf13/afero"
)

func rename(fsys afero.Fs, from, to string) error { return fsys.Rename(from, to) }

// hasNoLinks reports whether an error of Link can mean that the file system, or the file, cannot have another link: FAT
// and some network file systems answer EPERM, those of user space what comes to their minds, EIO (rclone) and EINVAL
// among it, and Android EACCES. Where it meant something else the rename that is tried then fails too.
func hasNoLinks(err error) bool {
	for _, errno := range [...]syscall.Errno{syscall.EPERM, syscall.EMLINK, syscall.EIO, syscall.EINVAL, syscall.EACCES} {
		if errors.Is(err, errno) {
			return true
		}
	}
	return errors.Is(err, errors.ErrUnsupported)
}
