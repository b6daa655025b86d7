package remote_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"log"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/mlruns/mlruns"
	"github.com/mlruns/mlruns/remote"
)

// TestErrors has answers of servers, MLflow's and others', become sentinels, codes and texts.
func TestErrors(t *testing.T) {
	spoken := func(code, text string) string { return fmt.Sprintf(`{"error_code":%q,"message":%q}`, code, text) }
	for _, c := range []struct {
		status  int
		body    string
		kind    error
		code    mlruns.Code
		message string
	}{
		{404, spoken("RESOURCE_DOES_NOT_EXIST", "Run with id=r not found"), mlruns.ErrNotFound, mlruns.CodeNotFound, "Run with id=r not found"},
		{400, spoken("RESOURCE_ALREADY_EXISTS", "x"), mlruns.ErrExists, mlruns.CodeExists, "x"},
		{400, spoken("INVALID_PARAMETER_VALUE", "x"), mlruns.ErrInvalid, mlruns.CodeInvalidParameter, "x"},
		{400, spoken("BAD_REQUEST", "x"), mlruns.ErrInvalid, "BAD_REQUEST", "x"},
		{400, spoken("INVALID_PARAMETER_VALUE", "The run r must be in the 'active' state. Current state is deleted."), mlruns.ErrNotActive, mlruns.CodeInvalidParameter, ""},
		{400, spoken("INVALID_PARAMETER_VALUE", "The run r must be in 'active' lifecycle_stage."), mlruns.ErrNotActive, mlruns.CodeInvalidParameter, ""},
		{500, spoken("INVALID_STATE", "Could not create run under non-active experiment with ID 1."), mlruns.ErrNotActive, mlruns.CodeInvalidState, ""},
		{500, spoken("INVALID_STATE", "Run 'r' metadata is in invalid state."), mlruns.ErrCorrupt, mlruns.CodeInvalidState, ""},
		{500, spoken("INTERNAL_ERROR", "Cannot delete the default experiment '0'. This is an internally reserved experiment."), mlruns.ErrInvalid, mlruns.CodeInternal, ""},
		{500, spoken("INTERNAL_ERROR", "(sqlite3.IntegrityError) UNIQUE constraint failed: experiments.name"), mlruns.ErrExists, mlruns.CodeInternal, ""},
		{400, spoken("BAD_REQUEST", `(psycopg2.errors.UniqueViolation) duplicate key value violates unique constraint "experiments_name_key"`), mlruns.ErrExists, "BAD_REQUEST", ""},
		{500, spoken("INTERNAL_ERROR", "A string literal cannot contain NUL (0x00) characters."), mlruns.ErrInvalid, mlruns.CodeInvalidParameter, ""},
		{400, spoken("BAD_REQUEST", "(psycopg2.errors.StringDataRightTruncation) value too long for type character varying(256)"), mlruns.ErrInvalid, mlruns.CodeInvalidParameter, ""},
		{500, spoken("INTERNAL_ERROR", "boom"), nil, mlruns.CodeInternal, "boom"},
		{500, spoken("FEATURE_DISABLED", "x"), mlruns.ErrUnsupported, mlruns.CodeFeatureDisabled, "x"},
		{501, spoken("NOT_IMPLEMENTED", "x"), mlruns.ErrUnsupported, mlruns.CodeFeatureDisabled, "x"},
		{403, spoken("PERMISSION_DENIED", "Permission denied"), fs.ErrPermission, mlruns.CodePermissionDenied, "Permission denied"},
		{403, spoken("PERMISSION_DENIED", "read-only store"), mlruns.ErrReadOnly, mlruns.CodePermissionDenied, ""},
		{507, spoken("INTERNAL_ERROR", "append: done but not durable: EIO"), mlruns.ErrNotDurable, mlruns.CodeInternal, ""},
		{503, spoken("TEMPORARILY_UNAVAILABLE", "locked"), mlruns.ErrBusy, mlruns.CodeUnavailable, "locked"},
		{401, "You are not authenticated.", fs.ErrPermission, mlruns.CodePermissionDenied,
			"URI answered 401 Unauthorized: set MLFLOW_TRACKING_TOKEN, or MLFLOW_TRACKING_USERNAME and MLFLOW_TRACKING_PASSWORD"},
		{404, "<html>Not Found</html>", mlruns.ErrUnsupported, mlruns.CodeFeatureDisabled, "There is no 2.0/mlflow/runs/set-tag at URI: this is not the URI of an MLflow server"},
		{413, "<html>", mlruns.ErrInvalid, mlruns.CodeInvalidParameter, "URI answered 413 Request Entity Too Large"},
		{418, "short and stout\nand more", nil, mlruns.CodeInternal, "URI answered 418 I'm a teapot: short and stout"},
		{200, "<html>Log in</html>", mlruns.ErrCorrupt, mlruns.CodeInvalidState, ""},
		{200, "", nil, "", ""},
		{200, "200 OK", nil, "", ""},
	} {
		s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
			w.WriteHeader(c.status)
			_, _ = w.Write([]byte(c.body))
		}))
		err := open(t, s.URL, remote.WithRetries(1, time.Nanosecond)).SetTag(t.Context(), "r", "k", "v")
		if c.kind != nil && !errors.Is(err, c.kind) || mlruns.CodeOf(err) != c.code || c.code == "" && err != nil {
			t.Errorf("%d %s: got %v with the code %s", c.status, c.body, err, mlruns.CodeOf(err))
		}
		if got := strings.ReplaceAll(mlruns.MessageOf(err), s.URL, "URI"); c.message != "" && got != c.message {
			t.Errorf("%d %s: the message is %q", c.status, c.body, got)
		}
		s.Close()
	}
}

