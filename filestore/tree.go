package filestore

import (
	"errors"
	"io"
	"io/fs"
	"os"
	"path"
	"runtime"
	"syscall"

	"github.com/spf13/afero"

	"github.com/mlruns/mlruns/internal/atomicfile"
	"github.com/mlruns/mlruns/internal/rootfs"
	"github.com/mlruns/mlruns/internal/vfs"
)

// tree is the directory as verbs. Names are relative to the store's root, with slashes. It prefers
// what rootfs.Native offers and does with afero alone where that is missing.
type tree struct {
	fs     afero.Fs
	native rootfs.Native // nil where fs has none
	looker rootfs.Looker // nil where fs has none or is not local
	base   string        // the root's path in fs, "" for fs itself
}

func newTree(fsys afero.Fs, base string) *tree {
	native, _ := rootfs.NativeOf(fsys)
	t := &tree{fs: fsys, native: native, base: base}
	if looker, ok := rootfs.LookerOf(fsys); ok && looker.Local() {
		t.looker = looker
	}
	return t
}

// name is the path of rel in the file system.
func (t *tree) name(rel string) string {
	if t.base == "" {
		return rel
	}
	return path.Join(t.base, rel)
}

func (t *tree) folder(rel string) (rootfs.Folder, error) {
	if t.native != nil {
		return t.native.OpenFolder(t.name(rel))
	}
	info, err := t.fs.Stat(t.name(rel))
	if err != nil {
		return nil, err
	}
	if !info.IsDir() {
		return nil, &fs.PathError{Op: "open", Path: rel, Err: syscall.ENOTDIR}
	}
	return plainFolder{fs: t.fs, dir: t.name(rel)}, nil
}

// entries lists a folder, unsorted.
func (t *tree) entries(rel string) ([]rootfs.Entry, error) {
	f, err := t.folder(rel)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	return f.Entries()
}

func (t *tree) stat(rel string) (fs.FileInfo, error) { return t.fs.Stat(t.name(rel)) }

// lstat does not follow a final link, where the file system knows of links.
func (t *tree) lstat(rel string) (fs.FileInfo, error) {
	if l, ok := t.fs.(afero.Lstater); ok {
		info, _, err := l.LstatIfPossible(t.name(rel))
		return info, err
	}
	return t.stat(rel)
}

// kind is the type of what is at rel, a link not followed. A link in place of a folder above may be
// followed out of the store, so it is for folders that are known to lie in it.
func (t *tree) kind(rel string) (fs.FileMode, error) {
	if t.looker != nil {
		seen, err := t.looker.Look(t.name(rel), false)
		return seen.Mode, err
	}
	info, err := t.lstat(rel)
	if err != nil {
		return 0, err
	}
	return info.Mode().Type(), nil
}

// mountRoot reports whether a file system is mounted at rel, where the system tells.
func (t *tree) mountRoot(rel string) bool {
	looker, ok := rootfs.LookerOf(t.fs)
	if !ok {
		return false
	}
	seen, err := looker.Look(t.name(rel), false)
	return err == nil && seen.MountRoot
}

// isDir reports whether rel is a folder, or a link to one.
func (t *tree) isDir(rel string) bool {
	is, _ := t.dirAt(rel)
	return is
}

// dirAt is isDir for who must not take for missing what the process could not look at.
func (t *tree) dirAt(rel string) (bool, error) {
	info, err := t.stat(rel)
	if rootfs.IsShortage(err) {
		return false, err
	}
	return err == nil && info.IsDir(), nil
}

func (t *tree) exists(rel string) (bool, error) {
	_, err := t.stat(rel)
	switch {
	case err == nil:
		return true, nil
	case vfs.IsMissing(err):
		return false, nil
	}
	return false, err
}

func (t *tree) mkdir(rel string) error { return t.fs.Mkdir(t.name(rel), 0o777) }

func (t *tree) mkdirAll(rel string) error { return t.fs.MkdirAll(t.name(rel), 0o777) }

func (t *tree) rename(from, to string) error { return t.fs.Rename(t.name(from), t.name(to)) }

func (t *tree) remove(rel string) error { return t.fs.Remove(t.name(rel)) }

func (t *tree) removeAll(rel string) error { return t.fs.RemoveAll(t.name(rel)) }

func (t *tree) syncDir(rel string) error { return atomicfile.SyncDir(t.fs, t.name(rel)) }

// openToSync opens a file whose data is to be made durable, for which Windows wants a handle that
// may write.
func (t *tree) openToSync(rel string) (afero.File, error) {
	if runtime.GOOS == "windows" {
		return t.fs.OpenFile(t.name(rel), os.O_RDWR, 0)
	}
	return t.fs.Open(t.name(rel))
}

// create writes a new file in a folder that nobody looks into yet.
func (t *tree) create(rel string, data []byte, sync bool) error {
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
func (t *tree) createOpen(rel string, data []byte) (afero.File, error) {
	f, err := t.fs.OpenFile(t.name(rel), os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o666)
	if err != nil {
		return nil, err
	}
	_, err = f.Write(data)
	return f, err
}

// plainFolder is a rootfs.Folder over afero alone: each name is looked up anew.
type plainFolder struct {
	fs  afero.Fs
	dir string
}

func (p plainFolder) Entries() ([]rootfs.Entry, error) {
	f, err := p.fs.Open(p.dir)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	infos, err := f.Readdir(-1)
	if err != nil {
		return nil, err
	}
	entries := make([]rootfs.Entry, len(infos))
	for i, info := range infos {
		entries[i] = rootfs.Entry{Name: path.Base(info.Name()), Type: info.Mode().Type()}
	}
	return entries, nil
}

func (p plainFolder) ReadFile(name string, buf []byte) ([]byte, error) {
	return p.ReadSmall(name, buf, rootfs.MaxReadFile)
}

func (p plainFolder) ReadListed(name string, buf []byte, limit int64) ([]byte, error) {
	return p.ReadSmall(name, buf, limit)
}

func (p plainFolder) ReadSmall(name string, buf []byte, limit int64) ([]byte, error) {
	f, err := p.Open(name)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	data, err := io.ReadAll(io.LimitReader(f, limit+1))
	if err == nil && int64(len(data)) > limit {
		err = &fs.PathError{Op: "read", Path: name, Err: rootfs.ErrTooLarge}
	}
	return append(buf[:0], data...), err
}

func (p plainFolder) Open(name string) (afero.File, error) {
	info, err := p.Stat(name)
	if err != nil {
		return nil, err
	}
	if !info.Mode().IsRegular() {
		return nil, &fs.PathError{Op: "open", Path: name, Err: errNotRegular}
	}
	return p.fs.Open(path.Join(p.dir, name))
}

var errNotRegular = errors.New("not a regular file")

func (p plainFolder) OpenFolder(name string) (rootfs.Folder, error) {
	return newTree(p.fs, p.dir).folder(name)
}

func (p plainFolder) Stat(name string) (fs.FileInfo, error) { return p.fs.Stat(path.Join(p.dir, name)) }

func (p plainFolder) Close() error { return nil }
