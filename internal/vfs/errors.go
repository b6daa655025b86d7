package vfs

import (
	"errors"
	"io/fs"
	"syscall"
)

// IsMissing reports whether an error says that there is no such thing: also when a file stands
// where a folder would have to. A link that leads nowhere is there.
func IsMissing(err error) bool {
	return IsGone(err) || errors.Is(err, syscall.ENOTDIR)
}

// IsGone is IsMissing but for a file in the place of a folder. A name that is longer than names can
// be is that of nothing.
func IsGone(err error) bool {
	return errors.Is(err, fs.ErrNotExist) && !IsDangling(err) || errors.Is(err, syscall.ENAMETOOLONG)
}

// IsDangling reports whether an error says that a link leads nowhere.
func IsDangling(err error) bool { return errors.Is(err, ErrDangling) }

// IsFolder reports whether an error says that there is a folder where a file was wanted.
func IsFolder(err error) bool { return errors.Is(err, syscall.EISDIR) }

// IsUnseen reports whether an error says that a place could not be looked at, so that what is there
// is not known: it is forbidden, the disk fails, a server is away, or there is a shortage. A name
// that leads out of the store, or nowhere, or cannot be one, has nothing of it.
func IsUnseen(err error) bool {
	return err != nil && !IsMissing(err) && !IsDangling(err) && !errors.Is(err, ErrOutside) && !errors.Is(err, syscall.ELOOP) && !isOneOf(err, noNames)
}

// Unseen gives back an error of which IsUnseen is true, and nil for all others.
func Unseen(err error) error {
	if IsUnseen(err) {
		return err
	}
	return nil
}

// Shortage gives back an error if it is a shortage, and nil for all others.
func Shortage(err error) error {
	if IsShortage(err) {
		return err
	}
	return nil
}
