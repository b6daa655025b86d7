package artifacts

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path"

	"github.com/mlruns/mlruns"
	"github.com/mlruns/mlruns/internal/failure"
)

// copyFile writes the file name to p, with its mode and time of change. A file onto itself is left
// alone.
func (t target) copyFile(ctx context.Context, from origin, name, p string) error {
	info, err := from.stat(name)
	if err != nil {
		return err
	}
	if !info.Mode().IsRegular() {
		// Opening a named pipe would wait for its writer.
		return failure.Invalid(fmt.Sprintf("'%s' is not a regular file", name))
	}
	if there, err := t.fs.Stat(t.at(p)); err == nil && os.SameFile(info, there) {
		return nil
	}
	f, err := from.fs.Open(from.at(name))
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

// copyTree merges the folder dir into the folder p.
func (t target) copyTree(ctx context.Context, from origin, dir, p string) error {
	if t.tempDir != t.base {
		// A run whose folder is gone must not come back.
		if _, err := t.fs.Stat(t.tempDir); err != nil {
			return err
		}
	}
	if err := t.makeFolder(p); err != nil {
		return err
	}
	top, err := t.fs.Stat(t.at(p))
	if err != nil {
		return refuse(err, p)
	}
	return t.copyBelow(ctx, from, dir, p, top)
}

func (t target) copyBelow(ctx context.Context, from origin, dir, p string, top fs.FileInfo) error {
	names, err := namesIn(from.fs, from.at(dir))
	if err != nil {
		return err
	}
	var undurable error // of a file that is there: the rest is copied all the same
	for _, name := range names {
		if err := ctx.Err(); err != nil {
			return err
		}
		name, to := path.Join(dir, name), path.Join(p, name)
		info, why, err := from.pick(name)
		if err != nil {
			return err
		}
		if why != "" {
			t.leftOut(to, why)
		}
		if info == nil || os.SameFile(info, top) {
			continue // the second is the copy itself, which lies in what is copied
		}
		err = t.copyOne(ctx, from, name, to, info.IsDir(), top)
		if !errors.Is(err, mlruns.ErrNotDurable) && err != nil {
			return err
		}
		if undurable == nil {
			undurable = err
		}
	}
	return undurable
}

func (t target) copyOne(ctx context.Context, from origin, name, p string, folder bool, top fs.FileInfo) error {
	if !folder {
		return t.copyFile(ctx, from, name, p)
	}
	if err := t.makeFolder(p); err != nil {
		return err
	}
	return t.copyBelow(ctx, from, name, p, top)
}
