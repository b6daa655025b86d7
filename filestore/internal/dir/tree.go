package dir

import (
	"io/fs"
	"log/slog"
	"os"
	"path"
	"runtime"
	"sync/atomic"

	"github.com/spf13/afero"

	"github.com/mlruns/mlruns/internal/atomicfile"
	"github.com/mlruns/mlruns/internal/vfs"
)

// Tree is the directory as verbs. Names are relative to the store's root, with slashes.
type Tree struct {
	FS     vfs.FS
	local  bool   // handles may be kept, and Identify is cheap
	served bool   // the files are a server's, see vfs.FS
	base   string // the root's path in fs, "" for fs itself
	Options
	folding folding // of each experiment
	group   atomic.Pointer[group]
}

// Options are what the verbs need to know of the store. The zero value is for reading.
type Options struct {
	Durable      bool         // what is placed, moved and replaced is durable at once
	FollowsLinks bool         // a folder may be a link to another disk
	Logger       *slog.Logger // told of clean-ups that failed
}

// New is the tree whose root has the path base in a file system.
func New(fsys vfs.FS, base string, o Options) *Tree {
	return &Tree{FS: fsys, local: fsys.Local(), served: fsys.Served(), base: base, Options: o}
}

// Local reports whether handles may be kept, see vfs.FS.
func (t *Tree) Local() bool { return t.local }

// Path is the path of rel in the file system.
func (t *Tree) Path(rel string) string {
	if t.base == "" {
		return rel
	}
	return path.Join(t.base, rel)
}

// Folder opens a folder to read files from. The caller closes it.
func (t *Tree) Folder(rel string) (vfs.Folder, error) { return t.FS.OpenFolder(t.Path(rel)) }

// Entries lists a folder, unsorted.
func (t *Tree) Entries(rel string) ([]vfs.Entry, error) {
	f, err := t.Folder(rel)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	return f.Entries()
}

// Stat follows a final link.
func (t *Tree) Stat(rel string) (fs.FileInfo, error) { return t.FS.Stat(t.Path(rel)) }

// Lstat does not follow a final link, where the file system knows of links.
func (t *Tree) Lstat(rel string) (fs.FileInfo, error) { return t.FS.Lstat(t.Path(rel)) }

// kind is the type of what is at rel, a link not followed. A link in place of a folder above may be
// followed out of the store, so it is for folders that are known to lie in it.
func (t *Tree) kind(rel string) (fs.FileMode, error) {
	if t.local {
		seen, err := t.FS.Identify(t.Path(rel), false)
		return seen.Mode, err
	}
	info, err := t.Lstat(rel)
	if err != nil {
		return 0, err
	}
	return info.Mode().Type(), nil
}

// MountRoot reports whether a file system is mounted at rel, where the system tells.
func (t *Tree) MountRoot(rel string) bool {
	seen, err := t.FS.Identify(t.Path(rel), false)
	return err == nil && seen.MountRoot
}

// IsDir reports whether rel is a folder, or a link to one.
func (t *Tree) IsDir(rel string) bool {
	is, _ := t.HasDir(rel)
	return is
}

// HasDir is IsDir for who must not take for missing what the process could not look at.
func (t *Tree) HasDir(rel string) (bool, error) {
	info, err := t.Stat(rel)
	if vfs.IsUnseen(err) {
		return false, err
	}
	return err == nil && info.IsDir(), nil
}

// Exists reports whether there is anything at rel; a link that leads nowhere is an error.
func (t *Tree) Exists(rel string) (bool, error) {
	_, err := t.Stat(rel)
	switch {
	case err == nil:
		return true, nil
	case vfs.IsMissing(err):
		return false, nil
	}
	return false, err
}

func (t *Tree) mkdir(rel string) error { return t.FS.Mkdir(t.Path(rel), 0o777) }

// MkdirAll makes a folder and those above it.
func (t *Tree) MkdirAll(rel string) error { return t.FS.MkdirAll(t.Path(rel), 0o777) }

// Rename moves a file or folder; nothing makes that durable.
func (t *Tree) Rename(from, to string) error { return t.FS.Rename(t.Path(from), t.Path(to)) }

// Remove removes a file or an empty folder.
func (t *Tree) Remove(rel string) error { return t.FS.Remove(t.Path(rel)) }

// RemoveAll removes a file, or a folder with all that is in it.
func (t *Tree) RemoveAll(rel string) error { return t.FS.RemoveAll(t.Path(rel)) }

// SyncDir makes durable what a folder holds, whatever the options.
func (t *Tree) SyncDir(rel string) error { return atomicfile.SyncDir(t.FS, t.Path(rel)) }

// OpenToSync opens a file whose data is to be made durable, for which Windows wants a handle that
// may write.
func (t *Tree) OpenToSync(rel string) (afero.File, error) {
	if runtime.GOOS == "windows" {
		return t.FS.OpenFile(t.Path(rel), os.O_RDWR, 0)
	}
	return t.FS.Open(t.Path(rel))
}

// Create writes a new file in a folder that nobody looks into yet.
func (t *Tree) Create(rel string, data []byte, sync bool) error {
	f, err := t.createOpen(rel, data)
	if err == nil && sync {
		err = f.Sync()
	}
	if f == nil {
		return err
	}
	if closeErr := f.Close(); err == nil {
		err = closeErr
	}
	return err
}

// createOpen is create of a file that the caller closes, after an error too unless it is nil.
func (t *Tree) createOpen(rel string, data []byte) (afero.File, error) {
	f, err := t.FS.OpenFile(t.Path(rel), os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o666)
	if err != nil {
		return nil, err
	}
	_, err = f.Write(data)
	return f, err
}
