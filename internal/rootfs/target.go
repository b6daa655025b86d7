package rootfs

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"syscall"

	"github.com/mlruns/mlruns/internal/drive"
)

// maxLinks bounds the links that are followed for one name, as the kernel does.
const maxLinks = 40

// target is a directory that names may lead into: the base, or a link target.
type target struct {
	root *os.Root
	dir  string // absolute, as it was given
	real string // the same without symbolic links
	info fs.FileInfo
}

// place is a name in a target.
type place struct {
	*target
	name string
}

func openTarget(dir string) (*target, error) {
	abs, err := filepath.Abs(dir)
	if err != nil {
		return nil, err
	}
	// os.OpenRoot would wait at a named pipe.
	info, err := os.Stat(abs)
	if err != nil {
		return nil, err
	}
	if !info.IsDir() {
		return nil, notDir(dir)
	}
	realDir, err := filepath.EvalSymlinks(abs)
	if err != nil {
		return nil, err
	}
	root, err := os.OpenRoot(realDir)
	if err != nil {
		return nil, err
	}
	if info, err = root.Stat("."); err != nil {
		return nil, errors.Join(err, root.Close())
	}
	return &target{root: root, dir: abs, real: realDir, info: info}, nil
}

// withTargets is the drive of the directory with those that links may lead to.
func (f *Fs) withTargets(d drive.Drive) drive.Drive {
	for _, t := range f.targets {
		d = d.With(t.dir, drive.At(t.real))
	}
	return d
}

// path is where the directory is now, as far as that can be known.
func (t *target) path() string {
	if info, err := os.Stat(t.real); err == nil && os.SameFile(info, t.info) {
		return t.real
	}
	if moved, ok := currentPath(t.root); ok {
		return moved
	}
	return t.real
}

// resolve follows the links of name through the base and the link targets, one component at a time. The place it
// returns has no link left unless the tree changes meanwhile; os.Root confines the call that follows all the same.
func (f *Fs) resolve(name string, follow bool) (place, error) {
	at := f.base
	var done []string // resolved so far, below at
	todo := strings.Split(Clean(name), "/")
	for links := 0; len(todo) > 0; {
		part := todo[0]
		todo = todo[1:]
		switch {
		case part == "" || part == ".":
			continue
		case part == ".." && len(done) > 0:
			done = done[:len(done)-1]
			continue
		case part == "..":
			next, rest, err := f.jump(filepath.Join(at.real, "..", filepath.Join(todo...)))
			if err != nil {
				return place{}, err
			}
			at, todo = next, rest
			if links++; links > maxLinks {
				return place{}, &fs.PathError{Op: "open", Path: name, Err: syscall.ELOOP}
			}
			continue
		}
		done = append(done, part)
		if len(todo) == 0 && !follow {
			break
		}
		here := strings.Join(done, "/")
		info, err := at.root.Lstat(here)
		if errors.Is(err, fs.ErrNotExist) {
			continue // the call that follows says so, or makes it
		}
		if err != nil {
			return place{}, err
		}
		if info.Mode()&fs.ModeSymlink == 0 {
			continue
		}
		if links++; links > maxLinks {
			return place{}, &fs.PathError{Op: "open", Path: name, Err: syscall.ELOOP}
		}
		link, err := at.root.Readlink(here)
		if err != nil {
			return place{}, err
		}
		done = done[:len(done)-1]
		if !filepath.IsAbs(link) {
			todo = append(strings.Split(filepath.ToSlash(link), "/"), todo...)
			continue
		}
		next, rest, err := f.jump(link)
		if err != nil {
			return place{}, err
		}
		at, done, todo = next, nil, append(rest, todo...)
	}
	return place{at, Clean(strings.Join(done, "/"))}, nil
}

// jump finds the link target that holds an absolute path, and what of the path lies below it.
func (f *Fs) jump(abs string) (*target, []string, error) {
	for _, t := range f.targets {
		for _, dir := range []string{t.dir, t.real} {
			rel, err := filepath.Rel(dir, abs)
			if err == nil && filepath.IsLocal(rel) {
				return t, strings.Split(filepath.ToSlash(rel), "/"), nil
			}
		}
	}
	return nil, nil, escapes.err
}
