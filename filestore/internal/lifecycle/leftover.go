package lifecycle

import (
	"time"

	"github.com/mlruns/mlruns/filestore/layout"
)

// LeftoverAge is how long nothing in a leftover must have changed before it is nobody's work any
// more.
const LeftoverAge = time.Hour

// Removable reports whether gc is to go on with removing a folder where it lies.
func (m *Mover) Removable(dir string) (bool, error) {
	if bare, err := m.tree.LacksMeta(dir); err != nil || !bare {
		return false, err
	}
	if link, err := m.tree.IsLink(dir); err != nil || link {
		return false, err
	}
	if left, err := m.tree.HalfRemoved(dir); err != nil || left {
		return left, err
	}
	return m.Emptied(dir)
}

// Emptied reports whether a folder is empty, and so long that it cannot be one that MLflow is
// filling. Such a one is the last of a removal, or of no use, but in the root: if nothing tells
// that an experiment was moved from there, it may be where a disk is to be mounted.
func (m *Mover) Emptied(dir string) (bool, error) {
	if layout.Parent(dir) == "" && !m.HalfMoved(dir) {
		return false, nil
	}
	if empty, err := m.tree.IsEmpty(dir); err != nil || !empty {
		return false, err
	}
	latest, err := m.tree.Newest(dir)
	return err == nil && time.Since(latest) > LeftoverAge, err
}
