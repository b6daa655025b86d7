package memfs

import (
	"io/fs"

	"github.com/spf13/afero"

	"github.com/mlruns/mlruns/internal/vfs"
)

// Local implements vfs.FS.
func (m *FS) Local() bool { return m.local }

// Served implements vfs.FS.
func (m *FS) Served() bool { return m.served }

// FreshFile implements vfs.FS: nothing is remembered here.
func (m *FS) FreshFile(f afero.File) (vfs.Identity, error) { return m.IdentifyFile(f, true) }

// FreshFolder implements vfs.FS.
func (m *FS) FreshFolder(name string) error {
	_, err := m.Identify(name, false)
	return err
}

// Identify implements vfs.FS.
func (m *FS) Identify(name string, changed bool) (vfs.Identity, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	a, err := existing(m.root, name)
	if err != nil {
		return vfs.Identity{}, pathError("stat", name, err)
	}
	return a.node.identity(changed), nil
}

// IdentifyFile implements vfs.FS.
func (m *FS) IdentifyFile(f afero.File, changed bool) (vfs.Identity, error) {
	own, ok := f.(*file)
	if !ok || own.m != m {
		return vfs.Identity{}, pathError("stat", f.Name(), fs.ErrInvalid)
	}
	defer m.mu.Unlock()
	if err := own.use("stat"); err != nil {
		return vfs.Identity{}, err
	}
	return own.node.identity(changed), nil
}

func (n *inode) identity(changed bool) vfs.Identity {
	// not negative
	s := vfs.Identity{Inode: n.number, Mode: n.mode.Type(), Size: int64(len(n.data)), Links: uint64(max(n.links, 0))} //nolint:gosec
	if changed {
		s.Changed = n.changed
	}
	return s
}
