package dir

import (
	"errors"
	"fmt"
	"path"
	"strings"

	"github.com/mlruns/mlruns/filestore/layout"
	"github.com/mlruns/mlruns/internal/atomicfile"
)

// A folder that cannot be renamed into the private folder is removed where it lies. The rename of
// its meta.yaml to layout.Removed takes it out of the store, for a folder without a meta.yaml is no
// run and no experiment; that file goes last, and says until then what the folder is. So it is with
// a trace, whose meta.yaml is its trace_info.yaml.

// discardPrefix begins the names of what is to be removed. No id begins with a dot, so what is
// being made never has it.
const discardPrefix = ".removed."

// IsDiscarded reports whether a name in the private folder is that of a folder to be removed.
func IsDiscarded(name string) bool { return strings.HasPrefix(name, discardPrefix) }

// Discard renames a folder into the private folder, from where it is only to be removed, and gives
// its path there. The error is failure.ErrNotDurable if it is there but may come back. still, if it
// is not nil, looks at its meta.yaml once more when nobody finds it any longer, and has it put
// back: writers that take no locks, MLflow's, may have changed it until then. A folder that was put
// back has the path "". One that cannot be renamed is to be removed where it lies.
func (t *Tree) Discard(dir string, still func(meta string) (bool, error)) (at string, err error) {
	if err := t.MakeFolder(layout.Private, t.Durable); err != nil {
		return "", err
	}
	at = layout.Join(layout.Private, discardPrefix+TemporaryName(path.Base(dir)))
	err = t.Rename(dir, at)
	if atomicfile.CrossesFileSystems(err) && !t.MountRoot(dir) {
		if link, linkErr := t.IsLink(dir); linkErr == nil && !link {
			return t.discardHere(dir, still)
		}
	}
	if err != nil {
		return "", CannotMove(dir, err)
	}
	if still != nil {
		if ok, err := still(layout.Join(at, layout.Meta)); err != nil || !ok {
			if back := t.Rename(at, dir); back != nil {
				err = errors.Join(err, fmt.Errorf("it could not be put back and is in %s: %w", at, back))
			}
			return "", err
		}
	}
	return at, notDurable(t.SyncParents(dir, at))
}

// discardHere is Discard for such a folder.
func (t *Tree) discardHere(dir string, still func(meta string) (bool, error)) (at string, err error) {
	meta, mark := layout.Join(dir, layout.MetaOf(dir)), layout.Join(dir, layout.Removed)
	if err := t.Rename(meta, mark); err != nil {
		return "", err
	}
	if still != nil {
		if ok, err := still(mark); err != nil || !ok {
			if back := t.Rename(mark, meta); back != nil {
				err = errors.Join(err, fmt.Errorf("it could not be put back and is in %s: %w", mark, back))
			}
			return "", err
		}
	}
	return dir, notDurable(t.MakeDurable(dir))
}
