//go:build !windows

package atomicfile

import (
	"errors"
	"syscall"

	"github.com/spf13/afero"
)

func rename(fsys afero.Fs, from, to string) error { return fsys.Rename(from, to) }

// hasNoLinks reports whether an error of Link means that the file system, or the file, cannot have another link: FAT
// and some network file systems answer EPERM.
func hasNoLinks(err error) bool {
	return errors.Is(err, errors.ErrUnsupported) || errors.Is(err, syscall.EPERM) || errors.Is(err, syscall.EMLINK)
}
