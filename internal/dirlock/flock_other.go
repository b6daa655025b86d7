//go:build !unix

package dirlock

import (
	"os"

	"github.com/gofrs/flock"
)

// newFlock locks an existing file.
func newFlock(path string) fileLock {
	return flock.New(path, flock.SetFlag(os.O_RDWR))
}
