package vfs

import (
	"io/fs"
	"time"
)

// Identity tells which file a name led to at a moment, and what state it was in.
type Identity struct {
	Device, Inode uint64 // the same for the same file only, while a handle keeps it
	Mode          fs.FileMode
	Size          int64
	Links         uint64 // 0 when the file has no name left
	// MountRoot says that another file system, or another folder, is mounted at the name, so that
	// it cannot be renamed or removed. False where the system does not tell.
	MountRoot bool
	// Changed is the time of the last change of the file, its names and modes included, in
	// nanoseconds since 1970: what a writer cannot set. 0 unless it was asked for.
	Changed int64
}

// Same reports whether two identities are of one file.
func (i Identity) Same(other Identity) bool {
	return i.Device == other.Device && i.Inode == other.Inode
}

// tick is more than the longest step of a clock by which a file system marks changes (10 ms where
// the kernel's clock has 100 Hz).
const tick = 20 * time.Millisecond

// Stable reports whether a change that comes after i was taken, at a moment of Clock or later,
// makes another identity of the file. Of two changes within one step of the clock the second may
// leave the same mark, so the identity of a file that was changed so lately is not to be relied on,
// as in git's index.
func (i Identity) Stable(at time.Time) bool { return at.Sub(time.Unix(0, i.Changed)) >= tick }

// IdentityOf is what a look at a file tells where it tells no more than its kind and size.
func IdentityOf(info fs.FileInfo, err error) (Identity, error) {
	if err != nil {
		return Identity{}, err
	}
	return Identity{Mode: info.Mode().Type(), Size: info.Size()}, nil
}
