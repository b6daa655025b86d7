package filestore

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"slices"

	"github.com/spf13/afero"

	"github.com/mlruns/mlruns/filestore/layout"
	"github.com/mlruns/mlruns/internal/atomicfile"
	"github.com/mlruns/mlruns/internal/rootfs"
	"github.com/mlruns/mlruns/internal/vfs"
)

// carrier brings the content of a folder that cannot be renamed to another place, file by file. A
// file gets a second link where the file system gives one, so that what MLflow appends meanwhile is
// in both places; else it is copied, with its mode and time of change.
type carrier struct {
	tree  *tree
	temps string // the folder for temporary files
	sync  bool
}

// carry brings to the folder to what it lacks of the folder from, and what is other there.
func (c *carrier) carry(ctx context.Context, from, to string) error {
	entries, err := c.tree.entries(from)
	if err != nil {
		return err
	}
	for _, e := range entries {
		at, there := layout.Join(from, e.Name), layout.Join(to, e.Name)
		if !e.Type.IsDir() {
			_, err = c.file(ctx, at, there)
		} else if err = c.folder(at, there); err == nil {
			err = c.carry(ctx, at, there)
		}
		if err != nil {
			return err
		}
	}
	if c.sync {
		return c.tree.syncDir(to)
	}
	return nil
}

// drain removes what is in the folder from, all but the name keep, and carries before what MLflow,
// which takes no locks, has changed there since it was carried. Of each folder the meta.yaml goes
// first: what has lost a part must not be found any more.
func (c *carrier) drain(ctx context.Context, from, to, keep string) error {
	entries, err := c.tree.entries(from)
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
			err = c.drainFile(ctx, at, there, to)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// drainFolder drains a folder and removes it. It begins again where something was put into it
// meanwhile.
func (c *carrier) drainFolder(ctx context.Context, from, to string) (err error) {
	for range maxLooks {
		if err = c.folder(from, to); err == nil {
			err = c.drain(ctx, from, to, "")
		}
		if err == nil {
			err = c.tree.remove(from)
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

// drainFile removes a file, of which the folder to has by then what is to be kept.
func (c *carrier) drainFile(ctx context.Context, from, there, to string) error {
	carried, err := c.file(ctx, from, there)
	if err == nil && carried && c.sync {
		err = c.tree.syncDir(to)
	}
	if err == nil {
		err = c.tree.remove(from)
	}
	if vfs.IsMissing(err) {
		return nil // removed since it was listed
	}
	return err
}

func metaFirst(entries []rootfs.Entry) {
	if i := slices.IndexFunc(entries, func(e rootfs.Entry) bool { return e.Name == layout.Meta }); i > 0 {
		entries[0], entries[i] = entries[i], entries[0]
	}
}

func (c *carrier) folder(from, to string) error {
	info, err := c.tree.lstat(from)
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
func (c *carrier) keepMode(to string, info fs.FileInfo) {
	_ = c.tree.fs.Chmod(c.tree.name(to), info.Mode()&(fs.ModePerm|fs.ModeSetgid|fs.ModeSticky))
}

func (c *carrier) file(ctx context.Context, from, to string) (carried bool, err error) {
	if err := ctx.Err(); err != nil {
		return false, err
	}
	info, err := c.tree.lstat(from)
	if vfs.IsMissing(err) {
		return false, nil // removed since it was listed
	}
	if err != nil {
		return false, err
	}
	there, err := c.tree.lstat(to)
	switch {
	case err == nil && alike(info, there):
		return false, nil
	case err == nil:
		return true, c.copyFile(from, to, info)
	case !vfs.IsMissing(err):
		return false, err
	}
	if c.tree.native != nil && c.tree.native.Link(c.tree.name(from), c.tree.name(to)) == nil {
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

func (c *carrier) copyFile(from, to string, info fs.FileInfo) error {
	if !info.Mode().IsRegular() {
		return fmt.Errorf("'%s' is a %s, which cannot be copied", from, rootfs.KindOf(info.Mode()))
	}
	f, err := c.tree.fs.Open(c.tree.name(from))
	if err != nil {
		return err
	}
	defer f.Close()
	_, err = atomicfile.ReplaceFrom(c.tree.fs, c.tree.name(to), f,
		atomicfile.Options{TempDir: c.tree.name(c.temps), Sync: c.sync, Perm: info.Mode().Perm()})
	if err != nil {
		return err
	}
	c.keepMode(to, info)
	return c.tree.fs.Chtimes(c.tree.name(to), info.ModTime(), info.ModTime())
}

func (c *carrier) copyLink(from, to string) error {
	reader, reads := c.tree.fs.(afero.LinkReader)
	linker, links := c.tree.fs.(afero.Linker)
	if !reads || !links {
		return fmt.Errorf("'%s' is a symbolic link, which cannot be copied: %w", from, errors.ErrUnsupported)
	}
	target, err := reader.ReadlinkIfPossible(c.tree.name(from))
	if err != nil {
		return err
	}
	return linker.SymlinkIfPossible(target, c.tree.name(to))
}
