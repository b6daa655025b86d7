package memfs

import (
	"io/fs"
	"path"
	"syscall"

	"github.com/spf13/afero"

	"github.com/mlruns/mlruns/internal/vfs"
)

// folder is an open directory. Its fields are guarded by FS.mu.
type folder struct {
	m      *FS
	node   *inode
	name   string
	closed bool
}

// openFolder opens name below a directory. The caller holds the lock.
func (m *FS) openFolder(from *inode, name, full string) (vfs.Folder, error) {
	a, err := existing(from, name)
	if err == nil && !a.node.mode.IsDir() {
		err = syscall.ENOTDIR
	}
	if err != nil {
		return nil, pathError("open", full, err)
	}
	return &folder{m: m, node: a.node, name: full}, nil
}

// find resolves name from the folder, or from the root if it leads out of the folder. The caller
// holds the lock.
func (d *folder) find(op, name string) (*inode, error) {
	if d.closed {
		return nil, pathError(op, d.path(name), fs.ErrClosed)
	}
	a, err := existing(d.node, name)
	if isOutside(err) {
		a, err = existing(d.m.root, d.path(name))
	}
	return a.node, pathError(op, d.path(name), err)
}

func (d *folder) path(name string) string { return path.Join(d.name, name) }

// file is find for a regular file.
func (d *folder) file(name string) (*inode, error) {
	node, err := d.find("open", name)
	if err == nil && node.mode.IsDir() {
		err = pathError("open", d.path(name), isDirectory{})
	}
	return node, err
}

type isDirectory struct{}

func (isDirectory) Error() string { return "is a directory, not a regular file" }

func (isDirectory) Is(target error) bool {
	return target == vfs.ErrNotRegular || target == syscall.EISDIR
}

func (d *folder) Entries() ([]vfs.Entry, error) {
	d.m.mu.Lock()
	defer d.m.mu.Unlock()
	node, err := d.find("readdir", ".")
	if err != nil {
		return nil, err
	}
	entries := make([]vfs.Entry, 0, len(node.entries))
	for name, node := range node.entries {
		entries = append(entries, vfs.Entry{Name: name, Type: node.mode.Type()})
	}
	return entries, nil
}

func (d *folder) ReadFile(name string, buf []byte) ([]byte, error) {
	return d.ReadSmall(name, buf, vfs.MaxReadFile)
}

func (d *folder) ReadListed(name string, buf []byte, limit int64) ([]byte, error) {
	return d.ReadSmall(name, buf, limit)
}

func (d *folder) ReadSmall(name string, buf []byte, limit int64) ([]byte, error) {
	d.m.mu.Lock()
	defer d.m.mu.Unlock()
	node, err := d.file(name)
	if err != nil {
		return nil, err
	}
	if int64(len(node.data)) > limit {
		return nil, pathError("read", d.path(name), vfs.ErrTooLarge)
	}
	return append(buf[:0], node.data...), nil
}

func (d *folder) Open(name string) (afero.File, error) {
	d.m.mu.Lock()
	defer d.m.mu.Unlock()
	node, err := d.file(name)
	if err != nil {
		return nil, err
	}
	return &file{m: d.m, node: node, name: d.path(name)}, nil
}

func (d *folder) OpenFolder(name string) (vfs.Folder, error) {
	d.m.mu.Lock()
	defer d.m.mu.Unlock()
	node, err := d.find("open", name)
	if err != nil {
		return nil, err
	}
	return d.m.openFolder(node, ".", d.path(name))
}

func (d *folder) Stat(name string) (fs.FileInfo, error) {
	d.m.mu.Lock()
	defer d.m.mu.Unlock()
	node, err := d.find("stat", name)
	if err != nil {
		return nil, err
	}
	return node.info(path.Base(vfs.Clean(name))), nil
}

func (d *folder) Look(folder, name string) (vfs.Identity, error) {
	name = vfs.Below(folder, name)
	d.m.mu.Lock()
	defer d.m.mu.Unlock()
	if d.closed {
		return vfs.Identity{}, pathError("stat", d.path(name), fs.ErrClosed)
	}
	a, err := existing(d.node, name)
	if err != nil {
		return vfs.Identity{}, pathError("stat", d.path(name), err)
	}
	return a.node.identity(true), nil
}

// FreshLook implements vfs.Folder: nothing is remembered here.
func (d *folder) FreshLook(folder, name string) (vfs.Identity, error) { return d.Look(folder, name) }

func (d *folder) Close() error {
	d.m.mu.Lock()
	defer d.m.mu.Unlock()
	if d.closed {
		return pathError("close", d.name, fs.ErrClosed)
	}
	d.closed = true
	return nil
}
