package vfs

import (
	"errors"
	"io"
	"syscall"

	"github.com/spf13/afero"
)

// Volume is a whole file system. Its methods are safe for concurrent use, but for Close.
type Volume interface {
	// Sync makes durable all that was written to it before the call, by whomever: files, names and
	// folders. The error is that of any write that failed since OpenVolume, or since the last Sync,
	// which other calls of Sync then do not tell again.
	Sync() error
	// Holds reports whether a folder, a link followed, is known to lie on it.
	Holds(folder string) bool
	io.Closer
}

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
