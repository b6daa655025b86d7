package rootfs

import (
	"errors"
	"io/fs"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"syscall"

	"github.com/mlruns/mlruns/internal/vfs"
)

// maxLinks bounds the links that are followed for one name, as the kernel does.
const maxLinks = 40

// resolve follows the links of name through the base and the targets that they may lead to, one
// component at a time. The place it returns has no link left unless the tree changes meanwhile;
// os.Root confines the call that follows all the same.
func (f *Fs) resolve(name string, follow bool, targets []*target) (place, error) {
	at := f.base
	var done []string      // resolved so far, below at
	var last vfs.LinkError // the link that was followed last
	todo := strings.Split(vfs.Clean(name), "/")
	for links := 0; len(todo) > 0; {
		part := todo[0]
		todo = todo[1:]
		switch {
		case part == "" || part == ".":
			continue
		case part == ".." && len(done) > 0:
			done = done[:len(done)-1]
			continue
		case part == ".." && last.Link == "":
			return place{}, escapes.err
		case part == "..":
			above := elements(at.path())
			above = above[:max(len(above)-1, 0)]
			for len(todo) > 0 && todo[0] == ".." {
				above, todo = above[:max(len(above)-1, 0)], todo[1:]
			}
			next, rest, ok := find(targets, append(above, todo...))
			if !ok {
				return place{}, f.leaves(last)
			}
			at, todo = next, rest
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
		last = vfs.LinkError{Link: here, To: link}
		if at != f.base {
			last.Link = filepath.Join(at.real, here)
		}
		done = done[:len(done)-1]
		if !filepath.IsAbs(link) {
			todo = append(strings.Split(filepath.ToSlash(link), "/"), todo...)
			continue
		}
		next, rest, ok := find(targets, elements(link))
		if !ok {
			_, _, last.ForReading = find([]*target{f.base}, elements(link))
			return place{}, f.leaves(last)
		}
		at, done, todo = next, nil, append(rest, todo...)
	}
	return place{at, vfs.Clean(strings.Join(done, "/"))}, nil
}

// leaves says of a link that was not followed why.
func (f *Fs) leaves(link vfs.LinkError) error {
	if f.linkHint != "" {
		link.Hint = "; " + f.linkHint
	}
	if filepath.IsAbs(link.To) {
		link.Base = f.base.path()
	}
	return &link
}

// elements are the parts of an absolute path, the volume the first.
func elements(abs string) []string {
	parts := strings.Split(filepath.ToSlash(abs), "/")
	return slices.DeleteFunc(parts, func(part string) bool { return part == "" || part == "." })
}

// find gives the target that holds an absolute path, and what of the path lies below it, which may
// have links and "..". It looks at the texts only: what a link says must not make anybody look
// outside of the targets.
func find(targets []*target, path []string) (at *target, below []string, ok bool) {
	for _, t := range targets {
		for _, dir := range []string{t.dir, t.real} {
			if below, ok := cut(path, elements(dir)); ok {
				return t, below, true
			}
		}
	}
	for _, t := range targets {
		if below, ok := cut(path, elements(t.path())); ok { // it has been moved
			return t, below, true
		}
	}
	return nil, nil, false
}

func cut(path, dir []string) (below []string, ok bool) {
	if len(path) < len(dir) || !slices.EqualFunc(path[:len(dir)], dir, sameName) {
		return nil, false
	}
	return path[len(dir):], true
}

func sameName(a, b string) bool {
	return a == b || runtime.GOOS == "windows" && strings.EqualFold(a, b)
}
