//go:build interop

package main

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"time"
)

// A server answers MLflow's REST interface over a store that is filled already.
type server struct {
	name    string
	command func(dir, port string) []string
	starts  int // how often its start is timed
}

// servers are those that are compared; the last is ours.
func (h *harness) servers(mlruns string) []server {
	mlflow := func(store func(dir string) string) func(dir, port string) []string {
		return func(dir, port string) []string {
			return []string{h.python, "-W", "ignore", "-m", "mlflow", "server", "--backend-store-uri", store(dir), "--artifacts-destination", filepath.Join(dir, "artifacts"), "--port", port, "--workers", "1"}
		}
	}
	return []server{
		{"mlflow server, SQLite", mlflow(func(dir string) string { return "sqlite:///" + filepath.Join(dir, storeRuns10k) + ".db" }), 1},
		{"mlflow server, file store", mlflow(func(dir string) string { return filepath.Join(dir, "theirs", storeRuns10k) }), 1},
		{"mlruns serve", func(dir, port string) []string {
			return []string{mlruns, "serve", "--store", filepath.Join(dir, storeRuns10k), "--port", port, "--no-access-log", "--ui", "none"}
		}, 9},
	}
}

// measured is what is found out about a server: a time for each request, and more.
type measured struct {
	times          []time.Duration
	start          time.Duration
	load           crowded
	memory         int64
	beyondTheStore time.Duration
}

// serve measures the servers and prints a row for each promise.
func (h *harness) serve(ctx context.Context, mlruns string, load time.Duration) (err error) {
	top, err := os.MkdirTemp(h.dir, "mlruns-serve-")
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(top)) }()
	fmt.Fprintln(os.Stderr, "making the data set in", top)
	for _, dir := range []string{top, filepath.Join(top, "theirs")} {
		if err := runs(ctx, filepath.Join(dir, storeRuns10k), h.sizes.Large); err != nil {
			return err
		}
	}
	few := sizes{Small: 1, Large: h.sizes.Large, Experiments: 1, FewPoints: 1, ManyPoints: 1}
	filled, err := h.run(job{Side: "sqlite", Case: "fill", Dir: top, Sizes: few})
	if err != nil {
		return err
	}
	var all []measured
	servers := h.servers(mlruns)
	for _, s := range servers {
		fmt.Fprintln(os.Stderr, s.name)
		m, err := h.measureServer(ctx, s, top, load)
		if err != nil {
			return fmt.Errorf("%s: %w", s.name, err)
		}
		all = append(all, m)
	}
	fmt.Printf("MLflow %s in %s, medians; %d runs; load: 64 clients for %v\n\n| what |", filled.Check, h.dir, h.sizes.Large, load)
	for _, s := range servers {
		fmt.Printf(" %s |", s.name)
	}
	fmt.Print(" SQLite ÷ mlruns | file store ÷ mlruns | wanted |\n|---|---:|---:|---:|---:|---:|---|\n")
	for i, r := range requests {
		wanted := ""
		if r.wanted > 0 {
			wanted = fmt.Sprintf("≥ %g", r.wanted)
		}
		printRow(r.what, wanted, all, func(m measured) time.Duration { return m.times[i] })
	}
	printRow("start to first answer", "≤ 50 ms", all, func(m measured) time.Duration { return m.start })
	printRow("64 clients: a request, p50", "", all, func(m measured) time.Duration { return m.load.at(0.5) })
	printRow("64 clients: a request, p99", "", all, func(m measured) time.Duration { return m.load.at(0.99) })
	fmt.Print("| 64 clients: requests a second |")
	for _, m := range all {
		fmt.Printf(" %.0f |", float64(len(m.load.took))/load.Seconds())
	}
	fmt.Print(" | | |\n| 64 clients: most memory |")
	for _, m := range all {
		fmt.Printf(" %.1f MiB |", float64(m.memory)/(1<<20))
	}
	own := all[len(all)-1]
	fmt.Printf(" | | ≤ 64 MiB |\n| 64 clients: points acknowledged, and found on disk | | | %d, %d | | | all |\n", own.load.acknowledged, own.load.found)
	fmt.Printf("| %s: more than the library takes | | | %s | | | ≤ 60 ms |\n", whatAll, own.beyondTheStore.Round(100*time.Microsecond))
	return nil
}

func printRow(what, wanted string, all []measured, value func(measured) time.Duration) {
	fmt.Printf("| %s |", what)
	for _, m := range all {
		fmt.Printf(" %s |", seconds(value(m).Seconds()))
	}
	own := value(all[len(all)-1])
	for _, m := range all[:len(all)-1] {
		fmt.Printf(" %.3g |", float64(value(m))/float64(own))
	}
	fmt.Printf(" %s |\n", wanted)
}

