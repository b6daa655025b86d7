package artifacts

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"path"

	"github.com/mlruns/mlruns"
	"github.com/mlruns/mlruns/internal/atomicfile"
	"github.com/mlruns/mlruns/internal/failure"
	"github.com/mlruns/mlruns/internal/filename"
	"github.com/mlruns/mlruns/internal/vfs"
)

// target is a folder that files are written into. Paths are relative to it, "." is the folder
// itself.
type target struct {
	fs      vfs.FS
	base    string
	tempDir string
	sync    bool
	settle  func() error              // see atomicfile.Options
	folds   func() bool               // whether the file system folds case
	leftOut func(path, reason string) // is told of what a copy does not have, by its path here
}

func (t target) at(p string) string { return path.Join(t.base, p) }

// write makes p a file of what src gives. The folders in the place of a run are made only once src
// has ended well, so that a failure leaves nothing.
func (t target) write(ctx context.Context, p string, src io.Reader, perm fs.FileMode) error {
	folder := path.Dir(p)
	away, err := follow(t.fs, t.base, folder)
	if err != nil {
		return refuse(err, p)
	}
	o := atomicfile.Options{TempDir: t.tempDir, OrBeside: true, Sync: t.sync, Settle: t.settle, Perm: perm}
	first := "."
	if away {
		// A rename does not lead from disk to disk.
		o.TempDir, o.Settle, first = t.at(folder), nil, folder
	}
	if away || t.tempDir == t.base {
		// Only here is the folder for temporary files ours to make: a run whose folder is gone must
		// not come back.
		if err := t.makeFolder(first); err != nil {
			return err
		}
	}
	if err := t.ownName(p); err != nil {
		return err
	}
	in := &source{ctx: ctx, r: src, atEnd: func() error { return t.makeFolder(folder) }}
	if _, err := atomicfile.ReplaceFrom(t.fs, t.at(p), in, o); err != nil {
		if errors.Is(err, atomicfile.ErrNotDurable) {
			err = cmp.Or(t.keptName(p), err)
		}
		return t.explain(err, p)
	}
	return t.keptName(p)
}

// makeFolder makes the folder p and those above it that are missing.
func (t target) makeFolder(p string) error {
	if _, err := follow(t.fs, t.base, p); err != nil {
		return refuse(err, p)
	}
	var made []string
	for dir := t.at(p); t.sync && dir != "." && dir != "/"; dir = path.Dir(dir) {
		if _, err := t.fs.Stat(dir); !errors.Is(err, fs.ErrNotExist) {
			break
		}
		made = append(made, dir)
	}
	if err := t.ownName(p); err != nil {
		return err
	}
	if err := t.fs.MkdirAll(t.at(p), 0o777); err != nil {
		return t.blocked(err, p, p)
	}
	if err := t.ownName(p); err != nil {
		return err
	}
	for _, dir := range made {
		if err := atomicfile.SyncDir(t.fs, path.Dir(dir)); err != nil {
			return err
		}
	}
	return nil
}

// explain says in words what stands in the way of the file p.
func (t target) explain(err error, p string) error {
	if errors.Is(err, vfs.ErrNotRegular) {
		return inTheWay(err, fmt.Sprintf("'%s' is a folder or a link, so it cannot be replaced by a file", p))
	}
	return t.blocked(err, path.Dir(p), p)
}

// blocked names the file that stands where p needs a folder, if that is what err comes from.
func (t target) blocked(err error, folder, p string) error {
	for i := range len(folder) + 1 {
		if i < len(folder) && folder[i] != '/' {
			continue
		}
		if info, statErr := t.fs.Stat(t.at(folder[:i])); statErr == nil && !info.IsDir() {
			return inTheWay(err, fmt.Sprintf("'%s' is a file, so '%s' cannot be stored", folder[:i], p))
		}
	}
	// exfat-fuse says of a name that it does not take that there is no such thing.
	if _, statErr := t.fs.Stat(t.at(path.Dir(p))); errors.Is(err, fs.ErrNotExist) && statErr == nil && filename.Portable(p) != "" {
		return unholdable(err, p)
	}
	return refuse(err, p)
}

func inTheWay(cause error, text string) error {
	return &failure.Reason{Kind: mlruns.ErrInvalid, Text: text, Cause: cause}
}
