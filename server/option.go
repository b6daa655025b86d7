package server

import (
	"io/fs"
	"time"
)

// Option changes how New makes a handler. The defaults are those of a server for one person on one
// machine: requests by a loopback name only, no token, and artifacts through the server.
type Option func(*options)

type options struct {
	version   string
	direct    bool
	local     bool
	hosts     []string
	origins   []string
	token     string
	page      fs.FS
	policy    string // of the page
	log       func(Access)
	metrics   bool
	open      func() int
	bodyLimit int64
	patience  time.Duration
}

func defaultOptions() options {
	return options{version: "dev", policy: pagePolicy("3"), bodyLimit: 16 << 20, patience: 30 * time.Second}
}

// WithVersion names the version of this module for /version and server-info.
func WithVersion(version string) Option { return func(o *options) { o.version = version } }

// WithDirectArtifacts gives artifact locations out as the store recorded them. A client then reads
// and writes them itself, on its own disk where they are paths. The default is that clients send
// and fetch files through the server, wherever they run.
func WithDirectArtifacts() Option { return func(o *options) { o.direct = true } }

// WithLocalArtifacts is WithDirectArtifacts for clients on this machine alone: where artifacts are
// recorded on it, they are told the folder of the store in which the store looks for them, which in
// a copied or moved store is not the recorded one.
func WithLocalArtifacts() Option { return func(o *options) { o.direct, o.local = true, true } }

// WithHosts names hosts by which the server may be asked, beside localhost and the loopback
// addresses: the name of this machine, or that of a proxy before it. A request by any other name is
// refused, because that is what a page does that has its own name lead to this machine.
func WithHosts(names ...string) Option {
	return func(o *options) { o.hosts = append(o.hosts, names...) }
}

// WithOrigins names pages of other hosts, such as https://ml.example.com, that may send requests
// from a browser. The default is none but the server's own.
func WithOrigins(origins ...string) Option {
	return func(o *options) { o.origins = append(o.origins, origins...) }
}

// WithToken demands a token, as a bearer token or as the password of basic authentication. Without
// it whoever reaches the server may read and write the store.
func WithToken(token string) Option { return func(o *options) { o.token = token } }

// WithPage serves a build of MLflow's web page, the folder mlflow/server/js/build of its package,
// and that package's version, "" if it is not known.
func WithPage(build fs.FS, version string) Option {
	return func(o *options) { o.page, o.policy = build, pagePolicy(version) }
}

// WithAccessLog has every request told once it has been answered, from any goroutine.
func WithAccessLog(log func(Access)) Option { return func(o *options) { o.log = log } }

// WithMetrics answers /metrics with what Prometheus reads: requests by endpoint, method and status,
// how long they took, and those under way. open, if it is not nil, tells how many connections are
// open. They are asked for as everything else is, with the token where there is one.
func WithMetrics(open func() int) Option { return func(o *options) { o.metrics, o.open = true, open } }
