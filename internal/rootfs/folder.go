package rootfs

import (
	"errors"
	"io"
	"io/fs"
	"os"
	"path"

	"github.com/spf13/afero"

	"github.com/mlruns/mlruns/internal/vfs"
)

// rootFolder is a Folder on an os.Root of its own, so that a file costs one openat.
type rootFolder struct {
	fsys *Fs
	name string // from the root of fsys, for links that leave the folder but not fsys
	root *os.Root
}

// OpenFolder implements vfs.FS.
func (f *Fs) OpenFolder(name string) (vfs.Folder, error) {
	return openFolder(f, vfs.Clean(name))
}

func (f *Fs) openRootFolder(name string) (*rootFolder, error) {
	var sub *os.Root
	err := f.read("open", name, true, func(root *os.Root, n string) (err error) {
		// os.Root.OpenRoot would wait at a named pipe.
		info, err := root.Stat(n)
		if err == nil && !info.IsDir() {
			return notDir(n)
		}
		if err == nil {
			sub, err = root.OpenRoot(n)
		}
		return err
	})
	if err != nil {
		return nil, err
	}
	return &rootFolder{fsys: f, name: name, root: sub}, nil
}

func (d *rootFolder) Close() error { return d.root.Close() }

func (d *rootFolder) Entries() (entries []vfs.Entry, err error) {
	var dir *os.File
	err = d.fsys.patiently(func() (err error) {
		dir, err = openDir(d.root, ".")
		return err
	})
	if err != nil {
		return nil, wrap("readdir", d.name, err)
	}
	defer func() { err = errors.Join(err, dir.Close()) }()
	list, err := dir.ReadDir(-1)
	if err != nil {
		return nil, wrap("readdir", d.name, err)
	}
	entries = make([]vfs.Entry, len(list))
	for i, e := range list {
		entries[i] = vfs.Entry{Name: e.Name(), Type: e.Type()}
	}
	return entries, nil
}

func (d *rootFolder) Open(name string) (afero.File, error) {
	file, err := d.open(name)
	if err != nil {
		return nil, err
	}
	return file, nil
}

func (d *rootFolder) open(name string) (file *os.File, err error) {
	err = d.fsys.patiently(func() (err error) {
		file, err = openRegular(d.root, vfs.Clean(name), os.O_RDONLY, 0, false)
		return err
	})
	if isEscape(err) {
		err = d.fsys.read("open", d.path(name), true, func(root *os.Root, n string) (err error) {
			file, err = openRegular(root, n, os.O_RDONLY, 0, false)
			return err
		})
	}
	return file, d.fsys.dangling("open", d.path(name), wrap("open", d.path(name), err))
}

func (d *rootFolder) ReadFile(name string, buf []byte) ([]byte, error) {
	return d.ReadSmall(name, buf, vfs.MaxReadFile)
}

func (d *rootFolder) ReadSmall(name string, buf []byte, limit int64) (_ []byte, err error) {
	file, err := d.open(name)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, file.Close()) }()
	size := int64(0)
	if info, err := file.Stat(); err == nil {
		size = info.Size()
	}
	data, err := readAll(file.Read, size, limit, buf)
	return data, wrap("read", d.path(name), err)
}

func (d *rootFolder) ReadListed(name string, buf []byte, limit int64) ([]byte, error) {
	return d.ReadSmall(name, buf, limit)
}

// readAll reads to the end into buf[:0], which it grows to a size that leaves room to meet the end.
// size is what the file system says. A read that gives just that, with room for more, has met the
// end: one more call to hear so would be the third part of reading a small file.
func readAll(read func([]byte) (int, error), size, limit int64, buf []byte) ([]byte, error) {
	const slack = 64
	if size > limit {
		return nil, vfs.ErrTooLarge
	}
	if buf = buf[:0]; int64(cap(buf)) <= size {
		buf = make([]byte, 0, size+slack)
	}
	for {
		if len(buf) == cap(buf) {
			buf = append(buf, 0)[:len(buf)]
		}
		n, err := read(buf[len(buf):cap(buf)])
		buf = buf[:len(buf)+n]
		if errors.Is(err, io.EOF) || err == nil && size > 0 && int64(len(buf)) == size && len(buf) < cap(buf) {
			return buf, nil
		}
		if err != nil {
			return nil, err
		}
		if int64(len(buf)) > limit { // it has grown
			return nil, vfs.ErrTooLarge
		}
	}
}

func (d *rootFolder) OpenFolder(name string) (vfs.Folder, error) {
	info, err := d.Stat(name)
	if err != nil {
		return nil, err
	}
	if !info.IsDir() {
		return nil, wrap("open", d.path(name), notDir(name))
	}
	var sub *os.Root
	err = d.fsys.patiently(func() (err error) {
		sub, err = d.root.OpenRoot(vfs.Clean(name))
		return err
	})
	if isEscape(err) {
		return d.fsys.OpenFolder(d.path(name))
	}
	if err != nil {
		return nil, wrap("open", d.path(name), err)
	}
	return &rootFolder{fsys: d.fsys, name: d.path(name), root: sub}, nil
}

func (d *rootFolder) Stat(name string) (info fs.FileInfo, err error) {
	err = d.fsys.patiently(func() (err error) {
		info, err = d.root.Stat(vfs.Clean(name))
		return err
	})
	if isEscape(err) {
		return d.fsys.Stat(d.path(name))
	}
	return info, d.fsys.dangling("stat", d.path(name), wrap("stat", d.path(name), err))
}

// Look tells the kind and the size of a file only.
func (d *rootFolder) Look(folder, name string) (id vfs.Identity, err error) {
	name = vfs.Below(folder, name)
	err = d.fsys.patiently(func() (err error) {
		id, err = vfs.IdentityOf(d.root.Lstat(vfs.Clean(name)))
		return err
	})
	return id, wrap("stat", d.path(name), err)
}

// FreshLook is Look.
func (d *rootFolder) FreshLook(folder, name string) (vfs.Identity, error) {
	return d.Look(folder, name)
}

func (d *rootFolder) path(name string) string { return path.Join(d.name, name) }
