//go:build interop

package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/mlruns/mlruns"
	"github.com/mlruns/mlruns/filestore"
)

// client asks a server.
type client struct {
	uri  string
	http *http.Client
	// run is one that is logged to, stored how many runs the store was filled with.
	run    string
	stored int

	mu sync.Mutex
	n  int64
}

func newClient(uri string, stored int) *client {
	return &client{uri: uri, stored: stored, http: &http.Client{Transport: &http.Transport{MaxIdleConnsPerHost: 64}}}
}

// next gives another number each time.
func (c *client) next() int64 {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.n++
	return c.n
}

func (c *client) get(path string) ([]byte, error) { return c.read(c.http.Get(c.uri + path)) }

func (c *client) post(call, body string) ([]byte, error) {
	return c.read(c.http.Post(c.uri+"/api/2.0/mlflow/"+call, "application/json", strings.NewReader(body)))
}

func (c *client) read(res *http.Response, err error) ([]byte, error) {
	if err != nil {
		return nil, err
	}
	defer res.Body.Close()
	text, err := io.ReadAll(res.Body)
	if err == nil && res.StatusCode != http.StatusOK {
		err = fmt.Errorf("%d %s", res.StatusCode, text)
	}
	return text, err
}

func (c *client) create() (string, error) {
	text, err := c.post("runs/create", `{"experiment_id":"0","start_time":1700000000000}`)
	var answer struct {
		Run struct {
			Info struct {
				ID string `json:"run_id"`
			} `json:"info"`
		} `json:"run"`
	}
	if err == nil {
		err = json.Unmarshal(text, &answer)
	}
	return answer.Run.Info.ID, err
}

// request is one that is timed.
type request struct {
	what    string
	clients int
	// wanted is how many times as fast as MLflow's server ours is to be.
	wanted float64
	do     func(c *client) error
}

var requests = []request{
	{"log-metric, 1 connection", 1, 20, logMetric},
	{"log-batch of 1,000 points", 1, 30, logBatch},
	{"get-run among 10,000 runs", 1, 15, func(c *client) error {
		_, err := c.get("/api/2.0/mlflow/runs/get?run_id=" + runID(int(c.next()*7919)%c.stored))
		return err
	}},
	{"search of 10,000 runs", 1, 8, func(c *client) error { return c.search(filter, order) }},
	{whatAll, 1, 0, func(c *client) error { return c.search("", nil) }},
	{"create-run", 1, 0, func(c *client) error {
		_, err := c.create()
		return err
	}},
	{"log-metric, 16 connections", 16, 20, logMetric},
}

const whatAll = "the first 1,000 of 10,000 runs"

func point(key string, step int64) string {
	return fmt.Sprintf(`"key":%q,"value":0.12345678901234567,"timestamp":1700000000000,"step":%d`, key, step)
}

func logMetric(c *client) error {
	_, err := c.post("runs/log-metric", fmt.Sprintf(`{"run_uuid":%[1]q,"run_id":%[1]q,%[2]s}`, c.run, point("loss", c.next())))
	return err
}

func logBatch(c *client) error {
	points := make([]string, mlruns.MaxBatchMetrics)
	for i := range points {
		points[i] = "{" + point("batch", c.next()) + "}"
	}
	_, err := c.post("runs/log-batch", fmt.Sprintf(`{"run_id":%q,"metrics":[%s]}`, c.run, strings.Join(points, ",")))
	return err
}

func (c *client) search(filter string, order []string) error {
	body, err := json.Marshal(map[string]any{"experiment_ids": []string{"0"}, "filter": filter, "order_by": order, "max_results": 1000})
	if err != nil {
		return err
	}
	text, err := c.post("runs/search", string(body))
	if err == nil && !strings.Contains(string(text), `"lifecycle_stage"`) {
		err = errors.New("nothing was found")
	}
	return err
}

// median has a request made, after a first time, until enough was seen: 5 s, or so many times.
// Where the first takes long enough it is the only one.
func (r request) median(c *client, most int) (time.Duration, error) {
	begin := time.Now()
	if err := r.do(c); err != nil || time.Since(begin) > 3*time.Second {
		return time.Since(begin), err
	}
	var mu sync.Mutex
	var took []time.Duration
	var failed error
	var done sync.WaitGroup
	end := time.Now().Add(5 * time.Second)
	for range r.clients {
		done.Go(func() {
			for n := 0; n == 0 || n < most && time.Now().Before(end); n++ {
				begin := time.Now()
				err := r.do(c)
				mu.Lock()
				took = append(took, time.Since(begin))
				if err != nil {
					failed = err
				}
				mu.Unlock()
			}
		})
	}
	done.Wait()
	slices.Sort(took)
	return took[len(took)/2], failed
}

// beyondTheStore is how much longer the request of whatAll takes than the library does, of which
// each is made in turn.
func beyondTheStore(ctx context.Context, c *client, dir string) (time.Duration, error) {
	store, err := filestore.Open(dir, filestore.WithReadOnly())
	if err != nil {
		return 0, err
	}
	defer store.Close()
	var served, direct []time.Duration
	for range 11 {
		begin := time.Now()
		if err := c.search("", nil); err != nil {
			return 0, err
		}
		served = append(served, time.Since(begin))
		begin = time.Now()
		if _, err := store.SearchRuns(ctx, mlruns.RunQuery{Experiments: []string{"0"}, MaxResults: 1000}); err != nil {
			return 0, err
		}
		direct = append(direct, time.Since(begin))
	}
	slices.Sort(served)
	slices.Sort(direct)
	return served[len(served)/2] - direct[len(direct)/2], nil
}
