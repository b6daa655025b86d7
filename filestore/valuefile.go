package filestore

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"path"
	"slices"
	"strings"
	"syscall"
	"time"
	"unicode/utf8"

	"github.com/mlruns/mlruns"
	"github.com/mlruns/mlruns/filestore/internal/codec"
	"github.com/mlruns/mlruns/filestore/layout"
	"github.com/mlruns/mlruns/internal/atomicfile"
	"github.com/mlruns/mlruns/internal/failure"
	"github.com/mlruns/mlruns/internal/rootfs"
	"github.com/mlruns/mlruns/internal/vfs"
)

// A param or tag is a file whose whole content is the value, and whose path below its folder is the
// key.

// emptyRetry is the pause before looking again at an empty value that is fresh: MLflow truncates a
// file and then writes it.
const emptyRetry = 20 * time.Millisecond

// readValues reads all params or tags of the folder named sub in f, whose path is dir. What cannot
// be read is missing, and reported.
func readValues(ctx context.Context, f rootfs.Folder, dir, sub string, p *problems) (map[string]string, error) {
	values := map[string]string{}
	var doubtful []string // keys whose values are looked at again, all after one pause
	bytes := 0
	keep := func(key, path, value string, err error) error {
		switch {
		case err == nil:
			values[key] = value
		case !vfs.IsGone(err): // deleted since the listing
			return p.unreadable(ctx, mlruns.ProblemUnreadable, path, err)
		}
		return nil
	}
	err := walkKeys(ctx, f, dir, sub, p, func(k keyFile) error {
		value, err := readText(k)
		if err == nil && value == "" && beingWritten(k.folder, k.name) {
			doubtful = append(doubtful, k.key)
			return nil
		}
		if bytes += len(value); bytes > maxValues {
			return &enoughError{fmt.Sprintf("the values have more than %d bytes together; the rest is not read", maxValues)}
		}
		return keep(k.key, k.path, value, err)
	})
	if err != nil || doubtful == nil {
		return values, err
	}
	if err := sleep(ctx, emptyRetry); err != nil {
		return values, err
	}
	for _, key := range doubtful {
		value, err := readText(keyFile{folder: f, name: layout.Join(sub, key)})
		if err := keep(key, layout.Join(dir, sub, key), value, err); err != nil {
			return values, err
		}
	}
	return values, ctx.Err()
}

// readValue reads one value, again if it is empty and fresh.
func readValue(ctx context.Context, f rootfs.Folder, name string) (string, error) {
	k := keyFile{folder: f, name: name}
	value, err := readText(k)
	if err != nil || value != "" || !beingWritten(f, name) {
		return value, err
	}
	if err := sleep(ctx, emptyRetry); err != nil {
		return "", err
	}
	return readText(k)
}

func readText(k keyFile) (string, error) {
	m := newScratch()
	defer m.free()
	data, err := m.readKey(k, rootfs.MaxReadFile)
	if err != nil {
		return "", err
	}
	if !utf8.Valid(data) {
		return "", &codec.Damage{Line: codec.LineOfInvalid(data), Reason: "not UTF-8"}
	}
	if err := codec.NotValue(data); err != nil {
		return "", err
	}
	return string(data), nil
}

// writeValue replaces the file of a key in the folder sub of dir, and makes the folders it needs.
// The caller holds the lock of dir.
func (s *Store) writeValue(dir, sub, key, value string, sync bool) error {
	if err := s.ownFolders(dir, sub, key); err != nil {
		return err
	}
	if err := s.ownNames(dir, sub, []string{key}); err != nil {
		return err
	}
	name, err := s.makeRoom(dir, sub, key, sync)
	if err != nil {
		return err
	}
	return s.settled(dir, sub, key, atomicfile.Replace(s.tree.fs, s.tree.name(name), []byte(value), s.valueOptions(dir, sync)))
}

// settled is the end of writing a key's file: what the file system made of its name, or why it did
// not take that.
func (s *Store) settled(dir, sub, key string, err error) error {
	if err != nil && !errors.Is(err, atomicfile.ErrNotDurable) {
		return s.tree.unholdable(layout.Parent(layout.Join(dir, sub, key)), sub, key, err)
	}
	if bent := s.keptName(dir, sub, key); bent != nil {
		return bent
	}
	return err
}

// publishValue is writeValue for a key that must be new: fs.ErrExist if it is not.
func (s *Store) publishValue(dir, sub, key string, value []byte, sync bool) error {
	name, err := s.makeRoom(dir, sub, key, sync)
	if err != nil {
		return err
	}
	o := s.valueOptions(dir, sync)
	o.Absent = true
	return s.settled(dir, sub, key, atomicfile.Publish(s.tree.fs, s.tree.name(name), value, o))
}

