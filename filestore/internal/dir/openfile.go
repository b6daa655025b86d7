package dir

import (
	"context"
	"errors"

	"github.com/spf13/afero"

	"github.com/mlruns/mlruns/internal/atomicfile"
	"github.com/mlruns/mlruns/internal/vfs"
)

// openFile is a metric's file that is kept open. But for busy it belongs to who has locked its
// folder.
type openFile struct {
	key  string
	name string // from the tree's root
	path string // in the file system
	file afero.File
	seen vfs.Identity
	size int64 // when it was found in its place
	last [1]byte
	busy bool // not to be closed; guarded by Handles.mu
}

// inPlace reports whether an open file is still the one that its path leads to, and notes its size.
// That its folder has been moved and a link put in its place is not looked for: the file is the one
// that was opened in the folder.
func (h *Handles[T]) inPlace(f *openFile) bool {
	now, err := h.tree.FS.Identify(f.path, false)
	f.size = now.Size
	return err == nil && now.Same(f.seen)
}

// endsLine reports whether a file of a size ends with a newline.
func (f *openFile) endsLine() bool {
	if f.size == 0 {
		return true
	}
	n, err := f.file.ReadAt(f.last[:], f.size-1)
	return n == 1 && err == nil && f.last[0] == '\n'
}

// appendOpen adds lines to a file that is open and in its place. The commit point is the write.
func (a *Appender[T]) appendOpen(ctx context.Context, f *openFile, lines []byte, sync bool) (err error) {
	size := f.size
	if !f.endsLine() {
		size, err = a.handles.tree.endLine(ctx, a.Dir, f.name, f.file)
	}
	if err == nil {
		err = write(f.file, size, lines)
	}
	if err == nil && sync {
		if err = f.file.Sync(); err != nil {
			err = errors.Join(atomicfile.ErrNotDurable, err)
		}
	}
	if err != nil {
		a.drop(f)
	}
	return err
}

// keepFile keeps a file open that was opened to append to, and was; false if the caller is to close
// it. A server's file is closed: while one machine has a file open for writing, Linux shows to all
// who read it there what the machine remembers of it, and bytes of 0 where others have written.
func (a *Appender[T]) keepFile(key, name string, file afero.File) bool {
	h := a.handles
	h.mu.Lock()
	out := a.out
	h.mu.Unlock()
	if a.meta == nil || out || h.tree.served {
		return false
	}
	seen, err := h.tree.FS.IdentifyFile(file, false)
	if err != nil || seen.Device != h.device {
		return false
	}
	if old := a.pickUp(key); old != nil {
		a.drop(old)
	}
	if !h.reserve(a) {
		return false
	}
	f := &openFile{key: key, name: name, path: h.tree.Path(name), file: file, seen: seen}
	h.mu.Lock()
	if a.files == nil {
		a.files = map[string]*openFile{}
	}
	a.files[key] = f
	h.mu.Unlock()
	return true
}
