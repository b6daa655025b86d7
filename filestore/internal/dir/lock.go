package dir

import (
	"errors"

	"github.com/mlruns/mlruns/filestore/layout"
	"github.com/mlruns/mlruns/internal/dirlock"
	"github.com/mlruns/mlruns/internal/vfs"
)

// Unlock gives a lock back; that cannot fail in a way the caller could mend.
func (t *Tree) Unlock(unlock func() error) {
	switch err := unlock(); {
	case errors.Is(err, dirlock.ErrLost):
		t.Logger.Warn("a lock was lost while it was held, and another machine may have written at the same time", "error", err)
	case err != nil:
		t.Logger.Warn("unlock failed", "error", err)
	}
}

// freshen makes sure that names in a server's folder lead next to where they lead there.
func (t *Tree) freshen(dir string) error {
	if !t.served {
		return nil
	}
	return t.FS.FreshFolder(t.Path(dir))
}

// FreshNames makes sure that the names of metrics in a server's folder lead to where they lead
// there.
func (a *Appender[T]) FreshNames(keys []string) error {
	if !a.handles.tree.served {
		return nil
	}
	done := ""
	for _, key := range keys {
		folder := layout.Parent(layout.Join(a.Dir, layout.Metrics, key))
		if folder == done {
			continue
		}
		if err := a.handles.tree.freshen(folder); err != nil && !vfs.IsMissing(err) {
			return err
		}
		done = folder
	}
	return nil
}
