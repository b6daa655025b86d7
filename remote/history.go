package remote

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"iter"
	"math"
	"net/http"
	"net/url"
	"strconv"

	"github.com/mlruns/mlruns"
	"github.com/mlruns/mlruns/internal/validate"
	"github.com/mlruns/mlruns/internal/wire"
)

// historyPage is how many points are asked for at once. Servers before MLflow 2 send all.
const historyPage = 25000

// MetricHistory implements mlruns.Store. Points are given while they arrive. A server of MLflow
// that has a database gives them by time, step and value, and equal ones once.
func (s *Store) MetricHistory(ctx context.Context, runID, key string, q mlruns.HistoryQuery) iter.Seq2[mlruns.Metric, error] {
	return func(yield func(mlruns.Metric, error) bool) {
		err := firstOf(validate.RunID(runID), validate.Text("metric_key", key))
		h := &history{store: s, query: url.Values{"run_id": {runID}, "run_uuid": {runID}, "metric_key": {key}, "max_results": {strconv.Itoa(historyPage)}}, yield: yield}
		for more := err == nil; more && err == nil; {
			if err = h.page(ctx); err != nil || h.left {
				break
			}
			s.tell(q.OnProblem, h.problems)
			more = h.token != ""
			h.query.Set("page_token", h.token)
			if more {
				err = h.goesOn(ctx)
			}
		}
		if err != nil && !h.left {
			yield(mlruns.Metric{}, fail("metric history", runID, err))
		}
	}
}

// history reads a metric's points page by page.
type history struct {
	store *Store
	query url.Values
	yield func(mlruns.Metric, error) bool
	// given counts the points of the page that have been given, over all tries.
	given    int
	token    string
	problems []mlruns.Problem
	// left reports whether who reads has gone.
	left bool
	// last is the point that was given last, and unsorted says that not each was behind the one
	// before it, as they are in a database.
	last     *mlruns.Metric
	unsorted bool
	// shifts says that what is asked for next may begin with what was given already.
	shifts bool
}

// goesOn is called before more of the history is asked for. A server of MLflow counts points from
// the first, in the order of a database, so that a point which comes meanwhile, and is older, has
// the next page begin with points of the last one.
func (h *history) goesOn(ctx context.Context) error {
	e, err := h.store.extensions(ctx)
	h.shifts = err == nil && e.Version == ""
	return err
}

// again reports whether a point was given before.
func (h *history) again(m *mlruns.Metric) bool {
	if h.last == nil {
		return false
	}
	order := cmp.Or(m.Time.Compare(h.last.Time), cmp.Compare(m.Step, h.last.Step), cmp.Compare(number(m.Value), number(h.last.Value)))
	same := order == 0 && math.IsNaN(m.Value) == math.IsNaN(h.last.Value)
	if h.shifts && !h.unsorted && (order < 0 || same) {
		return true
	}
	h.unsorted = h.unsorted || order < 0 || same
	return false
}

// number is a value as a database sorts it.
func number(v float64) float64 {
	if math.IsNaN(v) {
		return 0
	}
	return v
}

// page gives the points of a page. A page that was cut is asked for again, and what was given of it
// skipped.
func (h *history) page(ctx context.Context) error {
	h.given = 0
	c := call{method: http.MethodGet, path: "2.0/mlflow/metrics/get-history", query: h.query}
	_, err := h.store.send(ctx, c, func(body io.Reader) error {
		h.token, h.problems = "", nil
		if h.given > 0 { // the page was cut
			if err := h.goesOn(ctx); err != nil {
				return &stopReading{err}
			}
		}
		err := h.read(json.NewDecoder(body))
		if syntax := (*json.SyntaxError)(nil); errors.As(err, &syntax) {
			return &strangeAnswer{fmt.Errorf("%s sent a history that cannot be understood: %w", h.store.base, err)}
		}
		return err
	})
	if stop := (*stopReading)(nil); errors.As(err, &stop) {
		return stop.err
	}
	return err
}

func (h *history) read(d *json.Decoder) error {
	if _, err := d.Token(); err != nil {
		return err
	}
	for d.More() {
		name, err := d.Token()
		if err != nil {
			return err
		}
		switch name {
		case "metrics":
			err = h.points(d)
		case "next_page_token":
			err = d.Decode(&h.token)
		case "problems":
			err = d.Decode(&h.problems)
		default:
			err = d.Decode(new(json.RawMessage))
		}
		if err != nil {
			return err
		}
	}
	_, err := d.Token() // a page that was cut has no end
	return err
}

func (h *history) points(d *json.Decoder) error {
	begin, err := d.Token()
	if err != nil || begin == nil {
		return err
	}
	for n := 0; d.More(); n++ {
		var m wire.Metric
		if err := d.Decode(&m); err != nil {
			return err
		}
		if n < h.given {
			continue
		}
		h.given++
		point := m.Entity()
		if h.again(&point) {
			continue
		}
		h.last = &point
		if !h.yield(point, nil) {
			h.left = true
			return &stopReading{}
		}
	}
	_, err = d.Token()
	return err
}
