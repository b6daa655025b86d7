package artifacts

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path"
	"slices"

	"github.com/spf13/afero"

	"github.com/mlruns/mlruns"
	"github.com/mlruns/mlruns/internal/atomicfile"
	"github.com/mlruns/mlruns/internal/rootfs"
)

// copyFile writes the file name of src to p, with its mode and time of change. A file onto itself is left alone.
func (t target) copyFile(ctx context.Context, src afero.Fs, name, p string) error {
	info, err := src.Stat(name)
	if err != nil {
		return err
	}
	if !info.Mode().IsRegular() {
		// Opening a named pipe would wait for its writer.
		return mlruns.Invalid(fmt.Sprintf("'%s' is not a regular file", name))
	}
	if there, err := t.fs.Stat(t.at(p)); err == nil && os.SameFile(info, there) {
		return nil
	}
	f, err := src.Open(name)
	if err != nil {
		return err
	}
	defer f.Close()
	err = t.write(ctx, p, f, info.Mode().Perm())
	if err != nil && !errors.Is(err, mlruns.ErrNotDurable) {
		return err
	}
	// The content is safe; not every file system has modes and times.
	_ = t.fs.Chmod(t.at(p), info.Mode().Perm())
	_ = t.fs.Chtimes(t.at(p), info.ModTime(), info.ModTime())
	return err
}

// copyTree merges the folder dir of src into the folder p. Links to files count as files, links to folders are left out: they can
// form circles.
func (t target) copyTree(ctx context.Context, src afero.Fs, dir, p string) error {
	if err := t.makeFolder(p); err != nil {
		return err
	}
	top, err := t.fs.Stat(t.at(p))
	if err != nil {
		return refuse(err, p)
	}
	return t.copyBelow(ctx, src, dir, p, top)
}

func (t target) copyBelow(ctx context.Context, src afero.Fs, dir, p string, top fs.FileInfo) error {
	names, err := namesIn(src, dir)
	if err != nil {
		return err
	}
	for _, name := range names {
		if err := ctx.Err(); err != nil {
			return err
		}
		from, to := path.Join(dir, name), path.Join(p, name)
		info, err := lstat(src, from)
		if err != nil {
			return err
		}
		if info.Mode()&fs.ModeSymlink != 0 {
			if linked, err := src.Stat(from); errors.Is(err, rootfs.ErrOutside) || err == nil && linked.IsDir() {
				continue
			}
		}
		if !info.IsDir() {
			if err := t.copyFile(ctx, src, from, to); err != nil {
				return err
			}
			continue
		}
		if os.SameFile(info, top) {
			continue // the copy itself, which lies in what is copied
		}
		if err := t.makeFolder(to); err != nil {
			return err
		}
		if err := t.copyBelow(ctx, src, from, to, top); err != nil {
			return err
		}
	}
	return nil
}

func lstat(fsys afero.Fs, name string) (fs.FileInfo, error) {
	if l, ok := fsys.(afero.Lstater); ok {
		info, _, err := l.LstatIfPossible(name)
		return info, err
	}
	return fsys.Stat(name)
}

// namesIn gives the names in a folder in order, but for temporary files.
func namesIn(fsys afero.Fs, dir string) ([]string, error) {
	f, err := fsys.Open(dir)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	names, err := f.Readdirnames(-1)
	if err != nil {
		return nil, err
	}
	names = slices.DeleteFunc(names, atomicfile.IsTemp)
	slices.Sort(names)
	return names, nil
}
