package artifacts

import (
	"errors"
	"fmt"
	"io/fs"
	"path"
	"strings"

	"github.com/mlruns/mlruns"
	"github.com/mlruns/mlruns/internal/failure"
	"github.com/mlruns/mlruns/internal/filename"
)

// ownName refuses a path of which a part is there under another name: on a file system that folds
// case or bends names the file would replace another artifact, or come back under a name that
// nobody gave it. That nothing is there is fine.
func (t target) ownName(p string) error {
	if filename.Plain(p) && !t.folds() {
		return nil
	}
	above := t.base
	for part := range strings.SplitSeq(path.Clean(p), "/") {
		if part == "." {
			continue
		}
		kept, err := filename.Kept(t.fs, above, part)
		switch {
		case missing(err):
			return nil
		case err != nil:
			return err
		case kept == "":
			return failure.Invalid(fmt.Sprintf("Invalid artifact path: '%s': this file system keeps '%s' under another name", p, part))
		case kept != part:
			return failure.Invalid(fmt.Sprintf("Invalid artifact path: '%s': on this file system '%s' is the same name as '%s'", p, part, kept))
		}
		above = path.Join(above, part)
	}
	return nil
}

// keptName takes a new file back if the file system has given it another name. What was there
// before was found under its own.
func (t target) keptName(p string) error {
	err := t.ownName(p)
	if !errors.Is(err, mlruns.ErrInvalid) {
		return nil // the file is there; what keeps it from being looked at is no matter of names
	}
	if removeErr := t.fs.Remove(t.at(p)); removeErr != nil && !errors.Is(removeErr, fs.ErrNotExist) {
		return errors.Join(err, removeErr)
	}
	return err
}

// foldsAt reports whether the file system of a folder folds case.
func (r *Repository) foldsAt() bool {
	folds, err := filename.Folds(r.fs, r.folder)
	return err == nil && folds
}
