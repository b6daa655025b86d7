//go:build interop

package interop

import (
	"flag"
	"fmt"
	"maps"
	"os"
	"slices"
	"strings"
	"sync"
	"testing"
	"text/tabwriter"
	"time"
)

var seed = flag.Uint64("seed", 0, "seed of everything random; 0 takes one from the clock")

// versions are the MLflow versions of this run, as named by MLRUNS_INTEROP, newest first.
var versions []*python

func TestMain(m *testing.M) {
	flag.Parse()
	if os.Getenv(envTask) != "" {
		os.Exit(m.Run())
	}
	if *seed == 0 {
		*seed = uint64(time.Now().UnixNano())
	}
	environments := strings.Split(os.Getenv("MLRUNS_INTEROP"), "\n")
	if environments[0] == "" {
		fmt.Fprintln(os.Stderr, "*** MLRUNS_INTEROP names no Python with MLflow: run make interop, which installs them. Nothing was tested.")
		os.Exit(1)
	}
	for _, e := range environments {
		name, interpreter, _ := strings.Cut(e, "=")
		p, err := startPython(name, interpreter)
		if err != nil {
			fmt.Fprintf(os.Stderr, "*** MLflow %s does not start: %v\n", name, err)
			os.Exit(1)
		}
		versions = append(versions, p)
	}
	fmt.Printf("seed %d: repeat with make interop ARGS='-seed %d'\n", *seed, *seed)
	code := m.Run()
	for _, p := range versions {
		if err := p.stop(); err != nil {
			fmt.Fprintln(os.Stderr, err)
			code = 1
		}
	}
	printTable()
	os.Exit(code)
}

// newest is the newest version of this run.
func newest() *python { return versions[0] }

// eachVersion runs a test beside every version.
func eachVersion(t *testing.T, test func(t *testing.T, p *python)) {
	for _, p := range versions {
		t.Run(p.name, func(t *testing.T) { test(t, p) })
	}
}

var table = struct {
	sync.Mutex
	columns []string
	cells   map[string]map[string]string
}{cells: map[string]map[string]string{}}

// report puts into the table that follows the tests what was shown beside a version. A test that
// failed says so there.
func report(t *testing.T, p *python, column, format string, args ...any) {
	table.Lock()
	defer table.Unlock()
	if !slices.Contains(table.columns, column) {
		table.columns = append(table.columns, column)
	}
	if table.cells[column] == nil {
		table.cells[column] = map[string]string{}
	}
	text := fmt.Sprintf(format, args...)
	if t.Failed() {
		text = "FAILED, " + text
	}
	table.cells[column][p.name] = text
}

func printTable() {
	w := tabwriter.NewWriter(os.Stdout, 0, 0, 2, ' ', 0)
	fmt.Fprintln(w, "\nMLflow\t"+strings.Join(table.columns, "\t"))
	for _, p := range versions {
		row := p.mlflow
		for _, column := range table.columns {
			cell := "-"
			if text, ok := table.cells[column][p.name]; ok {
				cell = text
			}
			row += "\t" + cell
		}
		fmt.Fprintln(w, row)
	}
	w.Flush()
}

// keys gives the keys of a map in order.
func keys[V any](m map[string]V) []string { return slices.Sorted(maps.Keys(m)) }
