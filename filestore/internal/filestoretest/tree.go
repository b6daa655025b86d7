package filestoretest

import (
	"bytes"
	"crypto/sha256"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"testing/fstest"
	"time"

	"github.com/spf13/afero"

	"github.com/mlruns/mlruns/internal/memfs"
	"github.com/mlruns/mlruns/internal/rootfs"
)

// Listing is every path below dir with its mode and the hash of its content.
func Listing(t *testing.T, dir string, locks bool) map[string]string {
	t.Helper()
	list := map[string]string{}
	err := filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil || !locks && d.Name() == ".mlruns.lock" {
			return err
		}
		info, err := d.Info()
		if err != nil {
			return err
		}
		content := ""
		if info.Mode().IsRegular() {
			data, err := os.ReadFile(path)
			if err != nil {
				return err
			}
			content = fmt.Sprintf(" %x", sha256.Sum256(data))
		}
		list[path] = info.Mode().String() + content
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return list
}

func WriteFile(t *testing.T, name, content string) {
	t.Helper()
	if err := errors.Join(os.MkdirAll(filepath.Dir(name), 0o777), os.WriteFile(name, []byte(content), 0o666), os.Chtimes(name, LongAgo, LongAgo)); err != nil {
		t.Fatal(err)
	}
}

// OnDisk writes the tree to a confined directory in a folder of the disk, which remove removes.
func (t Tree) OnDisk(tb testing.TB, in string) (fsys afero.Fs, remove func()) {
	tb.Helper()
	dir, err := os.MkdirTemp(in, "mlruns-fault-")
	if err != nil {
		tb.Fatal(err)
	}
	t.WriteTo(tb, filepath.Join(dir, "mlruns"))
	root, err := rootfs.Open(dir, rootfs.Options{})
	if err != nil {
		tb.Fatal(err)
	}
	return root, func() {
		if err := errors.Join(root.Close(), os.RemoveAll(dir)); err != nil {
			tb.Error(err)
		}
	}
}

// TreeOf is what lies in /mlruns.
func TreeOf(tb testing.TB, fsys afero.Fs) Tree {
	tb.Helper()
	t := Tree{}
	err := afero.Walk(fsys, "mlruns", func(name string, info fs.FileInfo, err error) error {
		rel, isBelow := strings.CutPrefix(filepath.ToSlash(name), "mlruns/")
		switch {
		case err != nil || !isBelow:
			return err
		case info.IsDir():
			t[rel] = nil
			return nil
		}
		data, err := afero.ReadFile(fsys, name)
		t[rel] = append([]byte{}, data...)
		return err
	})
	if err != nil {
		tb.Fatal(err)
	}
	return t
}

// Quiet leaves out what is private, locks and leftovers, and folders: one that is empty means
// nothing.
func Quiet(t Tree) Tree {
	files := Tree{}
	for name, data := range t {
		if data != nil && !isPrivate(name) {
			files[name] = data
		}
	}
	return files
}

// WithoutLocks leaves the lock files out.
func WithoutLocks(t Tree) Tree {
	kept := Tree{}
	for name, data := range t {
		if !strings.HasSuffix(name, ".lock") {
			kept[name] = data
		}
	}
	return kept
}

func Rename(t *testing.T, from, to string) {
	t.Helper()
	if err := os.Rename(from, to); err != nil {
		t.Fatal(err)
	}
}

// Tree is a directory in memory: paths relative to it. A folder has a nil content.
type Tree map[string][]byte

// Sub is the part of the tree below a folder.
func (t Tree) Sub(dir string) Tree {
	part := Tree{}
	for name, data := range t {
		if rest, ok := strings.CutPrefix(name, dir+"/"); ok {
			part[rest] = data
		}
	}
	return part
}

// Files are the names of the files, sorted.
func (t Tree) Files() []string {
	var names []string
	for name, data := range t {
		if data != nil {
			names = append(names, name)
		}
	}
	slices.Sort(names)
	return names
}

// Write puts the tree into a new folder of the test's and gives its path.
func (t Tree) Write(tb testing.TB) string {
	tb.Helper()
	dir := filepath.Join(tb.TempDir(), "mlruns")
	t.WriteTo(tb, dir)
	return dir
}

// LongAgo is when the files of a store on disk were written: nobody takes an empty one for
// half-written.
var LongAgo = time.Date(2024, 6, 7, 8, 9, 10, 0, time.UTC)

