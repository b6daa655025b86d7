package rootfs

import (
	"errors"
	"io/fs"
	"path"
	"syscall"

	"golang.org/x/sys/unix"
)

// What changes names needs the folder above them. One openat2 opens it, confined by the kernel, and
// the call then names the last element, of which these calls follow no link; os.Root walks there,
// with two calls an element. Each method reports whether it has done what was asked: what fails
// here is os.Root's to do, or to refuse with its error.

// above opens the folder above a name.
func (b *beneath) above(name string) (dir int, base string, err error) {
	if name == "." || !fs.ValidPath(name) {
		return -1, "", errSlow
	}
	dir, err = b.open(path.Dir(name), unix.O_PATH|unix.O_DIRECTORY, 0)
	return dir, path.Base(name), err
}

func (b *beneath) mkdir(name string, perm fs.FileMode) bool {
	dir, base, err := b.above(name)
	if err != nil {
		return false
	}
	defer func() { _ = syscall.Close(dir) }()
	return unix.Mkdirat(dir, base, uint32(perm.Perm())) == nil
}

// remove removes what is no folder.
func (b *beneath) remove(name string) bool {
	dir, base, err := b.above(name)
	if err != nil {
		return false
	}
	defer func() { _ = syscall.Close(dir) }()
	return unix.Unlinkat(dir, base, 0) == nil
}

func (b *beneath) link(oldname, newname string) bool {
	return b.between(oldname, newname, func(from int, old string, to int, fresh string) error {
		return unix.Linkat(from, old, to, fresh, 0)
	})
}

// rename replaces no folder: the kernel would replace an empty one.
func (b *beneath) rename(oldname, newname string) bool {
	return b.between(oldname, newname, func(from int, old string, to int, fresh string) error {
		err := unix.Renameat2(from, old, to, fresh, unix.RENAME_NOREPLACE)
		if !errors.Is(err, syscall.EEXIST) {
			return err
		}
		var st unix.Stat_t
		if err := unix.Fstatat(to, fresh, &st, unix.AT_SYMLINK_NOFOLLOW); err != nil {
			return err
		}
		if st.Mode&unix.S_IFMT == unix.S_IFDIR {
			return syscall.EEXIST
		}
		return unix.Renameat(from, old, to, fresh)
	})
}

// between calls with the folders above two names.
func (b *beneath) between(oldname, newname string, call func(from int, old string, to int, fresh string) error) bool {
	from, old, err := b.above(oldname)
	if err != nil {
		return false
	}
	defer func() { _ = syscall.Close(from) }()
	to, fresh, err := b.above(newname)
	if err != nil {
		return false
	}
	defer func() { _ = syscall.Close(to) }()
	return call(from, old, to, fresh) == nil
}