// TestRedirectsAreNotFollowed: whoever answers could else have the credentials.
func TestRedirectsAreNotFollowed(t *testing.T) {
	asked := false
	other := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { asked = true }))
	defer other.Close()
	s := httptest.NewServer(http.RedirectHandler(other.URL+"/login?secret=1", http.StatusFound))
	defer s.Close()
	_, err := open(t, s.URL, remote.WithToken("t")).Run(t.Context(), "r")
	if !errors.Is(err, mlruns.ErrUnsupported) || !strings.Contains(err.Error(), other.URL) || strings.Contains(err.Error(), "secret") || asked {
		t.Errorf("got %v, asked %v", err, asked)
	}
}

// TestLackingIsAskedOnce: what an old server does not have is looked for once.
func TestLackingIsAskedOnce(t *testing.T) {
	n := 0
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { n++; http.NotFound(w, nil) }))
	defer s.Close()
	store := open(t, s.URL)
	for range 3 {
		err := store.LogOutputs(t.Context(), "r", mlruns.Outputs{})
		want := "The server at " + s.URL + " does not have 2.0/mlflow/runs/outputs, which MLflow has from 3.0 on"
		if !errors.Is(err, mlruns.ErrUnsupported) || mlruns.MessageOf(err) != want {
			t.Errorf("got %v", err)
		}
	}
	if n != 1 {
		t.Errorf("asked %d times", n)
	}
}

// TestRetryAfter has the server say when to come again.
func TestRetryAfter(t *testing.T) {
	for _, c := range []struct {
		after string
		tries int
	}{{"0", 3}, {"", 3}, {"nonsense", 3}, {"86400", 1}, {time.Now().Add(24 * time.Hour).UTC().Format(http.TimeFormat), 1}, {"Mon, 02 Jan 2006 15:04:05 GMT", 3}} {
		n := 0
		s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
			n++
			w.Header().Set("Retry-After", c.after)
			http.Error(w, "later", http.StatusTooManyRequests)
		}))
		err := open(t, s.URL, remote.WithRetries(2, time.Nanosecond)).SetTag(t.Context(), "r", "k", "v")
		if !errors.Is(err, mlruns.ErrBusy) || n != c.tries {
			t.Errorf("Retry-After %q: %v after %d tries, want %d", c.after, err, n, c.tries)
		}
		s.Close()
	}
	// A wait ends with the context, and says what it was for.
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Retry-After", "100")
		http.Error(w, "later", http.StatusServiceUnavailable)
	}))
	defer s.Close()
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	_, err := open(t, s.URL, remote.WithTransport(thenCall(cancel))).Run(ctx, "r")
	if !errors.Is(err, context.Canceled) || !strings.Contains(err.Error(), "later") {
		t.Errorf("got %v", err)
	}
}

