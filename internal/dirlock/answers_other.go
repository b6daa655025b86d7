//go:build !unix

package dirlock

import (
	"errors"
	"slices"
	"syscall"
)

// What Windows answers; its package has names for few of them.
const (
	errorInvalidFunction  syscall.Errno = 1 // of a volume without locks
	errorSharingViolation syscall.Errno = 32
	errorLockViolation    syscall.Errno = 33
)

// lostAnswers are those of a file server that was away: the handle, or the session that its locks
// were taken in, is no more. A new handle may do.
var lostAnswers = []error{
	syscall.Errno(6),    // ERROR_INVALID_HANDLE
	syscall.Errno(53),   // ERROR_BAD_NETPATH
	syscall.Errno(59),   // ERROR_UNEXP_NET_ERR
	syscall.Errno(64),   // ERROR_NETNAME_DELETED
	syscall.Errno(121),  // ERROR_SEM_TIMEOUT
	syscall.Errno(1231), // ERROR_NETWORK_UNREACHABLE
	syscall.Errno(1236), // ERROR_CONNECTION_ABORTED
}

func isUnsupported(err error) bool {
	return errors.Is(err, errors.ErrUnsupported) || errors.Is(err, errorInvalidFunction)
}

// isHeld reports whether an attempt failed because somebody else has the lock, or has the file open
// for itself as scanners and sync programs do.
func isHeld(err error) bool {
	return errors.Is(err, errorLockViolation) || errors.Is(err, errorSharingViolation)
}

func isLost(err error) bool {
	return slices.ContainsFunc(lostAnswers, func(answer error) bool { return errors.Is(err, answer) })
}
