package artifacts

import (
	"errors"
	"io/fs"
	"path"
	"strings"
	"syscall"

	"github.com/mlruns/mlruns/internal/vfs"
)

// follow looks at the links in p, a path below base. One that leads out of base is vfs.ErrOutside
// even where it stays in the file system, which is all that the operating system confines to: the
// next folder is another run. away says that base is a link, or that p leaves it by an absolute
// one, so that it may be on another disk; the file system follows those only to where the caller
// allowed it. What is missing is no error.
func follow(fsys vfs.FS, base, p string) (away bool, err error) {
	name := path.Join(base, p)
	real, away, err := fsys.Follow(name)
	switch {
	case err == nil && !away && vfs.Clean(real) == vfs.Clean(name):
		return false, nil // there are no links
	case refuses(err) || away:
		return away, err
	case err != nil:
		return false, nil //nolint:nilerr // the call that follows says what is wrong
	}
	top, away, err := fsys.Follow(base)
	if err != nil {
		return false, err
	}
	real, top = vfs.Clean(real), vfs.Clean(top)
	if away || top != "." && real != top && !strings.HasPrefix(real, top+"/") {
		return false, &fs.PathError{Op: "follow", Path: p, Err: vfs.ErrOutside}
	}
	return top != vfs.Clean(base), nil
}

// refuses reports whether what a link leads to is not to be read, or it is not known what that is.
func refuses(err error) bool {
	return errors.Is(err, vfs.ErrOutside) || errors.Is(err, syscall.ELOOP) || vfs.IsShortage(err)
}

// checkBase refuses the folder of a run's artifacts where it is a link to another folder of the
// file system: that is of another run. A link that leaves the file system is followed only to where
// the caller allowed it.
func checkBase(fsys vfs.FS, base string) error {
	info, err := fsys.Lstat(base)
	if vfs.IsShortage(err) {
		return err
	}
	if err != nil || !isLink(info) {
		return nil
	}
	_, err = follow(fsys, path.Dir(base), path.Base(base))
	return err
}

func isLink(info fs.FileInfo) bool { return info.Mode()&fs.ModeSymlink != 0 }