// thenCall is called when an answer has been read.
type thenCall func()

func (f thenCall) RoundTrip(r *http.Request) (*http.Response, error) {
	res, err := http.DefaultTransport.RoundTrip(r)
	if err == nil {
		res.Body = closeCalls{res.Body, f}
	}
	return res, err
}

type closeCalls struct {
	io.ReadCloser
	f func()
}

func (c closeCalls) Close() error {
	defer c.f()
	return c.ReadCloser.Close()
}

// silent is a server that says nothing, and tells of each request that has arrived.
func silent(t *testing.T) (uri string, arrived chan struct{}) {
	release, arrived := make(chan struct{}), make(chan struct{}, 10)
	s := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		arrived <- struct{}{}
		select {
		case <-r.Context().Done():
		case <-release:
		}
	}))
	t.Cleanup(func() { close(release); s.Close() })
	return s.URL, arrived
}

// TestSilence ends a request whose other side says nothing for too long.
func TestSilence(t *testing.T) {
	uri, _ := silent(t)
	err := open(t, uri, remote.WithTimeout(20*time.Millisecond)).LogMetric(t.Context(), "r", mlruns.Metric{Key: "m"})
	if !errors.Is(err, mlruns.ErrUnconfirmed) || !strings.Contains(err.Error(), "silent") {
		t.Errorf("got %v", err)
	}
}

// TestCancelled ends a request with its context: what was sent may have been done.
func TestCancelled(t *testing.T) {
	uri, arrived := silent(t)
	ctx, cancel := context.WithCancel(t.Context())
	go func() { <-arrived; cancel() }()
	err := open(t, uri).LogMetric(ctx, "r", mlruns.Metric{Key: "m"})
	if !errors.Is(err, mlruns.ErrUnconfirmed) || !errors.Is(err, context.Canceled) {
		t.Errorf("while the answer is awaited: %v", err)
	}
	if err = open(t, uri).LogMetric(ctx, "r", mlruns.Metric{Key: "m"}); errors.Is(err, mlruns.ErrUnconfirmed) || !errors.Is(err, context.Canceled) {
		t.Errorf("before: %v", err)
	}
}

// TestUnreachable is about a server that is not there: nothing was sent, and calling again is safe,
// whatever was called.
func TestUnreachable(t *testing.T) {
	s := httptest.NewServer(http.NotFoundHandler())
	s.Close()
	err := open(t, s.URL).LogMetric(t.Context(), "r", mlruns.Metric{Key: "m"})
	if !errors.Is(err, mlruns.ErrBusy) || errors.Is(err, mlruns.ErrUnconfirmed) || !strings.Contains(err.Error(), "cannot be reached") {
		t.Errorf("got %v", err)
	}
}

// A server that does not speak TLS will not do so the next time: it is asked once.
func TestNoTLS(t *testing.T) {
	var asked atomic.Int64
	s := httptest.NewUnstartedServer(http.NotFoundHandler())
	s.Config.ErrorLog = log.New(io.Discard, "", 0)
	s.Config.ConnState = func(_ net.Conn, state http.ConnState) {
		if state == http.StateNew {
			asked.Add(1)
		}
	}
	s.Start()
	defer s.Close()
	err := open(t, strings.Replace(s.URL, "http", "https", 1), remote.WithRetries(5, time.Millisecond)).LogMetric(t.Context(), "r", mlruns.Metric{Key: "m"})
	if errors.Is(err, mlruns.ErrUnconfirmed) || !strings.Contains(err.Error(), "HTTP response to HTTPS client") || asked.Load() != 1 {
		t.Errorf("asked %d times, got %v", asked.Load(), err)
	}
}

func TestClosed(t *testing.T) {
	store := open(t, "http://localhost:1")
	if err := errors.Join(store.Close(), store.Close()); err != nil {
		t.Fatal(err)
	}
	if _, err := store.Run(t.Context(), "r"); !errors.Is(err, mlruns.ErrClosed) {
		t.Errorf("got %v", err)
	}
}