func (s *Store) valueOptions(dir string, sync bool) atomicfile.Options {
	return atomicfile.Options{TempDir: s.tree.name(dir), Sync: sync}
}

// removeValue removes the file of a key. The emptied folder of a nested key stays, as in MLflow.
func (s *Store) removeValue(dir, sub, key string, sync bool) error {
	if err := s.ownFolders(dir, sub, key); err != nil {
		return err
	}
	name := layout.Join(dir, sub, key)
	info, err := s.tree.stat(name)
	if err != nil {
		return err
	}
	if info.IsDir() || !s.hasOwn(dir, sub, key) {
		return &fs.PathError{Op: "remove", Path: name, Err: fs.ErrNotExist}
	}
	if err := s.tree.remove(name); err != nil || !sync {
		return err
	}
	if err := s.tree.syncDir(layout.Parent(name)); err != nil {
		return errors.Join(mlruns.ErrNotDurable, err)
	}
	return nil
}

// makeRoom gives the path for a key's file and makes the folders above it.
func (s *Store) makeRoom(dir, sub, key string, sync bool) (string, error) {
	name := layout.Join(dir, sub, key)
	folder := path.Dir(name)
	if kind, err := s.tree.kind(folder); err == nil && kind.IsDir() || s.tree.isDir(folder) {
		return name, nil
	}
	// One by one: all at once would make the run anew in a place from which it has moved.
	above := layout.Join(dir, sub)
	for part := range strings.SplitSeq(key, "/") {
		if err := s.tree.mkdir(above); err != nil && !errors.Is(err, fs.ErrExist) {
			return "", s.tree.unholdable(layout.Parent(above), sub, key, err)
		}
		above = layout.Join(above, part)
	}
	if !sync {
		return name, nil
	}
	for folder != dir {
		folder = path.Dir(folder)
		if err := s.tree.syncDir(folder); err != nil {
			return "", err
		}
	}
	return name, nil
}

// keyPresent reports whether a key has a file. A key that would need another key's file as a
// folder, or the reverse, is refused.
func (s *Store) keyPresent(dir, sub, what, key string) (bool, error) {
	kind, err := s.tree.kind(layout.Join(dir, sub, key))
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
		info, err := s.tree.stat(layout.Join(dir, sub, upper))
		if err == nil && !info.IsDir() {
			return false, clash(what, key, upper)
		}
		if err != nil && !vfs.IsMissing(err) && !errors.Is(err, syscall.ENOTDIR) {
			return false, err
		}
	}
	return false, nil
}

// ownFolders refuses to write keys below a link in place of the folder sub or of a folder in it: it
// may lead to another run's. Where the caller allowed links to other disks they are taken for such.
func (s *Store) ownFolders(dir, sub string, keys ...string) error {
	if len(keys) == 0 {
		return nil
	}
	folders := append(make([]string, 0, 4), layout.Join(dir, sub))
	for _, key := range keys {
		for upper := layout.Parent(key); upper != ""; upper = layout.Parent(upper) {
			folders = append(folders, layout.Join(dir, sub, upper))
		}
	}
	slices.Sort(folders)
	for _, folder := range slices.Compact(folders) {
		if err := s.ownFolder(folder); err != nil {
			return err
		}
	}
	return nil
}

// ownFolder refuses a folder that is a link, which may lead to another run's, unless the caller
// allowed links.
func (s *Store) ownFolder(folder string) error {
	if len(s.linkTargets) > 0 {
		return nil
	}
	link, err := s.isLink(folder)
	if err == nil && link {
		err = &failure.Reason{Kind: mlruns.ErrOutside, Text: "the folder '" + folder + "' is a symbolic link; WithLinkTargets allows links to other disks"}
	}
	return err
}

// linkAbove gives the folder above a path that is a link, "" if none is.
func (s *Store) linkAbove(name string) (string, error) {
	dir := layout.Parent(name)
	for ; dir != ""; dir = layout.Parent(dir) {
		if is, err := s.isLink(dir); is || err != nil {
			return dir, err
		}
	}
	return "", nil
}

// isLink takes what cannot be looked at for no link, but for a shortage: then it is not known.
func (s *Store) isLink(folder string) (bool, error) {
	kind, err := s.tree.kind(folder)
	if rootfs.IsShortage(err) {
		return false, err
	}
	return err == nil && kind&fs.ModeSymlink != 0, nil
}
