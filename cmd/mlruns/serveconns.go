package main

import (
	"crypto/tls"
	"net"
	"net/http"
	"sync"
	"time"
)

// mostConnections is how many connections are open at once: what is left of the process's handles
// is for files.
const mostConnections = 512

// leastIdle is how long a connection is left to send its request.
const leastIdle = 100 * time.Millisecond

// connections are those that are open. When there is no place for one more, the one that has asked
// for nothing for the longest time is closed: so nobody who opens many keeps others out. A client
// that had kept it for later opens another.
type connections struct {
	places chan struct{}

	mu sync.Mutex
	// idle has since when a connection waits for a request, or for the rest of its header.
	idle map[net.Conn]time.Time
}

func newConnections(most int) *connections {
	return &connections{places: make(chan struct{}, most), idle: map[net.Conn]time.Time{}}
}

// count is how many are open.
func (c *connections) count() int { return len(c.places) }

// changed is told by net/http what each connection does.
func (c *connections) changed(conn net.Conn, state http.ConnState) {
	if secure, ok := conn.(*tls.Conn); ok {
		conn = secure.NetConn() // closing it does not wait until the other side has heard of it
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	switch state {
	case http.StateNew, http.StateIdle:
		c.idle[conn] = time.Now()
	default:
		delete(c.idle, conn)
	}
}

// makePlace closes the connection that has been idle for the longest time, if that is long enough.
func (c *connections) makePlace() {
	c.mu.Lock()
	defer c.mu.Unlock()
	var longest net.Conn
	since := time.Now().Add(-leastIdle)
	for conn, t := range c.idle {
		if t.Before(since) {
			longest, since = conn, t
		}
	}
	if longest != nil {
		delete(c.idle, longest)
		_ = longest.Close()
	}
}

// bound has a listener's connections take places.
func (c *connections) bound(l net.Listener) net.Listener {
	return &boundedListener{Listener: l, open: c, closed: make(chan struct{})}
}

// boundedListener gives a connection when there is a place for it.
type boundedListener struct {
	net.Listener
	open   *connections
	once   sync.Once
	closed chan struct{}
}

func (b *boundedListener) Accept() (net.Conn, error) {
	conn, err := b.Listener.Accept()
	if err != nil {
		return nil, err
	}
	placed := &placedConn{Conn: conn, leave: sync.OnceFunc(func() { <-b.open.places })}
	select {
	case b.open.places <- struct{}{}:
		return placed, nil
	default:
	}
	look := time.NewTicker(leastIdle / 10)
	defer look.Stop()
	for {
		b.open.makePlace()
		select {
		case b.open.places <- struct{}{}:
			return placed, nil
		case <-b.closed:
			_ = conn.Close()
			return nil, net.ErrClosed
		case <-look.C:
		}
	}
}

func (b *boundedListener) Close() error {
	b.once.Do(func() { close(b.closed) })
	return b.Listener.Close()
}

// placedConn gives its place back when it is closed.
type placedConn struct {
	net.Conn
	leave func()
}

func (p *placedConn) Close() error {
	defer p.leave()
	return p.Conn.Close()
}
