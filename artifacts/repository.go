package artifacts

import (
	"errors"
	"fmt"
	"io/fs"
	"path"
	"sync"
	"syscall"

	"github.com/mlruns/mlruns"
	"github.com/mlruns/mlruns/internal/failure"
	"github.com/mlruns/mlruns/internal/filename"
	"github.com/mlruns/mlruns/internal/vfs"
)

// Repository is the artifacts of one run. It holds no state of its own and is safe for concurrent
// use, between processes too. Place.Repository makes one; the zero Repository is not usable.
//
// Files appear by a rename, whole or not at all, whatever interrupts a call or ends the process.
// With several files a call that fails leaves those it has finished, and calling it again is right.
// Temporary files of this module are never shown.
//
// Errors are those of package mlruns where it has one: ErrInvalid, ErrNotFound, ErrOutside,
// ErrReadOnly, ErrNotDurable.
type Repository struct {
	fs       vfs.FS
	folder   string
	tempDir  string
	sync     bool
	settle   func() error
	readOnly bool
	leftOut  func(path, reason string)
	alike    func(path, other string) // or nil
}

// at is where the artifact path p, cleaned, is in the file system.
func (r *Repository) at(p string) string { return path.Join(r.folder, p) }

func (r *Repository) origin() origin { return origin{fs: r.fs, base: r.folder} }

func (r *Repository) target() target {
	return target{fs: r.fs, base: r.folder, tempDir: r.tempDir, sync: r.sync, settle: r.settle, leftOut: r.leftOut, folds: sync.OnceValue(r.foldsAt)}
}

// refuse gives an error of the file system the sentinel of package mlruns that belongs to it, and
// MLflow's words. p is the artifact path it is about.
func refuse(err error, p string) error {
	known := (*failure.Reason)(nil)
	switch {
	case err == nil || errors.As(err, &known):
		return err
	case errors.Is(err, syscall.EINVAL) && filename.Portable(p) != "":
		return unholdable(err, p)
	case errors.Is(err, vfs.ErrOutside):
		return &failure.Reason{Kind: mlruns.ErrOutside, Cause: err, Text: outsideText(err)}
	case errors.Is(err, vfs.ErrNotRegular):
		return &failure.Reason{Kind: mlruns.ErrInvalid, Cause: err, Text: fmt.Sprintf("'%s' is not a file", p)}
	}
	return err
}

// unholdable is the refusal of a path that the file system does not take.
func unholdable(cause error, p string) error {
	return &failure.Reason{Kind: mlruns.ErrInvalid, Cause: cause, Text: fmt.Sprintf("Invalid artifact path: '%s': %s", p, filename.Portable(p))}
}

// outsideText is MLflow's text, and which link it is about where that is known.
func outsideText(err error) string {
	link := (*vfs.LinkError)(nil)
	switch {
	case !errors.As(err, &link):
		return "Invalid path: resolved path is outside the artifact directory"
	case link.ForReading:
		return "Invalid path: " + link.Error()
	}
	return "Invalid path: resolved path is outside the artifact directory: " + link.Error()
}

// missing reports whether an error says that there is nothing of that name; a file above it says so
// too, and that the name is longer than names can be.
func missing(err error) bool {
	return errors.Is(err, fs.ErrNotExist) || errors.Is(err, syscall.ENOTDIR) || errors.Is(err, syscall.ENAMETOOLONG)
}

// tellDangling tells of a folder that counts as empty because it is a link that leads nowhere.
func (r *Repository) tellDangling(p string, err error) {
	if errors.Is(err, vfs.ErrDangling) {
		r.leftOut(p, leftOutFor(err))
	}
}

func noArtifact(p string, cause error) error {
	text := fmt.Sprintf("No such artifact: '%s'", p)
	if link := (*vfs.DanglingError)(nil); errors.As(cause, &link) {
		text += ": " + link.Error()
	}
	return &failure.Reason{Kind: mlruns.ErrNotFound, Code: failure.CodeNotFound, Cause: cause, Text: text}
}
