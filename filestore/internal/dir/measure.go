package dir

import (
	"time"

	"github.com/mlruns/mlruns/filestore/layout"
	"github.com/mlruns/mlruns/internal/vfs"
)

// Measure counts what is below dir and opens no file. A link counts as itself. What cannot be
// listed is left out; the only error is a shortage.
func (t *Tree) Measure(dir string) (files int, bytes int64, err error) {
	info, err := t.Lstat(dir)
	if err != nil {
		return 0, 0, vfs.Shortage(err)
	}
	if !info.IsDir() {
		return 1, info.Size(), nil
	}
	entries, err := t.Entries(dir)
	if vfs.IsShortage(err) {
		return 0, 0, err
	}
	if err != nil {
		t.Logger.Warn("a folder that is removed cannot be listed", "path", dir, "error", err)
	}
	for _, e := range entries {
		n, size, err := t.Measure(layout.Join(dir, e.Name))
		if err != nil {
			return 0, 0, err
		}
		files, bytes = files+n, bytes+size
	}
	return files, bytes, nil
}

// MountBelow gives the first folder, dir or one below it, at which a file system is mounted, ""
// where there is none or the system does not tell.
func (t *Tree) MountBelow(dir string) string {
	if link, err := t.IsLink(dir); err != nil || link {
		return ""
	}
	if t.MountRoot(dir) {
		return dir
	}
	entries, err := t.Entries(dir)
	if err != nil {
		return ""
	}
	for _, e := range entries {
		if e.Type.IsDir() {
			if at := t.MountBelow(layout.Join(dir, e.Name)); at != "" {
				return at
			}
		}
	}
	return ""
}

// Newest is when anything in a folder, or the file, changed last; now, if that cannot be told. The
// only error is a shortage.
func (t *Tree) Newest(name string) (time.Time, error) {
	info, err := t.Lstat(name)
	if err != nil {
		return time.Now(), vfs.Shortage(err)
	}
	latest := info.ModTime()
	if !info.IsDir() {
		return latest, nil
	}
	entries, err := t.Entries(name)
	if err != nil {
		return time.Now(), vfs.Shortage(err)
	}
	for _, e := range entries {
		t, err := t.Newest(layout.Join(name, e.Name))
		if err != nil {
			return t, err
		}
		if t.After(latest) {
			latest = t
		}
	}
	return latest, nil
}
