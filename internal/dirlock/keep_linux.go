package dirlock

import (
	"errors"
	"syscall"
)

// tryFlock reports whether the lock was to be had.
func tryFlock(fd int) (bool, error) {
	err := flockFile(fd, syscall.LOCK_EX|syscall.LOCK_NB)
	if err != nil && isHeld(err) {
		return false, nil
	}
	return err == nil, err
}

func freeFlock(fd int) error { return flockFile(fd, syscall.LOCK_UN) }

func flockFile(fd, how int) error {
	for {
		if err := syscall.Flock(fd, how); !errors.Is(err, syscall.EINTR) {
			return err
		}
	}
}
