//go:build !windows

package vfs

import "syscall"

var (
	exhausted = []syscall.Errno{syscall.EMFILE, syscall.ENFILE, syscall.ENOMEM}
	shortages = append([]syscall.Errno{syscall.EINTR, syscall.EAGAIN}, exhausted...)
)
