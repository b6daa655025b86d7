package remote_test

import (
	"context"
	"crypto/tls"
	"encoding/binary"
	"errors"
	"io"
	"log"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/mlruns/mlruns"
	"github.com/mlruns/mlruns/remote"
)

// names is a DNS that knows no host, and answers with a code of its protocol: 3 says that there is
// no such host, 2 that it cannot tell.
func names(code byte) *net.Resolver {
	answer := func(c net.Conn) {
		defer func() { _ = c.Close() }()
		for {
			head := make([]byte, 2)
			if _, err := io.ReadFull(c, head); err != nil {
				return
			}
			query := make([]byte, binary.BigEndian.Uint16(head))
			if _, err := io.ReadFull(c, query); err != nil {
				return
			}
			query[2], query[3] = query[2]|0x80, code
			if _, err := c.Write(append(head, query...)); err != nil {
				return
			}
		}
	}
	return &net.Resolver{PreferGo: true, Dial: func(context.Context, string, string) (net.Conn, error) {
		here, there := net.Pipe()
		go answer(there)
		return here, nil
	}}
}

// counted is a transport that counts how often a connection is tried, and asks a DNS for each host.
func counted(dns *net.Resolver, n *atomic.Int64) *http.Transport {
	dialer := net.Dialer{Resolver: dns}
	return &http.Transport{DialContext: func(ctx context.Context, network, address string) (net.Conn, error) {
		n.Add(1)
		return dialer.DialContext(ctx, network, address)
	}}
}

// saysOne is a server that has one answer to whatever it hears first.
func saysOne(t *testing.T, text string) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = l.Close() })
	go func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			_, _ = c.Read(make([]byte, 1000))
			_, _ = c.Write([]byte(text))
			_ = c.Close()
		}
	}()
	return l.Addr().String()
}

// tlsServer is one that shows a certificate which nobody trusts.
func tlsServer(t *testing.T, config *tls.Config) *httptest.Server {
	t.Helper()
	s := httptest.NewUnstartedServer(http.NotFoundHandler())
	s.TLS, s.Config.ErrorLog = config, log.New(io.Discard, "", 0)
	s.StartTLS()
	t.Cleanup(s.Close)
	return s
}

