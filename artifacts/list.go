package artifacts

import (
	"context"
	"fmt"
	"io"
	"path"

	"github.com/mlruns/mlruns"
	"github.com/mlruns/mlruns/internal/failure"
)

// List gives what is directly in the folder p, "" for the top, sorted by path. A file or a missing
// path gives an empty list, as in MLflow. A link counts as what it leads to; one that leads nowhere
// or out, and what is neither file nor folder, is left out, and Place.LeftOut is told of it.
func (r *Repository) List(ctx context.Context, p string) ([]mlruns.FileInfo, error) {
	clean, err := r.beginRead(ctx, p)
	if err != nil {
		return nil, err
	}
	list := []mlruns.FileInfo{}
	info, err := r.origin().stat(clean)
	if missing(err) || err == nil && !info.IsDir() {
		r.tellDangling(clean, err)
		return list, nil
	}
	if err != nil {
		return nil, refuse(err, p)
	}
	names, err := namesIn(r.fs, r.at(clean))
	if err != nil {
		return nil, refuse(err, p)
	}
	for _, name := range names {
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		f := mlruns.FileInfo{Path: path.Join(clean, name)}
		info, _, why, err := r.origin().look(f.Path)
		switch {
		case err != nil:
			return nil, refuse(err, f.Path)
		case why != "":
			r.leftOut(f.Path, why)
			continue
		case info == nil: // removed since the listing
			continue
		case info.IsDir():
			f.IsDir = true
		default:
			f.Size = info.Size()
		}
		list = append(list, f)
	}
	return list, nil
}

// Open opens the file p for reading. The caller closes it. A missing one is mlruns.ErrNotFound, a
// folder mlruns.ErrInvalid.
func (r *Repository) Open(ctx context.Context, p string) (io.ReadCloser, error) {
	clean, err := r.beginRead(ctx, p)
	if err != nil {
		return nil, err
	}
	info, err := r.stat(p, clean)
	if err != nil {
		return nil, err
	}
	if info.IsDir() {
		return nil, failure.Invalid(fmt.Sprintf("'%s' is a folder, not a file", p))
	}
	f, err := r.fs.Open(r.at(clean))
	if missing(err) {
		return nil, noArtifact(p, err)
	}
	if err != nil {
		return nil, refuse(err, p)
	}
	return f, nil
}

func (r *Repository) beginRead(ctx context.Context, p string) (string, error) {
	if err := ctx.Err(); err != nil {
		return "", err
	}
	return readable(p)
}
