//go:build interop

// The bench command measures MLflow's FileStore, MLflow's SQLite store and this library on the same
// data in one run and prints one table; with -serve it does so for their servers, with -push for
// what copies runs to a server.
package main

import (
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"time"
)

// sides in the order in which they take turns, and stand in the table.
var sides = []string{"file", "sqlite", "mlruns"}

type harness struct {
	python, script, dir string
	repeat              int
	sizes               sizes
}

func main() {
	var h harness
	child := flag.String("job", "", "a job of this program's own processes")
	dirs := flag.String("dirs", os.TempDir(), "folders to measure in, by commas: one table each")
	served := flag.String("serve", "", "measure this mlruns command as a server beside mlflow server, instead of the stores")
	load := flag.Duration("load", 15*time.Second, "how long 64 clients ask each server")
	only := flag.String("only", "", "measure the rows that have this text alone")
	flag.StringVar(&h.python, "python", "", "a Python with MLflow and SQLAlchemy")
	flag.StringVar(&h.script, "script", "interop/python/bench.py", "the Python side")
	flag.IntVar(&h.repeat, "repeat", 5, "repetitions of which the median counts")
	flag.IntVar(&h.sizes.Small, "small", 1_000, "runs of the small store")
	flag.IntVar(&h.sizes.Large, "large", 10_000, "runs of the large store")
	flag.IntVar(&h.sizes.Experiments, "experiments", 1_000, "experiments")
	flag.Int64Var(&h.sizes.FewPoints, "few-points", 100_000, "points of the small history")
	flag.Int64Var(&h.sizes.ManyPoints, "many-points", 1_000_000, "points of the large history")
	var push pushes
	flag.StringVar(&push.mlruns, "push", "", "measure this mlruns command as it copies a folder to servers, beside others that do")
	flag.StringVar(&push.others, "export-import", "", "with -push, a Python with mlflow-export-import")
	flag.IntVar(&push.runs, "runs", 8, "with -push, runs")
	flag.IntVar(&push.keys, "keys", 10, "with -push, metrics of a run")
	flag.IntVar(&push.points, "points", 1000, "with -push, points of a metric")
	flag.IntVar(&push.workers, "workers", 4, "with -push, workers of MLflow's server, whose default is 4")
	flag.StringVar(&push.backend, "backend", "", "with -push, the database of MLflow's server, an SQLite file if empty")
	flag.Parse()
	if *child != "" {
		exitOn(answer(*child))
		return
	}
	for _, dir := range strings.Split(*dirs, ",") {
		h.dir = dir
		if push.mlruns != "" {
			push.only = *only
			exitOn(h.push(context.Background(), &push))
			continue
		}
		if *served != "" {
			exitOn(h.serve(context.Background(), *served, *load))
			continue
		}
		exitOn(h.measure(*only))
	}
}

func exitOn(err error) {
	if err != nil {
		fmt.Fprintln(os.Stderr, "bench:", err)
		os.Exit(1)
	}
}

// answer does a job and prints its result.
func answer(text string) error {
	var j job
	if err := json.Unmarshal([]byte(text), &j); err != nil {
		return err
	}
	r, err := ours(context.Background(), j)
	if err != nil {
		return err
	}
	return json.NewEncoder(os.Stdout).Encode(r)
}

// measure makes the data set in a new folder of h.dir, measures every case, prints the table and
// removes the folder.
func (h *harness) measure(only string) (err error) {
	top, err := os.MkdirTemp(h.dir, "mlruns-bench-")
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(top)) }()
	fmt.Fprintln(os.Stderr, "making the data set in", top)
	if err := generate(context.Background(), top, h.sizes); err != nil {
		return err
	}
	filled, err := h.run(job{Side: "sqlite", Case: "fill", Dir: top, Sizes: h.sizes})
	if err != nil {
		return err
	}
	fmt.Printf("MLflow %s in %s, medians of %d; data set: %d and %d runs, %d and %d points, %d experiments\n\n| what | MLflow's FileStore | MLflow's SQLite store | mlruns | FileStore ÷ mlruns | SQLite ÷ mlruns |\n|---|---:|---:|---:|---:|---:|\n", filled.Check, h.dir, h.repeat,
		h.sizes.Small, h.sizes.Large, h.sizes.FewPoints, h.sizes.ManyPoints, h.sizes.Experiments)
	for n, c := range benchCases {
		if !strings.Contains(c.what, only) {
			continue
		}
		if err := h.row(top, n, c); err != nil {
			return fmt.Errorf("%s: %w", c.what, err)
		}
	}
	return nil
}

