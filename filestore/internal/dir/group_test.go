package dir

import (
	"errors"
	"runtime"
	"testing"
	"testing/synctest"
	"time"
)

// heldVolume lets a test decide when a sync ends, and how.
type heldVolume struct {
	began  chan struct{}
	result chan error
	closed int
}

func (v *heldVolume) Sync() error {
	v.began <- struct{}{}
	return <-v.result
}

func (v *heldVolume) Holds(string) bool { return true }

func (v *heldVolume) Close() error {
	v.closed++
	return nil
}

// someMembers gives members of a group, beside those that come before it is worth while.
func someMembers(t *testing.T, n int) (*heldVolume, *group, []*Member, func()) {
	t.Helper()
	v := &heldVolume{began: make(chan struct{}), result: make(chan error)}
	tree := &Tree{}
	g := &group{volume: v}
	tree.group.Store(g)
	var leaves []func()
	var members []*Member
	for i := range groupOf + n {
		m, leave := tree.Join()
		if leaves = append(leaves, leave); (m == nil) != (i < groupOf) {
			t.Fatalf("writer %d is a member: %v", i+1, m != nil)
		}
		if m != nil {
			members = append(members, m)
		}
	}
	return v, g, members, func() {
		for _, leave := range leaves {
			leave()
		}
	}
}

// TestSyncBeginsAfterTheWrite holds a sync to be of those who had asked for it when it began: what
// was written after that is perhaps not in it.
func TestSyncBeginsAfterTheWrite(t *testing.T) {
	v, g, members, leave := someMembers(t, 2)
	defer leave()
	next := func() (r *round, waiting int) {
		g.mu.Lock()
		defer g.mu.Unlock()
		if g.next == nil {
			return nil, 0
		}
		return g.next, g.next.waiting
	}
	first, second := make(chan error, 1), make(chan error, 1)
	go func() { first <- members[0].Sync() }()
	<-v.began
	open, _ := next()
	go func() { second <- members[1].Sync() }()
	for r, waiting := next(); r == nil || r == open && waiting < 2; r, waiting = next() {
		runtime.Gosched() // until it waits
	}
	v.result <- nil
	if err := <-first; err != nil {
		t.Error(err)
	}
	<-v.began // another one, for the second
	select {
	case err := <-second:
		t.Errorf("the second ended before its sync, with %v", err)
	default:
	}
	v.result <- nil
	if err := <-second; err != nil {
		t.Error(err)
	}
}

// TestFailedSyncIsEverybodys holds a failed sync to be the failure of all who were writing, for the
// operating system tells a failed write once; and not of who begins after it.
func TestFailedSyncIsEverybodys(t *testing.T) {
	v, g, members, leave := someMembers(t, 2)
	broken := errors.New("input/output error")
	sync := func(m *Member, result error) error {
		got := make(chan error, 1)
		go func() { got <- m.Sync() }()
		<-v.began
		v.result <- result
		return <-got
	}
	if err := sync(members[0], broken); !errors.Is(err, broken) {
		t.Errorf("who asked for it: %v", err)
	}
	if err := sync(members[1], nil); !errors.Is(err, broken) {
		t.Errorf("who was writing meanwhile: %v", err)
	}
	tree := &Tree{}
	tree.group.Store(g)
	late, leaveLate := tree.Join()
	if err := sync(late, nil); err != nil {
		t.Errorf("who began after it: %v", err)
	}
	leaveLate()
	leave()
	if v.closed != 0 {
		t.Error("the volume was closed before the end")
	}
}

// TestVolumeClosedOnce closes the volume once, when the last writer has left after the end.
func TestVolumeClosedOnce(t *testing.T) {
	v, g, _, leave := someMembers(t, 1)
	g.end()
	if v.closed != 0 {
		t.Error("the volume was closed while writers were under way")
	}
	leave()
	if v.closed != 1 {
		t.Errorf("the volume was closed %d times", v.closed)
	}
}

// TestJoinAfterTheEnd is for who took the group in its last moment: its volume is closed.
func TestJoinAfterTheEnd(t *testing.T) {
	v, g, _, leave := someMembers(t, 1)
	leave()
	g.end()
	tree := &Tree{}
	tree.group.Store(g)
	for range groupOf + 1 {
		m, leave := tree.Join()
		defer leave()
		if m != nil {
			t.Error("a member of a group that has ended")
		}
	}
	if v.closed != 1 {
		t.Errorf("the volume was closed %d times", v.closed)
	}
}

// TestWhoLeavesIsNotWaitedFor begins the sync when who is left waits, not after the time that
// bounds it.
func TestWhoLeavesIsNotWaitedFor(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		v, g, members, _ := someMembers(t, 3)
		begun := time.Now()
		ended := make(chan error)
		go func() { ended <- members[0].Sync() }()
		synctest.Wait()
		select {
		case <-v.began:
			t.Fatal("two of three were not waited for")
		default:
		}
		g.leave(members[1])
		<-v.began
		if waited := time.Since(begun); waited != 0 {
			t.Errorf("the sync began after %v", waited)
		}
		v.result <- nil
		if err := <-ended; err != nil {
			t.Error(err)
		}
	})
}
