package rootfs

import (
	"io/fs"
	"path/filepath"
	"runtime"
	"slices"
	"strings"

	"github.com/mlruns/mlruns/internal/vfs"
)

// resolve follows the links of name through the base and the targets that they may lead to. os.Root
// confines the call that follows all the same.
func (f *Fs) resolve(name string, follow bool, targets []*target) (place, error) {
	l := &links{fsys: f, targets: targets, at: f.base}
	name, err := vfs.FollowLinks(l, name, follow)
	return place{l.at, name}, err
}

// links are those of one target after the other.
type links struct {
	fsys    *Fs
	targets []*target
	at      *target
	last    vfs.LinkError // the link that was followed last
}

func (l *links) Lstat(name string) (fs.FileInfo, error) { return l.at.root.Lstat(name) }

func (l *links) Readlink(name string) (string, error) {
	link, err := l.at.root.Readlink(name)
	if err != nil {
		return "", err
	}
	l.last = vfs.LinkError{Link: name, To: link}
	if l.at != l.fsys.base {
		l.last.Link = filepath.Join(l.at.real, name)
	}
	return link, nil
}

func (l *links) Leave(to string, rest []string) ([]string, error) {
	path := elements(to)
	if to == ".." {
		if l.last.Link == "" {
			return nil, escapes.err
		}
		path = elements(l.at.path())
		path = path[:max(len(path)-1, 0)]
		for len(rest) > 0 && rest[0] == ".." {
			path, rest = path[:max(len(path)-1, 0)], rest[1:]
		}
		path, rest = append(path, rest...), nil
	}
	next, below, ok := find(l.targets, path)
	if !ok {
		if to != ".." {
			_, _, l.last.ForReading = find([]*target{l.fsys.base}, path)
		}
		return nil, l.fsys.leaves(l.last)
	}
	l.at = next
	return append(below, rest...), nil
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
