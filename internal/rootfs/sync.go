package rootfs

import (
	"errors"
	"sync"

	"github.com/spf13/afero"

	"github.com/mlruns/mlruns/internal/vfs"
)

// maxSyncs bounds the syncs that wait at once.
const maxSyncs = 16

// SyncAll implements vfs.FS.
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
			if err := f.SyncDir(dirs[i-len(files)]); !vfs.CannotSync(err) {
				errs[i] = err
			}
		})
	}
	all.Wait()
	return errors.Join(errs...)
}