// row measures one case on all sides and prints its lines of the table.
func (h *harness) row(top string, n int, c benchCase) error {
	var results []result
	for _, side := range sides {
		j := job{Side: side, Case: c.name, Dir: filepath.Join(top, c.store), Calls: c.calls, Repeat: h.repeat, Sizes: h.sizesOf(c)}
		if c.store == "" {
			j.Dir = filepath.Join(top, fmt.Sprintf("own-%d-%s", n, side))
		}
		fmt.Fprintln(os.Stderr, c.what, side)
		r, err := h.run(j)
		if err != nil {
			return fmt.Errorf("%s: %w", side, err)
		}
		if len(results) > 0 && r.Check != results[0].Check {
			return fmt.Errorf("%s found %q, %s found %q", side, r.Check, sides[0], results[0].Check)
		}
		results = append(results, r)
	}
	line(c.what, results, seconds, func(r result) float64 { return median(r.Times) })
	if c.first {
		line("… first call of a process, the store's opening included", results, seconds, func(r result) float64 { return r.First })
	}
	for _, mode := range c.indexed() {
		j := job{Side: "mlruns", Index: mode, Case: c.name, Dir: filepath.Join(top, c.store), Calls: c.calls, Repeat: h.repeat, Sizes: h.sizesOf(c)}
		r, err := h.run(j)
		if err != nil {
			return err
		}
		if r.Check != results[0].Check {
			return fmt.Errorf("with the index %v %q is found, %s found %q", mode, r.Check, sides[0], results[0].Check)
		}
		line(fmt.Sprintf("… with the index, %v", mode), []result{results[0], results[1], r}, seconds, func(r result) float64 { return median(r.Times) })
	}
	if c.memory {
		line("… most memory of the process", results, bytes, func(r result) float64 { return float64(r.Memory) })
	}
	return nil
}

// sizesOf are those that a case has to know.
func (h *harness) sizesOf(c benchCase) (s sizes) {
	switch c.store {
	case storeRuns10k:
		s.Large = h.sizes.Large
	case storeExperiments:
		s.Experiments = h.sizes.Experiments
	}
	return s
}

// run does a job in a process of its own.
func (h *harness) run(j job) (r result, err error) {
	text, err := json.Marshal(j)
	if err != nil {
		return r, err
	}
	cmd := exec.Command(h.python, "-W", "ignore", h.script, string(text))
	if j.Side == "mlruns" {
		cmd = exec.Command(os.Args[0], "-job", string(text))
	}
	cmd.Stderr = os.Stderr
	out, err := cmd.Output()
	if err != nil {
		return r, err
	}
	return r, json.Unmarshal(out, &r)
}

func line(what string, results []result, format func(float64) string, value func(result) float64) {
	own := value(results[2])
	fmt.Printf("| %s |", what)
	for _, r := range results {
		fmt.Printf(" %s |", format(value(r)))
	}
	for _, r := range results[:2] {
		fmt.Printf(" %.3g |", value(r)/own)
	}
	fmt.Println()
}

func median(times []float64) float64 {
	sorted := slices.Sorted(slices.Values(times))
	if len(sorted)%2 == 0 {
		return (sorted[len(sorted)/2-1] + sorted[len(sorted)/2]) / 2
	}
	return sorted[len(sorted)/2]
}

func seconds(s float64) string {
	switch {
	case s < 1e-3:
		return fmt.Sprintf("%.1f µs", s*1e6)
	case s < 1:
		return fmt.Sprintf("%.2f ms", s*1e3)
	}
	return fmt.Sprintf("%.2f s", s)
}

func bytes(n float64) string { return fmt.Sprintf("%.0f MB", n/1e6) }
