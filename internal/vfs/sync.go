package vfs

import (
	"errors"
	"syscall"

	"github.com/spf13/afero"
)

// Syncer makes many things durable in the time of a few: a journaling file system commits once for
// all that wait at the same moment.
type Syncer interface {
	// SyncAll makes the data of open files and the entries of directories durable, in no particular
	// order. Directories that cannot be synced, on file systems that say so, are left out.
	SyncAll(files []afero.File, dirs []string) error
}

// CannotSync reports whether an error of SyncDir says that the file system does not sync
// directories.
func CannotSync(err error) bool {
	return errors.Is(err, errors.ErrUnsupported) || errors.Is(err, syscall.EINVAL)
}
