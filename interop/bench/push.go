//go:build interop

package main

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"time"

	"github.com/mlruns/mlruns"
	"github.com/mlruns/mlruns/filestore"
	"github.com/mlruns/mlruns/remote"
)

// pushes measures how long the runs of a folder take to a server: by mlruns copy and by others.
type pushes struct {
	mlruns       string
	others       string // a Python with mlflow-export-import, "" leaves it out
	runs, keys   int
	points       int
	workers      int    // of MLflow's server
	backend      string // a database that is empty, SQLite's if ""
	only         string
	python, top  string
	source, name string
}

// pusher is what pushes.
type pusher struct {
	what    string
	command func(p *pushes, uri, dir string) []string
}

var pushers = []pusher{
	{"mlruns copy", func(p *pushes, uri, _ string) []string { return []string{p.mlruns, "copy", p.source, uri, "--json"} }},
	{"a script over MLflow's client", func(p *pushes, uri, _ string) []string {
		return []string{p.python, "-W", "ignore", "interop/python/push.py", p.source, uri, p.name}
	}},
	{"mlflow-export-import", func(p *pushes, uri, dir string) []string {
		if p.others == "" {
			return nil
		}
		bin, out := filepath.Dir(p.others), filepath.Join(dir, "exported")
		return []string{"sh", "-c", fmt.Sprintf("MLFLOW_TRACKING_URI=file://%s %s/export-experiment --experiment %s --output-dir %s && MLFLOW_TRACKING_URI=%s %s/import-experiment --experiment-name %s --input-dir %s",
			p.source, bin, p.name, out, uri, bin, p.name, out)}
	}},
	{"the points alone, 4 connections", nil},
}

// pushed is what was measured of a push.
type pushed struct {
	took, server time.Duration // server is the processor time of the server
	memory       int64         // of the largest process that pushed
}

func (h *harness) push(ctx context.Context, p *pushes) (err error) {
	if p.top, err = os.MkdirTemp(h.dir, "mlruns-push-"); err != nil {
		return err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(p.top)) }()
	p.python, p.source, p.name = h.python, filepath.Join(p.top, "source"), "pushed"
	if err := p.fill(ctx); err != nil {
		return err
	}
	database := "SQLite"
	if p.backend != "" {
		u, err := url.Parse(p.backend)
		if err != nil {
			return err
		}
		database = u.Scheme
	}
	fmt.Printf("%d runs of %d metrics of %d points each, MLflow's server with %d workers\n\n| server | pushed by | time | of mlruns copy | a run | server's processor, a run | most memory |\n|---|---|---:|---:|---:|---:|---:|\n", p.runs, p.keys, p.points, p.workers)
	for _, s := range []server{
		{"mlflow server, " + database, func(dir, port string) []string {
			backend := p.backend
			if backend == "" {
				backend = "sqlite:///" + filepath.Join(dir, "mlflow.db")
			}
			return []string{h.python, "-W", "ignore", "-m", "mlflow", "server", "--backend-store-uri", backend, "--artifacts-destination", filepath.Join(dir, "artifacts"), "--port", port, "--workers", strconv.Itoa(p.workers)}
		}, 1},
		{"mlruns serve", func(dir, port string) []string {
			return []string{p.mlruns, "serve", "--store", filepath.Join(dir, "served"), "--port", port, "--no-access-log", "--ui", "none"}
		}, 1},
	} {
		var own time.Duration
		for _, by := range pushers {
			if !strings.Contains(s.name+", "+by.what, p.only) {
				continue
			}
			m, err := p.measure(ctx, s, by)
			if err != nil {
				return fmt.Errorf("%s, %s: %w", s.name, by.what, err)
			}
			if m.took == 0 {
				continue
			}
			if own == 0 {
				own = m.took
			}
			memory := ""
			if m.memory > 0 {
				memory = fmt.Sprintf("%.1f MiB", float64(m.memory)/(1<<20))
			}
			n := float64(p.runs)
			fmt.Printf("| %s | %s | %s | %.2f | %s | %s | %s |\n", s.name, by.what, seconds(m.took.Seconds()), float64(m.took)/float64(own), seconds(m.took.Seconds()/n), seconds(m.server.Seconds()/n), memory)
		}
	}
	return nil
}

