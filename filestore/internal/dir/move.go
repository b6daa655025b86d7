package dir

import (
	"context"
	"errors"
	"fmt"
	"syscall"

	"github.com/mlruns/mlruns/filestore/layout"
	"github.com/mlruns/mlruns/internal/atomicfile"
	"github.com/mlruns/mlruns/internal/failure"
)

// Move renames a file or folder and makes that durable. The commit point is the rename: the error
// is failure.ErrNotDurable if it stands and a power cut may undo it.
func (t *Tree) Move(from, to string) error {
	if err := t.Rename(from, to); err != nil {
		return CannotMove(from, err)
	}
	return notDurable(t.SyncParents(from, to))
}

// SyncParents makes durable that something was renamed, where changes are.
func (t *Tree) SyncParents(from, to string) error {
	err := t.MakeDurable(layout.Parent(to))
	if layout.Parent(from) != layout.Parent(to) {
		err = errors.Join(err, t.MakeDurable(layout.Parent(from)))
	}
	return err
}

// Move is Tree.Move, or copies what cannot be renamed; the original goes when its copy is whole.
func (c *Copier) Move(ctx context.Context, from, to string) error {
	err := c.tree.Rename(from, to)
	if atomicfile.CrossesFileSystems(err) {
		err = c.copyAway(ctx, from, to)
	}
	if err != nil {
		return CannotMove(from, err)
	}
	return notDurable(c.tree.SyncParents(from, to))
}

func (c *Copier) copyAway(ctx context.Context, from, to string) error {
	info, err := c.tree.Lstat(from)
	if err != nil {
		return err
	}
	if !info.IsDir() {
		if _, err = c.file(ctx, from, to); err == nil {
			err = c.tree.Remove(from)
		}
		return err
	}
	if err = c.Folder(from, to); err == nil {
		err = c.Copy(ctx, from, to)
	}
	if err == nil {
		err = c.Drain(ctx, from, to, "")
	}
	if err == nil {
		err = c.tree.Remove(from)
	}
	return err
}

// MakeDurable makes durable what a folder holds, where changes are.
func (t *Tree) MakeDurable(dir string) error {
	if !t.Durable {
		return nil
	}
	return t.SyncDir(dir)
}

// notDurable is the error of a change that stands, nil if nothing kept it from being made durable.
func notDurable(err error) error {
	if err == nil {
		return nil
	}
	return errors.Join(failure.ErrNotDurable, err)
}

// CannotMove puts into words that a folder cannot be renamed, nor moved otherwise.
func CannotMove(dir string, err error) error {
	switch {
	case errors.Is(err, syscall.EBUSY):
		return fmt.Errorf("the folder '%s' cannot be moved or removed while a file system is mounted there; unmount it first: %w", dir, err)
	case atomicfile.CrossesFileSystems(err):
		return fmt.Errorf("the folder '%s' cannot be moved to another file system: %w", dir, err)
	}
	return err
}
