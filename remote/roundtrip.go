package remote

import (
	"context"
	"errors"
	"io"
	"net/http"
	"time"
)

var errSilent = errors.New("the other side was silent for too long")

// response is an answer whose body ends the request when it is closed.
type response struct {
	*http.Response
	watch *watch
}

// Close releases the connection.
func (r *response) Close() error {
	err := r.Body.Close()
	r.watch.end()
	return err
}

// roundTrip sends one request. The other side may be silent for the time-out, while the request is
// sent, while the answer is awaited, and while its body is read.
func (s *Store) roundTrip(ctx context.Context, method, target string, header http.Header, body io.Reader, length int64) (*response, error) {
	ctx, cancel := context.WithCancelCause(ctx)
	w := &watch{patience: s.timeout, cancel: cancel}
	w.timer = time.AfterFunc(s.timeout, func() { cancel(errSilent) })
	r, err := http.NewRequestWithContext(ctx, method, target, body)
	if err != nil {
		w.end()
		return nil, err
	}
	if body != nil {
		r.ContentLength = length
		if length < 0 || length > smallBody {
			r.Body, r.GetBody = &watched{r.Body, w}, nil
		}
	}
	r.Header = header
	r.Header.Set("User-Agent", "mlruns")
	if s.authorization != "" {
		r.Header.Set("Authorization", s.authorization)
	}
	if s.workspace != "" {
		r.Header.Set("X-Mlflow-Workspace", s.workspace)
	}
	res, err := s.client.Do(r) //nolint:bodyclose // who asked closes it
	if err != nil {
		if errors.Is(context.Cause(ctx), errSilent) {
			err = errSilent
		}
		w.end()
		return nil, bare(err)
	}
	s.reached.Store(true)
	w.moved()
	res.Body = &watched{res.Body, w}
	return &response{res, w}, nil
}

// smallBody is the size up to which a body is taken for sent at once.
const smallBody = 64 << 10

// watch ends a request whose other side is silent.
type watch struct {
	patience time.Duration
	timer    *time.Timer
	cancel   context.CancelCauseFunc
}

func (w *watch) moved() { w.timer.Reset(w.patience) }

func (w *watch) end() {
	w.timer.Stop()
	w.cancel(nil)
}

// watched is a body each piece of which is a sign of life.
type watched struct {
	io.ReadCloser
	watch *watch
}

func (w *watched) Read(p []byte) (int, error) {
	n, err := w.ReadCloser.Read(p)
	if n > 0 {
		w.watch.moved()
	}
	return n, err
}
