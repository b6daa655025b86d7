package vfs

import (
	"errors"
	"io"
	"io/fs"
	"os"
	"path"
	"runtime"
	"strings"
	"syscall"

	"github.com/spf13/afero"

	"github.com/mlruns/mlruns/internal/drive"
)

// Adapt gives fsys itself if it is an FS, and else one that does with afero alone what that can. Of
// two comparable file systems that are equal it gives equal ones.
func Adapt(fsys afero.Fs) FS {
	if own, ok := fsys.(FS); ok {
		return own
	}
	a := adapted{Fs: fsys}
	a.lstater, _ = fsys.(afero.Lstater)
	a.reader, _ = fsys.(afero.LinkReader)
	a.linker, _ = fsys.(afero.Linker)
	return a
}

// adapted is an afero.Fs as an FS: without hard links, and without knowing where its files lie.
type adapted struct {
	afero.Fs
	lstater afero.Lstater    // nil where there is none, as the next two
	reader  afero.LinkReader //
	linker  afero.Linker     //
}

// Lstat follows links where the file system does not know of any.
func (a adapted) Lstat(name string) (fs.FileInfo, error) {
	if a.lstater == nil {
		return a.Stat(name)
	}
	info, _, err := a.lstater.LstatIfPossible(name)
	return info, err
}

func (a adapted) Readlink(name string) (string, error) {
	if a.reader == nil {
		return "", &fs.PathError{Op: "readlink", Path: name, Err: errors.ErrUnsupported}
	}
	return a.reader.ReadlinkIfPossible(name)
}

func (a adapted) Symlink(oldname, newname string) error {
	if a.linker == nil {
		return &os.LinkError{Op: "symlink", Old: oldname, New: newname, Err: errors.ErrUnsupported}
	}
	return a.linker.SymlinkIfPossible(oldname, newname)
}

func (a adapted) Link(oldname, newname string) error {
	return &os.LinkError{Op: "link", Old: oldname, New: newname, Err: errors.ErrUnsupported}
}

func (a adapted) SyncDir(name string) error {
	if runtime.GOOS == "windows" {
		return nil
	}
	f, err := a.Open(name)
	if err != nil {
		return err
	}
	return errors.Join(f.Sync(), f.Close())
}

func (a adapted) SyncAll(files []afero.File, dirs []string) error { return SyncEach(a, files, dirs) }

func (a adapted) OpenVolume(folder string) (Volume, error) {
	return nil, &fs.PathError{Op: "syncfs", Path: folder, Err: errors.ErrUnsupported}
}

// Identify knows neither devices nor inodes.
func (a adapted) Identify(name string, _ bool) (Identity, error) { return IdentityOf(a.Lstat(name)) }

func (a adapted) IdentifyFile(f afero.File, _ bool) (Identity, error) { return IdentityOf(f.Stat()) }

func (a adapted) Local() bool { return false }

func (a adapted) Served() bool { return false }

func (a adapted) FreshFile(f afero.File) (Identity, error) { return IdentityOf(f.Stat()) }

func (a adapted) FreshFolder(string) error { return nil }

func (a adapted) Drive() drive.Drive {
	return drive.Drive{Why: "it is not known where the files of " + a.Name() + " lie, nor whom locks exclude there"}
}

func (a adapted) RealPath(string) (string, bool) { return "", false }

// Follow takes an absolute link, and one that leads above the root, for one that leaves the file
// system, which follows it or not.
func (a adapted) Follow(name string) (real string, away bool, err error) {
	w := adaptedLinks{fs: a}
	if strings.HasPrefix(name, "/") {
		w.top = "/" // which means something to file systems that are not confined
	}
	real, err = FollowLinks(w, name, true)
	if errors.Is(err, errLeaves) {
		return "", true, nil
	}
	return w.top + real, false, err
}

// adaptedLinks are the links below the root.
type adaptedLinks struct {
	fs  adapted
	top string
}

var errLeaves = errors.New("leaves the file system")

func (l adaptedLinks) Lstat(name string) (fs.FileInfo, error) { return l.fs.Lstat(l.top + name) }

func (l adaptedLinks) Readlink(name string) (string, error) { return l.fs.Readlink(l.top + name) }

func (l adaptedLinks) Leave(string, []string) ([]string, error) { return nil, errLeaves }

func (a adapted) OpenFolder(name string) (Folder, error) {
	info, err := a.Stat(name)
	if err != nil {
		return nil, err
	}
	if !info.IsDir() {
		return nil, &fs.PathError{Op: "open", Path: name, Err: syscall.ENOTDIR}
	}
	return adaptedFolder{fs: a, dir: name}, nil
}

// adaptedFolder looks each name up anew.
type adaptedFolder struct {
	fs  adapted
	dir string
}

func (d adaptedFolder) Entries() ([]Entry, error) {
	f, err := d.fs.Open(d.dir)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	infos, err := f.Readdir(-1)
	if err != nil {
		return nil, err
	}
	entries := make([]Entry, len(infos))
	for i, info := range infos {
		entries[i] = Entry{Name: path.Base(info.Name()), Type: info.Mode().Type()}
	}
	return entries, nil
}

func (d adaptedFolder) ReadFile(name string, buf []byte) ([]byte, error) {
	return d.ReadSmall(name, buf, MaxReadFile)
}

func (d adaptedFolder) ReadListed(name string, buf []byte, limit int64) ([]byte, error) {
	return d.ReadSmall(name, buf, limit)
}

func (d adaptedFolder) ReadSmall(name string, buf []byte, limit int64) ([]byte, error) {
	f, err := d.Open(name)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	data, err := io.ReadAll(io.LimitReader(f, limit+1))
	if err == nil && int64(len(data)) > limit {
		err = &fs.PathError{Op: "read", Path: name, Err: ErrTooLarge}
	}
	return append(buf[:0], data...), err
}

func (d adaptedFolder) Open(name string) (afero.File, error) {
	info, err := d.Stat(name)
	if err != nil {
		return nil, err
	}
	if !info.Mode().IsRegular() {
		return nil, &fs.PathError{Op: "open", Path: name, Err: NotRegular(info.Mode())}
	}
	return d.fs.Open(path.Join(d.dir, name))
}

func (d adaptedFolder) OpenFolder(name string) (Folder, error) {
	return d.fs.OpenFolder(path.Join(d.dir, name))
}

func (d adaptedFolder) Stat(name string) (fs.FileInfo, error) {
	return d.fs.Stat(path.Join(d.dir, name))
}

func (d adaptedFolder) Look(folder, name string) (Identity, error) {
	return d.fs.Identify(path.Join(d.dir, folder, name), true)
}

func (d adaptedFolder) FreshLook(folder, name string) (Identity, error) { return d.Look(folder, name) }

func (d adaptedFolder) Close() error { return nil }
