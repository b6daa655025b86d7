package memfs

import (
	"maps"
	"math/rand/v2"
	"slices"
	"syscall"

	"github.com/mlruns/mlruns/internal/vfs"
)

// syncDir makes the changes of a directory durable, and with them what other directories had to
// undergo before.
func (m *FS) syncDir(dir *inode) {
	dirs := map[*inode]bool{dir: true}
	done := make([]bool, len(m.log))
	for i, c := range slices.Backward(m.log) {
		if done[i] = c.touches(dirs); done[i] {
			for _, e := range c {
				dirs[e.dir] = true
			}
		}
	}
	var rest []change
	for i, c := range m.log {
		if !done[i] {
			rest = append(rest, c)
			continue
		}
		for _, e := range c {
			set(e.dir.safeEntries, e)
		}
	}
	m.log = rest
}

// SyncEverything makes everything durable, as an unmount does.
func (m *FS) SyncEverything() {
	m.mu.Lock()
	defer m.mu.Unlock()
	for _, c := range m.log {
		for _, e := range c {
			set(e.dir.safeEntries, e)
		}
	}
	m.log = nil
	m.root.syncAll()
}

// OpenVolume implements vfs.FS: what Sync makes durable is everything.
func (m *FS) OpenVolume(folder string) (vfs.Volume, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	a, err := existing(m.root, folder)
	if err == nil && !a.node.mode.IsDir() {
		err = syscall.ENOTDIR
	}
	if err != nil {
		return nil, pathError("open", folder, err)
	}
	return volume{m}, nil
}

type volume struct{ m *FS }

func (v volume) Sync() error {
	v.m.SyncEverything()
	return nil
}

func (v volume) Holds(string) bool { return true }
func (v volume) Close() error      { return nil }

func (n *inode) syncAll() {
	n.sync()
	for _, child := range n.entries {
		child.syncAll()
	}
}

// CrashClone returns a file system as this one might be after a power cut at this moment; this one
// stays as it is, and shares nothing with the clone. All in the clone is durable. rng decides about
// everything that was not; nil loses all of it.
func (m *FS) CrashClone(rng *rand.Rand) *FS {
	m.mu.Lock()
	defer m.mu.Unlock()
	c := crash{rng: rng, entries: map[*inode]map[string]*inode{}, files: map[*inode]*inode{}}
	if rng != nil {
		c.replay(m.log)
	}
	return &FS{root: c.clone(m.root), local: m.local, served: m.served}
}

type crash struct {
	rng     *rand.Rand
	entries map[*inode]map[string]*inode // of directories that differ from what is durable
	files   map[*inode]*inode            // the clone of each file and directory, for hard links
}

// replay keeps some first changes of every directory.
func (c *crash) replay(log []change) {
	loss := c.rng.Float64() * c.rng.Float64() // from nearly all kept to nearly all lost
	cut := map[*inode]bool{}
	for _, ch := range log {
		if ch.touches(cut) || c.rng.Float64() < loss {
			for _, e := range ch {
				cut[e.dir] = true
			}
			continue
		}
		for _, e := range ch {
			if c.entries[e.dir] == nil {
				c.entries[e.dir] = maps.Clone(e.dir.safeEntries)
			}
			set(c.entries[e.dir], e)
		}
	}
}

func (c *crash) clone(n *inode) *inode {
	if done := c.files[n]; done != nil {
		return done
	}
	clone := newInode(n.mode)
	clone.number = n.number
	clone.mtime, clone.changed, clone.names = n.mtime, n.changed, n.names
	c.files[n] = clone
	if !n.mode.IsDir() {
		clone.data = c.data(n)
		clone.sync()
		return clone
	}
	entries, ok := c.entries[n]
	if !ok {
		entries = n.safeEntries
	}
	clone.entries = make(map[string]*inode, len(entries))
	// In the order of names, so that one seed gives one outcome.
	for _, name := range slices.Sorted(maps.Keys(entries)) {
		child := c.clone(entries[name])
		child.links++
		clone.entries[name] = child
	}
	clone.safeEntries = maps.Clone(clone.entries)
	return clone
}

// data is what is left of a file.
func (c *crash) data(n *inode) []byte {
	data := slices.Clone(n.safe)
	if c.rng == nil {
		return data
	}
	for _, w := range n.writes {
		data = c.write(data, w)
	}
	return data
}

func (c *crash) write(data []byte, w write) []byte {
	kept := 0
	switch c.rng.IntN(4) {
	case 0, 1:
		kept = len(w.data)
		if w.data == nil {
			return resize(data, w.off)
		}
	case 2:
		kept = c.rng.IntN(len(w.data) + 1)
	}
	// The length may be there without the bytes.
	if end := w.off + int64(len(w.data)); w.data != nil && end > int64(len(data)) && c.rng.IntN(2) == 0 {
		data = resize(data, end)
	}
	if kept == 0 {
		return data
	}
	return put(data, w.data[:kept], w.off)
}
