package vfs

import (
	"io/fs"
	"time"

	"github.com/spf13/afero"
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

// Same reports whether two sights are of one file.
func (s Identity) Same(other Identity) bool {
	return s.Device == other.Device && s.Inode == other.Inode
}

// tick is more than the longest step of a clock by which a file system marks changes (10 ms where
// the kernel's clock has 100 Hz).
const tick = 20 * time.Millisecond

// Stable reports whether a change that comes after s was seen, at a moment or later, changes the
// sight of the file. Of two changes within one step of the clock the second may leave the same
// mark, so a sight of a file that was changed so lately is not to be relied on, as in git's index.
func (s Identity) Stable(at time.Time) bool { return at.Sub(time.Unix(0, s.Changed)) >= tick }

// Looker is what a cache of open handles asks before it believes a handle: one system call each,
// without following a final link.
//
// changed asks for the time of change. It is for files that are looked at more often than they are
// written: a file system with fine times (Linux ≥ 6.13) pays for it at the next write.
type Looker interface {
	// Local reports whether handles may be kept here: a look is true for all writers at once, and a
	// write has taken effect without a close. It is drive.Drive.Local, the one judgement of that,
	// but false where links lead to other file systems.
	Local() bool
	Look(name string, changed bool) (Identity, error)
	// LookAt looks at a file that was opened in the same file system.
	LookAt(f afero.File, changed bool) (Identity, error)
}

// LookerOf returns the Looker side of fsys, if it has one.
func LookerOf(fsys afero.Fs) (Looker, bool) {
	l, ok := fsys.(Looker)
	return l, ok
}
