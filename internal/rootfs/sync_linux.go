package rootfs

import (
	"errors"
	"io/fs"
	"os"

	"github.com/spf13/afero"
	"golang.org/x/sys/unix"
)

// writeOut has the kernel write the data of files, all at once, and waits until it has: so that
// what is left to commit, for all of them, is there before the first commit. It promises nothing.
// But a failed write is told only once of each handle: the sync that follows would not tell what
// was told here.
func writeOut(files []afero.File) error {
	var errs []error
	for _, flags := range [...]int{unix.SYNC_FILE_RANGE_WRITE, unix.SYNC_FILE_RANGE_WRITE | unix.SYNC_FILE_RANGE_WAIT_AFTER} {
		for _, file := range files {
			own, ok := file.(*os.File)
			if !ok {
				continue
			}
			switch err := unix.SyncFileRange(int(own.Fd()), 0, 0, flags); err {
			// not here, or not now
			case nil, unix.EINTR, unix.ENOSYS, unix.EPERM, unix.EINVAL, unix.ESPIPE:
			default:
				errs = append(errs, &fs.PathError{Op: "sync", Path: file.Name(), Err: err})
			}
		}
	}
	return errors.Join(errs...)
}
