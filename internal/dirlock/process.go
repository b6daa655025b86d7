package dirlock

import (
	"reflect"
	"sync"
	"time"
)

// mutexes are those of the process that are held or waited for. The race detector cannot see file
// locks, and a file lock costs a system call to find what a mutex knows.
var mutexes = struct {
	sync.Mutex
	byKey map[mutexKey]*mutex
}{byKey: map[mutexKey]*mutex{}}

type mutexKey struct {
	fsys any // nil if path is one of the operating system
	path string
}

// mutex is held by who has a token in held. A channel, because waiting can be given up.
type mutex struct {
	held chan struct{}
	refs int // holder and waiters; guarded by mutexes
}

func (l *Locker) lockProcess(w *wait, name string) (free func(), err error) {
	if err = w.ctx.Err(); err != nil {
		return nil, w.over()
	}
	key := l.key(name)
	m := retain(key)
	select {
	case m.held <- struct{}{}:
	default:
		if err = w.acquire(m); err != nil {
			release(key, m)
			return nil, err
		}
	}
	return func() {
		<-m.held
		release(key, m)
	}, nil
}

func (w *wait) acquire(m *mutex) error {
	var timeout <-chan time.Time
	if w.limit > 0 {
		timer := time.NewTimer(w.left())
		defer timer.Stop()
		timeout = timer.C
	}
	select {
	case m.held <- struct{}{}:
		return nil
	case <-timeout:
		return w.busy(nil)
	case <-w.ctx.Done():
		return w.over()
	}
}

func retain(key mutexKey) *mutex {
	mutexes.Lock()
	defer mutexes.Unlock()
	m := mutexes.byKey[key]
	if m == nil {
		m = &mutex{held: make(chan struct{}, 1)}
		mutexes.byKey[key] = m
	}
	m.refs++
	return m
}

func release(key mutexKey, m *mutex) {
	mutexes.Lock()
	defer mutexes.Unlock()
	if m.refs--; m.refs == 0 {
		delete(mutexes.byKey, key)
	}
}

// key is the real path if there is one, so that all stores of a directory share a mutex.
func (l *Locker) key(name string) mutexKey {
	if path, ok := l.fsys.RealPath(name); ok {
		return mutexKey{path: path}
	}
	if reflect.ValueOf(l.fsys).Comparable() {
		return mutexKey{fsys: l.fsys, path: name}
	}
	return mutexKey{fsys: l, path: name}
}
