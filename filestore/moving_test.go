package filestore_test

import (
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/spf13/afero"

	"github.com/mlruns/mlruns"
	"github.com/mlruns/mlruns/filestore"
	"github.com/mlruns/mlruns/filestore/internal/filestoretest"
	"github.com/mlruns/mlruns/internal/faultfs"
	"github.com/mlruns/mlruns/internal/memfs"
	"github.com/mlruns/mlruns/internal/proof"
)

// newMoving is a store whose experiment e1 moves to the trash, or back, before an operation of the
// file system: that of a number, of those that count, from 0 on after arming. It has a run, a
// logged model and a trace, and tags that are not UTF-8: its own, and those in damaged. moved tells
// whether it has moved.
func newMoving(t *testing.T, counts func(faultfs.Op) bool, before int, damaged ...string) (s *filestore.Store, arm func(), moved func() bool) {
	t.Helper()
	mem := memfs.New()
	var mu sync.Mutex
	armed, done, n := false, false, -1
	s = filestoretest.Open(t, "/mlruns", filestore.WithFs(faultfs.New(mem, func(op faultfs.Op) error {
		mu.Lock()
		defer mu.Unlock()
		if !armed || !counts(op) {
			return nil
		}
		if n++; n != before || done {
			return nil
		}
		done = true
		if err := mem.Rename("/mlruns/e1", "/mlruns/.trash/e1"); err == nil {
			return nil
		}
		return mem.Rename("/mlruns/.trash/e1", "/mlruns/e1")
	})))
	makeRunInE1(t, s, map[string]string{"team": "a", "none": ""})
	if err := s.LogMetric(t.Context(), "run", mlruns.Metric{Key: "loss", Value: 1, Time: time.UnixMilli(1)}); err != nil {
		t.Fatal(err)
	}
	if _, err := s.CreateLoggedModel(t.Context(), mlruns.ModelSpec{ID: "model", ExperimentID: "e1", Tags: map[string]string{"team": "a"}}); err != nil {
		t.Fatal(err)
	}
	if _, err := s.StartTrace(t.Context(), mlruns.Trace{ID: "trace", ExperimentID: "e1", State: mlruns.TraceOK}); err != nil {
		t.Fatal(err)
	}
	for _, name := range append(damaged, "tags/bad") {
		if err := afero.WriteFile(mem, "/mlruns/e1/"+name, []byte("\xff"), 0o666); err != nil {
			t.Fatal(err)
		}
	}
	return s, func() { mu.Lock(); defer mu.Unlock(); armed = true }, func() bool { mu.Lock(); defer mu.Unlock(); armed = false; return done }
}

// eachMove does a call once for each of its operations that count, before which the experiment
// moves.
func eachMove(t *testing.T, deleted bool, counts func(faultfs.Op) bool, do func(s *filestore.Store) error, damaged ...string) {
	t.Helper()
	step := proof.Choose(3, 1, 1)
	for i := proof.Rand(t).IntN(step); !t.Failed(); i += step {
		s, arm, moved := newMoving(t, counts, i, damaged...)
		if deleted {
			if err := s.DeleteExperiment(t.Context(), "e1"); err != nil {
				t.Fatal(err)
			}
		}
		arm()
		if err := do(s); err != nil {
			t.Errorf("moved before operation %d: %v", i, err)
		}
		if !moved() {
			if i < 3 {
				t.Errorf("the call has only %d operations", i)
			}
			return
		}
	}
}

// makeRunInE1 makes the run "run" in the experiment e1, which is called "one".
func makeRunInE1(t *testing.T, s *filestore.Store, tags map[string]string) {
	t.Helper()
	if _, err := s.CreateExperiment(t.Context(), mlruns.ExperimentSpec{ID: "e1", Name: "one", Tags: tags}); err != nil {
		t.Fatal(err)
	}
	if _, err := s.CreateRun(t.Context(), mlruns.RunSpec{ID: "run", ExperimentID: "e1"}); err != nil {
		t.Fatal(err)
	}
}

func TestHistoryOfMovingRun(t *testing.T) {
	t.Parallel()
	eachMove(t, false, always, func(s *filestore.Store) error {
		points := 0
		for _, err := range s.MetricHistory(t.Context(), "run", "loss", mlruns.HistoryQuery{}) {
			if err != nil {
				return err
			}
			points++
		}
		return wanted(points, 1, nil)
	})
}