// TestNoTryMends tells at once what is wrong with an address, by its name, and tries again what may
// pass.
func TestNoTryMends(t *testing.T) {
	const alert = "\x15\x03\x01\x00\x02\x02\x46"
	modern, own := tlsServer(t, nil), tlsServer(t, &tls.Config{ClientAuth: tls.RequireAnyClientCert})
	for _, c := range []struct {
		name, uri string
		dns       byte
		proxy     string
		client    *tls.Config
		tries     int64
		text      string
		sent      bool
	}{
		{name: "a mistyped host", uri: "http://trakcing.example:5000", dns: 3, tries: 2, text: "lookup trakcing.example"},
		{name: "a mistyped host with TLS", uri: "https://trakcing.example", dns: 3, tries: 2, text: "lookup trakcing.example"},
		{name: "a DNS that is away", uri: "http://tracking.example:5000", dns: 2, tries: 4, text: "lookup tracking.example"},
		{name: "a mistyped proxy", uri: "http://ml.example", dns: 3, proxy: "http://porxy.example:3128", tries: 2, text: "lookup porxy.example"},
		{name: "a mistyped proxy, with TLS", uri: "https://ml.example", dns: 3, proxy: "http://porxy.example:3128", tries: 2, text: "lookup porxy.example"},
		{name: "a mistyped SOCKS proxy", uri: "https://ml.example", dns: 3, proxy: "socks5://porxy.example:1080", tries: 2, text: "lookup porxy.example"},
		{name: "no port", uri: "http://127.0.0.1:99999", tries: 1, text: "invalid port"},
		{name: "a port where nobody listens", uri: "http://127.0.0.1:1", tries: 4, text: "refused"},
		{name: "TLS to a plain port", uri: "https://" + saysOne(t, "HTTP/1.0 400 Bad Request\r\n\r\n"), tries: 1, text: "HTTP response to HTTPS client"},
		{name: "TLS to another protocol", uri: "https://" + saysOne(t, "SSH-2.0-OpenSSH_9.2\r\n"), tries: 1, text: "does not look like a TLS handshake"},
		{name: "another protocol", uri: "http://" + saysOne(t, "SSH-2.0-OpenSSH_9.2\r\n"), tries: 1, text: "SSH-2.0", sent: true},
		{name: "plain to a TLS port, which says an alert", uri: "http://" + saysOne(t, alert), tries: 1, text: "malformed HTTP", sent: true},
		{name: "plain to a TLS port of Go", uri: strings.Replace(modern.URL, "https", "http", 1), tries: 1, text: "HTTP request to an HTTPS server", sent: true},
		{name: "a certificate of nobody's", uri: modern.URL, tries: 1, text: "failed to verify certificate"},
		{name: "TLS that is too old", uri: modern.URL, client: &tls.Config{MaxVersion: tls.VersionTLS11, MinVersion: tls.VersionTLS10}, tries: 1, text: "protocol version", sent: true},
		{name: "no certificate of one's own", uri: own.URL, client: &tls.Config{InsecureSkipVerify: true}, tries: 1, text: "certificate required", sent: true},
	} {
		t.Run(c.name, func(t *testing.T) {
			var n atomic.Int64
			transport := counted(names(c.dns), &n)
			transport.TLSClientConfig = c.client
			if c.proxy != "" {
				proxy, err := url.Parse(c.proxy)
				if err != nil {
					t.Fatal(err)
				}
				transport.Proxy = http.ProxyURL(proxy)
			}
			defer transport.CloseIdleConnections()
			store := open(t, c.uri, remote.WithTransport(transport), remote.WithRetries(3, time.Microsecond))
			_, err := store.Run(t.Context(), "r")
			if n.Load() != c.tries || err == nil || !strings.Contains(err.Error(), c.text) || !strings.Contains(err.Error(), c.uri) || c.dns == 3 && !strings.HasSuffix(err.Error(), "no such host") {
				t.Errorf("a read: %d tries, want %d: %v", n.Load(), c.tries, err)
			}
			n.Store(0)
			err = store.LogMetric(t.Context(), "r", mlruns.Metric{Key: "m"})
			if unsure := errors.Is(err, mlruns.ErrUnconfirmed); err == nil || !c.sent && (unsure || n.Load() != c.tries) || c.sent && n.Load() > c.tries {
				t.Errorf("a point: %d tries, unconfirmed %v: %v", n.Load(), unsure, err)
			}
		})
	}
}

// changing is a transport that another can take the place of.
type changing struct{ http.RoundTripper }

// TestHostThatWasThere is looked up again as often as any fault is mended: a name server that
// forgets a host for a while does not end a long copy.
func TestHostThatWasThere(t *testing.T) {
	s := httptest.NewServer(http.NotFoundHandler())
	defer s.Close()
	var n atomic.Int64
	unknown := counted(names(3), &n)
	known := &http.Transport{DialContext: func(ctx context.Context, network, _ string) (net.Conn, error) {
		return (&net.Dialer{}).DialContext(ctx, network, s.Listener.Addr().String())
	}}
	defer known.CloseIdleConnections()
	by := &changing{known}
	store := open(t, "http://tracking.example", remote.WithRetries(3, time.Microsecond), remote.WithTransport(by))
	if _, err := store.Run(t.Context(), "r"); err == nil || strings.Contains(err.Error(), "no such host") {
		t.Fatal(err)
	}
	by.RoundTripper = unknown
	if _, err := store.Run(t.Context(), "r"); !errors.Is(err, mlruns.ErrBusy) || n.Load() != 4 {
		t.Errorf("%d tries: %v", n.Load(), err)
	}
}
