package artifacts

import (
	"context"
	"errors"
	"fmt"
	"path"
	"syscall"

	"github.com/mlruns/mlruns"
	"github.com/mlruns/mlruns/internal/atomicfile"
	"github.com/mlruns/mlruns/internal/vfs"
)

// removable refuses a mount point, of which everything but the folder itself would be removed.
func removable(fsys vfs.FS, name string) error {
	if seen, err := fsys.Identify(name, false); err == nil && seen.MountRoot {
		return fmt.Errorf("'%s' cannot be removed while a file system is mounted there; unmount it first: %w", name, syscall.EBUSY)
	}
	return nil
}

// Delete removes the file or folder p; a missing one is no error, and one whose name differs in
// case is another. "" removes all artifacts and keeps their folder. Links are removed, never
// followed. A mount point is refused and nothing removed. A failure in the middle leaves the rest,
// and calling it again is right.
func (r *Repository) Delete(ctx context.Context, p string) error {
	clean, err := r.beginRead(ctx, p)
	if err != nil {
		return err
	}
	if r.readOnly {
		return mlruns.ErrReadOnly
	}
	if _, err := follow(r.fs, r.folder, path.Dir(clean)); err != nil {
		return refuse(err, p)
	}
	switch err := r.target().ownName(clean); {
	case errors.Is(err, mlruns.ErrInvalid):
		return nil // what the file system finds under this name has another
	case err != nil:
		return refuse(err, p)
	}
	names := []string{path.Base(clean)}
	folder := r.at(path.Dir(clean))
	if clean == "." {
		folder = r.folder
		names, err = namesIn(r.fs, folder)
		if missing(err) {
			return nil
		}
		if err != nil {
			return refuse(err, p)
		}
	}
	for _, name := range names {
		if err := removable(r.fs, path.Join(folder, name)); err != nil {
			return err
		}
	}
	for _, name := range names {
		if err := ctx.Err(); err != nil {
			return err
		}
		if err := r.fs.RemoveAll(path.Join(folder, name)); err != nil && !missing(err) {
			return refuse(err, p)
		}
	}
	if !r.sync {
		return nil
	}
	if err := atomicfile.SyncDir(r.fs, folder); err != nil && !missing(err) {
		return fmt.Errorf("%w: %w", mlruns.ErrNotDurable, err)
	}
	return nil
}
