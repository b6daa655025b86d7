package dir

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"slices"

	"github.com/mlruns/mlruns/filestore/layout"
	"github.com/mlruns/mlruns/internal/atomicfile"
	"github.com/mlruns/mlruns/internal/vfs"
)

// Copier brings the content of a folder that cannot be renamed to another place, file by file. A
// File gets a second link where the File system gives one, so that what MLflow appends meanwhile is
// in both places; else it is copied, with its mode and time of change.
type Copier struct {
	tree  *Tree
	temps string // the folder for temporary files
}

// Copier gives one that keeps its temporary files in the folder temps.
func (t *Tree) Copier(temps string) *Copier { return &Copier{tree: t, temps: temps} }

// drainTries is how often a folder is drained that is filled meanwhile.
const drainTries = 5

// Copy brings to the folder to what it lacks of the folder from, and what is other there.
func (c *Copier) Copy(ctx context.Context, from, to string) error {
	entries, err := c.tree.Entries(from)
	if err != nil {
		return err
	}
	for _, e := range entries {
		at, there := layout.Join(from, e.Name), layout.Join(to, e.Name)
		if !e.Type.IsDir() {
			_, err = c.file(ctx, at, there)
		} else if err = c.Folder(at, there); err == nil {
			err = c.Copy(ctx, at, there)
		}
		if err != nil {
			return err
		}
	}
	return c.tree.MakeDurable(to)
}

// Drain removes what is in the folder from, all but the name keep, and carries before what MLflow,
// which takes no locks, has changed there since it was carried. Of each folder the meta.yaml goes
// first: what has lost a part must not be found any more.
func (c *Copier) Drain(ctx context.Context, from, to, keep string) error {
	entries, err := c.tree.Entries(from)
	if err != nil {
		return err
	}
	metaFirst(entries)
	for _, e := range entries {
		if e.Name == keep {
			continue
		}
		at, there := layout.Join(from, e.Name), layout.Join(to, e.Name)
		if e.Type.IsDir() {
			err = c.drainFolder(ctx, at, there)
		} else {
			err = c.DrainFile(ctx, at, there, to)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// drainFolder drains a folder and removes it. It begins again where something was put into it
// meanwhile.
func (c *Copier) drainFolder(ctx context.Context, from, to string) (err error) {
	for range drainTries {
		if err = c.Folder(from, to); err == nil {
			err = c.Drain(ctx, from, to, "")
		}
		if err == nil {
			err = c.tree.Remove(from)
		}
		if !errors.Is(err, fs.ErrExist) { // which is what a folder that is not empty answers
			break
		}
	}
	if vfs.IsMissing(err) {
		return nil
	}
	return err
}

// DrainFile removes a file, of which the folder to has by then what is to be kept.
func (c *Copier) DrainFile(ctx context.Context, from, there, to string) error {
	carried, err := c.file(ctx, from, there)
	if err == nil && carried {
		err = c.tree.MakeDurable(to)
	}
	if err == nil {
		err = c.tree.Remove(from)
	}
	if vfs.IsMissing(err) {
		return nil // removed since it was listed
	}
	return err
}

func metaFirst(entries []vfs.Entry) {
	if i := slices.IndexFunc(entries, func(e vfs.Entry) bool { return e.Name == layout.Meta || e.Name == layout.TraceInfo }); i > 0 {
		entries[0], entries[i] = entries[i], entries[0]
	}
}

// Folder makes the folder to with the mode of from, unless it exists.
func (c *Copier) Folder(from, to string) error {
	info, err := c.tree.Lstat(from)
	if err != nil {
		return err
	}
	err = c.tree.mkdir(to)
	if errors.Is(err, fs.ErrExist) {
		return nil
	}
	if err == nil {
		c.keepMode(to, info)
	}
	return err
}

// keepMode gives a copy the mode of its original: whose group may write, and whose new files are
// the group's, must be so of the copy. Not every file system has modes.
func (c *Copier) keepMode(to string, info fs.FileInfo) {
	_ = c.tree.FS.Chmod(c.tree.Path(to), info.Mode()&(fs.ModePerm|fs.ModeSetgid|fs.ModeSticky))
}

// file brings a file to the path to, unless what is there is the same; carried says that it did.
func (c *Copier) file(ctx context.Context, from, to string) (carried bool, err error) {
	if err := ctx.Err(); err != nil {
		return false, err
	}
	info, err := c.tree.Lstat(from)
	if vfs.IsMissing(err) {
		return false, nil // removed since it was listed
	}
	if err != nil {
		return false, err
	}
	there, err := c.tree.Lstat(to)
	switch {
	case err == nil && alike(info, there):
		return false, nil
	case err == nil:
		return true, c.copyFile(from, to, info)
	case !vfs.IsMissing(err):
		return false, err
	}
	if c.tree.FS.Link(c.tree.Path(from), c.tree.Path(to)) == nil {
		return true, nil
	}
	if info.Mode()&fs.ModeSymlink != 0 {
		return true, c.copyLink(from, to)
	}
	return true, c.copyFile(from, to, info)
}

// alike reports whether two files are one, or copies of which none was changed since.
func alike(a, b fs.FileInfo) bool {
	if a.Mode().Type() != b.Mode().Type() {
		return false
	}
	return os.SameFile(a, b) || a.Mode()&fs.ModeSymlink != 0 || a.Size() == b.Size() && a.ModTime().Equal(b.ModTime())
}

func (c *Copier) copyFile(from, to string, info fs.FileInfo) error {
	if !info.Mode().IsRegular() {
		return fmt.Errorf("'%s' is a %s, which cannot be copied", from, vfs.KindOf(info.Mode()))
	}
	f, err := c.tree.FS.Open(c.tree.Path(from))
	if err != nil {
		return err
	}
	defer f.Close()
	_, err = atomicfile.ReplaceFrom(c.tree.FS, c.tree.Path(to), f,
		atomicfile.Options{TempDir: c.tree.Path(c.temps), Sync: c.tree.Durable, Perm: info.Mode().Perm()})
	if err != nil {
		return err
	}
	c.keepMode(to, info)
	return c.tree.FS.Chtimes(c.tree.Path(to), info.ModTime(), info.ModTime())
}

func (c *Copier) copyLink(from, to string) error {
	target, err := c.tree.FS.Readlink(c.tree.Path(from))
	if err == nil {
		err = c.tree.FS.Symlink(target, c.tree.Path(to))
	}
	if errors.Is(err, errors.ErrUnsupported) {
		return fmt.Errorf("'%s' is a symbolic link, which cannot be copied: %w", from, err)
	}
	return err
}
