package artifacts

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"path"
	"path/filepath"

	"github.com/mlruns/mlruns"
	"github.com/mlruns/mlruns/internal/failure"
	"github.com/mlruns/mlruns/internal/rootfs"
	"github.com/mlruns/mlruns/internal/validate"
)

// Download copies the file or folder p, "" for all, to the same path below the existing directory
// localDir and returns where it is, as an absolute path. Files appear whole, with their modes and
// times, and replace those of their names; folders are merged, empty ones are made. Links to files
// count as files; of a folder, links to folders are left out and what List leaves out, and
// Place.LeftOut is told of each. Nothing is written outside of localDir, whatever links lie there.
//
// A missing p or localDir is mlruns.ErrNotFound.
func (r *Repository) Download(ctx context.Context, p, localDir string) (string, error) {
	clean, err := r.beginRead(ctx, p)
	if err != nil {
		return "", err
	}
	if localDir, err = filepath.Abs(localDir); err != nil {
		return "", err
	}
	if err := validate.Destination(localDir); err != nil {
		return "", err
	}
	info, err := r.stat(p, clean)
	if err != nil && (clean != "." || !errors.Is(err, mlruns.ErrNotFound)) {
		return "", err
	}
	where := filepath.Join(localDir, filepath.FromSlash(clean))
	if err != nil {
		r.tellDangling(clean, err)
		return where, nil // a run without artifacts may have no folder for them
	}
	local, err := rootfs.Open(localDir, rootfs.Options{})
	if err != nil {
		return "", err
	}
	// it may be any file system; each name that is there is looked at
	to := target{fs: local, base: ".", leftOut: r.leftOut, folds: func() bool { return true }}
	if info.IsDir() {
		err = to.copyTree(ctx, r.origin(), clean, clean)
	} else if err = to.makeFolder(path.Dir(clean)); err == nil {
		err = to.copyFile(ctx, r.origin(), clean, clean)
	}
	if err = errors.Join(refuse(err, p), local.Close()); err != nil {
		return "", err
	}
	return where, nil
}

// stat looks at the artifact p, which is clean in its shortest form.
func (r *Repository) stat(p, clean string) (fs.FileInfo, error) {
	info, err := r.origin().stat(clean)
	if missing(err) {
		return nil, noArtifact(p, err)
	}
	if err != nil {
		return nil, refuse(err, p)
	}
	if !info.IsDir() && !info.Mode().IsRegular() {
		return nil, failure.Invalid(fmt.Sprintf("'%s' is not a file", p))
	}
	return info, nil
}
