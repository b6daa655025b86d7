package artifacts

import (
	"context"
	"fmt"
	"io"
	"os"
	"path"
	"path/filepath"

	"github.com/spf13/afero"

	"github.com/mlruns/mlruns"
	"github.com/mlruns/mlruns/internal/failure"
	"github.com/mlruns/mlruns/internal/vfs"
)

// local is the files of the user.
var local = origin{fs: vfs.Adapt(afero.NewOsFs())}

// Log copies the file, or the folder under its own name, at localPath into the folder artifactPath,
// "" for the top. A file keeps its mode and its time of change where the file system has them, and
// replaces the one of its name; onto itself it is left alone. A missing localPath is an
// fs.ErrNotExist.
func (r *Repository) Log(ctx context.Context, localPath, artifactPath string) error {
	if err := r.beginWrite(ctx, artifactPath); err != nil {
		return err
	}
	info, err := os.Stat(localPath)
	if err != nil {
		return err
	}
	abs, err := filepath.Abs(localPath) // "." has a name too
	if err != nil {
		return err
	}
	name := filepath.Base(abs)
	if err := writable(name); err != nil {
		return err
	}
	to := path.Join(artifactPath, name)
	if info.IsDir() {
		return refuse(r.target().copyTree(ctx, local, filepath.ToSlash(abs), to), to)
	}
	return refuse(r.target().copyFile(ctx, local, filepath.ToSlash(abs), to), to)
}

// LogTree copies what is in the folder localDir into the folder artifactPath, merging with what is
// there: hidden files and empty folders too, of links to files the content. Links to folders are
// left out, as they can form circles, and Place.LeftOut is told of each. A missing localDir is an
// fs.ErrNotExist, and so is a link in it that leads nowhere.
func (r *Repository) LogTree(ctx context.Context, localDir, artifactPath string) error {
	if err := r.beginWrite(ctx, artifactPath); err != nil {
		return err
	}
	info, err := os.Stat(localDir)
	if err != nil {
		return err
	}
	if !info.IsDir() {
		return failure.Invalid(fmt.Sprintf("'%s' is not a directory", localDir))
	}
	return refuse(r.target().copyTree(ctx, local, filepath.ToSlash(localDir), path.Clean(artifactPath)), artifactPath)
}

// Write stores what src gives as the file artifactPath, replacing what was there. When src fails,
// its error is returned and nothing has changed. The context is looked at between reads.
func (r *Repository) Write(ctx context.Context, artifactPath string, src io.Reader) error {
	if err := r.beginWrite(ctx, artifactPath); err != nil {
		return err
	}
	if artifactPath == "" {
		return failure.Invalid("Invalid artifact path: ''. A file needs a name")
	}
	return r.target().write(ctx, artifactPath, src, 0)
}

func (r *Repository) beginWrite(ctx context.Context, artifactPath string) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	if r.readOnly {
		return mlruns.ErrReadOnly
	}
	return writable(artifactPath)
}
