package rootfs

import (
	"errors"
	"sync"
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

var _ Syncer = (*Fs)(nil)

// CannotSync reports whether an error of SyncDir says that the file system does not sync
// directories.
func CannotSync(err error) bool {
	return errors.Is(err, errors.ErrUnsupported) || errors.Is(err, syscall.EINVAL)
}

// maxSyncs bounds the syncs that wait at once.
const maxSyncs = 16

// SyncAll implements Syncer.
func (f *Fs) SyncAll(files []afero.File, dirs []string) error {
	if err := writeOut(files); err != nil {
		return err
	}
	errs := make([]error, len(files)+len(dirs))
	slots := make(chan struct{}, maxSyncs)
	var all sync.WaitGroup
	for i := range errs {
		slots <- struct{}{}
		all.Go(func() {
			defer func() { <-slots }()
			if i < len(files) {
				errs[i] = files[i].Sync()
				return
			}
			if err := f.SyncDir(dirs[i-len(files)]); !CannotSync(err) {
				errs[i] = err
			}
		})
	}
	all.Wait()
	return errors.Join(errs...)
}
