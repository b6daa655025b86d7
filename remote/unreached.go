package remote

import (
	"crypto/tls"
	"errors"
	"net"
	"net/http"
	"strings"
)

// neverSent reports whether a failed request has surely not reached the server: no connection was
// made.
func neverSent(err error) bool {
	dial := (*net.OpError)(nil)
	if errors.As(err, &dial) {
		switch dial.Op {
		case "dial", "proxyconnect", "socks connect":
			return true
		}
	}
	refusal := (*proxyRefusal)(nil)
	return errors.As(err, &refusal) || noHandshake(err)
}

// proxyRefusal is how a proxy answers that makes no connection to the server: it wants a password,
// for instance.
type proxyRefusal struct {
	host, status string
	code         int
}

func (e *proxyRefusal) Error() string { return "the proxy " + e.host + " answered " + e.status }

// triesLeft is how often a request that failed is sent again, of most times.
func (s *Store) triesLeft(err error, most int) int {
	refusal := (*proxyRefusal)(nil)
	switch {
	case noHandshake(err), errors.As(err, &refusal) && refusal.code < http.StatusInternalServerError:
		return 0
	case s.reached.Load(): // what it is called, and what it speaks, was right
		return most
	case isOtherPeer(err):
		return 0
	case isUnknownHost(err):
		return min(most, unknownTries)
	}
	return most
}

// unknownTries is how often a host is looked up again of which the DNS says that there is none:
// where servers come and go the DNS may lag behind.
const unknownTries = 1

// isUnknownHost reports whether the DNS says that there is no such host, a proxy's among them: most
// often it is mistyped.
func isUnknownHost(err error) bool {
	lookup := (*net.DNSError)(nil)
	return errors.As(err, &lookup) && lookup.IsNotFound && !lookup.IsTemporary
}

// noHandshake reports whether the other side speaks no TLS, or shows a certificate that is not
// trusted.
func noHandshake(err error) bool {
	certificate, record := (*tls.CertificateVerificationError)(nil), tls.RecordHeaderError{}
	return errors.As(err, &certificate) || errors.As(err, &record) || errors.Is(err, http.ErrSchemeMismatch)
}

// isOtherPeer reports whether the failure is that of a wrong address or of wrong settings: a port
// that none can be, an answer that is not HTTP, a TLS handshake that either side refuses. The types
// of the last two are net/http's and crypto/tls's own.
func isOtherPeer(err error) bool {
	address, op := (*net.AddrError)(nil), (*net.OpError)(nil)
	return errors.As(err, &address) || errors.As(err, &op) && op.Op == "remote error" ||
		strings.HasPrefix(err.Error(), "tls: ") || strings.Contains(err.Error(), "malformed HTTP ")
}
