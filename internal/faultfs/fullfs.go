package faultfs

import (
	"errors"
	"io/fs"
	"slices"

	"github.com/spf13/afero"

	"github.com/mlruns/mlruns/internal/drive"
	"github.com/mlruns/mlruns/internal/vfs"
)

// fullFs is a plainFs over a vfs.FS. What touches nothing is no operation: Local, Drive, RealPath.
type fullFs struct {
	*plainFs
	full vfs.FS
}

var (
	_ vfs.FS = (*fullFs)(nil)
	_ Fs     = (*fullFs)(nil)
	_ Fs     = (*plainFs)(nil)
)

func (n *fullFs) OpenFolder(name string) (vfs.Folder, error) {
	if err := n.tape.fail(OpenFolder, name); err != nil {
		return nil, err
	}
	inner, err := n.full.OpenFolder(name)
	if err != nil {
		return nil, err
	}
	return &folder{inner: inner, name: vfs.Clean(name), tape: n.tape}, nil
}

func (n *fullFs) Lstat(name string) (fs.FileInfo, error) {
	if err := n.tape.fail(Stat, name); err != nil {
		return nil, err
	}
	return n.full.Lstat(name)
}

func (n *fullFs) Readlink(name string) (string, error) {
	if err := n.tape.fail(Readlink, name); err != nil {
		return "", err
	}
	return n.full.Readlink(name)
}

func (n *fullFs) Symlink(oldname, newname string) error {
	if err := n.tape.failPair(Symlink, oldname, newname); err != nil {
		return err
	}
	return n.full.Symlink(oldname, newname)
}

func (n *fullFs) Link(oldname, newname string) error {
	if err := n.tape.failPair(Link, oldname, newname); err != nil {
		return err
	}
	return n.full.Link(oldname, newname)
}

func (n *fullFs) SyncDir(name string) error {
	if err := n.tape.fail(SyncDir, name); err != nil {
		return err
	}
	return n.full.SyncDir(name)
}

// SyncAll is a Sync of each file and a SyncDir of each directory, the last first: no order is
// promised, and none may be relied on. As on a disk, one that fails does not keep the others from
// being synced.
func (n *fullFs) SyncAll(files []afero.File, dirs []string) error {
	var errs []error
	var inner []afero.File
	var folders []string
	for _, dir := range slices.Backward(dirs) {
		if err := n.tape.fail(SyncDir, dir); err != nil {
			errs = append(errs, err)
			continue
		}
		folders = append(folders, dir)
	}
	for _, f := range slices.Backward(files) {
		own, isOwn := f.(*file)
		if !isOwn {
			return &fs.PathError{Op: string(Sync), Path: f.Name(), Err: fs.ErrInvalid}
		}
		if err := n.tape.fail(Sync, own.name); err != nil {
			errs = append(errs, err)
			continue
		}
		inner = append(inner, own.File)
	}
	return errors.Join(append(errs, n.full.SyncAll(inner, folders))...)
}

// OpenVolume is an OpenFolder.
func (n *fullFs) OpenVolume(folder string) (vfs.Volume, error) {
	if err := n.tape.fail(OpenFolder, folder); err != nil {
		return nil, err
	}
	inner, err := n.full.OpenVolume(folder)
	if err != nil {
		return nil, err
	}
	return &volume{inner, folder, n.tape}, nil
}

type volume struct {
	vfs.Volume
	folder string
	tape   *tape
}

func (v *volume) Sync() error {
	if err := v.tape.fail(SyncVolume, v.folder); err != nil {
		return err
	}
	return v.Volume.Sync()
}

// Holds is a Stat.
func (v *volume) Holds(folder string) bool {
	return v.tape.fail(Stat, folder) == nil && v.Volume.Holds(folder)
}

// Identify is a Stat.
func (n *fullFs) Identify(name string, changed bool) (vfs.Identity, error) {
	if err := n.tape.fail(Stat, name); err != nil {
		return vfs.Identity{}, err
	}
	return n.full.Identify(name, changed)
}

func (n *fullFs) IdentifyFile(f afero.File, changed bool) (vfs.Identity, error) {
	if err := n.tape.fail(Stat, f.Name()); err != nil {
		return vfs.Identity{}, err
	}
	return n.full.IdentifyFile(innermost(f), changed)
}

// FreshFile is a Stat.
func (n *fullFs) FreshFile(f afero.File) (vfs.Identity, error) {
	if err := n.tape.fail(Stat, f.Name()); err != nil {
		return vfs.Identity{}, err
	}
	return n.full.FreshFile(innermost(f))
}

// FreshFolder is a Stat.
func (n *fullFs) FreshFolder(name string) error {
	if err := n.tape.fail(Stat, name); err != nil {
		return err
	}
	return n.full.FreshFolder(name)
}

func innermost(f afero.File) afero.File {
	if own, ok := f.(*file); ok {
		return own.File
	}
	return f
}

// Served is no operation.
func (n *fullFs) Served() bool { return n.full.Served() }

func (n *fullFs) Local() bool { return n.full.Local() }

func (n *fullFs) Drive() drive.Drive { return n.full.Drive() }

func (n *fullFs) RealPath(name string) (string, bool) { return n.full.RealPath(name) }

// Follow is a Stat.
func (n *fullFs) Follow(name string) (string, bool, error) {
	if err := n.tape.fail(Stat, name); err != nil {
		return "", false, err
	}
	return n.full.Follow(name)
}
