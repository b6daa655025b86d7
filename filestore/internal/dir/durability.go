package dir

import (
	"context"
	"errors"

	"github.com/mlruns/mlruns/filestore/layout"
	"github.com/mlruns/mlruns/internal/failure"
	"github.com/mlruns/mlruns/internal/vfs"
)

// Durability goes through a call that changes several things, each with a commit point of its own.
// A change that stands but could not be made durable does not end the call: failure.ErrNotDurable
// says of a call that all of it is done, so the rest has to be. It is the call's error at the end.
type Durability struct{ undurable error }

// Step takes the error of one change and gives it back if the call must end.
func (s *Durability) Step(err error) error {
	if !errors.Is(err, failure.ErrNotDurable) {
		return err
	}
	if s.undurable == nil {
		s.undurable = err
	}
	return nil
}

// Last is Step for the last change, and gives the error of the call.
func (s *Durability) Last(err error) error {
	if err := s.Step(err); err != nil {
		return err
	}
	return s.undurable
}

// SyncFolders makes the entries of a folder and of all below it durable. One that is empty by now
// counts: what was deleted from it must not come back.
func (t *Tree) SyncFolders(ctx context.Context, dir string) error {
	entries, err := t.Entries(dir)
	if vfs.IsMissing(err) {
		return nil
	}
	if err != nil {
		return err
	}
	for _, e := range entries {
		if err := ctx.Err(); err != nil {
			return err
		}
		if e.Type.IsDir() {
			if err := t.SyncFolders(ctx, layout.Join(dir, e.Name)); err != nil {
				return err
			}
		}
	}
	return t.SyncDir(dir)
}
