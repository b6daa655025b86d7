package crowd

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/mlruns/mlruns"
	"github.com/mlruns/mlruns/filestore"
	"github.com/mlruns/mlruns/filestore/internal/dir"
	"github.com/mlruns/mlruns/filestore/internal/filestoretest"
	"github.com/mlruns/mlruns/internal/proof"
)

// python writes as MLflow does: it takes no locks, truncates files and writes them again, and
// appends line by line.
type python struct {
	t   *testing.T
	dir string // of the run
}

// rewrite is open(name, "w"), a pause, and a write; or two, the second after another pause.
func (p python) rewrite(name, text string, pieces int, pause func()) {
	p.t.Helper()
	f, err := os.OpenFile(filepath.Join(p.dir, filepath.FromSlash(name)), os.O_WRONLY|os.O_CREATE|os.O_TRUNC, 0o666)
	if err != nil {
		p.t.Error(err)
		return
	}
	for i := range pieces {
		pause()
		if _, err := f.WriteString(text[i*len(text)/pieces : (i+1)*len(text)/pieces]); err != nil {
			p.t.Error(err)
		}
	}
	if err := f.Close(); err != nil {
		p.t.Error(err)
	}
}

// append is open(name, "a") and a write of a line. between, if it is not nil, comes between its two
// halves.
func (p python) append(name, line string, between func()) error {
	f, err := os.OpenFile(filepath.Join(p.dir, filepath.FromSlash(name)), os.O_WRONLY|os.O_CREATE|os.O_APPEND, 0o666)
	if err != nil {
		return err
	}
	if between != nil {
		if _, err := f.WriteString(line[:len(line)/2]); err != nil {
			return err
		}
		between()
		line = line[len(line)/2:]
	}
	if _, err := f.WriteString(line); err != nil {
		return err
	}
	return f.Close()
}

// newBesidePython is a store with the run "run".
func newBesidePython(t *testing.T) (*filestore.Store, python) {
	t.Helper()
	dir := filepath.Join(t.TempDir(), "mlruns")
	s := filestoretest.Open(t, dir)
	for _, id := range []string{"run", "other"} {
		if _, err := s.CreateRun(t.Context(), mlruns.RunSpec{ID: id, Name: "first"}); err != nil {
			t.Fatal(err)
		}
	}
	return s, python{t, filepath.Join(dir, "0", "run")}
}

// lines is how many lines two writers append to one file, half of them each.
func lines() int { return proof.Choose(12_000, 60_000, 1_000_000) }

// TestAppendsBesidePython lets MLflow and this module append to one file: every line is there, once
// and as it was written.
func TestAppendsBesidePython(t *testing.T) {
	t.Parallel()
	// What a busy machine holds up for so long is torn, by rights: then it is done again.
	for range 20 {
		var wrong findings
		if longest := appendBesidePython(t, &wrong); longest < dir.TornPatience {
			for _, text := range wrong.list {
				t.Error(text)
			}
			return
		}
	}
	t.Error("half a line has stood for longer than a writer waits, at each of 20 attempts")
}

// findings are what is wrong, if the test was one at all.
type findings struct {
	mu   sync.Mutex
	list []string
}

func (f *findings) add(format string, args ...any) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.list = append(f.list, fmt.Sprintf(format, args...))
}

// appendBesidePython gives how long half a line has stood at the longest.
func appendBesidePython(t *testing.T, wrong *findings) (longest time.Duration) {
	t.Helper()
	s, py := newBesidePython(t)
	const theirs, ours = 1, 2 // the value of a point tells its writer
	each := lines() / 2
	// No lock keeps a line of ours from coming between the halves of one of theirs, if the first
	// half comes after our look at the end of the file. That moment is left out; all of the rest of
	// a call may meet the half.
	var looking sync.Mutex
	halves, done := 0, make(chan struct{})
	var writing, reading sync.WaitGroup
	writing.Go(func() {
		for i := range each {
			line := fmt.Sprintf("%d %d.0 %d\n", 1700000000000+int64(i), theirs, i)
			var between func()
			if i%(each/40) == each/80 {
				halves++
				looking.Lock()
				between = func() { looking.Unlock(); time.Sleep(5 * time.Millisecond) }
			}
			begun := time.Now()
			if err := py.append("metrics/m", line, between); err != nil {
				wrong.add("%v", err)
				return
			}
			if between != nil {
				longest = max(longest, time.Since(begun))
			}
		}
	})
	writing.Go(func() {
		for i := 0; i < each; {
			var b mlruns.Batch
			for range min(1+rand.IntN(60), each-i) {
				b.Metrics = append(b.Metrics, mlruns.Metric{Key: "m", Value: ours, Step: int64(i), Time: time.UnixMilli(1700000000000 + int64(i))})
				i++
			}
			looking.Lock()
			err := s.LogBatch(t.Context(), "run", b)
			looking.Unlock()
			if err != nil {
				wrong.add("%v", err)
				return
			}
		}
	})
	var looks atomic.Int64
	reading.Go(func() { looks.Store(countsUp(t, s, theirs, ours, done, wrong)) })
	writing.Wait()
	close(done)
	reading.Wait()
	data, err := os.ReadFile(filepath.Join(py.dir, "metrics", "m"))
	if err != nil {
		t.Fatal(err)
	}
	var next [3]int
	for line := range strings.Lines(string(data)) {
		fields := strings.Fields(line)
		writer := 0
		if len(fields) == 3 && (fields[1] == "1.0" || fields[1] == "2.0") {
			writer = int(fields[1][0] - '0')
		}
		if want := fmt.Sprintf("%d %d.0 %d\n", 1700000000000+int64(next[writer]), writer, next[writer]); line != want {
			wrong.add("the line %q is none of those that were appended, or not in its place: want %q", line, want)
			break
		}
		next[writer]++
	}
	if next[theirs] != each || next[ours] != each || bytes.Count(data, []byte("\n")) != 2*each {
		wrong.add("%d lines of MLflow's and %d of ours, want %d each", next[theirs], next[ours], each)
	}
	if len(wrong.list) == 0 {
		filestoretest.NoProblems(t, s)
	}
	t.Logf("%d lines appended by both, %d of them in two halves, which stood for %v at most; a reader looked %d times", 2*each, halves, longest, looks.Load())
	return longest
}

