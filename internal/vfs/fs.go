package vfs

import (
	"io"
	"io/fs"
	"strings"

	"github.com/spf13/afero"

	"github.com/mlruns/mlruns/internal/drive"
)

// MaxReadFile is the size of the largest file that Folder.ReadFile reads.
const MaxReadFile = 64 << 20

// FS is a file system as a store needs it: what afero.Fs has, and what that lacks. Adapt makes one
// of any afero.Fs. Its methods are safe for concurrent use.
type FS interface {
	afero.Fs

	// OpenFolder opens a directory to read many small files from.
	OpenFolder(name string) (Folder, error)
	// Lstat is Stat without following a final symbolic link.
	Lstat(name string) (fs.FileInfo, error)
	// Readlink gives what a symbolic link contains.
	Readlink(name string) (string, error)
	// Symlink makes newname a symbolic link that contains oldname.
	Symlink(oldname, newname string) error
	// Link makes newname a hard link to oldname. It never clobbers: the error is fs.ErrExist if
	// newname exists. One of any number of concurrent callers wins. A final symbolic link is not
	// followed. It is errors.ErrUnsupported where there are none.
	Link(oldname, newname string) error
	// SyncDir makes the entries of a directory durable. It is nil where the platform has no such
	// call (Windows).
	SyncDir(name string) error
	// SyncAll makes the data of open files and the entries of directories durable, in no particular
	// order. Directories that cannot be synced, on file systems that say so, are left out.
	SyncAll(files []afero.File, dirs []string) error
	// OpenVolume opens the file system of the operating system that a folder lies on, to make
	// durable at once what is written to it from then on. It is errors.ErrUnsupported where there
	// is no such call, or where it may not tell each write that failed.
	OpenVolume(folder string) (Volume, error)
	// Identify tells which file a name leads to, a final link not followed, and what state it is
	// in. changed asks for the time of change. It is for files that are looked at more often than
	// they are written: a file system with fine times (Linux ≥ 6.13) pays for it at the next write.
	Identify(name string, changed bool) (Identity, error)
	// IdentifyFile is Identify of a file that was opened in the same file system.
	IdentifyFile(f afero.File, changed bool) (Identity, error)
	// Local reports whether open handles may be kept: Identify is one cheap call and tells of all
	// writers at once, and a write has taken effect without a close. It is drive.Drive.Local, the
	// one judgement of that, but false where links lead to other file systems.
	Local() bool
	// Served is drive.Drive.Served in the same way: what Identify and IdentifyFile tell may be what
	// this machine remembers, and FreshFile and FreshFolder ask the server, at one call of it each.
	Served() bool
	// FreshFile is IdentifyFile with the time of change, as the server has the file.
	FreshFile(f afero.File) (Identity, error)
	// FreshFolder makes sure that names in a folder lead next to where they lead on the server.
	FreshFolder(name string) error
	// Drive judges the drive that the root of the file system lies on.
	Drive() drive.Drive
	// RealPath is the path of the operating system for name, whether or not name exists; false when
	// there is none or it is not known. It is for lock files and messages: opening it bypasses the
	// confinement.
	RealPath(name string) (string, bool)
	// Follow gives the name of what name leads to, without links, whether or not that exists. away
	// says that it is no name in the file system but a path behind a link that leads out of it, to
	// where links are allowed to. What would be refused to a reader is refused here.
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
	// Look is FS.Identify, with the time of change, of a name in a folder below this one; "" is
	// this one, and "." as a name the folder itself. It only compares, so a link in place of a
	// folder above the last name may be followed out of the file system.
	Look(folder, name string) (Identity, error)
	// FreshLook is Look that asks the server, see FS.Served; only about the last of the names.
	FreshLook(folder, name string) (Identity, error)
	io.Closer
}

// Noting gives a folder that reads as f does, and tells of each file that it has read, by its path
// from f, what the open file was: FS.IdentifyFile with the time of change, or nothing where that
// does not come with the reading, or the file is perhaps not the one of the path, for a link was
// followed to it. The folder is for one goroutine, and closing it closes f. Where f is no Noter it
// tells nothing.
func Noting(f Folder, note func(name string, id Identity)) Folder {
	if n, ok := f.(Noter); ok {
		return n.Noting(note)
	}
	return f
}

// Noter is a Folder that Noting is asked of.
type Noter interface {
	Noting(note func(name string, id Identity)) Folder
}

// Below is the path of a name in a folder, see Folder.Look. Nothing of it is taken away: what ".."
// leads to depends on links.
func Below(folder, name string) string {
	if folder == "" {
		return name
	}
	return folder + "/" + name
}

// Entry is one name in a directory.
type Entry struct {
	Name string
	Type fs.FileMode // the type bits only; 0 is a regular file
}

// ReadDir lists a directory, unsorted.
func ReadDir(fsys FS, name string) ([]Entry, error) {
	f, err := fsys.OpenFolder(name)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	return f.Entries()
}

// Clean drops leading and trailing slashes and turns "" into ".". It is how every file system of
// this module reads a name; ".." is left for the file system to resolve or refuse.
func Clean(name string) string {
	if name = strings.Trim(name, "/"); name == "" {
		return "."
	}
	return name
}
