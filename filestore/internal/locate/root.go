package locate

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
func (l *Locator) rootGone() error {
	if l.Tree.IsDir(layout.Trash) {
		return nil
	}
	entries, err := l.Tree.Entries("")
	what := "does not exist"
	switch {
	case errors.Is(err, syscall.ENOTDIR):
		what = "is not a directory"
	case vfs.IsMissing(err):
	case err != nil || len(entries) > 0 || !vfs.IsMissing(l.statRoot()):
		// A directory that was removed while it is open is empty on some systems, where others say
		// that it is missing.
		return nil
	}
	return &failure.Reason{Kind: errNoRoot, Code: failure.CodeInternal, Text: fmt.Sprintf("'%s' %s.", l.Dir, what)}
}

// orRootGone is rootGone, or else the error of who looked into the root.
func (l *Locator) orRootGone(err error) error {
	if gone := l.rootGone(); gone != nil {
		return gone
	}
	return err
}

func (l *Locator) statRoot() (err error) {
	if l.OnDisk {
		_, err = os.Stat(l.Dir)
	} else {
		_, err = l.Tree.Stat("")
	}
	return err
}
