//go:build unix

package rootfs

import (
	"errors"
	"syscall"
)

const (
	nowaitFlags    = syscall.O_NONBLOCK | syscall.O_NOCTTY
	directoryFlags = nowaitFlags | syscall.O_DIRECTORY
)

func isLeased(err error) bool { return errors.Is(err, syscall.EAGAIN) }
