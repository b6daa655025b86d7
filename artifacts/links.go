package artifacts

import (
	"io/fs"
	"path"
	"path/filepath"
	"strings"
	"syscall"

	"github.com/spf13/afero"

	"github.com/mlruns/mlruns/internal/vfs"
)

// maxLinks bounds the links that are followed in one path, as systems do.
const maxLinks = 40

// follow looks at the links in p, a path below base. One that leads out of base is
// vfs.ErrOutside even where it stays in the file system, which is all that the operating system
// confines to: the next folder is another run. away says that base is a link, or that p leaves it
// by an absolute one, so that it may be on another disk; the file system follows those only to
// where the caller allowed it. What is missing is no error.
func follow(fsys afero.Fs, base, p string) (away bool, err error) {
	reader, ok := fsys.(afero.LinkReader)
	if !ok {
		return false, nil
	}
	info, err := lstat(fsys, base)
	if vfs.IsShortage(err) {
		return false, err
	}
	away = err == nil && isLink(info)
	leaves, err := followBelow(fsys, reader, base, p)
	return away || leaves, err
}

// checkBase refuses the folder of a run's artifacts where it is a link to another folder of the
// file system: that is of another run. A link that leaves the file system is followed only to where
// the caller allowed it.
func checkBase(fsys afero.Fs, base string) error {
	reader, ok := fsys.(afero.LinkReader)
	if !ok {
		return nil
	}
	info, err := lstat(fsys, base)
	if vfs.IsShortage(err) {
		return err
	}
	if err != nil || !isLink(info) {
		return nil
	}
	_, err = followBelow(fsys, reader, path.Dir(base), path.Base(base))
	return err
}

// followBelow is follow for a base that is no link.
func followBelow(fsys afero.Fs, reader afero.LinkReader, base, p string) (away bool, err error) {
	var done []string
	todo := strings.Split(p, "/")
	for links := 0; len(todo) > 0; {
		part := todo[0]
		todo = todo[1:]
		switch {
		case part == "" || part == ".":
			continue
		case part == ".." && len(done) == 0:
			return leaves(fsys, base, p, path.Join("..", path.Join(todo...)))
		case part == "..":
			done = done[:len(done)-1]
			continue
		}
		here := path.Join(base, path.Join(done...), part)
		info, err := lstat(fsys, here)
		// the call that follows might have what it takes, and follow what was not looked at
		if vfs.IsShortage(err) {
			return false, err
		}
		if err != nil {
			return false, nil // the call that follows says what is wrong
		}
		if !isLink(info) {
			done = append(done, part)
			continue
		}
		if links++; links > maxLinks {
			return false, &fs.PathError{Op: "follow", Path: p, Err: syscall.ELOOP}
		}
		to, err := reader.ReadlinkIfPossible(here)
		if err != nil {
			return false, err
		}
		if filepath.IsAbs(to) {
			return leaves(fsys, base, p, to)
		}
		todo = append(strings.Split(filepath.ToSlash(to), "/"), todo...)
	}
	return false, nil
}

// leaves judges p, a path below base, which a link takes to to, an absolute path or one that begins
// with "..". It may come back into base, or lead to where the caller allowed links to.
func leaves(fsys afero.Fs, base, p, to string) (away bool, err error) {
	native, ok := vfs.NativeOf(fsys)
	if !ok {
		if filepath.IsAbs(to) || strings.HasPrefix(path.Join(base, to), "..") {
			return true, nil // out of the file system, which lets it or not
		}
		return false, &fs.PathError{Op: "follow", Path: p, Err: vfs.ErrOutside}
	}
	real, away, err := native.Follow(path.Join(base, p))
	if err != nil || away {
		return away, err
	}
	top, away, err := native.Follow(base)
	if err == nil && (away || top != "." && real != top && !strings.HasPrefix(real, top+"/")) {
		err = &fs.PathError{Op: "follow", Path: p, Err: vfs.ErrOutside}
	}
	return false, err
}

func isLink(info fs.FileInfo) bool { return info.Mode()&fs.ModeSymlink != 0 }

func lstat(fsys afero.Fs, name string) (fs.FileInfo, error) {
	if l, ok := fsys.(afero.Lstater); ok {
		info, _, err := l.LstatIfPossible(name)
		return info, err
	}
	return fsys.Stat(name)
}
