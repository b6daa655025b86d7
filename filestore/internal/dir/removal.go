package dir

import (
	"github.com/mlruns/mlruns/filestore/layout"
	"github.com/mlruns/mlruns/internal/vfs"
)

// HalfRemoved reports whether a folder is to be removed where it lies. The only error of this and
// what follows is a shortage.
func (t *Tree) HalfRemoved(dir string) (bool, error) {
	marked, err := t.Exists(layout.Join(dir, layout.Removed))
	if err != nil || !marked {
		return false, vfs.Shortage(err)
	}
	return t.LacksMeta(dir)
}

// RemoveDiscarded removes a folder that was taken out of the store.
func (t *Tree) RemoveDiscarded(dir string) error {
	empty, err := t.IsEmpty(dir)
	if err != nil {
		return err
	}
	if empty {
		return t.Remove(dir) // which fails if it is filled now
	}
	left, err := t.HalfRemoved(dir)
	if err != nil {
		return err
	}
	if !left {
		return CannotMove(dir, t.RemoveAll(dir))
	}
	entries, err := t.Entries(dir)
	if err != nil {
		return err
	}
	for _, e := range entries {
		name := layout.Join(dir, e.Name)
		if e.Name == layout.Removed {
			continue
		}
		if e.Type.IsDir() { // a run of which something is missing must not be found
			if err := t.Remove(layout.Join(name, layout.Meta)); err != nil && !vfs.IsMissing(err) {
				return err
			}
		}
		if err := t.RemoveAll(name); err != nil {
			return CannotMove(name, err)
		}
	}
	return t.RemoveMarked(dir)
}

// RemoveMarked removes a folder in which there is only the file layout.Removed any more.
func (t *Tree) RemoveMarked(dir string) error {
	err := t.MakeDurable(dir) // what was in it must not come back without the mark
	if err == nil {
		err = t.Remove(layout.Join(dir, layout.Removed))
	}
	if err == nil {
		err = t.Remove(dir)
	}
	if err == nil {
		err = t.MakeDurable(layout.Parent(dir))
	}
	return err
}

// LacksMeta reports whether a folder has no meta.yaml, or that of a trace no trace_info.yaml.
func (t *Tree) LacksMeta(dir string) (bool, error) {
	whole, err := t.Exists(layout.Join(dir, layout.MetaOf(dir)))
	return err == nil && !whole, vfs.Shortage(err)
}

// IsEmpty reports whether there is nothing in a folder.
func (t *Tree) IsEmpty(dir string) (bool, error) {
	entries, err := t.Entries(dir)
	return err == nil && len(entries) == 0, vfs.Shortage(err)
}
