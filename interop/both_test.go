//go:build interop

package interop

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/mlruns/mlruns"
	"github.com/mlruns/mlruns/filestore"
	"github.com/mlruns/mlruns/server"
)

var both = flag.Duration("both", 30*time.Second, "how long TestBothAtOnce lets Python and Go write to one store")

// op is one line of an operation log, the same from python/work.py and from work_test.go.
type op struct {
	By         string // go1, py2, goweb: the process, after who writes the files
	Do         string
	N          int64
	Run        string // or experiment
	Key, Value string
	Begin, End int64 // nanoseconds
	Err        string
}

func (o op) goes() bool { return strings.HasPrefix(o.By, "go") }

// overlaps reports whether two operations may have been under way at the same time.
func (o op) overlaps(p op) bool { return o.Begin <= p.End && p.Begin <= o.End }

// job is what a working process is told.
type job struct {
	Root       string
	Name       string
	Seed       uint64
	Experiment string
	Runs       []string
	End        int64
	Log        string
	// At is the time of its points, in milliseconds: no two processes log the same point.
	At int64
}

// TestBothAtOnce has two Python and two Go processes, and a Python process through a server of
// ours, write to one store and then accounts for every operation that they report.
func TestBothAtOnce(t *testing.T) {
	p := newest()
	if !p.since(2, 2) {
		t.Skipf("MLflow %s cannot do what the workers do", p.mlflow)
	}
	dir := filepath.Join(t.TempDir(), "mlruns")
	store, err := filestore.Open(dir, filestore.WithSync(filestore.SyncNever))
	if err != nil {
		t.Fatal(err)
	}
	defer store.Close()
	c, ctx := mlruns.NewClient(store), t.Context()
	e, err := c.CreateExperiment(ctx, mlruns.ExperimentSpec{Name: "start"})
	if err != nil {
		t.Fatal(err)
	}
	var runs []string
	for range 3 {
		r, err := c.CreateRun(ctx, mlruns.RunSpec{ExperimentID: e.ID, Name: "start"})
		if err != nil {
			t.Fatal(err)
		}
		runs = append(runs, r.Info.ID)
	}
	web := httptest.NewServer(server.New(store, throughServer(p)...))
	defer web.Close()
	jobs := []*job{{Name: "go1"}, {Name: "go2"}, {Name: "py1"}, {Name: "py2"}, {Name: "goweb", Root: web.URL}}
	for i, j := range jobs {
		if j.Root == "" {
			j.Root = dir
		}
		j.Seed, j.Experiment, j.Runs, j.Log, j.At = *seed+uint64(i), e.ID, runs, filepath.Join(t.TempDir(), j.Name), int64(i+1)
	}
	begin := perform(t, p, jobs)
	var ops []op
	for _, j := range jobs {
		ops = append(ops, readLog(t, j.Log)...)
	}
	account(t, c, p, ops, e.ID, runs, begin.UnixNano())
	sound(t, store)
}

// perform runs the jobs, each in a process of its own, for as long as both says, waits, and gives
// the time at which they began.
func perform(t *testing.T, p *python, jobs []*job) time.Time {
	t.Helper()
	pythons := map[*job]*python{}
	for _, j := range jobs { // importing MLflow takes seconds
		if strings.HasPrefix(j.Name, "py") || strings.HasPrefix(j.Root, "http") {
			other, err := startPython(p.name, p.interpreter)
			if err != nil {
				t.Fatal(err)
			}
			pythons[j] = other
		}
	}
	begin := time.Now()
	var wg sync.WaitGroup
	for _, j := range jobs {
		j.End = begin.Add(*both).UnixNano()
		wg.Go(func() {
			var err error
			if other := pythons[j]; other != nil {
				var n int
				err = errors.Join(other.ask("work", j.arguments(), &n), other.stop())
			} else {
				err = j.runGo(t.Context())
			}
			if err != nil {
				t.Errorf("%s: %v", j.Name, err)
			}
		})
	}
	wg.Wait()
	if t.Failed() {
		t.FailNow()
	}
	return begin
}

func (j *job) arguments() map[string]any {
	return map[string]any{"root": j.Root, "name": j.Name, "seed": j.Seed, "experiment": j.Experiment, "runs": j.Runs, "end": j.End, "log": j.Log, "at": j.At}
}

// runGo runs TestWork in a process of its own.
func (j *job) runGo(ctx context.Context) error {
	text, err := json.Marshal(j)
	if err != nil {
		return err
	}
	cmd := exec.CommandContext(ctx, os.Args[0], "-test.run=^TestWork$", "-test.count=1")
	cmd.Env = append(os.Environ(), envTask+"="+string(text))
	if out, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("%w\n%s", err, out)
	}
	return nil
}

func readLog(t *testing.T, name string) (ops []op) {
	t.Helper()
	f, err := os.Open(name)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	for lines := bufio.NewScanner(f); lines.Scan(); {
		var o op
		if err := json.Unmarshal(lines.Bytes(), &o); err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		if kind, rest, ok := strings.Cut(o.Err, " "); ok && o.goes() && strings.HasSuffix(kind, "Exception") {
			o.Err = rest // Python's, of what the server answered
		}
		ops = append(ops, o)
	}
	return ops
}
