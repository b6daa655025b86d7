package artifacts

import (
	"context"
	"path"
	"slices"
	"strings"

	"github.com/mlruns/mlruns/internal/vfs"
)

// TellLeftOut tells Place.LeftOut of all that List leaves out, in every folder but those behind
// links, and Place.Alike of names that a file system which folds case merges. It opens no file.
func (r *Repository) TellLeftOut(ctx context.Context) error {
	info, err := r.origin().stat(".")
	if missing(err) || err == nil && !info.IsDir() {
		r.tellDangling(".", err)
		return ctx.Err()
	}
	if vfs.IsShortage(err) {
		return err
	}
	if err != nil {
		r.leftOut(".", leftOutFor(err))
		return ctx.Err()
	}
	return r.tellBelow(ctx, ".")
}

func (r *Repository) tellBelow(ctx context.Context, dir string) error {
	entries, err := vfs.ReadDir(r.fs, r.at(dir))
	if vfs.IsShortage(err) {
		return err
	}
	if err != nil && !missing(err) {
		r.leftOut(dir, leftOutFor(err))
	}
	r.tellAlike(dir, entries)
	for _, e := range entries {
		if err := ctx.Err(); err != nil {
			return err
		}
		p := path.Join(dir, e.Name)
		switch {
		case e.Type.IsDir():
			if err := r.tellBelow(ctx, p); err != nil {
				return err
			}
		case !e.Type.IsRegular():
			_, _, why, err := r.origin().look(p)
			if err != nil {
				return err
			}
			if why != "" {
				r.leftOut(p, why)
			}
		}
	}
	return ctx.Err()
}

func (r *Repository) tellAlike(dir string, entries []vfs.Entry) {
	if r.alike == nil || len(entries) < 2 {
		return
	}
	slices.SortFunc(entries, func(a, b vfs.Entry) int { return strings.Compare(a.Name, b.Name) })
	first := make(map[string]string, len(entries))
	for _, e := range entries {
		lower := strings.ToLower(e.Name)
		if other, ok := first[lower]; ok {
			r.alike(path.Join(dir, e.Name), path.Join(dir, other))
		}
		first[lower] = e.Name
	}
}
