package main

import (
	"context"
	"errors"
	"fmt"
	"log"
	"net"
	"net/http"
	"net/netip"
	"os"
	"path/filepath"
	"strconv"
	"time"
)

// isLoopback reports whether an address can be reached from this machine only.
func isLoopback(host string) bool {
	if host == "localhost" {
		return true
	}
	addr, err := netip.ParseAddr(host)
	return err == nil && addr.IsLoopback()
}

// listen opens what the flags ask for, and gives the URI to connect to.
func (f *serveFlags) listen() (listeners []net.Listener, uri string, err error) {
	if f.socket != "" {
		l, err := listenUnix(f.socket)
		return []net.Listener{l}, "unix:" + f.socket, err
	}
	l, err := net.Listen("tcp", net.JoinHostPort(f.host, strconv.Itoa(int(f.port))))
	if err != nil {
		return nil, "", err
	}
	listeners = []net.Listener{l}
	_, port, err := net.SplitHostPort(l.Addr().String())
	if err != nil {
		return nil, "", errors.Join(err, l.Close())
	}
	// "localhost" can mean either, and where one of them is not there the other has to do.
	if f.host == "127.0.0.1" || f.host == "localhost" {
		for _, other := range []string{"127.0.0.1", "::1"} {
			if second, err := net.Listen("tcp", net.JoinHostPort(other, port)); err == nil {
				listeners = append(listeners, second)
			}
		}
	}
	scheme := "http"
	if f.tls != nil {
		scheme = "https"
	}
	return listeners, scheme + "://" + net.JoinHostPort(f.host, port), nil
}

// listenUnix makes a socket that nobody else can open, at no moment. One that a dead server left is
// replaced.
func listenUnix(name string) (net.Listener, error) {
	if conn, err := net.Dial("unix", name); err == nil {
		return nil, errors.Join(fmt.Errorf("somebody listens at %s already", name), conn.Close())
	}
	if info, err := os.Lstat(name); err == nil && info.Mode().Type() != os.ModeSocket {
		return nil, fmt.Errorf("%s is no socket", name)
	}
	dir, err := os.MkdirTemp(filepath.Dir(name), ".mlruns")
	if err != nil {
		return nil, err
	}
	defer func() { _ = os.RemoveAll(dir) }()
	made := filepath.Join(dir, "s")
	l, err := net.Listen("unix", made)
	if err != nil {
		return nil, err
	}
	if u, ok := l.(*net.UnixListener); ok {
		u.SetUnlinkOnClose(false)
	}
	if err := os.Chmod(made, 0o600); err == nil {
		err = os.Rename(made, name)
		if err == nil {
			return &namedSocket{l, name}, nil
		}
	}
	return nil, errors.Join(fmt.Errorf("cannot listen at %s", name), l.Close())
}

// namedSocket removes its name when it is closed.
type namedSocket struct {
	net.Listener
	name string
}

func (n *namedSocket) Close() error {
	err := n.Listener.Close()
	if removed := os.Remove(n.name); removed != nil && !notExist(removed) {
		err = errors.Join(err, removed)
	}
	return err
}

// answer serves until the context ends, or nothing is asked for so long, and then until the
// requests under way have ended.
func (f *serveFlags) answer(ctx context.Context, h http.Handler, listeners []net.Listener, open *connections, idle *idleTimer, errs *log.Logger) error {
	srv := &http.Server{
		Handler: h, ErrorLog: errs,
		TLSConfig: f.tls, ReadHeaderTimeout: 10 * time.Second, IdleTimeout: 2 * time.Minute, MaxHeaderBytes: 64 << 10,
	}
	if f.unused > 0 {
		// Whoever is connected uses the server. When all places are taken, one who is closed for
		// another comes back with its next request.
		srv.IdleTimeout, srv.ConnState = 0, func(conn net.Conn, state http.ConnState) {
			idle.watchConnection(conn, state)
			open.changed(conn, state)
		}
	} else {
		srv.Handler, srv.ConnState = idle.watch(h), open.changed
	}
	failed := make(chan error, len(listeners))
	for _, l := range listeners {
		bounded := open.bound(l)
		go func() {
			if f.tls != nil {
				failed <- srv.ServeTLS(bounded, "", "")
			} else {
				failed <- srv.Serve(bounded)
			}
		}()
	}
	select {
	case err := <-failed:
		return errors.Join(err, srv.Close())
	case <-ctx.Done():
	case <-idle.expired:
	}
	return srv.Shutdown(context.WithoutCancel(ctx))
}
