package memfs

import (
	"errors"
	"io/fs"
	"os"
	"path"
	"strings"
	"sync"
	"syscall"

	"github.com/spf13/afero"

	"github.com/mlruns/mlruns/internal/drive"
	"github.com/mlruns/mlruns/internal/vfs"
)

// FS is a file system in memory. The zero value is not usable; call New.
type FS struct {
	mu     sync.Mutex
	root   *inode
	log    []change // of the entries of directories, not yet durable, in order
	local  bool
	served bool
}

var (
	_ afero.Fs = (*FS)(nil)
	_ vfs.FS   = (*FS)(nil)
)

// New returns an empty file system.
func New() *FS {
	return &FS{root: newDir(0o777)}
}

// NewLocal is New for a file system that says it is local, see vfs.FS.
func NewLocal() *FS {
	return &FS{root: newDir(0o777), local: true}
}

// NewServed is New for a file system that says it is a server's, see vfs.FS.
func NewServed() *FS {
	return &FS{root: newDir(0o777), served: true}
}

// Name is "memfs".
func (m *FS) Name() string { return "memfs" }

const maxName = 255

func checkName(part string) error {
	if strings.IndexByte(part, 0) >= 0 {
		return syscall.EINVAL
	}
	if len(part) > maxName {
		return syscall.ENAMETOOLONG
	}
	return nil
}

// at is where a name leads: the directory that has or would have it, its last component, and the
// file if there is one.
type at struct {
	dir  *inode
	base string // "." if the name leads to where the walk began
	node *inode
}

// walk resolves name from a directory. That the last component does not exist is no error.
func walk(from *inode, name string) (at, error) {
	parts := strings.Split(vfs.Clean(name), "/")
	trail := []at{{base: ".", node: from}}
	for i, part := range parts {
		here := trail[len(trail)-1].node
		switch {
		case here == nil:
			return at{}, syscall.ENOENT
		case !here.mode.IsDir():
			return at{}, syscall.ENOTDIR
		case checkName(part) != nil:
			return at{}, checkName(part)
		case part == "" || part == ".":
		case part == ".." && len(trail) == 1:
			return at{}, vfs.ErrOutside
		case part == "..":
			trail = trail[:len(trail)-1]
		default:
			kept, node := here.lookup(part)
			if node == nil && i < len(parts)-1 {
				return at{}, syscall.ENOENT
			}
			trail = append(trail, at{here, kept, node})
		}
	}
	return trail[len(trail)-1], nil
}

// existing is walk to something that exists.
func existing(from *inode, name string) (at, error) {
	a, err := walk(from, name)
	if err == nil && a.node == nil {
		err = syscall.ENOENT
	}
	return a, err
}

func pathError(op, name string, err error) error {
	if err == nil {
		return nil
	}
	return &fs.PathError{Op: op, Path: name, Err: err}
}

func linkError(op, oldname, newname string, err error) error {
	if err == nil {
		return nil
	}
	return &os.LinkError{Op: op, Old: oldname, New: newname, Err: err}
}

// Stat returns a snapshot.
func (m *FS) Stat(name string) (fs.FileInfo, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	a, err := existing(m.root, name)
	if err != nil {
		return nil, pathError("stat", name, err)
	}
	return a.node.info(path.Base(vfs.Clean(name))), nil
}

// Lstat is Stat: there are no symbolic links.
func (m *FS) Lstat(name string) (fs.FileInfo, error) { return m.Stat(name) }

// Readlink is an error: there are none.
func (m *FS) Readlink(name string) (string, error) {
	return "", pathError("readlink", name, afero.ErrNoReadlink)
}

// Symlink is an error.
func (m *FS) Symlink(oldname, newname string) error {
	return linkError("symlink", oldname, newname, afero.ErrNoSymlink)
}

// Open opens a file or a directory for reading.
func (m *FS) Open(name string) (afero.File, error) { return m.OpenFile(name, os.O_RDONLY, 0) }

// Create makes or truncates a file, of mode 0666 less umask (022).
func (m *FS) Create(name string) (afero.File, error) {
	return m.OpenFile(name, os.O_RDWR|os.O_CREATE|os.O_TRUNC, 0o666)
}

// OpenFile opens a file, or a directory for reading. A new file has the mode perm less umask (022).
func (m *FS) OpenFile(name string, flag int, perm fs.FileMode) (afero.File, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	node, err := m.open(name, flag, perm)
	if err != nil {
		return nil, pathError("open", name, err)
	}
	return &file{m: m, node: node, name: name, flag: flag}, nil
}

func (m *FS) open(name string, flag int, perm fs.FileMode) (*inode, error) {
	a, err := walk(m.root, name)
	create := flag&os.O_CREATE != 0
	switch {
	case err != nil:
		return nil, err
	case a.node == nil && !create:
		return nil, syscall.ENOENT
	case a.node == nil && a.checkNew() != nil:
		return nil, a.checkNew()
	case a.node == nil:
		a.node = newFile(perm)
		m.enter(entry{a.dir, a.base, a.node})
		return a.node, nil
	case create && flag&os.O_EXCL != 0:
		return nil, syscall.EEXIST
	case a.node.mode.IsDir():
		if create || flag&(os.O_WRONLY|os.O_RDWR|os.O_TRUNC) != 0 {
			return nil, syscall.EISDIR
		}
	case flag&os.O_TRUNC != 0:
		if flag&(os.O_WRONLY|os.O_RDWR) == 0 {
			return nil, syscall.EINVAL
		}
		if len(a.node.data) > 0 {
			a.node.truncate(0)
		}
	}
	return a.node, nil
}

// OpenFolder implements vfs.FS.
func (m *FS) OpenFolder(name string) (vfs.Folder, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.openFolder(m.root, name, vfs.Clean(name))
}

// SyncAll implements vfs.FS.
func (m *FS) SyncAll(files []afero.File, dirs []string) error { return vfs.SyncEach(m, files, dirs) }

// Drive implements vfs.FS.
func (m *FS) Drive() drive.Drive {
	d := drive.Memory()
	d.Asked = m.served
	return d
}

// RealPath is false: nothing here has a path of the operating system.
func (m *FS) RealPath(string) (string, bool) { return "", false }

// Follow implements vfs.FS: there are no links here.
func (m *FS) Follow(name string) (string, bool, error) { return vfs.Clean(name), false, nil }

func isOutside(err error) bool { return errors.Is(err, vfs.ErrOutside) }
