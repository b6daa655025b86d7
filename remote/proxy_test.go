package remote_test

import (
	"bytes"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
)

// proxy stands before a server and does to one request, counted from 0, what a fault says.
type proxy struct {
	*testing.T
	*httptest.Server
	// behind is the URI of the server.
	behind string
	// plain hides what a server of this module has beyond MLflow's.
	plain bool
	// older hides the calls about traces of MLflow 3.2.
	older bool

	mu    sync.Mutex
	n     int
	at    int // which request is met by the fault, -1 for all
	fault fault
	asked []string
}

// fault does something in place of forwarding a request.
type fault func(p *proxy, w http.ResponseWriter, r *http.Request, body []byte)

func newProxy(t *testing.T, behind string) *proxy {
	p := &proxy{T: t, behind: behind, at: -2}
	p.Server = httptest.NewServer(p)
	t.Cleanup(p.Server.Close)
	return p
}

// arm has the request number at, from now on, met by a fault.
func (p *proxy) arm(at int, f fault) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.n, p.at, p.fault, p.asked = 0, at, f, nil
}

// met reports whether a request was met by the fault.
func (p *proxy) met() bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.at == -1 || p.n > p.at
}

func (p *proxy) requests() []string {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.asked
}

func (p *proxy) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(r.Body)
	if err != nil {
		panic(http.ErrAbortHandler)
	}
	if p.plain && strings.HasSuffix(r.URL.Path, "/server-info") {
		http.Error(w, "<html>Not Found</html>", http.StatusNotFound)
		return
	}
	if p.older && strings.HasPrefix(r.URL.Path, "/api/3.0/mlflow/traces") {
		p.mu.Lock()
		p.asked = append(p.asked, r.Method+" "+r.URL.Path)
		p.mu.Unlock()
		http.Error(w, "<html>Not Found</html>", http.StatusNotFound)
		return
	}
	p.mu.Lock()
	n, f := p.n, p.fault
	hit := p.at == -1 || p.at == n
	p.n++
	p.asked = append(p.asked, r.Method+" "+r.URL.Path)
	p.mu.Unlock()
	if hit && f != nil {
		f(p, w, r, body)
		return
	}
	answer(w, p.forward(r, body))
}

// reply is the answer of the server.
type reply struct {
	status int
	header http.Header
	body   []byte
}

// forward sends a request on, and has its answer whole.
func (p *proxy) forward(r *http.Request, body []byte) reply {
	out, err := http.NewRequest(r.Method, p.behind+r.URL.RequestURI(), bytes.NewReader(body))
	if err != nil {
		panic(err)
	}
	out.Header = r.Header.Clone()
	res, err := http.DefaultTransport.RoundTrip(out)
	if err != nil {
		panic(http.ErrAbortHandler)
	}
	defer res.Body.Close()
	content, err := io.ReadAll(res.Body)
	if err != nil {
		panic(http.ErrAbortHandler)
	}
	return reply{res.StatusCode, res.Header, content}
}

func answer(w http.ResponseWriter, r reply) {
	for name, values := range r.header {
		w.Header()[name] = values
	}
	w.WriteHeader(r.status)
	_, _ = w.Write(r.body)
}

// The faults.

// cutBefore ends the connection before the server has heard of the request.
func cutBefore(*proxy, http.ResponseWriter, *http.Request, []byte) { panic(http.ErrAbortHandler) }

// cutAfter ends it when the server has done what was asked.
func cutAfter(p *proxy, _ http.ResponseWriter, r *http.Request, body []byte) {
	p.forward(r, body)
	panic(http.ErrAbortHandler)
}

// cutAnswer ends it in the middle of the answer.
func cutAnswer(p *proxy, w http.ResponseWriter, r *http.Request, body []byte) {
	got := p.forward(r, body)
	half := got.body[:len(got.body)/2]
	answer(w, reply{got.status, got.header, half})
	_ = http.NewResponseController(w).Flush()
	panic(http.ErrAbortHandler)
}

// twice has the server do it twice, as a proxy does that tries again by itself.
func twice(p *proxy, w http.ResponseWriter, r *http.Request, body []byte) {
	first := p.forward(r, body)
	p.forward(r, body)
	answer(w, first)
}

// says answers with a status in the server's place.
func says(status int, header ...string) fault {
	return func(_ *proxy, w http.ResponseWriter, _ *http.Request, _ []byte) {
		for i := 0; i < len(header); i += 2 {
			w.Header().Set(header[i], header[i+1])
		}
		http.Error(w, "upstream trouble", status)
	}
}

// saysAfter does it when the server has done what was asked.
func saysAfter(status int) fault {
	return func(p *proxy, w http.ResponseWriter, r *http.Request, body []byte) {
		p.forward(r, body)
		http.Error(w, "upstream trouble", status)
	}
}
