//go:build !unix

package dirlock

import (
	"errors"
	"os"
	"syscall"

	"github.com/gofrs/flock"
)

// newFlock locks an existing file.
func newFlock(path string) fileLock {
	return flock.New(path, flock.SetFlag(os.O_RDWR))
}

// errorInvalidFunction is what a volume without locks answers on Windows.
const errorInvalidFunction syscall.Errno = 1

func isUnsupported(err error) bool {
	return errors.Is(err, errors.ErrUnsupported) || errors.Is(err, errorInvalidFunction)
}
