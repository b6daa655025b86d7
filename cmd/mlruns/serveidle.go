package main

import (
	"net"
	"net/http"
	"sync"
	"time"
)

// idleTimer expires when for some time nothing was asked.
type idleTimer struct {
	after   time.Duration
	expired chan struct{}

	mu    sync.Mutex
	over  bool
	under int // way
	timer *time.Timer
}

// newIdleTimer makes a timer that never expires if after is 0.
func newIdleTimer(after time.Duration) *idleTimer {
	i := &idleTimer{after: after, expired: make(chan struct{})}
	if after > 0 {
		i.timer = time.AfterFunc(after, i.expire)
	}
	return i
}

func (i *idleTimer) expire() {
	i.mu.Lock()
	defer i.mu.Unlock()
	if i.under == 0 && !i.over {
		i.over = true
		close(i.expired)
	}
}

// watch has a handler's requests keep the timer from expiring.
func (i *idleTimer) watch(next http.Handler) http.Handler {
	if i.after == 0 {
		return next
	}
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		i.add(1)
		defer i.add(-1)
		next.ServeHTTP(w, r)
	})
}

// watchConnection has whoever is connected keep the timer from expiring, whether or not anything is
// asked. The operating system closes the connections of a process however it ends.
func (i *idleTimer) watchConnection(_ net.Conn, state http.ConnState) {
	switch state {
	case http.StateNew:
		i.add(1)
	case http.StateClosed, http.StateHijacked:
		i.add(-1)
	}
}

func (i *idleTimer) add(n int) {
	i.mu.Lock()
	defer i.mu.Unlock()
	i.under += n
	if i.timer.Stop(); i.under == 0 {
		i.timer = time.AfterFunc(i.after, i.expire)
	}
}
