package vfs

import "syscall"

// What Windows answers. The Unix names are there for what is made up in its place.
const (
	errorTooManyOpenFiles  syscall.Errno = 4
	errorNotEnoughMemory   syscall.Errno = 8
	errorOutOfMemory       syscall.Errno = 14
	errorNoSystemResources syscall.Errno = 1450
	errorCommitmentLimit   syscall.Errno = 1455
)

var (
	exhausted = []syscall.Errno{errorTooManyOpenFiles, errorNotEnoughMemory, errorOutOfMemory, errorNoSystemResources, errorCommitmentLimit,
		syscall.EMFILE, syscall.ENFILE, syscall.ENOMEM}
	shortages = append([]syscall.Errno{syscall.EINTR, syscall.EAGAIN}, exhausted...)
)
