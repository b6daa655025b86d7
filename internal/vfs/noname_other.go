//go:build !windows

package vfs

import "syscall"

// noNames are the answers to a name that the file system cannot hold.
var noNames = []syscall.Errno{syscall.EINVAL, syscall.EILSEQ}
