package server

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"io"
	"iter"

	"github.com/mlruns/mlruns"
	"github.com/mlruns/mlruns/internal/failure"
	"github.com/mlruns/mlruns/internal/wire"
)

// maxHistory is the largest page of points, MLflow's.
const maxHistory = 25000

// getHistory gives a page of points in the order they were logged, or all where no size is named,
// as clients before MLflow 2 want them.
func (s *server) getHistory(c *call) (any, error) {
	id, key := c.RunID(), c.RequiredText("metric_key")
	page := history{limit: -1}
	if c.Has("max_results") {
		page.limit = c.Limit("max_results", maxHistory, maxHistory)
	}
	token := c.Text("page_token")
	if err := c.Err(); err != nil {
		return nil, err
	}
	var err error
	if page.offset, err = readOffset(token); err != nil {
		return nil, err
	}
	page.problems = &[]mlruns.Problem{}
	page.points = s.store.MetricHistory(c.ctx, id, key, mlruns.HistoryQuery{OnProblem: func(p mlruns.Problem) { *page.problems = append(*page.problems, p) }})
	page.runID = id
	return page, nil
}

// ignore is for what a page has no place to tell: the store's log is for whom the store belongs to.
func ignore(mlruns.Problem) {}

// history is a page of a metric's points.
type history struct {
	points        iter.Seq2[mlruns.Metric, error]
	runID         string
	offset, limit int
	// problems grow while the points are read.
	problems *[]mlruns.Problem
}

// stream implements streamer: a history can be larger than memory.
func (h history) stream(w io.Writer) error {
	list := newLongList(w, "metrics")
	at, token := 0, ""
	for m, err := range h.points {
		if err != nil {
			return err
		}
		if at++; at <= h.offset {
			continue
		}
		if h.limit >= 0 && at > h.offset+h.limit {
			token = writeOffset(h.offset + h.limit)
			break
		}
		if err := list.add(ofRun(h.runID, m)); err != nil {
			return err
		}
	}
	return list.end(token, *h.problems)
}

func ofRun(runID string, m mlruns.Metric) wire.Metric {
	shape := wire.NewMetric(m)
	shape.RunID = runID
	return shape
}

// offsetToken is what MLflow's page tokens hold.
type offsetToken struct {
	Offset int `json:"offset"`
}

func writeOffset(n int) string {
	text, err := json.Marshal(offsetToken{n})
	if err != nil {
		panic(err)
	}
	return base64.StdEncoding.EncodeToString(text)
}

func readOffset(token string) (int, error) {
	if token == "" {
		return 0, nil
	}
	var offset offsetToken
	text, err := base64.StdEncoding.DecodeString(token)
	if err == nil {
		err = json.Unmarshal(text, &offset)
	}
	if err != nil || offset.Offset < 0 {
		return 0, failure.Invalid("Invalid page token, could not base64-decode")
	}
	return offset.Offset, nil
}

// points reads a whole history, at most limit points of it.
func (s *server) points(ctx context.Context, runID, key string, limit int) ([]mlruns.Metric, error) {
	var points []mlruns.Metric
	for m, err := range s.store.MetricHistory(ctx, runID, key, mlruns.HistoryQuery{OnProblem: ignore}) {
		if err != nil {
			return nil, err
		}
		if points = append(points, m); len(points) == limit {
			break
		}
	}
	return points, nil
}
