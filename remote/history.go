package remote

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"iter"
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
		for more := err == nil; more; {
			if err = h.page(ctx); err != nil || h.left {
				break
			}
			s.tell(q.OnProblem, h.problems)
			more = h.token != ""
			h.query.Set("page_token", h.token)
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
}

// page gives the points of a page. A page that was cut is asked for again, and what was given of it
// skipped.
func (h *history) page(ctx context.Context) error {
	h.given = 0
	c := call{method: http.MethodGet, path: "2.0/mlflow/metrics/get-history", query: h.query}
	_, err := h.store.send(ctx, c, func(body io.Reader) error {
		h.token, h.problems = "", nil
		err := h.read(json.NewDecoder(body))
		if syntax := (*json.SyntaxError)(nil); errors.As(err, &syntax) {
			return &strangeAnswer{fmt.Errorf("%s sent a history that cannot be understood: %w", h.store.base, err)}
		}
		return err
	})
	if stop := (*stopReading)(nil); errors.As(err, &stop) {
		return nil
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
		if !h.yield(m.Entity(), nil) {
			h.left = true
			return &stopReading{}
		}
	}
	_, err = d.Token()
	return err
}