// What is listed as active says that it is.
func TestListingOfMovingExperiment(t *testing.T) {
	t.Parallel()
	eachMove(t, false, always, func(s *filestore.Store) error {
		for e, err := range s.Experiments(t.Context(), mlruns.ExperimentQuery{View: mlruns.ViewActive}) {
			if err != nil {
				return err
			}
			if e.Stage != mlruns.StageActive {
				return fmt.Errorf("an active listing has the deleted experiment %s", e.ID)
			}
		}
		return nil
	})
}

// Whenever it is deleted or restored, it is listed with its tags, and what is wrong with them is
// told.
func TestTagsOfMovingExperiment(t *testing.T) {
	t.Parallel()
	for _, deleted := range []bool{false, true} {
		for _, filter := range []string{"name = 'one'", "tags.team = 'a'"} {
			eachMove(t, deleted, always, func(s *filestore.Store) error {
				page, err := s.SearchExperiments(t.Context(), mlruns.ExperimentQuery{View: mlruns.ViewAll, Filter: filter})
				if err != nil || len(page.Experiments) != 1 {
					return fmt.Errorf("%s: %+v, %v, want one experiment", filter, page, err)
				}
				if diff := cmp.Diff(map[string]string{"team": "a", "none": ""}, page.Experiments[0].Tags); diff != "" {
					return fmt.Errorf("%s: tags (-want +got):\n%s", filter, diff)
				}
				return badTag(page.Problems)
			})
		}
	}
}

// Whenever it is deleted or restored, what is wrong in an experiment, its run, its model and its
// trace is told, and nothing of what only was at its other place.
func TestVerifyOfMovingExperiment(t *testing.T) {
	t.Parallel()
	damaged := []string{"run/tags/bad", "models/model/tags/bad", "traces/trace/tags/bad"}
	for _, deleted := range []bool{false, true} {
		eachMove(t, deleted, always, func(s *filestore.Store) error {
			var bad []string
			for p, err := range s.Verify(t.Context(), mlruns.VerifyQuery{}) {
				switch {
				case err != nil:
					return err
				case p.Kind == mlruns.ProblemUnreadable:
					_, name, _ := strings.Cut(p.Path, "e1/")
					bad = append(bad, name)
				// which is the test's own, it leaves meta.yaml as it was
				case p.Kind != mlruns.ProblemStage:
					return fmt.Errorf("problem %v", p)
				}
			}
			slices.Sort(bad)
			if diff := cmp.Diff([]string{"models/model/tags/bad", "run/tags/bad", "tags/bad", "traces/trace/tags/bad"}, bad); diff != "" {
				return fmt.Errorf("unreadable (-want +got):\n%s", diff)
			}
			return nil
		}, damaged...)
	}
}

// badTag is an error unless there is the one problem there is but for those of the move, which is
// the test's own and leaves meta.yaml as it was.
func badTag(problems []mlruns.Problem) error {
	problems = slices.DeleteFunc(problems, func(p mlruns.Problem) bool { return p.Kind == mlruns.ProblemStage })
	if len(problems) != 1 || problems[0].Kind != mlruns.ProblemUnreadable || !strings.HasSuffix(problems[0].Path, "e1/tags/bad") {
		return fmt.Errorf("problems %v, want one, of the tag that cannot be read", problems)
	}
	return nil
}

// A folder without a meta.yaml is none that moves: it is not looked into again and again.
func TestListingOfBareFolder(t *testing.T) {
	mem := memfs.New()
	filestoretest.Open(t, "/mlruns", filestore.WithFs(mem))
	if err := mem.Mkdir("/mlruns/e1", 0o777); err != nil {
		t.Fatal(err)
	}
	opened := 0
	s := filestoretest.Open(t, "/mlruns", filestore.WithFs(faultfs.New(mem, func(op faultfs.Op) error {
		if op.Kind == faultfs.OpenFolder && strings.TrimPrefix(op.Path, "/") == "mlruns/e1" {
			opened++
		}
		return nil
	})))
	page, err := s.SearchExperiments(t.Context(), mlruns.ExperimentQuery{Filter: "tags.team = 'a'"})
	if err != nil || len(page.Problems) != 1 || page.Problems[0].Kind != mlruns.ProblemMissingMeta {
		t.Errorf("SearchExperiments = %+v, %v, want the problem of the folder", page, err)
	}
	if opened != 1 {
		t.Errorf("the folder was opened %d times, want once", opened)
	}
}
