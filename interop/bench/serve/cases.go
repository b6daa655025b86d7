//go:build interop

package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"slices"
	"sync"
	"time"
)

// client asks a server.
type client struct {
	uri  string
	http *http.Client
	run  string
	n    int
}

func newClient(uri string) *client {
	return &client{uri: uri, http: &http.Client{Transport: &http.Transport{MaxIdleConnsPerHost: 64}}}
}

func (c *client) get(path string) ([]byte, error) { return c.read(c.http.Get(c.uri + path)) }

func (c *client) post(call, body string) ([]byte, error) {
	return c.read(c.http.Post(c.uri+"/api/2.0/mlflow/"+call, "application/json", bytes.NewReader([]byte(body))))
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

// prepare makes the runs that are searched: five metrics and five params each.
func (c *client) prepare() error {
	places := make(chan struct{}, 8)
	failed := make(chan error, *runs)
	var done sync.WaitGroup
	for i := range *runs {
		places <- struct{}{}
		done.Go(func() {
			defer func() { <-places }()
			id, err := c.create()
			if err == nil {
				_, err = c.post("runs/log-batch", values(id, i))
			}
			if err != nil {
				failed <- err
			}
		})
	}
	done.Wait()
	close(failed)
	if err := <-failed; err != nil {
		return err
	}
	var err error
	if c.run, err = c.create(); err != nil {
		return err
	}
	_, err = c.post("runs/log-batch", values(c.run, 0))
	return err
}

func values(id string, i int) string {
	metrics, params, between := "", "", ""
	for k := range 5 {
		metrics += fmt.Sprintf(`%s{"key":"m%d","value":%g,"timestamp":1700000000000,"step":0}`, between, k, float64(i)/1000)
		params += fmt.Sprintf(`%s{"key":"p%d","value":"%d"}`, between, k, i)
		between = ","
	}
	return fmt.Sprintf(`{"run_id":%q,"metrics":[%s],"params":[%s]}`, id, metrics, params)
}

// timed is a request that is made some times.
type timed struct {
	name    string
	clients int
	part    int // of the times that the flag names
	do      func(c *client, n int) error
}

var cases = []timed{
	{"log-metric, 1 connection", 1, 1, logMetric},
	{"log-metric, 16 connections", 16, 1, logMetric},
	{"log-batch of 1,000 points", 1, 10, logBatch},
	{"runs/get", 1, 1, func(c *client, _ int) error {
		_, err := c.get("/api/2.0/mlflow/runs/get?run_id=" + c.run)
		return err
	}},
	{"runs/create", 1, 4, func(c *client, _ int) error {
		_, err := c.create()
		return err
	}},
	{"runs/search, a filter", 1, 40, func(c *client, _ int) error { return search(c, `metrics.m0 < 0.01`) }},
	{"runs/search, 1,000 results", 1, 40, func(c *client, _ int) error { return search(c, "") }},
}

func logMetric(c *client, n int) error {
	_, err := c.post("runs/log-metric", fmt.Sprintf(`{"run_uuid":%[1]q,"run_id":%[1]q,"key":"loss","value":0.25,"timestamp":1700000000000,"step":%[2]d}`, c.run, n))
	return err
}

func logBatch(c *client, n int) error {
	body := fmt.Appendf(nil, `{"run_id":%q,"metrics":[`, c.run)
	for i := range 1000 {
		if i > 0 {
			body = append(body, ',')
		}
		body = fmt.Appendf(body, `{"key":"batch","value":0.12345678901234567,"timestamp":1700000000000,"step":%d}`, n*1000+i)
	}
	_, err := c.post("runs/log-batch", string(append(body, `]}`...)))
	return err
}

func search(c *client, filter string) error {
	_, err := c.post("runs/search", fmt.Sprintf(`{"experiment_ids":["0"],"filter":%q,"max_results":1000}`, filter))
	return err
}

// median is the median of the times that one request takes.
func (t timed) median(c *client) (time.Duration, error) {
	var mu sync.Mutex
	var took []time.Duration
	var failed error
	var done sync.WaitGroup
	n := max(*times/t.part, 3)
	for range t.clients {
		done.Go(func() {
			for range n {
				mu.Lock()
				c.n++
				number := c.n
				mu.Unlock()
				begin := time.Now()
				err := t.do(c, number)
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
	return took[len(took)/2].Round(10 * time.Microsecond), failed
}
