package vfs

import (
	"context"
	"errors"
	"os"
	"syscall"
)

// IsShortage reports whether an error is one of the process or the machine at the moment, and says
// nothing of the file: no handle or no memory is left, the call was interrupted, or its time is up.
// What could not be looked at for such a reason is neither missing nor damaged.
func IsShortage(err error) bool {
	return isOneOf(err, shortages) || errors.Is(err, context.DeadlineExceeded) || errors.Is(err, os.ErrDeadlineExceeded)
}

// isOneOf allocates nothing, as errors.As would: a name that is missing is asked about here too.
func isOneOf(err error, list []syscall.Errno) bool {
	for _, errno := range list {
		if errors.Is(err, errno) {
			return true
		}
	}
	return false
}

// IsExhausted reports whether an error says that no handle or no memory was left for a call, which
// has then done nothing.
func IsExhausted(err error) bool {
	return isOneOf(err, exhausted)
}
