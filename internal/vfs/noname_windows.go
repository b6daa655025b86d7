package vfs

import "syscall"

const (
	errorInvalidName syscall.Errno = 123
	errorBadPathname syscall.Errno = 161
)

// noNames are the answers to a name that the file system cannot hold.
var noNames = []syscall.Errno{errorInvalidName, errorBadPathname, syscall.EINVAL, syscall.EILSEQ}