// countsUp reads the history of both writers until done is closed: what was seen once is seen
// again, and nothing else.
func countsUp(t *testing.T, s *filestore.Store, theirs, ours int, done <-chan struct{}, wrong *findings) (looks int64) {
	t.Helper()
	var before [3]int64
	for ; ; looks++ {
		select {
		case <-done:
			return looks
		default:
		}
		var next [3]int64
		query := mlruns.HistoryQuery{OnProblem: func(p mlruns.Problem) {
			// Half a line of MLflow's is there, or the file that it has just made.
			if p.Kind != mlruns.ProblemUnterminated && p.Kind != mlruns.ProblemEmpty {
				wrong.add("while both append: %v", p)
			}
		}}
		for m, err := range s.MetricHistory(t.Context(), "run", "m", query) {
			if err != nil || m.Value != float64(theirs) && m.Value != float64(ours) || m.Step != next[int(m.Value)] {
				wrong.add("while both append: %v, %v; want the next of %v", m, err, next)
				return looks
			}
			next[int(m.Value)]++
		}
		if next[theirs] < before[theirs] || next[ours] < before[ours] {
			wrong.add("%v points are seen, where %v were", next, before)
		}
		before = next
	}
}

// TestReadsBesidePython lets MLflow truncate and write a meta.yaml, a param and a tag again and
// again. A read gives whole values; where it met a half at every look, as it seldom does, it says
// so.
func TestReadsBesidePython(t *testing.T) {
	t.Parallel()
	s, py := newBesidePython(t)
	meta, err := os.ReadFile(filepath.Join(py.dir, "meta.yaml"))
	if err != nil {
		t.Fatal(err)
	}
	rewrites := proof.Choose(40, 150, 150)
	done := make(chan struct{})
	go func() {
		defer close(done)
		pause := func() { time.Sleep(time.Duration(rand.IntN(1_000_000))) }
		for i := range rewrites {
			text := strings.ReplaceAll(string(meta), "first", fmt.Sprintf("name%d", i%10))
			py.rewrite("meta.yaml", text, 1+i%2, pause) // every other time in halves
			py.rewrite("tags/t", "whole", 1, func() {})
			py.rewrite("params/p", "whole", 1, func() {})
			time.Sleep(8 * time.Millisecond)
		}
	}()
	reads, empty, reported := 0, 0, 0
	for over := false; !over; reads++ {
		select {
		case <-done:
			over = true
		default:
		}
		r, err := s.Run(t.Context(), "run")
		switch {
		case errors.Is(err, mlruns.ErrCorrupt):
			reported++
			continue
		case err != nil:
			t.Errorf("read %d: %v", reads, err)
			continue
		case r.Info.Name != "first" && (len(r.Info.Name) != len("name0") || !strings.HasPrefix(r.Info.Name, "name")) || r.Info.User == "" || r.Info.Start.IsZero() || len(r.Problems) > 0:
			t.Errorf("read %d: %+v", reads, r)
		}
		for _, values := range []map[string]string{r.Data.Params, r.Data.Tags} {
			for key, value := range values {
				if value == "" {
					empty++
				} else if value != "whole" && key != mlruns.TagRunName {
					t.Errorf("read %d: %s is %q", reads, key, value)
				}
			}
		}
	}
	filestoretest.NoProblems(t, s)
	if reported > reads/5 || empty > reads/5 {
		t.Errorf("%d reads, %d met half a meta.yaml at every look, %d an empty value", reads, reported, empty)
	}
	t.Logf("%d reads beside %d rewrites; %d met half a meta.yaml at every look, %d an empty value", reads, rewrites, reported, empty)
}

// TestCutMetaBesidePython lets MLflow die between truncating a meta.yaml and writing it: that run
// is looked at again, then reported, and hides no other.
func TestCutMetaBesidePython(t *testing.T) {
	t.Parallel()
	for name, keep := range map[string]int{"empty": 0, "cut": 40} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s, py := newBesidePython(t)
			meta, err := os.ReadFile(filepath.Join(py.dir, "meta.yaml"))
			if err != nil {
				t.Fatal(err)
			}
			py.rewrite("meta.yaml", string(meta[:keep]), 1, func() {})
			begun := time.Now()
			var problems []mlruns.Problem
			page, err := s.SearchRuns(context.Background(), mlruns.RunQuery{OnProblem: func(p mlruns.Problem) { problems = append(problems, p) }})
			if err != nil || len(page.Runs) != 1 || page.Runs[0].Info.ID != "other" {
				t.Errorf("search: %+v, %v; want the other run", page, err)
			}
			if len(problems) != 1 || problems[0].Kind != mlruns.ProblemUnreadableMeta || problems[0].Path != "0/run/meta.yaml" {
				t.Errorf("problems %v, want the unreadable meta.yaml", problems)
			}
			if took := time.Since(begun); took < 300*time.Millisecond {
				t.Errorf("given up after %v, before MLflow would", took)
			}
			py.rewrite("meta.yaml", string(meta), 1, func() {})
			if r, err := s.Run(t.Context(), "run"); err != nil || r.Info.Name != "first" {
				t.Errorf("once it is whole again: %+v, %v", r, err)
			}
			filestoretest.NoProblems(t, s)
		})
	}
}
