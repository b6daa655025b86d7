package remote

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"sync/atomic"

	"github.com/mlruns/mlruns"
	"github.com/mlruns/mlruns/internal/failure"
)

// Store is a mlruns.Store, with artifacts, logged models, traces and a model registry, behind
// MLflow's REST interface. Make one with Open; the zero Store is not usable. It is safe for
// concurrent use.
type Store struct {
	mlruns.UnimplementedStore
	options
	base    string // the URI, without credentials and without a slash at its end
	client  *http.Client
	close   func()
	closed  atomic.Bool
	reached atomic.Bool // whether the server, or a proxy before it, has ever answered
	lacking sync.Map    // names of calls that the server does not have
	known   features
	version version
	places  places
}

var _ mlruns.Store = (*Store)(nil)

// Open makes a store of the server at a URI such as https://mlflow.example.com or
// http://localhost:5000/mlflow. A user and a password in the URI are used and not told again. No
// server is contacted before the first call.
func Open(ctx context.Context, uri string, opts ...Option) (*Store, error) {
	s, err := open(uri, opts)
	if err == nil {
		err = ctx.Err()
	}
	if err != nil {
		return nil, &mlruns.Error{Op: "open", Err: err}
	}
	return s, nil
}

func open(uri string, opts []Option) (*Store, error) {
	u, err := url.Parse(uri)
	switch {
	case err != nil:
		cause := (*url.Error)(nil)
		if errors.As(err, &cause) {
			err = cause.Err // without the text, which may hold a password
		}
		return nil, failure.Invalid("The tracking URI cannot be understood: " + err.Error())
	case strings.ToLower(u.Scheme) != "http" && strings.ToLower(u.Scheme) != "https":
		return nil, failure.Invalid(fmt.Sprintf("The tracking URI '%s' is not one of a server: it must begin with http:// or https://", u.Redacted()))
	case u.Hostname() == "":
		return nil, failure.Invalid(fmt.Sprintf("The tracking URI '%s' names no host", u.Redacted()))
	case u.RawQuery != "" || u.Fragment != "":
		return nil, failure.Invalid(fmt.Sprintf("The tracking URI '%s' has a query or a fragment, which the URI of a server has not", u.Redacted()))
	}
	s := &Store{close: func() {}}
	if s.options, err = fromEnvironment(); err != nil {
		return nil, err
	}
	if user := u.User; user != nil {
		password, _ := user.Password()
		s.authorization = basic(user.Username(), password)
	}
	for _, o := range opts {
		o(&s.options)
	}
	if err := s.checkHeaders(); err != nil {
		return nil, err
	}
	if s.logger == nil {
		s.logger = slog.Default()
	}
	if s.transport == nil {
		own, err := newTransport()
		if err != nil {
			return nil, err
		}
		s.transport, s.close = own, own.CloseIdleConnections
	}
	u.User, u.Path, u.RawPath = nil, strings.TrimRight(u.Path, "/"), ""
	s.base = u.String()
	s.client = &http.Client{Transport: s.transport, CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	return s, nil
}

// URI is the URI of the server, without credentials.
func (s *Store) URI() string { return s.base }

// Close releases the connections.
func (s *Store) Close() error {
	if !s.closed.Swap(true) {
		s.close()
	}
	return nil
}

// begin is the beginning of every call.
func (s *Store) begin(ctx context.Context) error {
	if s.closed.Load() {
		return mlruns.ErrClosed
	}
	return ctx.Err()
}

// tell gives problems to who asked for them, else to the logger.
func (s *Store) tell(to func(mlruns.Problem), problems []mlruns.Problem) {
	for _, p := range problems {
		if to != nil {
			to(p)
			continue
		}
		s.logger.Warn("the server met a problem in its store", "problem", p.String())
	}
}

// fail makes the error of a call.
func fail(op, id string, err error) error {
	if err == nil {
		return nil
	}
	return &mlruns.Error{Op: op, ID: id, Err: err}
}