func (t Tree) WriteTo(tb testing.TB, dir string) {
	tb.Helper()
	for _, name := range slices.Sorted(maps.Keys(t)) {
		target := filepath.Join(dir, filepath.FromSlash(name))
		var err error
		if t[name] == nil {
			err = os.MkdirAll(target, 0o777)
		} else if err = os.MkdirAll(filepath.Dir(target), 0o777); err == nil {
			err = errors.Join(os.WriteFile(target, t[name], 0o666), os.Chtimes(target, LongAgo, LongAgo))
		}
		if err != nil {
			tb.Fatal(err)
		}
	}
}

// ReadTree is the inverse of write. It fails on anything that is neither a folder nor a regular
// file.
func ReadTree(tb testing.TB, dir string) Tree {
	tb.Helper()
	t := Tree{}
	err := filepath.WalkDir(dir, func(name string, e os.DirEntry, err error) error {
		if err != nil || name == dir {
			return err
		}
		rel, err := filepath.Rel(dir, name)
		if err != nil {
			return err
		}
		switch rel = filepath.ToSlash(rel); {
		case e.IsDir():
			t[rel] = nil
		case e.Type().IsRegular():
			data, err := os.ReadFile(name)
			if err != nil {
				return err
			}
			t[rel] = append([]byte{}, data...)
		default:
			return fmt.Errorf("%s: neither a folder nor a regular file", rel)
		}
		return nil
	})
	if err != nil {
		tb.Fatal(err)
	}
	return t
}

// Changes names what differs between two trees, as "+ name", "- name" and "~ name".
func Changes(before, after Tree) []string {
	var list []string
	for name, data := range before {
		now, ok := after[name]
		switch {
		case !ok:
			list = append(list, "- "+name)
		case (data == nil) != (now == nil) || !bytes.Equal(data, now):
			list = append(list, "~ "+name)
		}
	}
	for name := range after {
		if _, ok := before[name]; !ok {
			list = append(list, "+ "+name)
		}
	}
	slices.Sort(list)
	return list
}

// Age makes files old, so that nobody waits for a writer to go on with one that is damaged.
func Age(disk *memfs.FS) {
	_ = afero.Walk(disk, ".", func(name string, _ fs.FileInfo, err error) error {
		return errors.Join(err, disk.Chtimes(name, LongAgo, LongAgo))
	})
}

// Fs is the tree as a file system.
func (t Tree) Fs() fs.FS {
	m := fstest.MapFS{}
	for name, data := range t {
		if data == nil {
			m[name] = &fstest.MapFile{Mode: fs.ModeDir | 0o777}
		} else {
			m[name] = &fstest.MapFile{Data: data, Mode: 0o666}
		}
	}
	return m
}

func filesOf(t *testing.T, fsys fs.FS) Tree {
	t.Helper()
	files := Tree{}
	Must(t, fs.WalkDir(fsys, ".", func(name string, e fs.DirEntry, err error) error {
		switch {
		case err != nil || name == ".":
		case e.IsDir():
			files[name] = nil
		default:
			var data []byte
			data, err = fs.ReadFile(fsys, name)
			files[name] = append([]byte{}, data...)
		}
		return err
	}))
	return files
}

// public leaves out what is private, and what the writer beside makes.
func public(all Tree) Tree {
	kept := Tree{}
	for name, data := range all {
		if !isPrivate(name) && !strings.Contains(name, BesidePrefix) && !strings.HasPrefix(name, "0/datasets") && name != "0/models" && name != "0/traces" {
			kept[name] = data
		}
	}
	return kept
}

func isPrivate(name string) bool {
	return slices.ContainsFunc(strings.Split(name, "/"), func(step string) bool { return strings.HasPrefix(step, ".mlruns") })
}

func has(t Tree, name string) bool { _, ok := t[name]; return ok }

// same reports whether a file or folder is the same in another tree.
func (t Tree) same(other Tree, name string) bool {
	a, b := t[name], other[name]
	return has(t, name) == has(other, name) && (a == nil) == (b == nil) && bytes.Equal(a, b)
}

func (t Tree) below(folder string) (n int) {
	for name := range t {
		if strings.HasPrefix(name, folder+"/") {
			n++
		}
	}
	return n
}

// AgeTree makes all files and folders old, so that nobody is taken to be working on them.
func AgeTree(t *testing.T, dir string) {
	t.Helper()
	Must(t, filepath.WalkDir(dir, func(name string, _ fs.DirEntry, err error) error {
		return errors.Join(err, os.Chtimes(name, LongAgo, LongAgo))
	}))
}
