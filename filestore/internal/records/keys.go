package records

import (
	"context"
	"errors"
	"fmt"

	"github.com/mlruns/mlruns"
	"github.com/mlruns/mlruns/filestore/internal/dir"
	"github.com/mlruns/mlruns/filestore/layout"
	"github.com/mlruns/mlruns/internal/filename"
	"github.com/mlruns/mlruns/internal/validate"
	"github.com/mlruns/mlruns/internal/vfs"
)

// KeyFile is a file that stands for a key.
type KeyFile struct {
	Key    string
	Folder vfs.Folder // the open folder it lies in
	Name   string     // its name there
	Path   string     // from the store's root
	listed bool       // as a regular file, just now
}

// What is read of one folder of keys is bounded: a stranger's store can hold more than there is
// memory for. MLflow's runs stay far below.
const (
	maxKeys   = 100_000
	maxValues = vfs.MaxReadFile // bytes of all values together
	// MaxForeign is how many names that are no keys are reported one by one.
	MaxForeign = 100
)

// keyWalk is one walk through a folder of keys.
type keyWalk struct {
	ctx      context.Context //nolint:containedctx // of the one call that walks
	Problems *Problems
	visit    func(KeyFile) error
	keys     int
	foreign  int
}

// enoughError ends a walk that has met as much as is read; its text says so.
type enoughError struct{ reason string }

func (e *enoughError) Error() string { return e.reason }

// WalkKeys calls visit for each file below the folder named sub in f, whose path is dir. What
// cannot be a key is reported to p, and what is more than is read. A missing folder has no keys.
// The order is unspecified.
func WalkKeys(ctx context.Context, f vfs.Folder, dir, sub string, p *Problems, visit func(KeyFile) error) error {
	inner, err := f.OpenFolder(sub)
	if vfs.IsGone(err) {
		return ctx.Err()
	}
	if err != nil {
		return p.Unreadable(ctx, mlruns.ProblemUnreadable, layout.Join(dir, sub), err)
	}
	defer inner.Close()
	w := &keyWalk{ctx: ctx, Problems: p, visit: visit}
	top := layout.Join(dir, sub)
	err = w.folder(inner, top, "", 1)
	if more := w.foreign - MaxForeign; more > 0 {
		p.Add(mlruns.Problem{Kind: mlruns.ProblemForeign, Path: top, Reason: fmt.Sprintf("%d more names are no keys", more)})
	}
	var enough *enoughError
	if errors.As(err, &enough) {
		p.Add(ProblemOf(mlruns.ProblemUnreadable, top, err))
		return nil
	}
	return err
}

func (w *keyWalk) folder(f vfs.Folder, dir, prefix string, depth int) error {
	entries, err := f.Entries()
	if err != nil {
		return w.Problems.Unreadable(w.ctx, mlruns.ProblemUnreadable, dir, err)
	}
	for _, e := range entries {
		if err := w.ctx.Err(); err != nil {
			return err
		}
		if err := w.entry(f, e, layout.Join(dir, e.Name), prefix+e.Name, depth); err != nil {
			return err
		}
	}
	return nil
}

func (w *keyWalk) entry(f vfs.Folder, e vfs.Entry, name, key string, depth int) error {
	if w.keys++; w.keys > maxKeys { // also what is no key, and folders
		return &enoughError{fmt.Sprintf("there are more than %d names; the rest is not read", maxKeys)}
	}
	switch form := FormOf(e.Name); {
	case form != nil && form.Fate == Copied:
		w.Problems.Add(Conflict(name)) // each can be mended
	case form != nil:
		w.reject(foreign(name))
	case e.Type.IsDir() && depth == filename.MaxDepth:
		w.Problems.Add(mlruns.Problem{Kind: mlruns.ProblemUnreadable, Path: name, Reason: fmt.Sprintf("a key has at most %d parts", filename.MaxDepth)})
	case e.Type.IsDir():
		inner, err := f.OpenFolder(e.Name)
		if err != nil {
			return w.Problems.Unreadable(w.ctx, mlruns.ProblemUnreadable, name, err)
		}
		defer inner.Close()
		return w.folder(inner, name, key+"/", depth+1)
	case validate.Key("key", key) != nil:
		w.reject(mlruns.Problem{Kind: mlruns.ProblemForeign, Path: name, Reason: dir.IllegalName(key)})
	default:
		return w.visit(KeyFile{Key: key, Folder: f, Name: e.Name, Path: name, listed: e.Type.IsRegular()})
	}
	return nil
}

func (w *keyWalk) reject(p mlruns.Problem) {
	if w.foreign++; w.foreign <= MaxForeign {
		w.Problems.Add(p)
	}
}
