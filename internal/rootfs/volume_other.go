//go:build !linux

package rootfs

import (
	"errors"
	"io/fs"

	"github.com/mlruns/mlruns/internal/vfs"
)

// OpenVolume implements vfs.FS: there is no such call.
func (f *Fs) OpenVolume(folder string) (vfs.Volume, error) {
	return nil, &fs.PathError{Op: "syncfs", Path: folder, Err: errors.ErrUnsupported}
}
