package server

import (
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"slices"
	"strings"

	"github.com/mlruns/mlruns"
)

// guarded stands before every route and refuses by default: there is no request that does not pass
// here.
func (s *server) guarded(next http.Handler) http.Handler {
	hosts := make(map[string]bool, len(s.options.hosts))
	for _, name := range s.options.hosts {
		hosts[plainHost(name)] = true
	}
	origins := make(map[string]bool, len(s.options.origins))
	for _, origin := range s.options.origins {
		origins[strings.ToLower(strings.TrimSuffix(origin, "/"))] = true
	}
	admits := newTokenCheck(s.options.token)
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		h := w.Header()
		h.Set("X-Content-Type-Options", "nosniff")
		h.Set("X-Frame-Options", "SAMEORIGIN")
		h.Set("Referrer-Policy", "no-referrer")
		if len(r.TransferEncoding) > 0 {
			// There may have been a length too, which another server would have gone by: then what
			// follows is no request of its own. net/http does not tell (RFC 9112, 6.1).
			h.Set("Connection", "close")
		}
		allowed := origins[strings.ToLower(r.Header.Get("Origin"))]
		if err := checkHost(r, hosts); err != nil {
			s.refuse(w, r, err)
			return
		}
		if err := checkOrigin(r, allowed); err != nil {
			s.refuse(w, r, err)
			return
		}
		if allowed {
			allowOrigin(h, r)
		}
		switch open := r.URL.Path == "/health" || r.URL.Path == "/version"; {
		case r.Method == http.MethodOptions && allowed:
			w.WriteHeader(http.StatusNoContent)
		case r.Method == http.MethodOptions:
			s.refuse(w, r, &refusal{http.StatusForbidden, mlruns.CodePermissionDenied, "No other page may ask this server"})
		case !open && !admits(r):
			h.Set("WWW-Authenticate", `Basic realm="mlruns", charset="UTF-8"`)
			s.refuse(w, r, &refusal{http.StatusUnauthorized, codeUnknownCaller, "A token is needed: set MLFLOW_TRACKING_TOKEN, or give it as a password"})
		default:
			next.ServeHTTP(w, r)
		}
	})
}

// checkHost demands that a request is to this server by a name that is its own. A page whose own
// name was made to lead here (DNS rebinding) asks by that name.
func checkHost(r *http.Request, hosts map[string]bool) error {
	host := plainHost(r.Host)
	if host == "" {
		return &refusal{http.StatusBadRequest, codeBadRequest, "The Host header is missing"}
	}
	if host == "localhost" || hosts[host] {
		return nil
	}
	if addr, err := netip.ParseAddr(host); err == nil && (addr.Unmap().IsLoopback() || isOwnAddress(r, addr)) {
		return nil
	}
	return &refusal{http.StatusForbidden, mlruns.CodePermissionDenied, "This server is not to be asked as " + host + "; --allowed-host names hosts by which it may be"}
}

// isOwnAddress reports whether the connection came to this address. An address is nobody's name, so
// no page can have it lead elsewhere.
func isOwnAddress(r *http.Request, addr netip.Addr) bool {
	local, ok := r.Context().Value(http.LocalAddrContextKey).(*net.TCPAddr)
	if !ok {
		return false
	}
	own, ok := netip.AddrFromSlice(local.IP)
	return ok && own.Unmap() == addr.Unmap().WithZone("")
}

// plainHost is the host of a Host header, without port, brackets, and a dot at the end, in lower
// case.
func plainHost(hostPort string) string {
	host, _, err := net.SplitHostPort(hostPort)
	if err != nil {
		host = strings.TrimSuffix(strings.TrimPrefix(hostPort, "["), "]")
	}
	return strings.ToLower(strings.TrimSuffix(host, "."))
}

// checkOrigin refuses what a browser sends for a page of somebody else. Other clients send neither
// header.
func checkOrigin(r *http.Request, allowed bool) error {
	foreign := &refusal{http.StatusForbidden, mlruns.CodePermissionDenied, "A page of another origin may not ask this server"}
	origin, sent := r.Header["Origin"]
	if sent && !allowed && (len(origin) != 1 || !isOwnOrigin(origin[0], r.Host)) {
		return foreign
	}
	if r.Header.Get("Sec-Fetch-Site") == "cross-site" && !allowed {
		toPage := r.Method == http.MethodGet && r.URL.Path == "/" && r.Header.Get("Sec-Fetch-Mode") == "navigate"
		if !toPage {
			return foreign
		}
	}
	return nil
}

// isOwnOrigin reports whether an origin is that of the host a request was sent to, which has been
// checked.
func isOwnOrigin(origin, host string) bool {
	u, err := url.Parse(origin)
	if err != nil || u.Scheme != "http" && u.Scheme != "https" {
		return false
	}
	ports := []string{u.Port()}
	if u.Port() == "" {
		ports = append(ports, map[string]string{"http": "80", "https": "443"}[u.Scheme])
	}
	_, port, err := net.SplitHostPort(host)
	if err != nil {
		port = ""
	}
	return plainHost(u.Hostname()) == plainHost(host) && slices.Contains(ports, port)
}

// allowOrigin lets the page of an allowed origin read the answer.
func allowOrigin(h http.Header, r *http.Request) {
	h.Add("Vary", "Origin")
	h.Set("Access-Control-Allow-Origin", r.Header.Get("Origin"))
	h.Set("Access-Control-Allow-Credentials", "true")
	if r.Method == http.MethodOptions {
		h.Set("Access-Control-Allow-Methods", "GET, POST, PUT, PATCH, DELETE")
		h.Set("Access-Control-Allow-Headers", "Authorization, Content-Type")
	}
}
