//go:build interop

package main

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"time"
)

// pointsAlone sends the points of all runs in the largest batches there may be, four requests at a
// time, and waits for nothing else: no client can push them to this server in less.
func (p *pushes) pointsAlone(ctx context.Context, uri string) error {
	var bodies []string
	for k := range p.keys {
		for first := 0; first < p.points; first += 1000 {
			var points []map[string]any
			for j := first; j < min(p.points, first+1000); j++ {
				points = append(points, map[string]any{"key": fmt.Sprintf("m%d", k), "value": float64(j) / float64(k+1), "timestamp": 1_700_000_000_000 + j, "step": j})
			}
			text, err := json.Marshal(points)
			if err != nil {
				return err
			}
			bodies = append(bodies, string(text))
		}
	}
	var all sync.WaitGroup
	runs, failed := make(chan int), make(chan error, 4)
	for range 4 {
		all.Go(func() {
			for range runs {
				if err := sendPoints(ctx, uri, bodies); err != nil {
					select {
					case failed <- err:
					default:
					}
				}
			}
		})
	}
	for i := range p.runs {
		runs <- i
	}
	close(runs)
	all.Wait()
	close(failed)
	return <-failed
}

// sendPoints makes a run and logs its points.
func sendPoints(ctx context.Context, uri string, bodies []string) error {
	var made struct {
		Run struct {
			Info struct {
				ID string `json:"run_id"`
			}
		}
	}
	text, err := post(ctx, uri+"/api/2.0/mlflow/runs/create", `{"experiment_id":"0","user_id":"u","start_time":1}`)
	if err == nil {
		err = json.Unmarshal(text, &made)
	}
	for i := 0; err == nil && i < len(bodies); i++ {
		_, err = post(ctx, uri+"/api/2.0/mlflow/runs/log-batch", fmt.Sprintf(`{"run_id":%q,"metrics":%s}`, made.Run.Info.ID, bodies[i]))
	}
	return err
}

func post(ctx context.Context, uri string, body string) ([]byte, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, uri, strings.NewReader(body))
	if err != nil {
		return nil, err
	}
	req.Header.Set("Content-Type", "application/json")
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		return nil, err
	}
	defer res.Body.Close()
	text, err := io.ReadAll(res.Body)
	if err == nil && res.StatusCode != http.StatusOK {
		err = fmt.Errorf("%s: %s: %.300s", uri, res.Status, text)
	}
	return text, err
}

// settle waits until a server that answers has done starting.
func (p *process) settle() {
	for last, end := p.processor(), time.Now().Add(time.Minute); time.Now().Before(end); {
		time.Sleep(2 * time.Second)
		now := p.processor()
		if now-last < 100*time.Millisecond {
			return
		}
		last = now
	}
}

// processor is the processor time that the processes of a server have used, 0 where the system does
// not tell.
func (p *process) processor() (sum time.Duration) {
	const ticks = 100 // a second, everywhere that Linux runs
	all, _ := filepath.Glob("/proc/[0-9]*/stat")
	for _, name := range all {
		pid, _ := strconv.Atoi(filepath.Base(filepath.Dir(name)))
		if group, err := syscall.Getpgid(pid); err != nil || group != p.cmd.Process.Pid {
			continue
		}
		text, _ := os.ReadFile(name)
		_, rest, _ := strings.Cut(string(text), ") ") // the name before it may have blanks
		if values := strings.Fields(rest); len(values) > 12 {
			user, _ := strconv.ParseInt(values[11], 10, 64)
			system, _ := strconv.ParseInt(values[12], 10, 64)
			sum += time.Duration(user+system) * time.Second / ticks
		}
	}
	return sum
}
