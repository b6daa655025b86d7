package filestore

import (
	"errors"
	"fmt"
	"os"
	"syscall"

	"github.com/mlruns/mlruns/filestore/layout"
	"github.com/mlruns/mlruns/internal/failure"
	"github.com/mlruns/mlruns/internal/vfs"
)

// errNoRoot is the kind of what went wrong when the store's own directory is no longer there, which
// is none of what a caller could have asked for.
var errNoRoot = errors.New("no root directory")

// rootGone says that the root itself is gone, in MLflow's words; nil while it is there. It is asked
// where something in it was not found.
func (s *Store) rootGone() error {
	if s.tree.IsDir(layout.Trash) {
		return nil
	}
	entries, err := s.tree.Entries("")
	what := "does not exist"
	switch {
	case errors.Is(err, syscall.ENOTDIR):
		what = "is not a directory"
	case vfs.IsMissing(err):
	case err != nil || len(entries) > 0 || !vfs.IsMissing(s.statRoot()):
		// A directory that was removed while it is open is empty on some systems, where others say
		// that it is missing.
		return nil
	}
	return &failure.Reason{Kind: errNoRoot, Code: failure.CodeInternal, Text: fmt.Sprintf("'%s' %s.", s.dir, what)}
}

// orRootGone is rootGone, or else the error of who looked into the root.
func (s *Store) orRootGone(err error) error {
	if gone := s.rootGone(); gone != nil {
		return gone
	}
	return err
}

func (s *Store) statRoot() (err error) {
	if s.fs != nil {
		_, err = s.tree.Stat("")
	} else {
		_, err = os.Stat(s.dir)
	}
	return err
}
