package vfs

import (
	"errors"
	"syscall"

	"github.com/spf13/afero"
)

// SyncEach is FS.SyncAll for a file system that syncs one after the other.
func SyncEach(fsys FS, files []afero.File, dirs []string) error {
	for _, f := range files {
		if err := f.Sync(); err != nil {
			return err
		}
	}
	for _, dir := range dirs {
		if err := fsys.SyncDir(dir); err != nil && !CannotSync(err) {
			return err
		}
	}
	return nil
}

// CannotSync reports whether an error of SyncDir says that the file system does not sync
// directories.
func CannotSync(err error) bool {
	return errors.Is(err, errors.ErrUnsupported) || errors.Is(err, syscall.EINVAL)
}
