package faultfs

import (
	"io/fs"
	"path"

	"github.com/spf13/afero"

	"github.com/mlruns/mlruns/internal/vfs"
)

type folder struct {
	inner vfs.Folder
	name  string
	tape  *tape
}

func (d *folder) path(name string) string { return path.Join(d.name, name) }

func (d *folder) Entries() ([]vfs.Entry, error) {
	if err := d.tape.fail(Readdir, d.name); err != nil {
		return nil, err
	}
	return d.inner.Entries()
}

func (d *folder) ReadFile(name string, buf []byte) ([]byte, error) {
	if err := d.tape.fail(ReadFile, d.path(name)); err != nil {
		return nil, err
	}
	return d.inner.ReadFile(name, buf)
}

func (d *folder) ReadSmall(name string, buf []byte, limit int64) ([]byte, error) {
	if err := d.tape.fail(ReadFile, d.path(name)); err != nil {
		return nil, err
	}
	return d.inner.ReadSmall(name, buf, limit)
}

func (d *folder) ReadListed(name string, buf []byte, limit int64) ([]byte, error) {
	if err := d.tape.fail(ReadFile, d.path(name)); err != nil {
		return nil, err
	}
	return d.inner.ReadListed(name, buf, limit)
}

func (d *folder) Open(name string) (afero.File, error) {
	if err := d.tape.fail(Open, d.path(name)); err != nil {
		return nil, err
	}
	f, err := d.inner.Open(name)
	if err != nil {
		return nil, err
	}
	return &file{File: f, name: d.path(name), tape: d.tape}, nil
}

func (d *folder) OpenFolder(name string) (vfs.Folder, error) {
	if err := d.tape.fail(OpenFolder, d.path(name)); err != nil {
		return nil, err
	}
	inner, err := d.inner.OpenFolder(name)
	if err != nil {
		return nil, err
	}
	return &folder{inner: inner, name: d.path(name), tape: d.tape}, nil
}

func (d *folder) Stat(name string) (fs.FileInfo, error) {
	if err := d.tape.fail(Stat, d.path(name)); err != nil {
		return nil, err
	}
	return d.inner.Stat(name)
}

// Look is a Stat.
func (d *folder) Look(folder, name string) (vfs.Identity, error) {
	if err := d.tape.fail(Stat, d.path(vfs.Below(folder, name))); err != nil {
		return vfs.Identity{}, err
	}
	return d.inner.Look(folder, name)
}

// FreshLook is a Stat.
func (d *folder) FreshLook(folder, name string) (vfs.Identity, error) {
	if err := d.tape.fail(Stat, d.path(vfs.Below(folder, name))); err != nil {
		return vfs.Identity{}, err
	}
	return d.inner.FreshLook(folder, name)
}

func (d *folder) Close() error {
	injected := d.tape.fail(Close, d.name)
	if err := d.inner.Close(); injected == nil {
		return err
	}
	return injected
}
