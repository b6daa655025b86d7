//go:build unix

package dir

import (
	"math"
	"syscall"
)

// handleLimit is how many files the process may have open.
func handleLimit() int {
	var limit syscall.Rlimit
	if err := syscall.Getrlimit(syscall.RLIMIT_NOFILE, &limit); err != nil {
		return math.MaxInt32
	}
	// bounded; the field is signed on some systems
	return int(min(uint64(limit.Cur), math.MaxInt32)) //nolint:gosec,unconvert
}
