//go:build unix

package dirlock

import (
	"errors"
	"io/fs"
	"slices"
	"syscall"
)

// lostAnswers are those of a file server that was away: the handle, or the session that its locks
// were taken in, is no more. A new handle may do. ENOLCK is one of them where locks worked before.
var lostAnswers = []error{syscall.EIO, syscall.ESTALE, syscall.EBADF, syscall.ENOTCONN, syscall.EHOSTDOWN, syscall.EHOSTUNREACH, syscall.ENETDOWN,
	syscall.ENETUNREACH, syscall.ECONNRESET, syscall.ECONNABORTED, syscall.ECONNREFUSED, syscall.ESHUTDOWN, syscall.EPIPE, syscall.ETIMEDOUT}

func isUnsupported(err error) bool {
	return errors.Is(err, errors.ErrUnsupported) || errors.Is(err, syscall.ENOLCK)
}

// isHeld reports whether an attempt failed because somebody else has the lock. SMB says EACCES for
// that, in answer to the lock of a file that was opened for writing; in answer to the open it is a
// missing permission. EAGAIN of an open is a lease that a file server has.
func isHeld(err error) bool {
	var opening *fs.PathError
	if errors.As(err, &opening) {
		return errors.Is(err, syscall.EAGAIN)
	}
	return errors.Is(err, syscall.EACCES) || errors.Is(err, syscall.EAGAIN)
}

func isLost(err error) bool {
	return slices.ContainsFunc(lostAnswers, func(answer error) bool { return errors.Is(err, answer) })
}