// measure pushes once to a server that is started for it.
func (p *pushes) measure(ctx context.Context, s server, by pusher) (m pushed, err error) {
	dir, err := os.MkdirTemp(p.top, "server-")
	if err != nil {
		return m, err
	}
	to, err := start(ctx, s, dir)
	if err != nil {
		return m, err
	}
	defer func() { err = errors.Join(err, to.end()) }()
	name := p.name
	if p.backend != "" && s.name != "mlruns serve" { // it is one for all
		if err := p.rename(ctx, to.uri); err != nil {
			return m, err
		}
	}
	to.settle()
	before, begun := to.processor(), time.Now()
	if by.command == nil {
		err = p.pointsAlone(ctx, to.uri)
		m.took = time.Since(begun)
		m.server = to.processor() - before
		return m, err
	}
	args := by.command(p, to.uri, dir)
	if args == nil {
		return m, nil
	}
	cmd := exec.CommandContext(ctx, args[0], args[1:]...)
	cmd.Env = append(os.Environ(), "MLFLOW_ALLOW_FILE_STORE=true", "MLFLOW_DISABLE_TELEMETRY=true")
	said, err := cmd.CombinedOutput()
	if err != nil {
		return m, fmt.Errorf("%w: %.2000s", err, said)
	}
	m.took, m.server = time.Since(begun), to.processor()-before
	if usage, ok := cmd.ProcessState.SysUsage().(*syscall.Rusage); ok {
		m.memory = usage.Maxrss << 10
	}
	return m, p.check(ctx, to.uri, name)
}

// fill makes the folder.
func (p *pushes) fill(ctx context.Context) error {
	s, err := filestore.Open(p.source, filestore.WithSync(filestore.SyncNever))
	if err != nil {
		return err
	}
	defer s.Close()
	e, err := s.CreateExperiment(ctx, mlruns.ExperimentSpec{Name: p.name})
	if err != nil {
		return err
	}
	for i := range p.runs {
		r, err := s.CreateRun(ctx, mlruns.RunSpec{ExperimentID: e.ID, Name: fmt.Sprintf("run-%d", i), Start: time.UnixMilli(1_700_000_000_000 + int64(i))})
		if err != nil {
			return err
		}
		b := mlruns.Batch{}
		for k := range 5 {
			b.Params = append(b.Params, mlruns.Param{Key: fmt.Sprintf("p%d", k), Value: strconv.Itoa(k * i)})
			b.Tags = append(b.Tags, mlruns.Tag{Key: fmt.Sprintf("t%d", k), Value: strconv.Itoa(k)})
		}
		for k := range p.keys {
			b.Metrics = nil
			for j := range p.points {
				b.Metrics = append(b.Metrics, mlruns.Metric{Key: fmt.Sprintf("m%d", k), Value: float64(j) / float64(i+k+1), Step: int64(j), Time: time.UnixMilli(1_700_000_000_000 + int64(j))})
			}
			for len(b.Metrics) > 0 {
				part := b
				n := min(len(b.Metrics), mlruns.MaxBatchEntities-len(b.Params)-len(b.Tags))
				part.Metrics = b.Metrics[:n]
				if err := s.LogBatch(ctx, r.Info.ID, part); err != nil {
					return err
				}
				b = mlruns.Batch{Metrics: b.Metrics[n:]}
			}
		}
		if err := s.EndRun(ctx, r.Info.ID, mlruns.StatusFinished, time.UnixMilli(1_700_000_100_000)); err != nil {
			return err
		}
	}
	return nil
}

// check counts what has arrived.
func (p *pushes) check(ctx context.Context, uri, name string) error {
	s, err := remote.Open(ctx, uri)
	if err != nil {
		return err
	}
	defer func() { _ = s.Close() }()
	e, err := s.ExperimentByName(ctx, name)
	if err != nil {
		return err
	}
	n, points := 0, 0
	for r, err := range s.Runs(ctx, mlruns.RunQuery{Experiments: []string{e.ID}}) {
		if err != nil {
			return err
		}
		n++
		if len(r.Data.Metrics) != p.keys || r.Info.Status != mlruns.StatusFinished || len(r.Data.Params) != 5 {
			return fmt.Errorf("%s has %d metrics, %d params, %v", r.Info.Name, len(r.Data.Metrics), len(r.Data.Params), r.Info.Status)
		}
		if n > 1 {
			continue
		}
		for _, err := range s.MetricHistory(ctx, r.Info.ID, "m0", mlruns.HistoryQuery{}) {
			if err != nil {
				return err
			}
			points++
		}
	}
	if n != p.runs || points != p.points {
		return fmt.Errorf("%d runs have arrived, with %d points of a metric", n, points)
	}
	return nil
}

// rename makes room for the experiment in a database that another push has filled.
func (p *pushes) rename(ctx context.Context, uri string) error {
	s, err := remote.Open(ctx, uri)
	if err != nil {
		return err
	}
	defer func() { _ = s.Close() }()
	e, err := s.ExperimentByName(ctx, p.name)
	if errors.Is(err, mlruns.ErrNotFound) {
		return nil
	}
	if err != nil {
		return err
	}
	return s.RenameExperiment(ctx, e.ID, fmt.Sprintf("%s before %d", p.name, time.Now().UnixNano()))
}
