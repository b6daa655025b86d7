package vfs

import (
	"errors"
	"fmt"
	"io/fs"
	"path/filepath"
	"strings"
	"syscall"

	"github.com/mlruns/mlruns/internal/failure"
)

var (
	// ErrOutside is returned when a name leads out of the directory, by ".." or through a symbolic
	// link. The text names the path.
	ErrOutside = errors.New("leads outside of the directory")

	// ErrReadOnly is returned by every mutating call on a read-only file system. It is an
	// fs.ErrPermission, a syscall.EROFS and a failure.ErrReadOnly.
	ErrReadOnly error = readOnlyError{}

	// ErrNotRegular is returned when something else than a regular file is opened for reading or
	// writing. The text says what it is. For a directory it is a syscall.EISDIR too.
	ErrNotRegular = errors.New("not a regular file")

	// ErrTooLarge is returned when a file that is read whole is larger than MaxReadFile.
	ErrTooLarge = errors.New("too large to be read whole")
)

type readOnlyError struct{}

func (readOnlyError) Error() string { return "file system is open read-only" }

func (readOnlyError) Is(target error) bool {
	return target == fs.ErrPermission || target == syscall.EROFS || target == failure.ErrReadOnly
}

// kindError says what was found where a regular file was wanted.
type kindError fs.FileMode

func (k kindError) Error() string {
	return "is a " + KindOf(fs.FileMode(k)) + ", not a regular file"
}

func (k kindError) Is(target error) bool {
	return target == ErrNotRegular || target == syscall.EISDIR && fs.FileMode(k).IsDir()
}

// NotRegular is the ErrNotRegular that says what was found.
func NotRegular(mode fs.FileMode) error { return kindError(mode) }

// KindOf says in words what is no regular file.
func KindOf(mode fs.FileMode) string {
	switch {
	case mode.IsDir():
		return "directory"
	case mode&fs.ModeSymlink != 0:
		return "symbolic link"
	case mode&fs.ModeNamedPipe != 0:
		return "named pipe"
	case mode&fs.ModeSocket != 0:
		return "socket"
	case mode&fs.ModeDevice != 0:
		return "device"
	}
	return "file of an unknown kind"
}

// LinkError is an ErrOutside that names the symbolic link that leads out.
type LinkError struct {
	// Link is where the link is: its name, or its path where it lies behind a link target.
	Link string
	// To is what it contains.
	To string
	// Base is the directory's own path where To is an absolute one that is not below it, or not
	// known to be: links outside are not looked at.
	Base string
	// ForReading says that To lies in the directory, and that something was to be changed through
	// the link. That is not done: the link means the path that the directory has now, and what has
	// that path later can be another.
	ForReading bool

	Hint string
	Last bool // the link is what the error is about, which names it
}

// Error says where the link leads.
func (e *LinkError) Error() string {
	link := "the symbolic link '" + e.Link + "'"
	if e.Last {
		link = "a symbolic link that"
	}
	switch {
	case e.ForReading:
		return link + " has an absolute path, and is followed for reading only"
	case e.Base != "":
		return fmt.Sprintf("%s leads to '%s', which is no path below '%s'%s", link, e.To, e.Base, e.Hint)
	}
	return fmt.Sprintf("%s leads outside of the directory, to '%s'%s", link, e.To, e.Hint)
}

// Is makes it an ErrOutside.
func (e *LinkError) Is(target error) bool { return target == ErrOutside }

// DanglingError is the fs.ErrNotExist of a symbolic link that is there, where nothing is at the
// place it leads to.
type DanglingError struct {
	// To is what the link contains.
	To string
}

// Error says where the link leads.
func (e *DanglingError) Error() string {
	hint := ""
	if strings.Contains(filepath.ToSlash(e.To), "annex/objects/") {
		hint = "; `git annex get` fetches the content"
	}
	return fmt.Sprintf("a symbolic link that leads nowhere, to '%s'%s", e.To, hint)
}

// ErrDangling is what errors.Is finds in a DanglingError, without making anything of it.
var ErrDangling = errors.New("a symbolic link that leads nowhere")

// Is makes it an fs.ErrNotExist and an ErrDangling.
func (e *DanglingError) Is(target error) bool {
	return target == fs.ErrNotExist || target == ErrDangling
}
