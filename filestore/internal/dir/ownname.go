package dir

import (
	"errors"
	"fmt"
	"io/fs"
	"path"
	"strings"
	"sync"
	"syscall"

	"github.com/mlruns/mlruns/filestore/layout"
	"github.com/mlruns/mlruns/internal/failure"
	"github.com/mlruns/mlruns/internal/filename"
	"github.com/mlruns/mlruns/internal/vfs"
)

// Some file systems take names that differ in case only for one, drop a dot at the end, or keep
// another form of a letter. Two keys would then share a file without a word, or one come back under
// a name that nobody gave it. Whether a file system does so is not told by the platform, so it is
// found out: folding once for each experiment, and of a name that any file system could bend when
// its file is made, by a look at how the folder lists it.

// folding remembers of which experiments the file system folds case.
type folding struct {
	mu    sync.RWMutex
	known map[string]bool
}

func (f *folding) get(experiment string) (folds, ok bool) {
	f.mu.RLock()
	defer f.mu.RUnlock()
	folds, ok = f.known[experiment]
	return folds, ok
}

func (f *folding) put(experiment string, folds bool) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.known == nil {
		f.known = map[string]bool{}
	}
	f.known[experiment] = folds
}

// folds reports whether the file system of an experiment folds case. dir is the folder of the
// experiment or of a run in it.
func (t *Tree) folds(dir string) bool {
	experiment, below, _ := strings.Cut(dir, "/")
	if experiment == layout.Trash {
		experiment, _, _ = strings.Cut(below, "/")
	}
	if folds, ok := t.folding.get(experiment); ok {
		return folds
	}
	folds, err := filename.Folds(t.FS, t.Path(layout.Join(dir, layout.Meta)))
	if err == nil {
		t.folding.put(experiment, folds)
	}
	return folds
}

// RefuseMerged refuses keys that the file system would keep in the file of another, or under
// another name. dir is that of a run or experiment.
func (t *Tree) RefuseMerged(dir, sub string, keys []string) error {
	if len(keys) == 0 {
		return nil
	}
	folds := t.folds(dir)
	for _, key := range keys {
		if folds || !filename.Plain(key) {
			if err := t.refuseOtherName(dir, sub, key); err != nil {
				return err
			}
		}
	}
	if !folds || len(keys) == 1 {
		return nil
	}
	return distinct(sub, keys)
}

// distinct refuses keys of which the file system would make one, or of which one would have to be
// another's folder.
func distinct(sub string, keys []string) error {
	folded := make(map[string]string, len(keys))
	for _, key := range keys {
		lower := strings.ToLower(key)
		if other, ok := folded[lower]; ok && other != key {
			return merged(sub, key, other)
		}
		folded[lower] = key
	}
	for _, key := range keys {
		for upper := layout.Parent(key); upper != ""; upper = layout.Parent(upper) {
			if other, ok := folded[strings.ToLower(upper)]; ok {
				return clash(noun(sub), key, other)
			}
		}
	}
	return nil
}

// refuseOtherName refuses a key of which a part is there under another name. That nothing is there
// is fine.
func (t *Tree) refuseOtherName(dir, sub, key string) error {
	above := layout.Join(dir, sub)
	for part := range strings.SplitSeq(key, "/") {
		kept, err := filename.Kept(t.FS, t.Path(above), part)
		switch {
		case vfs.IsMissing(err):
			return nil
		case err != nil:
			return err
		case kept != part:
			return merged(sub, key, strings.TrimPrefix(layout.Join(above, kept), layout.Join(dir, sub)+"/"))
		}
		above = layout.Join(above, part)
	}
	return nil
}

// takeBackFolder moves a folder that was just placed back to staging, if the file system has given
// it another name.
func (t *Tree) takeBackFolder(placed, staging string) error {
	id := path.Base(placed)
	if filename.Plain(id) {
		return nil
	}
	kept, err := filename.Kept(t.FS, t.Path(layout.Parent(placed)), id)
	if err != nil || kept == id {
		// the folder is there; what keeps it from being looked at is no matter of names
		return nil //nolint:nilerr
	}
	if err := t.Rename(placed, staging); err != nil {
		return err
	}
	return failure.Invalid("Invalid ID '" + id + "': this file system keeps a folder of that name under another")
}

// KeyMatches reports whether what was found under a key is that key's: the file system may have
// answered with another's.
func (t *Tree) KeyMatches(dir, sub, key string) bool {
	if filename.Plain(key) && !t.folds(dir) {
		return true
	}
	return t.refuseOtherName(dir, sub, key) == nil
}

// takeBackKey takes a key's new file back if the file system has given it another name.
func (t *Tree) takeBackKey(dir, sub, key string) error {
	if filename.Plain(key) && !t.folds(dir) {
		return nil
	}
	err := t.refuseOtherName(dir, sub, key)
	if !errors.Is(err, failure.ErrInvalid) {
		return nil // the file is there; what keeps it from being looked at is no matter of names
	}
	t.CleanUpFile(layout.Join(dir, sub, key))
	return err
}

// merged is the refusal of a key that the file system takes for another, or for nothing that is
// listed.
func merged(sub, key, other string) error {
	same := "it keeps it under another name"
	if other != "" && !strings.HasSuffix(other, "/") {
		same = "'" + other + "' is the same name"
	}
	return failure.Invalid(fmt.Sprintf("Invalid %s name '%s': on this file system %s", noun(sub), key, same))
}

// noun is what the keys in a folder are called.
func noun(sub string) string { return strings.TrimSuffix(sub, "s") }

// unholdable says in words why the file system does not take a key, if the error is such an answer.
// Most say that the name is invalid, and exfat-fuse that there is no such thing, though the folder
// is there. The key's file or a folder above it was to be made in that.
func (t *Tree) unholdable(folder, sub, key string, err error) error {
	field := "key"
	if sub == layout.Metrics {
		field = "name"
	}
	why := filename.Portable(key)
	switch {
	case errors.Is(err, syscall.ENAMETOOLONG):
		why = "a part of it is longer than a file name can be here"
	case why == "":
		return err
	case !errors.Is(err, syscall.EINVAL) && !(errors.Is(err, fs.ErrNotExist) && t.IsDir(folder)):
		return err
	}
	return &failure.Reason{Kind: failure.ErrInvalid, Text: invalidName(field, key, why), Cause: err}
}
