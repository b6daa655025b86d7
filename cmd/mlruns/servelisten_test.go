package main

import (
	"net"
	"testing"
)

// TestServeListensHere opens what the flags ask for when nothing is said, and "localhost", which
// can mean two addresses: no other machine reaches any of them.
func TestServeListensHere(t *testing.T) {
	t.Parallel()
	for _, host := range []string{"127.0.0.1", "localhost", "::1", "127.0.0.2"} {
		f := serveFlags{host: host}
		listeners, uri, err := f.listen()
		if err != nil {
			t.Logf("%s: %v", host, err) // there may be no such address
			continue
		}
		for _, l := range listeners {
			if addr, ok := l.Addr().(*net.TCPAddr); !ok || !addr.IP.IsLoopback() {
				t.Errorf("%s (%s) listens at %v", host, uri, l.Addr())
			}
			if err := l.Close(); err != nil {
				t.Error(err)
			}
		}
	}
	if f := (serveFlags{host: "0.0.0.0"}); f.check() == nil {
		t.Error("an address for other machines needs no token")
	}
}
