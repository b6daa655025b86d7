package dir

import (
	"container/list"
	"context"
	"errors"
	"io"
	"sync"
	"time"

	"github.com/mlruns/mlruns/filestore/layout"
	"github.com/mlruns/mlruns/internal/dirlock"
)

// Handles is the cache of open handles: the folders that were appended to last, each with its lock
// file, its meta.yaml and files of its metrics. T is what the caller reads from a meta.yaml.
//
// Every use of a handle is preceded by a look that it still is what its path leads to, so what is
// kept may be stale but is never believed to be fresh. When the process lacks handles, whatever
// nobody is using this moment is closed (GiveBack), and nobody who appends learns of it.
//
// The files may be a server's, see vfs.FS. Then the lock file and meta.yaml alone stay open, a
// look asks the server, and what nobody has used for a while is closed: on the machine that has a
// file open, removing it leaves another in its place.
type Handles[T any] struct {
	tree   *Tree
	locks  *dirlock.Locker
	keeps  bool
	device uint64 // of the root: what lies on another one is not kept

	maxFolders, maxFiles int

	mu     sync.Mutex // guards what follows, and in every Appender what says so
	byID   map[string]*list.Element
	order  list.List // of *Appender[T], the one used last first
	files  int       // open ones of metrics
	closed bool
	sweep  *time.Timer
}

// idleTime is how long a server's files stay open after their last use.
const idleTime = 2 * time.Minute

// NewHandles makes a cache for the folders of a tree. Nothing is kept where that is not wanted, or
// the file system is neither local nor one that a server answers for.
func NewHandles[T any](tree *Tree, locks *dirlock.Locker, keep bool) *Handles[T] {
	h := &Handles[T]{tree: tree, locks: locks}
	folders, files := keptBounds(handleLimit())
	if !keep || !tree.local && !tree.served || folders == 0 {
		return h
	}
	root, err := tree.FS.Identify(tree.Path(""), false)
	if err != nil {
		return h
	}
	h.keeps, h.device = true, root.Device
	h.maxFolders, h.maxFiles, h.byID = folders, files, map[string]*list.Element{}
	caches.Lock()
	defer caches.Unlock()
	caches.all[h] = true
	return h
}

// Lock locks the folder id by the handles that are kept of it. It is nil, and no error, where none
// are, or they are not to be believed: then Open is the way. key is that of the one metric that is
// to be appended to, "" for anything else.
func (h *Handles[T]) Lock(ctx context.Context, id, key string) (*Appender[T], error) {
	a := h.take(id)
	if a == nil {
		return nil, nil //nolint:nilnil // documented
	}
	ok, err := a.lock.Lock(ctx)
	if err != nil || !ok {
		if waited := errors.Is(err, dirlock.ErrBusy) || err != nil && ctx.Err() != nil; waited {
			h.release(a)
			return nil, err
		}
		h.distrust(a)
		h.release(a)
		return nil, nil //nolint:nilnil,nilerr // a lock that is taken anew says what is wrong
	}
	if a.isCurrent(ctx, key) {
		return a, nil
	}
	h.distrust(a)
	a.Unlock()
	return nil, nil //nolint:nilnil // documented
}

// Open locks the folder id, which lies at dir, and reads its meta.yaml with read. What was found to
// be open of it is kept after Keep only. Errors: those of dirlock.Locker.Lock and of read.
func (h *Handles[T]) Open(ctx context.Context, id, dir string, read func(context.Context) (T, error)) (*Appender[T], error) {
	a := &Appender[T]{Dir: dir, handles: h, id: id, read: read, users: 1, out: true}
	name := h.tree.Path(layout.Join(dir, layout.Lock))
	var err error
	if h.keeps {
		if a.lock, err = h.locks.Keep(ctx, name); err != nil {
			return nil, err
		}
	}
	if a.lock == nil {
		if a.unlock, err = h.locks.Lock(ctx, name); err != nil {
			return nil, err
		}
	}
	if a.lock != nil {
		a.openMeta()
	}
	if a.Value, err = read(ctx); err != nil {
		a.Unlock()
		return nil, err
	}
	return a, nil
}

// Forget closes what is kept of a folder that is not expected to be appended to again.
func (h *Handles[T]) Forget(id string) {
	h.mu.Lock()
	var idle []io.Closer
	if e := h.byID[id]; e != nil {
		idle = h.remove(e, idle)
	}
	h.mu.Unlock()
	_ = closeAll(idle)
}

// take gives a folder that is kept, until release; nil where there is none.
func (h *Handles[T]) take(id string) *Appender[T] {
	h.mu.Lock()
	defer h.mu.Unlock()
	e := h.byID[id]
	if e == nil {
		return nil
	}
	h.order.MoveToFront(e)
	a := at[T](e)
	a.users++
	return a
}

func at[T any](e *list.Element) *Appender[T] {
	return e.Value.(*Appender[T]) //nolint:forcetypeassert // nothing else is in the list
}

