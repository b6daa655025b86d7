package server

import (
	"fmt"
	"maps"
	"math"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"
)

// metrics counts requests for Prometheus. Labels are of a bounded number of values: the route, not
// the path, of a request, and no method that somebody has made up.
type metrics struct {
	// open tells how many connections there are; nil if that is not known.
	open func() int

	mu       sync.Mutex
	underWay int
	sent     int64
	requests map[requestKind]int64
	times    map[string]*timesOf // by route
}

type requestKind struct {
	route, method string
	status        int
}

// timesOf is how long the requests of a route took.
type timesOf struct {
	within  []int64 // of durationBounds, each with those before it, and of all
	seconds float64
}

// durationBounds are in seconds. A point takes less than the first.
var durationBounds = []float64{0.001, 0.005, 0.025, 0.1, 0.5, 2.5, 10}

func newMetrics(open func() int) *metrics {
	return &metrics{open: open, requests: map[requestKind]int64{}, times: map[string]*timesOf{}}
}

func (m *metrics) begin() {
	m.mu.Lock()
	m.underWay++
	m.mu.Unlock()
}

func (m *metrics) end(route, method string, status int, sent int64, took time.Duration) {
	if route == "" {
		route = "other"
	}
	if !slices.Contains(knownMethods, method) {
		method = "other"
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	m.underWay--
	m.sent += sent
	m.requests[requestKind{route, method, status}]++
	times := m.times[route]
	if times == nil {
		times = &timesOf{within: make([]int64, len(durationBounds)+1)}
		m.times[route] = times
	}
	seconds := took.Seconds()
	times.seconds += seconds
	for i := range times.within {
		if i == len(durationBounds) || seconds <= durationBounds[i] {
			times.within[i]++
		}
	}
}

var knownMethods = []string{http.MethodGet, http.MethodHead, http.MethodPost, http.MethodPut, http.MethodPatch, http.MethodDelete, http.MethodOptions}

// text is what Prometheus reads, its format 0.0.4.
func (m *metrics) text() string {
	m.mu.Lock()
	defer m.mu.Unlock()
	var b strings.Builder
	head := func(name, kind, help string) { fmt.Fprintf(&b, "# HELP %s %s\n# TYPE %s %s\n", name, help, name, kind) }
	head("mlruns_http_requests_total", "counter", "Requests that have been answered.")
	kinds := slices.SortedFunc(maps.Keys(m.requests), func(x, y requestKind) int {
		return strings.Compare(fmt.Sprint(x), fmt.Sprint(y))
	})
	for _, k := range kinds {
		fmt.Fprintf(&b, "mlruns_http_requests_total{endpoint=%q,method=%q,code=\"%d\"} %d\n", k.route, k.method, k.status, m.requests[k])
	}
	head("mlruns_http_request_duration_seconds", "histogram", "How long requests took, with sending the answer.")
	for _, route := range slices.Sorted(maps.Keys(m.times)) {
		times := m.times[route]
		for i, n := range times.within {
			bound := math.Inf(1)
			if i < len(durationBounds) {
				bound = durationBounds[i]
			}
			fmt.Fprintf(&b, "mlruns_http_request_duration_seconds_bucket{endpoint=%q,le=%q} %d\n", route, strconv.FormatFloat(bound, 'g', -1, 64), n)
		}
		fmt.Fprintf(&b, "mlruns_http_request_duration_seconds_sum{endpoint=%q} %s\n", route, strconv.FormatFloat(times.seconds, 'g', -1, 64))
		fmt.Fprintf(&b, "mlruns_http_request_duration_seconds_count{endpoint=%q} %d\n", route, times.within[len(durationBounds)])
	}
	head("mlruns_http_response_bytes_total", "counter", "Bytes of bodies that were sent.")
	fmt.Fprintf(&b, "mlruns_http_response_bytes_total %d\n", m.sent)
	head("mlruns_http_requests_in_flight", "gauge", "Requests that are being answered.")
	fmt.Fprintf(&b, "mlruns_http_requests_in_flight %d\n", m.underWay)
	if m.open != nil {
		head("mlruns_http_connections", "gauge", "Connections that are open.")
		fmt.Fprintf(&b, "mlruns_http_connections %d\n", m.open())
	}
	return b.String()
}

// showMetrics answers Prometheus, where that is wanted.
func (s *server) showMetrics(w http.ResponseWriter, r *http.Request, _ string) {
	if s.metrics == nil {
		s.noEndpoint(w, r, r.URL.Path)
		return
	}
	sendText(w, "text/plain; version=0.0.4; charset=utf-8", s.metrics.text())
}
