package fsck

import (
	"fmt"
	"strings"
	"time"

	"github.com/mlruns/mlruns/filestore/layout"
	"github.com/mlruns/mlruns/internal/atomicfile"
	"github.com/mlruns/mlruns/internal/vfs"
)

// newSaved gives a path for the originals of a repair that begins now. Nothing is there yet.
func (c *Checker) newSaved(now time.Time) string {
	name := layout.Saved(strings.ReplaceAll(now.Format("2006-01-02T15-04-05.000Z"), ".", "-"))
	for i := 1; ; i++ {
		dir := name
		if i > 1 {
			dir = fmt.Sprintf("%s.%d", name, i)
		}
		if taken, err := c.tree.Exists(dir); err != nil || !taken {
			return dir
		}
	}
}

// quarantinePath makes the folders for an original and gives its path among the saved ones.
func (r *repair) quarantinePath(name string) (string, error) {
	target := layout.Join(r.saved, name)
	dir := layout.Parent(target)
	if err := r.tree.MkdirAll(dir); err != nil {
		return "", err
	}
	if _, err := r.tree.Lstat(target); err == nil {
		// by a repair that began in the same millisecond
		return "", fmt.Errorf("%s was saved before", target)
	}
	for ; r.tree.Durable && dir != ""; dir = layout.Parent(dir) {
		if err := r.tree.SyncDir(layout.Parent(dir)); err != nil {
			return "", err
		}
	}
	return target, nil
}

// quarantine moves a file or folder to the saved originals. The commit point is the rename.
func (r *repair) quarantine(name string) error {
	if _, err := r.tree.Lstat(name); vfs.IsMissing(err) {
		return errMended
	}
	target, err := r.quarantinePath(name)
	if err != nil {
		return err
	}
	return r.tree.Copier(layout.Private).Move(r.ctx, name, target)
}

// keepOriginal gives a file that is about to be replaced a second name among the saved originals,
// or copies it there where the file system has no hard links.
func (r *repair) keepOriginal(name string) error {
	target, err := r.quarantinePath(name)
	if err != nil {
		return err
	}
	if r.tree.FS.Link(r.tree.Path(name), r.tree.Path(target)) != nil {
		err = r.copyTo(name, target)
	}
	if err == nil && r.tree.Durable {
		err = r.tree.SyncDir(layout.Parent(target))
	}
	return err
}

// copyOriginal copies a file that is about to be changed in its place to the saved originals.
func (r *repair) copyOriginal(name string) error {
	target, err := r.quarantinePath(name)
	if err != nil {
		return err
	}
	if err := r.copyTo(name, target); err != nil || !r.tree.Durable {
		return err
	}
	return r.tree.SyncDir(layout.Parent(target))
}

func (r *repair) copyTo(name, target string) error {
	from, err := r.tree.FS.Open(r.tree.Path(name))
	if err != nil {
		return err
	}
	defer from.Close()
	info, err := from.Stat()
	if err != nil {
		return err
	}
	_, err = atomicfile.ReplaceFrom(r.tree.FS, r.tree.Path(target), from, atomicfile.Options{Sync: r.tree.Durable, Perm: info.Mode().Perm()})
	return err
}
