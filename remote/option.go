package remote

import (
	"log/slog"
	"net/http"
	"time"
)

// Option changes how Open makes a Store. What no option says is taken from MLflow's environment
// variables.
type Option func(*options)

type options struct {
	transport http.RoundTripper
	// authorization is the header of that name
	authorization string
	workspace     string
	retries       int
	firstWait     time.Duration
	timeout       time.Duration
	logger        *slog.Logger
}

// WithTransport sends requests by another transport than net/http's: one that signs them, counts
// them, or reaches a server by a way of its own. The environment variables about TLS then do
// nothing. A transport is to send a request once.
func WithTransport(t http.RoundTripper) Option { return func(o *options) { o.transport = t } }

// WithBasicAuth names the user and the password, instead of MLFLOW_TRACKING_USERNAME,
// MLFLOW_TRACKING_PASSWORD and the file ~/.mlflow/credentials.
func WithBasicAuth(user, password string) Option {
	return func(o *options) { o.authorization = basic(user, password) }
}

// WithToken gives the bearer token, instead of MLFLOW_TRACKING_TOKEN.
func WithToken(token string) Option {
	return func(o *options) { o.authorization = bearer(token) }
}

// WithRetries says how often a request is sent again that can be, and how long to wait before the
// first time; each further wait is twice as long, up to half a minute. The defaults are
// MLFLOW_HTTP_REQUEST_MAX_RETRIES, or 7, and MLFLOW_HTTP_REQUEST_BACKOFF_FACTOR seconds, or 0.2. A
// server that says when to come again is believed.
func WithRetries(most int, first time.Duration) Option {
	return func(o *options) { o.retries, o.firstWait = most, first }
}

// WithTimeout says how long the other side may be silent, instead of MLFLOW_HTTP_REQUEST_TIMEOUT
// seconds, or 120. A file or a history may take as long as it needs while some of it comes. The
// whole of a call is bounded by its context.
func WithTimeout(d time.Duration) Option { return func(o *options) { o.timeout = d } }

// WithLogger says where problems go that a query has no OnProblem for. The default is
// slog.Default.
func WithLogger(l *slog.Logger) Option { return func(o *options) { o.logger = l } }
