package rootfs

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

// isExhausted reports whether an error says that no handle or no memory was left for a call, which
// has then done nothing.
func isExhausted(err error) bool {
	return isOneOf(err, exhausted)
}

// patiently calls again, while the process is out of handles or memory and Options.OnExhausted says
// that it is worth another try.
func (f *Fs) patiently(call func() error) error {
	err := call()
	for try := 0; err != nil && isExhausted(err) && f.onExhausted != nil && f.onExhausted(try); try++ {
		err = call()
	}
	return err
}