// measureServer starts a server, asks it everything, and ends it. Ours is started again and again,
// and what it acknowledged is looked for on disk.
func (h *harness) measureServer(ctx context.Context, s server, dir string, load time.Duration) (m measured, err error) {
	var starts []time.Duration
	for range s.starts - 1 {
		p, err := start(ctx, s, dir)
		if err != nil {
			return m, err
		}
		starts = append(starts, p.took)
		if err := p.end(); err != nil {
			return m, err
		}
	}
	p, err := start(ctx, s, dir)
	if err != nil {
		return m, err
	}
	defer func() { err = errors.Join(err, p.end()) }()
	starts = append(starts, p.took)
	slices.Sort(starts)
	m.start = starts[len(starts)/2]
	c := newClient(p.uri, h.sizes.Large)
	if c.run, err = c.create(); err != nil {
		return m, err
	}
	for _, r := range requests {
		fmt.Fprintln(os.Stderr, " ", r.what)
		t, err := r.median(c, 2000)
		if err != nil {
			return m, fmt.Errorf("%s: %w", r.what, err)
		}
		m.times = append(m.times, t)
		if r.what == whatAll && s.name == "mlruns serve" {
			if m.beyondTheStore, err = beyondTheStore(ctx, c, filepath.Join(dir, storeRuns10k)); err != nil {
				return m, err
			}
		}
	}
	fmt.Fprintln(os.Stderr, "  64 clients")
	if m.load, err = crowd(c, load); err != nil {
		return m, err
	}
	m.memory = p.memory()
	if s.name == "mlruns serve" {
		err = m.load.findIn(ctx, filepath.Join(dir, storeRuns10k))
	}
	return m, err
}

// process is a server that runs.
type process struct {
	cmd  *exec.Cmd
	uri  string
	took time.Duration // from its start to its first answer
}

func start(ctx context.Context, s server, dir string) (*process, error) {
	free, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	_, port, _ := net.SplitHostPort(free.Addr().String())
	if err := free.Close(); err != nil {
		return nil, err
	}
	args := s.command(dir, port)
	p := &process{cmd: exec.CommandContext(ctx, args[0], args[1:]...), uri: "http://127.0.0.1:" + port}
	p.cmd.Env = append(os.Environ(), "MLFLOW_ALLOW_FILE_STORE=true", "MLFLOW_LOGGING_LEVEL=ERROR")
	p.cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true} // mlflow server has processes of its own
	said, err := os.CreateTemp(dir, "said-")
	if err != nil {
		return nil, err
	}
	defer said.Close()
	p.cmd.Stdout, p.cmd.Stderr = said, said
	begin := time.Now()
	if err := p.cmd.Start(); err != nil {
		return nil, err
	}
	c := newClient(p.uri, 0)
	for {
		if _, err = c.get("/health"); err == nil {
			p.took = time.Since(begin)
			return p, nil
		}
		if time.Since(begin) > 3*time.Minute {
			text, _ := os.ReadFile(said.Name())
			return nil, errors.Join(fmt.Errorf("no answer: %w: %.2000s", err, text), p.end())
		}
		time.Sleep(time.Millisecond)
	}
}

// end has the processes end.
func (p *process) end() error {
	if err := syscall.Kill(-p.cmd.Process.Pid, syscall.SIGINT); err != nil {
		return err
	}
	ended := make(chan struct{})
	go func() { _ = p.cmd.Wait(); close(ended) }()
	select {
	case <-ended:
	case <-time.After(20 * time.Second):
		_ = syscall.Kill(-p.cmd.Process.Pid, syscall.SIGKILL)
		<-ended
	}
	return nil
}

// memory is the most that its processes had together, 0 where the system does not tell.
func (p *process) memory() (sum int64) {
	all, _ := filepath.Glob("/proc/[0-9]*/status")
	for _, name := range all {
		pid, _ := strconv.Atoi(filepath.Base(filepath.Dir(name)))
		if group, err := syscall.Getpgid(pid); err != nil || group != p.cmd.Process.Pid {
			continue
		}
		text, _ := os.ReadFile(name)
		for line := range strings.Lines(string(text)) {
			if size, ok := strings.CutPrefix(line, "VmHWM:"); ok {
				kib, _ := strconv.ParseInt(strings.TrimSuffix(strings.TrimSpace(size), " kB"), 10, 64)
				sum += kib << 10
			}
		}
	}
	return sum
}
