package memfs

import (
	"io/fs"

	"github.com/spf13/afero"

	"github.com/mlruns/mlruns/internal/rootfs"
)

var _ rootfs.Looker = (*FS)(nil)

// Local implements rootfs.Looker.
func (m *FS) Local() bool { return m.local }

// Look implements rootfs.Looker.
func (m *FS) Look(name string, changed bool) (rootfs.Sight, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	a, err := existing(m.root, name)
	if err != nil {
		return rootfs.Sight{}, pathError("stat", name, err)
	}
	return a.node.sight(changed), nil
}

// LookAt implements rootfs.Looker.
func (m *FS) LookAt(f afero.File, changed bool) (rootfs.Sight, error) {
	own, ok := f.(*file)
	if !ok || own.m != m {
		return rootfs.Sight{}, pathError("stat", f.Name(), fs.ErrInvalid)
	}
	defer m.mu.Unlock()
	if err := own.use("stat"); err != nil {
		return rootfs.Sight{}, err
	}
	return own.node.sight(changed), nil
}

func (n *inode) sight(changed bool) rootfs.Sight {
	// not negative
	s := rootfs.Sight{Inode: n.number, Mode: n.mode.Type(), Size: int64(len(n.data)), Links: uint64(max(n.links, 0))} //nolint:gosec
	if changed {
		s.Changed = n.changed
	}
	return s
}
