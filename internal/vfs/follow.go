package vfs

import (
	"errors"
	"io/fs"
	"path/filepath"
	"strings"
	"syscall"
)

// maxLinks bounds the links that are followed for one name, as the kernel does.
const maxLinks = 40

// Links is a tree of names with links in it.
type Links interface {
	Lstat(name string) (fs.FileInfo, error)
	Readlink(name string) (string, error)
	// Leave is told where the way leads out of the tree: to is an absolute path, or ".." for what
	// lies above the top, and rest is the way from there. Names are looked up in another tree then,
	// in which it gives the way, or it gives an error.
	Leave(to string, rest []string) (way []string, err error)
}

// FollowLinks follows the links of name, one component at a time, the last only if follow says so.
// The name it returns has no link left unless the tree changes meanwhile. What is missing is no
// error: the call that follows says so, or makes it.
func FollowLinks(l Links, name string, follow bool) (string, error) {
	var done []string // followed so far
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
			way, err := l.Leave("..", todo)
			if err != nil {
				return "", err
			}
			todo = way
			continue
		}
		done = append(done, part)
		if len(todo) == 0 && !follow {
			break
		}
		here := strings.Join(done, "/")
		info, err := l.Lstat(here)
		if errors.Is(err, fs.ErrNotExist) {
			continue
		}
		if err != nil {
			return "", err
		}
		if info.Mode()&fs.ModeSymlink == 0 {
			continue
		}
		if links++; links > maxLinks {
			return "", &fs.PathError{Op: "open", Path: name, Err: syscall.ELOOP}
		}
		link, err := l.Readlink(here)
		if err != nil {
			return "", err
		}
		done = done[:len(done)-1]
		if !filepath.IsAbs(link) {
			todo = append(strings.Split(filepath.ToSlash(link), "/"), todo...)
			continue
		}
		if todo, err = l.Leave(link, todo); err != nil {
			return "", err
		}
		done = nil
	}
	return Clean(strings.Join(done, "/")), nil
}
