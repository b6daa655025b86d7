package faultfs

import (
	"errors"
	"io/fs"
	"slices"

	"github.com/spf13/afero"

	"github.com/mlruns/mlruns/internal/vfs"
)

var _ vfs.Syncer = (*nativeFs)(nil)

// SyncAll is a Sync of each file and a SyncDir of each directory, the last first: no order is
// promised, and none may be relied on. As on a disk, one that fails does not keep the others from
// being synced. Where the file system under this one is a vfs.Syncer it syncs all that do not
// fail at once.
func (n *nativeFs) SyncAll(files []afero.File, dirs []string) error {
	var errs []error
	var inner []afero.File
	var folders []string
	all, ok := n.native.(vfs.Syncer)
	for _, dir := range slices.Backward(dirs) {
		err := n.tape.fail(SyncDir, dir)
		if err == nil && !ok {
			err = n.native.SyncDir(dir)
		}
		if err != nil {
			errs = append(errs, err)
			continue
		}
		folders = append(folders, dir)
	}
	for _, f := range slices.Backward(files) {
		own, isOwn := f.(*file)
		if !isOwn {
			return &fs.PathError{Op: string(Sync), Path: f.Name(), Err: fs.ErrInvalid}
		}
		err := n.tape.fail(Sync, own.name)
		if err == nil && !ok {
			err = own.File.Sync()
		}
		if err != nil {
			errs = append(errs, err)
			continue
		}
		inner = append(inner, own.File)
	}
	if ok {
		errs = append(errs, all.SyncAll(inner, folders))
	}
	return errors.Join(errs...)
}
