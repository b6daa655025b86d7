package dir

import (
	"context"
	"errors"
	"time"

	"github.com/spf13/afero"

	"github.com/mlruns/mlruns/filestore/layout"
	"github.com/mlruns/mlruns/internal/dirlock"
	"github.com/mlruns/mlruns/internal/vfs"
)

// ErrMoved is a folder that is to be looked for again. Nothing was written.
var ErrMoved = errors.New("the run is not where it was")

// Appender is a locked folder to whose metrics lines are appended. It belongs to who locked it,
// until Unlock.
type Appender[T any] struct {
	Dir   string
	Value T // what was read from meta.yaml, as it is now

	handles *Handles[T]
	id      string
	read    func(context.Context) (T, error)

	unlock  func() error // of a lock that is not kept
	lock    *dirlock.Kept
	meta    afero.File
	seen    vfs.Identity // of meta, before Value was read from it
	since   time.Time    // before seen was looked for first
	settled bool         // a change after that look is seen by the next
	ready   *openFile    // found in its place since the lock was taken

	// guarded by Handles.mu
	files map[string]*openFile
	users int
	out   bool      // of the cache, to be closed when the last use ends
	stale bool      // not to be locked again
	used  time.Time // last, where that matters
}

// tick is more than the longest step of a clock by which a file server marks changes.
const tick = 20 * time.Millisecond

// openMeta opens the meta.yaml that is about to be read, if that is where its path leads.
func (a *Appender[T]) openMeta() {
	h := a.handles
	name := h.tree.Path(layout.Join(a.Dir, layout.Meta))
	file, err := h.tree.FS.Open(name)
	if err != nil {
		return // reading it says what is wrong
	}
	a.since = vfs.Clock()
	a.seen, err = h.sightOf(file)
	if err == nil && a.seen.Device == h.device && h.leadsTo(name, a.seen) {
		a.meta, a.settled = file, !h.tree.served && a.seen.Stable(a.since)
		return
	}
	_ = file.Close()
}

// sightOf looks at an open file, with its time of change.
func (h *Handles[T]) sightOf(f afero.File) (vfs.Identity, error) {
	if h.tree.served {
		return h.tree.FS.FreshFile(f)
	}
	return h.tree.FS.IdentifyFile(f, true)
}

// leadsTo reports whether a name leads to a file, as far as its folder was looked at.
func (h *Handles[T]) leadsTo(name string, seen vfs.Identity) bool {
	now, err := h.tree.FS.Identify(name, false)
	return err == nil && now.Same(seen)
}

// Keep keeps the folder's handles open when its use ends, and those of what is appended to.
func (a *Appender[T]) Keep() {
	if a.meta != nil {
		a.handles.add(a)
	}
}

// isCurrent makes sure that a folder, just locked, is what its path leads to, and brings Value up
// to date; false if it is to be looked for again. The place is made sure of by the file of a key
// that is found in its place, or else by the lock file.
func (a *Appender[T]) isCurrent(ctx context.Context, key string) bool {
	h := a.handles
	if key == "" || !a.Ready(key) {
		if here, err := a.lock.Here(); err != nil || !here {
			return false
		}
	}
	var started time.Time
	if h.tree.served || !a.settled {
		started = vfs.Clock()
	}
	// Whoever replaces, renames or rewrites the file changes this sight of it.
	if now, err := h.sightOf(a.meta); err != nil || now != a.seen {
		return false
	}
	if a.settled {
		return true
	}
	return a.readAgain(ctx, started)
}

// readAgain reads a meta.yaml anew that was changed so lately, when it was looked at first, that
// another change might not be seen. How late is told by this machine's clock, which a server's need
// not agree with, so there it is waited for.
func (a *Appender[T]) readAgain(ctx context.Context, started time.Time) bool {
	h := a.handles
	name := h.tree.Path(layout.Join(a.Dir, layout.Meta))
	if h.tree.freshen(a.Dir) != nil || !h.leadsTo(name, a.seen) {
		return false
	}
	value, err := a.read(ctx)
	if err != nil {
		return false // what is wrong is told by the way that keeps nothing
	}
	a.Value = value
	if h.tree.served {
		a.settled = started.Sub(a.since) >= tick
	} else {
		a.settled = a.seen.Stable(started)
	}
	return true
}

// Ready reports whether the file of a key is open and in its place, so that nothing has to be found
// out about the key before it is appended to.
func (a *Appender[T]) Ready(key string) bool {
	if a.ready != nil && a.ready.key == key {
		return true
	}
	a.putDown()
	f := a.pickUp(key)
	if f == nil {
		return false
	}
	if !a.handles.inPlace(f) {
		a.drop(f)
		return false
	}
	a.ready = f
	return true
}

// pickUp gives the open file of a key, nil where there is none, and keeps it from being closed.
func (a *Appender[T]) pickUp(key string) *openFile {
	a.handles.mu.Lock()
	defer a.handles.mu.Unlock()
	f := a.files[key]
	if f != nil {
		f.busy = true
	}
	return f
}

func (a *Appender[T]) putDown() {
	if a.ready == nil {
		return
	}
	a.handles.mu.Lock()
	a.ready.busy = false
	a.handles.mu.Unlock()
	a.ready = nil
}

// drop closes an open file that is not to be used again.
func (a *Appender[T]) drop(f *openFile) {
	h := a.handles
	if a.ready == f {
		a.ready = nil
	}
	h.mu.Lock()
	h.detach(a, f)
	h.mu.Unlock()
	if err := f.file.Close(); err != nil {
		h.tree.Logger.Warn("closing a metric failed", "path", f.name, "error", err)
	}
}

// Append is Tree.Append to the metric key, by its open file where that is in its place, which it is
// afterwards. ErrMoved if the folder is to be looked for again first.
func (a *Appender[T]) Append(ctx context.Context, key string, lines []byte, sync bool) error {
	h := a.handles
	switch {
	case !a.has(key):
	case a.Ready(key):
		err := a.appendOpen(ctx, a.ready, lines, sync)
		a.putDown()
		if !errors.Is(err, errTailChanged) {
			return err
		}
	default:
		// The name may have come to be a folder, or a link.
		if _, err := h.tree.KeyPresent(a.Dir, layout.Metrics, "metric", key); err != nil {
			return err
		}
	}
	return h.tree.append(ctx, a.Dir, key, lines, sync, a.keepFile)
}

func (a *Appender[T]) has(key string) bool {
	if a.ready != nil && a.ready.key == key {
		return true
	}
	a.handles.mu.Lock()
	defer a.handles.mu.Unlock()
	return a.files[key] != nil
}

// Unlock ends the use. That cannot fail in a way the caller could mend.
func (a *Appender[T]) Unlock() {
	a.putDown()
	if a.lock != nil {
		a.handles.tree.Unlock(a.lock.Unlock)
	} else {
		a.handles.tree.Unlock(a.unlock)
	}
	a.handles.release(a)
}

// Close closes all that is open. The caller is the last who knows the folder.
func (a *Appender[T]) Close() (err error) {
	if a.lock != nil {
		err = a.lock.Close()
	}
	if a.meta != nil {
		err = errors.Join(err, a.meta.Close())
	}
	for _, f := range a.files {
		err = errors.Join(err, f.file.Close())
	}
	return err
}
