//go:build unix

package main

import (
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

// crowd are clients that log to one server, each one request at a time to a metric of its own, and
// keep account of what was acknowledged.
type crowd struct {
	*served
	http    *http.Client
	name    string // of the crowd, in those of its metrics
	runs    []string
	clients int
	// acknowledged is how many points of each client were, asked how many it has asked for.
	acknowledged, asked []int64

	mu   sync.Mutex
	took []time.Duration
}

func newCrowd(s *served, clients, runs int) *crowd {
	c := &crowd{served: s, clients: clients, acknowledged: make([]int64, clients), asked: make([]int64, clients)}
	for range runs {
		c.runs = append(c.runs, s.run())
	}
	c.again(s)
	return c
}

// again has the crowd ask another process that serves the same store.
func (c *crowd) again(s *served) {
	c.served = s
	c.http = &http.Client{Transport: &http.Transport{MaxIdleConnsPerHost: c.clients}}
}

// metric is a client's own metric, in one of the runs.
func (c *crowd) metric(client int) (run, key string) {
	return c.runs[client%len(c.runs)], fmt.Sprintf("m%s%d", c.name, client)
}

// work has all clients ask until over, or until the server is gone. No request may be refused.
func (c *crowd) work(over func() bool) {
	var done sync.WaitGroup
	for client := range c.clients {
		done.Go(func() {
			for n := 0; !over(); n++ {
				begin := time.Now()
				gone, err := c.ask(client, n)
				if gone {
					return
				}
				if err != nil {
					c.Error(err)
					return
				}
				c.mu.Lock()
				c.took = append(c.took, time.Since(begin))
				c.mu.Unlock()
			}
		})
	}
	done.Wait()
	c.http.CloseIdleConnections()
}

// answered is how many requests were.
func (c *crowd) answered() int {
	c.mu.Lock()
	defer c.mu.Unlock()
	return len(c.took)
}

// ask sends the client's next request: mostly a point, sometimes a batch of ten, a tag, or a read.
func (c *crowd) ask(client, n int) (gone bool, err error) {
	run, key := c.metric(client)
	at := c.asked[client]
	point := func(step int64) string {
		return fmt.Sprintf(`{"key":%q,"value":%d,"timestamp":1700000000000,"step":%d}`, key, step, step)
	}
	points := int64(1)
	call, body := "runs/log-metric", fmt.Sprintf(`{"run_id":%q,%s`, run, point(at)[1:])
	switch {
	case n%16 == 7:
		points = 10
		list := make([]string, points)
		for i := range points {
			list[i] = point(at + i)
		}
		call, body = "runs/log-batch", fmt.Sprintf(`{"run_id":%q,"metrics":[%s]}`, run, strings.Join(list, ","))
	case n%32 == 11:
		points, call, body = 0, "runs/set-tag", fmt.Sprintf(`{"run_id":%q,"key":"t%s%d","value":"%d"}`, run, c.name, client, n)
	case n%32 == 27:
		points, call, body = 0, "runs/search", `{"experiment_ids":["0"],"max_results":5}`
	}
	c.asked[client] += points
	res, err := c.http.Post(c.uri+"/api/2.0/mlflow/"+call, "application/json", strings.NewReader(body))
	if err != nil {
		return true, nil
	}
	defer func() { _ = res.Body.Close() }()
	text, err := io.ReadAll(res.Body)
	switch {
	case res.StatusCode != http.StatusOK:
		return false, fmt.Errorf("%s is answered %d %s", call, res.StatusCode, text)
	case err != nil:
		return true, nil
	}
	c.acknowledged[client] += points
	return false, nil
}

// account finds every point that was acknowledged on disk, none that was not asked for, and nothing
// wrong with the store but what is allowed.
func (c *crowd) account(allowed ...mlruns.ProblemKind) {
	c.Helper()
	store, err := filestore.Open(c.dir)
	if err != nil {
		c.Fatal(err)
	}
	defer func() { _ = store.Close() }()
	all := int64(0)
	for client := range c.clients {
		run, key := c.metric(client)
		var steps []int64
		for m, err := range store.MetricHistory(c.Context(), run, key, mlruns.HistoryQuery{}) {
			if err != nil && !errors.Is(err, mlruns.ErrNotFound) {
				c.Fatal(err)
			}
			if err == nil {
				steps = append(steps, m.Step)
			}
		}
		got := int64(len(steps))
		all += c.acknowledged[client]
		if got < c.acknowledged[client] || got > c.asked[client] {
			c.Errorf("client %d: %d points are there, %d were acknowledged of %d", client, got, c.acknowledged[client], c.asked[client])
		}
		slices.Sort(steps)
		if len(slices.Compact(steps)) != int(got) {
			c.Errorf("client %d: a point is there twice", client)
		}
	}
	for p, err := range store.Verify(c.Context(), mlruns.VerifyQuery{}) {
		if err != nil {
			c.Fatal(err)
		}
		if !slices.Contains(allowed, p.Kind) {
			c.Errorf("a problem: %v", p)
		}
	}
	if all == 0 {
		c.Error("nothing was acknowledged")
	}
}
