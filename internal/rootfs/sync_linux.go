package rootfs

import (
	"os"

	"github.com/spf13/afero"
	"golang.org/x/sys/unix"
)

// writeOut has the kernel write the data of files, all at once, and waits until it has: so that what is left to commit, for all of them, is there before the
// first commit. It promises nothing, so its errors say nothing.
func writeOut(files []afero.File) {
	for _, flags := range [...]int{unix.SYNC_FILE_RANGE_WRITE, unix.SYNC_FILE_RANGE_WRITE | unix.SYNC_FILE_RANGE_WAIT_AFTER} {
		for _, file := range files {
			if own, ok := file.(*os.File); ok {
				_ = unix.SyncFileRange(int(own.Fd()), 0, 0, flags)
			}
		}
	}
}
