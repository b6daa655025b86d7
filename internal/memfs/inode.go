package memfs

import (
	"io/fs"
	"os"
	"slices"
	"sync/atomic"
	"time"
)

// umask is what new files and directories lack, as nearly everywhere.
const umask fs.FileMode = 0o022

// inode is a file or a directory. All its fields are guarded by FS.mu.
type inode struct {
	mode    fs.FileMode
	mtime   time.Time
	number  uint64 // no other inode of any FS has it, but the clones of this one
	links   int    // names that lead to it
	changed int64  // in nanoseconds; it grows with every change, of names and modes too

	data    []byte            // of a file
	entries map[string]*inode // of a directory
	names   *Names            // of the file system; nil does not differ

	// What a power cut leaves, and what was written to the file since.
	safe        []byte
	writes      []write
	safeEntries map[string]*inode
}

// write is one unsynced change of a file: bytes at an offset, or a truncation if data is nil.
type write struct {
	off  int64
	data []byte
}

var lastNumber atomic.Uint64

func newInode(mode fs.FileMode) *inode {
	now := time.Now()
	return &inode{mode: mode, mtime: now, changed: now.Add(-behind).UnixNano(), number: lastNumber.Add(1)}
}

func newFile(perm fs.FileMode) *inode { return newInode(perm.Perm() &^ umask) }

func newDir(perm fs.FileMode) *inode {
	n := newInode(fs.ModeDir | perm.Perm()&^umask)
	n.entries, n.safeEntries = map[string]*inode{}, map[string]*inode{}
	return n
}

// touch moves the time of change forward, however coarse the clock.
func (n *inode) touch() {
	now := time.Now()
	if !now.After(n.mtime) {
		now = n.mtime.Add(1)
	}
	n.mtime = now
	n.change()
}

// behind is how late the clock of changes is. It has no steps, no two changes of a file have one
// time. So in tests with an index, which keeps nothing that was changed just now, what was changed
// may look older than it is.
var behind = func() time.Duration {
	if os.Getenv("MLRUNS_INDEX") != "" {
		return 50 * time.Millisecond
	}
	return 0
}()

// change notes a change of anything.
func (n *inode) change() { n.changed = max(time.Now().Add(-behind).UnixNano(), n.changed+1) }

func (n *inode) writeAt(p []byte, off int64) {
	if len(p) == 0 {
		return
	}
	n.data = put(n.data, p, off)
	n.writes = append(n.writes, write{off, slices.Clone(p)})
	n.touch()
}

func (n *inode) truncate(size int64) {
	n.data = resize(n.data, size)
	n.writes = append(n.writes, write{off: size})
	n.touch()
}

func (n *inode) sync() {
	n.safe = slices.Clone(n.data)
	n.writes = nil
}

// put writes p into data at off, with zeros in a gap.
func put(data, p []byte, off int64) []byte {
	if end := off + int64(len(p)); end > int64(len(data)) {
		data = resize(data, end)
	}
	copy(data[off:], p)
	return data
}

// resize leaves data alone where it is long enough, and never shows what lay behind its end.
func resize(data []byte, size int64) []byte {
	old := int64(len(data))
	if size <= old {
		return data[:size]
	}
	data = slices.Grow(data, int(size-old))[:size]
	clear(data[old:])
	return data
}

// info is a snapshot.
type info struct {
	name  string
	size  int64
	mode  fs.FileMode
	mtime time.Time
	node  *inode
}

func (n *inode) info(name string) fs.FileInfo {
	return &info{name, int64(len(n.data)), n.mode, n.mtime, n}
}

func (i *info) Name() string       { return i.name }
func (i *info) Size() int64        { return i.size }
func (i *info) Mode() fs.FileMode  { return i.mode }
func (i *info) ModTime() time.Time { return i.mtime }
func (i *info) IsDir() bool        { return i.mode.IsDir() }

// Sys is a value that is equal for the same file only.
func (i *info) Sys() any { return i.node }

var _ os.FileInfo = (*info)(nil)
