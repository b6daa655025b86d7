package vfs

import (
	"io"
	"io/fs"
	"path/filepath"
	"strings"

	"github.com/spf13/afero"

	"github.com/mlruns/mlruns/internal/drive"
)

// MaxReadFile is the size of the largest file that Folder.ReadFile reads.
const MaxReadFile = 64 << 20

// Native is what afero.Fs lacks and a store uses where it is offered. Names follow the rules of the
// package.
type Native interface {
	// OpenFolder opens a directory to read many small files from.
	OpenFolder(name string) (Folder, error)
	// Link makes newname a hard link to oldname. It never clobbers: the error is fs.ErrExist if
	// newname exists. One of any number of concurrent callers wins. A final symbolic link is not
	// followed.
	Link(oldname, newname string) error
	// SyncDir makes the entries of a directory durable. It is nil where the platform has no such
	// call (Windows).
	SyncDir(name string) error
	// RealPath is the path of the operating system for name, whether or not name exists; false when
	// there is none, as in memory. It is for lock files and messages: opening it bypasses the
	// confinement.
	RealPath(name string) (string, bool)
	// Follow gives the name of what name leads to, without links, whether or not that exists. away
	// says that it is no name in the directory but a path behind a link that leads to where links
	// are allowed to. What would be refused to a reader is refused here.
	Follow(name string) (real string, away bool, err error)
}

// Folder is an open directory. It keeps to the directory it was opened on, which may be renamed
// meanwhile. Names are usually of one component; symbolic links are followed inside the file system
// that the folder belongs to. Its methods are safe for concurrent use, but for Close.
type Folder interface {
	// Entries is one read of the directory, unsorted, without "." and "..".
	Entries() ([]Entry, error)
	// ReadFile appends the whole of a regular file to buf[:0] and returns the result, which shares
	// buf's array if that is large enough. A file larger than MaxReadFile is ErrTooLarge: its size
	// is what the file system says, and a sparse file can say more than there is memory.
	ReadFile(name string, buf []byte) ([]byte, error)
	// ReadSmall is ReadFile for files of up to limit bytes; a larger one is ErrTooLarge.
	ReadSmall(name string, buf []byte, limit int64) ([]byte, error)
	// ReadListed is ReadSmall for a name that Entries gave as a regular file, which can cost less.
	ReadListed(name string, buf []byte, limit int64) ([]byte, error)
	// Open opens a regular file for reading.
	Open(name string) (afero.File, error)
	// OpenFolder opens a directory below this one.
	OpenFolder(name string) (Folder, error)
	// Stat follows a final symbolic link.
	Stat(name string) (fs.FileInfo, error)
	io.Closer
}

// Placed is a file system that knows which drive it lies on. That of one is the drive of its root.
type Placed interface {
	Drive() drive.Drive
}

// DriveOf judges the drive that fsys lies on; name is any name in it.
func DriveOf(fsys afero.Fs, name string) drive.Drive {
	if p, ok := fsys.(Placed); ok {
		return p.Drive()
	}
	native, ok := NativeOf(fsys)
	if !ok {
		return drive.Drive{Why: "it is not known where the files of " + fsys.Name() + " lie, nor whom locks exclude there"}
	}
	real, ok := native.RealPath(name)
	if !ok {
		return drive.Memory()
	}
	return drive.At(filepath.Dir(real))
}

// Entry is one name in a directory.
type Entry struct {
	Name string
	Type fs.FileMode // the type bits only; 0 is a regular file
}

// NativeOf returns the Native side of fsys, if it has one.
func NativeOf(fsys afero.Fs) (Native, bool) {
	n, ok := fsys.(Native)
	return n, ok
}

// Clean drops leading and trailing slashes and turns "" into ".". It is how every file system of
// this module reads a name; ".." is left for the file system to resolve or refuse.
func Clean(name string) string {
	if name = strings.Trim(name, "/"); name == "" {
		return "."
	}
	return name
}
