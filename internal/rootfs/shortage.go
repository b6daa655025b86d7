package rootfs

import (
	"context"
	"errors"
	"os"
	"slices"
	"syscall"
)

// IsShortage reports whether an error is one of the process or the machine at the moment, and says nothing of the file: no handle or no memory is left, the call was
// interrupted, or its time is up. What could not be looked at for such a reason is neither missing nor damaged.
func IsShortage(err error) bool {
	var errno syscall.Errno
	if errors.As(err, &errno) && slices.Contains(shortages, errno) {
		return true
	}
	return errors.Is(err, context.DeadlineExceeded) || errors.Is(err, os.ErrDeadlineExceeded)
}

// isExhausted reports whether an error says that no handle or no memory was left for a call, which has then done nothing.
func isExhausted(err error) bool {
	var errno syscall.Errno
	return errors.As(err, &errno) && slices.Contains(exhausted, errno)
}

// patiently calls again, while the process is out of handles or memory and Options.OnExhausted says that it is worth another try.
func (f *Fs) patiently(call func() error) error {
	err := call()
	for try := 0; err != nil && isExhausted(err) && f.onExhausted != nil && f.onExhausted(try); try++ {
		err = call()
	}
	return err
}