// add keeps a folder that is in use, in place of what is kept under its id.
func (h *Handles[T]) add(a *Appender[T]) {
	h.mu.Lock()
	var idle []io.Closer
	if e := h.byID[a.id]; e != nil {
		idle = h.remove(e, idle)
	}
	if a.out = h.closed; !h.closed {
		h.byID[a.id] = h.order.PushFront(a)
	}
	for e := h.order.Back(); e != nil && len(h.byID) > h.maxFolders; {
		before := e.Prev()
		if at[T](e).users == 0 {
			idle = h.remove(e, idle)
		}
		e = before
	}
	h.mu.Unlock()
	_ = closeAll(idle) // what was written has taken effect
}

// remove takes a folder out of the cache. If nobody uses it, it is added to those to be closed. The
// caller holds mu.
func (h *Handles[T]) remove(e *list.Element, idle []io.Closer) []io.Closer {
	a := at[T](e)
	h.order.Remove(e)
	delete(h.byID, a.id)
	a.out = true
	if a.users > 0 {
		return idle
	}
	h.files -= len(a.files)
	return append(idle, a)
}

// distrust has nobody lock a folder again that does not have it already.
func (h *Handles[T]) distrust(a *Appender[T]) {
	h.mu.Lock()
	defer h.mu.Unlock()
	a.stale = true
}

// release ends the use of a folder.
func (h *Handles[T]) release(a *Appender[T]) {
	h.mu.Lock()
	a.users--
	var idle []io.Closer
	switch {
	case a.stale && !a.out:
		idle = h.remove(h.byID[a.id], nil)
	case a.out && a.users == 0:
		h.files -= len(a.files)
		idle = []io.Closer{a}
	case h.tree.served:
		a.used = time.Now()
		if h.sweep == nil {
			h.sweep = time.AfterFunc(idleTime, h.closeIdle)
		}
	}
	h.mu.Unlock()
	_ = closeAll(idle) // as above
}

// closeIdle closes what nobody has used for a while.
func (h *Handles[T]) closeIdle() {
	h.mu.Lock()
	var idle []io.Closer
	for e := h.order.Back(); e != nil; {
		before := e.Prev()
		if a := at[T](e); a.users == 0 && time.Since(a.used) >= idleTime {
			idle = h.remove(e, idle)
		}
		e = before
	}
	h.sweep = nil
	if h.order.Len() > 0 && !h.closed {
		h.sweep = time.AfterFunc(idleTime, h.closeIdle)
	}
	h.mu.Unlock()
	_ = closeAll(idle) // as above
}

// reserve makes room for one more open file of a folder, at the cost of the folder not used for
// longest, or else of another of its own files.
func (h *Handles[T]) reserve(a *Appender[T]) bool {
	h.mu.Lock()
	var idle []io.Closer
	for e := h.order.Back(); e != nil && h.files >= h.maxFiles; {
		before := e.Prev()
		if a := at[T](e); a.users == 0 && len(a.files) > 0 {
			idle = h.remove(e, idle)
		}
		e = before
	}
	if h.files >= h.maxFiles {
		// any, so that no pattern of use always closes the one needed next
		for _, f := range a.files {
			if !f.busy {
				idle = append(idle, h.detach(a, f))
				break
			}
		}
	}
	ok := h.files < h.maxFiles
	if ok {
		h.files++
	}
	h.mu.Unlock()
	_ = closeAll(idle) // as above
	return ok
}

// detach takes a file away from its folder. The caller holds mu, and closes it.
func (h *Handles[T]) detach(a *Appender[T], f *openFile) io.Closer {
	delete(a.files, f.key)
	h.files--
	return f.file
}

// giveBack closes what nobody uses this moment, of folders in use too: the process has no handles
// left.
func (h *Handles[T]) giveBack() {
	h.mu.Lock()
	var idle []io.Closer
	for e := h.order.Back(); e != nil; {
		before := e.Prev()
		a := at[T](e)
		if a.users == 0 {
			idle = h.remove(e, idle)
		}
		for _, f := range a.files {
			if a.users > 0 && !f.busy {
				idle = append(idle, h.detach(a, f))
			}
		}
		e = before
	}
	h.mu.Unlock()
	_ = closeAll(idle) // as above
}

// Close closes what nobody uses, and the rest when its use ends.
func (h *Handles[T]) Close() error {
	caches.Lock()
	delete(caches.all, h)
	caches.Unlock()
	h.mu.Lock()
	h.closed = true
	if h.sweep != nil {
		h.sweep.Stop()
	}
	var idle []io.Closer
	for h.order.Len() > 0 {
		idle = h.remove(h.order.Back(), idle)
	}
	h.mu.Unlock()
	return closeAll(idle)
}

func closeAll(list []io.Closer) (err error) {
	for _, c := range list {
		err = errors.Join(err, c.Close())
	}
	return err
}
