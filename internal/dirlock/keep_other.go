//go:build !linux

package dirlock

import "errors"

// Files of the operating system have no vfs.Looker here, and without one no lock is kept.
func tryFlock(int) (bool, error) { return false, errors.ErrUnsupported }

func freeFlock(int) error { return nil }
