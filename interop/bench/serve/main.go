//go:build interop

// Command serve times the same requests to "mlruns serve" and to "mlflow server", over a SQLite
// database and over a file store, and prints a table of medians.
package main

import (
	"context"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"text/tabwriter"
	"time"
)

var (
	mlrunsCommand = flag.String("mlruns", "mlruns", "the command mlruns")
	interpreter   = flag.String("python", "python3", "a Python with all that mlflow server needs")
	runs          = flag.Int("runs", 1000, "how many runs are searched")
	times         = flag.Int("times", 200, "how often each request is made")
)

func main() {
	flag.Parse()
	if err := compare(context.Background()); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

// served is a kind of server.
type served struct {
	name string
	args func(dir, port string) []string
}

var servers = []served{
	{"mlruns serve", func(dir, port string) []string {
		return []string{*mlrunsCommand, "serve", "--store", filepath.Join(dir, "mlruns"), "--port", port, "--no-access-log", "--ui", "none"}
	}},
	{"mlflow, SQLite", func(dir, port string) []string {
		return []string{*interpreter, "-m", "mlflow", "server", "--backend-store-uri", "sqlite:///" + filepath.Join(dir, "mlflow.db"), "--artifacts-destination", filepath.Join(dir, "artifacts"), "--port", port, "--workers", "1"}
	}},
	{"mlflow, files", func(dir, port string) []string {
		return []string{*interpreter, "-m", "mlflow", "server", "--backend-store-uri", filepath.Join(dir, "mlruns"), "--artifacts-destination", filepath.Join(dir, "artifacts"), "--port", port, "--workers", "1"}
	}},
}

// compare prints a row for each case and a column for each server.
func compare(ctx context.Context) error {
	rows := [][]string{{"median"}}
	for _, c := range cases {
		rows = append(rows, []string{c.name})
	}
	rows = append(rows, []string{"start to first answer"}, []string{"most memory"})
	for i, s := range servers {
		took, started, memory, err := measure(ctx, s, fmt.Sprint(6100+i))
		if err != nil {
			return fmt.Errorf("%s: %w", s.name, err)
		}
		rows[0] = append(rows[0], s.name)
		for j, t := range took {
			rows[j+1] = append(rows[j+1], t.String())
		}
		rows[len(cases)+1] = append(rows[len(cases)+1], started.Round(time.Millisecond).String())
		rows[len(cases)+2] = append(rows[len(cases)+2], memory)
	}
	w := tabwriter.NewWriter(os.Stdout, 0, 0, 2, ' ', 0)
	for _, row := range rows {
		fmt.Fprintln(w, strings.Join(row, "\t"))
	}
	return w.Flush()
}

// measure starts a server over a new store and carries the cases out.
func measure(ctx context.Context, s served, port string) (took []time.Duration, started time.Duration, memory string, err error) {
	dir, err := os.MkdirTemp("", "bench-serve")
	if err != nil {
		return nil, 0, "", err
	}
	defer os.RemoveAll(dir)
	args := s.args(dir, port)
	cmd := exec.CommandContext(ctx, args[0], args[1:]...)
	cmd.Env = append(os.Environ(), "MLFLOW_ALLOW_FILE_STORE=true", "MLFLOW_LOGGING_LEVEL=ERROR")
	begin := time.Now()
	if err := cmd.Start(); err != nil {
		return nil, 0, "", err
	}
	defer func() {
		_ = cmd.Process.Signal(os.Interrupt)
		_ = cmd.Wait()
	}()
	c := newClient("http://127.0.0.1:" + port)
	for {
		if _, err := c.get("/health"); err == nil {
			break
		} else if time.Since(begin) > 2*time.Minute {
			return nil, 0, "", err
		}
		time.Sleep(2 * time.Millisecond)
	}
	started = time.Since(begin)
	if err := c.prepare(); err != nil {
		return nil, 0, "", err
	}
	for _, test := range cases {
		t, err := test.median(c)
		if err != nil {
			return nil, 0, "", fmt.Errorf("%s: %w", test.name, err)
		}
		took = append(took, t)
	}
	return took, started, mostMemory(cmd.Process.Pid), nil
}

// mostMemory is the largest resident set of a process so far, where Linux tells it.
func mostMemory(pid int) string {
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
	if err != nil {
		return "-"
	}
	for line := range strings.Lines(string(text)) {
		if size, ok := strings.CutPrefix(line, "VmHWM:"); ok {
			return strings.TrimSpace(size)
		}
	}
	return "-"
}
