package dir

import (
	"errors"
	"io/fs"
	"path"
	"strings"
	"syscall"

	"github.com/mlruns/mlruns/filestore/layout"
	"github.com/mlruns/mlruns/internal/atomicfile"
	"github.com/mlruns/mlruns/internal/failure"
	"github.com/mlruns/mlruns/internal/vfs"
)

// A param or tag is a file whose whole content is the value, and whose path below its folder is the
// key.

// WriteValue replaces the file of a key in the folder sub of dir, and makes the folders it needs.
// The caller holds the lock of dir.
func (t *Tree) WriteValue(dir, sub, key, value string, sync bool) error {
	if err := t.RefuseLinks(dir, sub, key); err != nil {
		return err
	}
	if err := t.RefuseMerged(dir, sub, []string{key}); err != nil {
		return err
	}
	name, err := t.makeRoom(dir, sub, key, sync)
	if err != nil {
		return err
	}
	return t.written(dir, sub, key, atomicfile.Replace(t.FS, t.Path(name), []byte(value), t.valueOptions(dir, sync)))
}

// written is the end of writing a key's file: what the file system made of its name, or why it did
// not take that.
func (t *Tree) written(dir, sub, key string, err error) error {
	if err != nil && !errors.Is(err, atomicfile.ErrNotDurable) {
		return t.unholdable(layout.Parent(layout.Join(dir, sub, key)), sub, key, err)
	}
	if bent := t.takeBackKey(dir, sub, key); bent != nil {
		return bent
	}
	return err
}

// PublishValue is WriteValue for a key that must be new: fs.ErrExist if it is not.
func (t *Tree) PublishValue(dir, sub, key string, value []byte, sync bool) error {
	name, err := t.makeRoom(dir, sub, key, sync)
	if err != nil {
		return err
	}
	o := t.valueOptions(dir, sync)
	o.Absent = true
	return t.written(dir, sub, key, atomicfile.Publish(t.FS, t.Path(name), value, o))
}

func (t *Tree) valueOptions(dir string, sync bool) atomicfile.Options {
	return atomicfile.Options{TempDir: t.Path(dir), Sync: sync}
}

// RemoveValue removes the file of a key. The emptied folder of a nested key stays, as in MLflow.
func (t *Tree) RemoveValue(dir, sub, key string, sync bool) error {
	if err := t.RefuseLinks(dir, sub, key); err != nil {
		return err
	}
	name := layout.Join(dir, sub, key)
	info, err := t.Stat(name)
	if err != nil {
		return err
	}
	if info.IsDir() || !t.KeyMatches(dir, sub, key) {
		return &fs.PathError{Op: "remove", Path: name, Err: fs.ErrNotExist}
	}
	if err := t.Remove(name); err != nil || !sync {
		return err
	}
	return notDurable(t.SyncDir(layout.Parent(name)))
}

// makeRoom gives the path for a key's file and makes the folders above it.
func (t *Tree) makeRoom(dir, sub, key string, sync bool) (string, error) {
	name := layout.Join(dir, sub, key)
	folder := path.Dir(name)
	if kind, err := t.kind(folder); err == nil && kind.IsDir() || t.IsDir(folder) {
		return name, nil
	}
	// One by one: all at once would make the run anew in a place from which it has moved.
	above := layout.Join(dir, sub)
	for part := range strings.SplitSeq(key, "/") {
		if err := t.mkdir(above); err != nil && !errors.Is(err, fs.ErrExist) {
			return "", t.unholdable(layout.Parent(above), sub, key, err)
		}
		above = layout.Join(above, part)
	}
	if !sync {
		return name, nil
	}
	for folder != dir {
		folder = path.Dir(folder)
		if err := t.SyncDir(folder); err != nil {
			return "", err
		}
	}
	return name, nil
}

// KeyPresent reports whether a key has a file. A key that would need another key's file as a
// folder, or the reverse, is refused.
func (t *Tree) KeyPresent(dir, sub, what, key string) (bool, error) {
	kind, err := t.kind(layout.Join(dir, sub, key))
	switch {
	case err == nil && kind&fs.ModeSymlink != 0: // it may lead to another run's
		return false, failure.Invalid("Invalid " + what + " name '" + key + "': a symbolic link stands in the place of its file")
	case err == nil && kind.IsDir():
		return false, clash(what, key, key+"/…")
	case err == nil:
		return true, nil
	case !vfs.IsMissing(err):
		return false, err
	}
	for upper := layout.Parent(key); upper != ""; upper = layout.Parent(upper) {
		info, err := t.Stat(layout.Join(dir, sub, upper))
		if err == nil && !info.IsDir() {
			return false, clash(what, key, upper)
		}
		if err != nil && !vfs.IsMissing(err) && !errors.Is(err, syscall.ENOTDIR) {
			return false, err
		}
	}
	return false, nil
}
