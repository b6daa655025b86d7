package dir

import (
	"fmt"
	"sync"
	"time"

	"github.com/mlruns/mlruns/internal/vfs"
)

// Many writers at once are made durable by one sync of the whole file system, which all of them
// wait for: group commit. A sync of each file and folder waits for the disk as often as there are
// some; the one for all also waits for what others have written to the disk, so it is for many.

const (
	// groupOf is how many writers must be under way for one more to wait for such a sync.
	groupOf = 8
	// gathering bounds the wait for others to join a sync.
	gathering = 10 * time.Millisecond
)

// group is the writers of one time for which groups are wanted.
type group struct {
	volume vfs.Volume

	mu       sync.Mutex
	ended    bool
	under    int // writers under way
	members  int // those of them that wait for syncs of the volume
	failures int // syncs that have failed
	last     error
	running  bool
	next     *round // of those who wait for a sync that has not begun
}

// round is one sync.
type round struct {
	waiting    int
	full, done chan struct{}
	begun      bool // full is closed
	err        error
}

// Member is a writer whose files are made durable with those of others. The methods of nil say that
// there is no group.
type Member struct {
	group    *group
	failures int // of the group, before anything was written
}

// Groups lets many writers at once be made durable together until end is called, where the file
// system can do that and changes are to be durable. One at a time may be under way.
func (t *Tree) Groups() (end func()) {
	if !t.Durable {
		return func() {}
	}
	volume, err := t.FS.OpenVolume(t.Path(""))
	if err != nil {
		return func() {}
	}
	g := &group{volume: volume}
	t.group.Store(g)
	return func() {
		t.group.Store(nil)
		g.end()
	}
}

func (g *group) end() {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.ended = true
	g.closeUnused()
}

// closeUnused closes the volume when nobody will use it any more.
func (g *group) closeUnused() {
	if g.ended && g.under == 0 {
		_ = g.volume.Close() // it was only read
	}
}

// Together is how many writers at once cost least, 0 where each is made durable by itself.
func (t *Tree) Together() int {
	const most = 64
	if t.group.Load() == nil {
		return 0
	}
	return min(most, MaxReaders()/2)
}

// Join begins a write before its first file is made. m is nil unless it is one of many. leave ends
// it.
func (t *Tree) Join() (m *Member, leave func()) {
	g := t.group.Load()
	if g == nil {
		return nil, func() {}
	}
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.ended {
		return nil, func() {}
	}
	if g.under++; g.under > groupOf {
		g.members++
		m = &Member{g, g.failures}
	}
	return m, func() { g.leave(m) }
}

func (g *group) leave(m *Member) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.under--
	if m != nil {
		g.members--
		g.beginFull()
	}
	g.closeUnused()
}

// beginFull begins a sync for which half of all wait: the others use the time to write.
func (g *group) beginFull() {
	if r := g.next; r != nil && !r.begun && 2*r.waiting >= g.members {
		r.begun = true
		close(r.full)
	}
}

// Holds reports whether what is written into a folder of the file system is made durable by Sync.
func (m *Member) Holds(folder string) bool { return m != nil && m.group.volume.Holds(folder) }

// Sync makes durable all that was written before. The error is that of any write that failed since
// Join, whoever was told of it: a failed write is told once.
func (m *Member) Sync() error {
	g := m.group
	g.mu.Lock()
	if g.next == nil {
		g.next = &round{full: make(chan struct{}), done: make(chan struct{})}
		if !g.running {
			g.running = true
			go g.run()
		}
	}
	r := g.next
	r.waiting++
	g.beginFull()
	g.mu.Unlock()
	<-r.done
	g.mu.Lock()
	defer g.mu.Unlock()
	if r.err == nil && g.failures > m.failures {
		return fmt.Errorf("meanwhile, %w", g.last)
	}
	return r.err
}

// run syncs until nobody waits.
func (g *group) run() {
	for {
		g.mu.Lock()
		r := g.next
		g.running = r != nil
		g.mu.Unlock()
		if r == nil {
			return
		}
		late := time.NewTimer(gathering)
		select {
		case <-r.full:
		case <-late.C:
		}
		late.Stop()
		g.mu.Lock()
		g.next, r.begun = nil, true // who comes now may have written what this sync does not see
		g.mu.Unlock()
		err := g.volume.Sync()
		if err != nil {
			err = fmt.Errorf("making durable what was written: %w", err)
		}
		g.mu.Lock()
		if r.err = err; err != nil {
			g.failures++
			g.last = err
		}
		g.mu.Unlock()
		close(r.done)
	}
}
