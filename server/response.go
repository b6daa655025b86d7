package server

import (
	"io"
	"net/http"
	"time"
)

// Access is a request that has been answered. It has no query and no header: they may hold what is
// nobody's business.
type Access struct {
	Method, Path string
	// Remote is the address of who asked.
	Remote string
	Status int
	// Bytes is the size of the body that was sent.
	Bytes int64
	Took  time.Duration
	// Err is the store's error behind a refusal, nil if there is none.
	Err error
}

// logged tells of each request, and holds both sides of it to their patience.
func (s *server) logged(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		begin := time.Now()
		out := &response{ResponseWriter: w, control: http.NewResponseController(w), patience: s.options.patience}
		// A connection keeps what the request before it has set; who cannot set it has no limits.
		_ = out.control.SetWriteDeadline(time.Time{})
		if r.Body != nil && r.Body != http.NoBody {
			r.Body = &requestBody{ReadCloser: r.Body, response: out}
		}
		if s.metrics != nil {
			s.metrics.begin()
		}
		defer func() {
			if s.metrics != nil {
				s.metrics.end(out.route, r.Method, out.status, out.sent, time.Since(begin))
			}
			if s.options.log != nil {
				s.options.log(Access{r.Method, r.URL.Path, r.RemoteAddr, out.status, out.sent, time.Since(begin), out.cause})
			}
		}()
		next.ServeHTTP(out, r)
	})
}

// response counts what is sent. Who does not take a piece of it in time has gone.
type response struct {
	http.ResponseWriter
	control  *http.ResponseController
	patience time.Duration
	route    string // for the metrics
	status   int
	sent     int64
	cause    error
}

// note keeps the error behind a refusal for the log.
func note(w http.ResponseWriter, err error) {
	if r, ok := w.(*response); ok {
		r.cause = err
	}
}

func (r *response) WriteHeader(status int) {
	if r.status == 0 {
		r.status = status
	}
	r.ResponseWriter.WriteHeader(status)
}

// piece is how much is to be taken within the patience.
const piece = 64 << 10

func (r *response) Write(p []byte) (n int, err error) {
	if r.status == 0 {
		r.status = http.StatusOK
	}
	for err == nil && n < len(p) {
		_ = r.control.SetWriteDeadline(time.Now().Add(r.patience))
		var m int
		m, err = r.ResponseWriter.Write(p[n:min(len(p), n+piece)])
		n += m
	}
	r.sent += int64(n)
	return n, err
}

// Unwrap is for http.ResponseController.
func (r *response) Unwrap() http.ResponseWriter { return r.ResponseWriter }

// requestBody is a body whose sender must go on: a piece within the patience, however long the
// whole takes.
type requestBody struct {
	io.ReadCloser
	response *response
	arrived  int64
	due      int64 // what must have arrived before the deadline moves
}

func (b *requestBody) Read(p []byte) (int, error) {
	if b.arrived >= b.due {
		b.due = b.arrived + piece/4
		_ = b.response.control.SetReadDeadline(time.Now().Add(b.response.patience))
	}
	n, err := b.ReadCloser.Read(p)
	b.arrived += int64(n)
	if err != nil {
		// While the answer is made nothing is waited for.
		_ = b.response.control.SetReadDeadline(time.Time{})
	}
	return n, err
}
