//go:build unix

package dirlock

import (
	"os"
	"syscall"

	"github.com/gofrs/flock"
)

// newFlock locks an existing file for reading and writing (NFS has no exclusive locks on others).
// It does not follow a final link and does not wait at a named pipe.
func newFlock(path string) fileLock {
	return flock.New(path, flock.SetFlag(os.O_RDWR|syscall.O_NOFOLLOW|syscall.O_NONBLOCK))
}
