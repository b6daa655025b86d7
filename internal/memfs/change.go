package memfs

import (
	"errors"
	"io/fs"
	"path"
	"slices"
	"syscall"
	"time"

	"github.com/mlruns/mlruns/internal/vfs"
)

// Mkdir makes one directory, of mode perm less umask (022).
func (m *FS) Mkdir(name string, perm fs.FileMode) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	a, err := walk(m.root, name)
	switch {
	case err != nil:
	case a.node != nil:
		err = syscall.EEXIST
	case a.checkNew() != nil:
		err = a.checkNew()
	default:
		m.enter(entry{a.dir, a.base, newDir(perm)})
	}
	return pathError("mkdir", name, err)
}

// MkdirAll makes a directory and its missing parents. It is nil if the directory exists.
func (m *FS) MkdirAll(name string, perm fs.FileMode) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	return pathError("mkdir", name, m.mkdirAll(vfs.Clean(name), perm))
}

func (m *FS) mkdirAll(name string, perm fs.FileMode) error {
	a, err := walk(m.root, name)
	if errors.Is(err, syscall.ENOENT) {
		if err = m.mkdirAll(path.Dir(name), perm); err == nil {
			a, err = walk(m.root, name)
		}
	}
	switch {
	case err != nil:
		return err
	case a.node == nil && a.checkNew() != nil:
		return a.checkNew()
	case a.node == nil:
		m.enter(entry{a.dir, a.base, newDir(perm)})
	case !a.node.mode.IsDir():
		return syscall.EEXIST
	}
	return nil
}

// Remove removes a file or an empty directory.
func (m *FS) Remove(name string) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	a, err := existing(m.root, name)
	switch {
	case err != nil:
	case a.base == ".":
		err = syscall.EINVAL
	case len(a.node.entries) > 0:
		err = syscall.ENOTEMPTY
	default:
		m.enter(entry{a.dir, a.base, nil})
	}
	return pathError("remove", name, err)
}

// RemoveAll removes name and all below it. It is nil if name does not exist.
func (m *FS) RemoveAll(name string) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	a, err := existing(m.root, name)
	switch {
	case errors.Is(err, syscall.ENOENT):
		err = nil
	case err != nil:
	case a.base == ".":
		err = syscall.EINVAL
	default:
		m.removeAll(a)
	}
	return pathError("removeall", name, err)
}

func (m *FS) removeAll(a at) {
	for base, node := range a.node.entries {
		m.removeAll(at{a.node, base, node})
	}
	m.enter(entry{a.dir, a.base, nil})
}

// Rename renames a file or directory. A file replaces a file, atomically; a directory is never
// replaced, as with package os.
func (m *FS) Rename(oldname, newname string) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	return linkError("rename", oldname, newname, m.rename(oldname, newname))
}

func (m *FS) rename(oldname, newname string) error {
	from, err := existing(m.root, oldname)
	if err != nil {
		return err
	}
	to, err := walk(m.root, newname)
	switch {
	case err != nil:
		return err
	case to.node != nil && to.node.mode.IsDir():
		return syscall.EEXIST
	case from.base == ".":
		return syscall.EINVAL
	case to.node != nil && from.node.mode.IsDir():
		return syscall.ENOTDIR
	case from.node == to.node:
		return nil // the same name, or another link of the same file: both stay
	case holds(from.node, to.dir):
		return syscall.EINVAL
	case to.checkNew() != nil:
		return to.checkNew()
	}
	m.enter(entry{from.dir, from.base, nil}, entry{to.dir, to.base, from.node})
	return nil
}

// holds reports whether dir is top or lies below it.
func holds(top, dir *inode) bool {
	if top == dir {
		return true
	}
	for _, node := range top.entries {
		if holds(node, dir) {
			return true
		}
	}
	return false
}

// Link implements vfs.FS.
func (m *FS) Link(oldname, newname string) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	from, err := existing(m.root, oldname)
	if err != nil {
		return linkError("link", oldname, newname, err)
	}
	to, err := walk(m.root, newname)
	switch {
	case err != nil:
	case to.node != nil:
		err = syscall.EEXIST
	case from.node.mode.IsDir():
		err = syscall.EPERM
	case to.checkNew() != nil:
		err = to.checkNew()
	default:
		m.enter(entry{to.dir, to.base, from.node})
	}
	return linkError("link", oldname, newname, err)
}

// Chmod changes the permission bits, which nothing enforces.
func (m *FS) Chmod(name string, mode fs.FileMode) error {
	return m.meta("chmod", name, func(n *inode) { n.mode = n.mode.Type() | mode.Perm() })
}

// Chown does nothing to what exists: there are no owners.
func (m *FS) Chown(name string, _, _ int) error {
	return m.meta("chown", name, func(*inode) {})
}

// Chtimes changes the time of change; there is none of access.
func (m *FS) Chtimes(name string, _, mtime time.Time) error {
	return m.meta("chtimes", name, func(n *inode) { n.mtime = mtime })
}

func (m *FS) meta(op, name string, set func(*inode)) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	a, err := existing(m.root, name)
	if err == nil {
		set(a.node)
		a.node.change()
	}
	return pathError(op, name, err)
}

// SyncDir implements vfs.FS.
func (m *FS) SyncDir(name string) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	a, err := existing(m.root, name)
	switch {
	case err != nil:
	case !a.node.mode.IsDir():
		err = syscall.ENOTDIR
	default:
		m.syncDir(a.node)
	}
	return pathError("sync", name, err)
}

// entry is a name that comes to mean node, or nothing.
type entry struct {
	dir  *inode
	name string
	node *inode
}

func set(entries map[string]*inode, e entry) {
	if e.node == nil {
		delete(entries, e.name)
	} else {
		entries[e.name] = e.node
	}
}

// change is what happens to entries at one moment.
type change []entry

func (c change) touches(dirs map[*inode]bool) bool {
	return slices.ContainsFunc(c, func(e entry) bool { return dirs[e.dir] })
}

// enter makes a change and notes it for a power cut.
func (m *FS) enter(c ...entry) {
	for _, e := range c {
		if old := e.dir.entries[e.name]; old != nil {
			old.links--
			old.change()
		}
		if e.node != nil {
			e.node.links++
			e.node.change()
			e.node.names = e.dir.names
		}
		set(e.dir.entries, e)
		e.dir.touch()
	}
	m.log = append(m.log, c)
}
