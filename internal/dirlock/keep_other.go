//go:build !linux

package dirlock

import "errors"

// No file system of the operating system is vfs.FS.Local here, and without that no lock is kept.
func tryFlock(int) (bool, error) { return false, errors.ErrUnsupported }

func freeFlock(int) error { return nil }
