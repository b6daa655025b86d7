package filestore

import (
	"container/list"
	"errors"
	"sync"

	"github.com/mlruns/mlruns/internal/vfs"
)

// keptRuns are the runs that were logged to last, with their handles. Every use of a handle is
// preceded by a look that it still is what the path leads to, so what is kept may be stale but is
// never believed to be fresh. A nil keptRuns keeps nothing.
type keptRuns struct {
	fs     vfs.FS
	device uint64 // of the store's root: what lies on another one is not kept

	maxRuns, maxMetrics int

	mu      sync.Mutex
	byID    map[string]*list.Element
	order   list.List // of *keptRun, the one used last first
	metrics int       // open metric files
	closed  bool
}

// newKeptRuns gives nil where handles are not to be kept: they are on local file systems only, and
// where locks are files.
func (s *Store) newKeptRuns() *keptRuns {
	runs, metrics := keptBounds(handleLimit())
	if !s.tree.Local() || s.readOnly || s.locking == LockNone || runs == 0 {
		return nil
	}
	root, err := s.tree.FS.Identify(s.tree.Path(""), false)
	if err != nil {
		return nil
	}
	k := &keptRuns{fs: s.tree.FS, device: root.Device, maxRuns: runs, maxMetrics: metrics, byID: map[string]*list.Element{}}
	allKept.Lock()
	defer allKept.Unlock()
	allKept.caches[k] = true
	return k
}

// take gives a run that is kept, until release; nil where there is none.
func (k *keptRuns) take(id string) *keptRun {
	if k == nil {
		return nil
	}
	k.mu.Lock()
	defer k.mu.Unlock()
	e := k.byID[id]
	if e == nil {
		return nil
	}
	k.order.MoveToFront(e)
	r := e.Value.(*keptRun) //nolint:forcetypeassert // nothing else is in the list
	r.users++
	return r
}

// add keeps a run, in place of what is kept under its id. It is as if it had been taken.
func (k *keptRuns) add(r *keptRun) {
	k.mu.Lock()
	r.users = 1
	var out []*keptRun
	if e := k.byID[r.ref.ID]; e != nil {
		out = append(out, k.remove(e))
	}
	r.gone = k.closed
	if !k.closed {
		k.byID[r.ref.ID] = k.order.PushFront(r)
	}
	for e := k.order.Back(); e != nil && len(k.byID) > k.maxRuns; {
		before := e.Prev()
		if e.Value.(*keptRun).users == 0 { //nolint:forcetypeassert // as above
			out = append(out, k.remove(e))
		}
		e = before
	}
	k.mu.Unlock()
	_ = closeUnused(out) // what was written has taken effect: the file system is local
}

// remove takes a run out of the cache. The caller holds mu, and closes it then if nobody uses it.
func (k *keptRuns) remove(e *list.Element) *keptRun {
	r := k.order.Remove(e).(*keptRun) //nolint:forcetypeassert // as above
	delete(k.byID, r.ref.ID)
	r.gone = true
	if r.users > 0 {
		return nil
	}
	k.metrics -= len(r.metrics)
	return r
}

// release ends the use of a run; stale says that it is not to be used again.
func (k *keptRuns) release(r *keptRun, stale bool) {
	k.mu.Lock()
	r.users--
	var out *keptRun
	switch {
	case stale && !r.gone:
		out = k.remove(k.byID[r.ref.ID])
	case r.gone && r.users == 0:
		k.metrics -= len(r.metrics)
		out = r
	}
	k.mu.Unlock()
	_ = closeUnused([]*keptRun{out}) // as above
}

// reserve makes room for one more open metric file, at the cost of the run not used for longest.
func (k *keptRuns) reserve() bool {
	k.mu.Lock()
	var out []*keptRun
	for e := k.order.Back(); e != nil && k.metrics >= k.maxMetrics; {
		before := e.Prev()
		// as above
		if r := e.Value.(*keptRun); r.users == 0 && len(r.metrics) > 0 { //nolint:forcetypeassert
			out = append(out, k.remove(e))
		}
		e = before
	}
	ok := k.metrics < k.maxMetrics
	if ok {
		k.metrics++
	}
	k.mu.Unlock()
	_ = closeUnused(out) // what was written has taken effect: the file system is local
	return ok
}

func (k *keptRuns) unreserve() {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.metrics--
}

// giveBack closes what nobody uses: the process has no handles left.
func (k *keptRuns) giveBack() {
	k.mu.Lock()
	var out []*keptRun
	for e := k.order.Back(); e != nil; {
		before := e.Prev()
		if e.Value.(*keptRun).users == 0 { //nolint:forcetypeassert // as above
			out = append(out, k.remove(e))
		}
		e = before
	}
	k.mu.Unlock()
	_ = closeUnused(out) // as above
}

// close closes what nobody uses, and the rest when its use ends.
func (k *keptRuns) close() error {
	if k == nil {
		return nil
	}
	allKept.Lock()
	delete(allKept.caches, k)
	allKept.Unlock()
	k.mu.Lock()
	k.closed = true
	var out []*keptRun
	for k.order.Len() > 0 {
		out = append(out, k.remove(k.order.Back()))
	}
	k.mu.Unlock()
	return closeUnused(out)
}

// closeUnused closes runs that nobody can reach; nil ones are in use.
func closeUnused(runs []*keptRun) error {
	var err error
	for _, r := range runs {
		if r != nil {
			err = errors.Join(err, r.close())
		}
	}
	return err
}
