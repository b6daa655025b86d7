package filestore_test

import (
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/spf13/afero"

	"github.com/mlruns/mlruns"
	"github.com/mlruns/mlruns/filestore"
	"github.com/mlruns/mlruns/filestore/internal/filestoretest"
	"github.com/mlruns/mlruns/internal/faultfs"
	"github.com/mlruns/mlruns/internal/memfs"
)

// newMoving is a store whose experiment e1 moves to the trash, or back, at the first operation of a
// kind on a path after arming. It has a tag that is not UTF-8.
func newMoving(t *testing.T, kind faultfs.Kind, path string) (arm func(), s *filestore.Store) {
	t.Helper()
	mem := memfs.New()
	armed := false
	s = filestoretest.Open(t, "/mlruns", filestore.WithFs(faultfs.New(mem, func(op faultfs.Op) error {
		if !armed || op.Kind != kind || strings.TrimPrefix(op.Path, "/") != path {
			return nil
		}
		armed = false
		if err := mem.Rename("/mlruns/e1", "/mlruns/.trash/e1"); err == nil {
			return nil
		}
		return mem.Rename("/mlruns/.trash/e1", "/mlruns/e1")
	})))
	makeRunInE1(t, s, map[string]string{"team": "a", "none": ""})
	if err := s.LogMetric(t.Context(), "run", mlruns.Metric{Key: "loss", Value: 1, Time: time.UnixMilli(1)}); err != nil {
		t.Fatal(err)
	}
	if err := afero.WriteFile(mem, "/mlruns/e1/tags/bad", []byte("\xff"), 0o666); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if armed {
			t.Error("nothing has moved")
		}
	})
	return func() { armed = true }, s
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
	arm, s := newMoving(t, faultfs.OpenFolder, "mlruns/e1/run")
	arm()
	points := 0
	for _, err := range s.MetricHistory(t.Context(), "run", "loss", mlruns.HistoryQuery{}) {
		if err != nil {
			t.Fatal(err)
		}
		points++
	}
	if points != 1 {
		t.Errorf("%d points, want 1", points)
	}
}

// readsOfExperiment are what a listing opens of an experiment, and reads.
var readsOfExperiment = []struct {
	kind faultfs.Kind
	path string
}{
	{faultfs.ReadFile, "mlruns/e1/meta.yaml"},
	{faultfs.OpenFolder, "mlruns/e1"},
	{faultfs.OpenFolder, "mlruns/e1/tags"},
	{faultfs.ReadFile, "mlruns/e1/tags/team"},
	{faultfs.ReadFile, "mlruns/e1/tags/bad"},
	{faultfs.ReadFile, "mlruns/e1/tags/none"},
}

func TestListingOfMovingExperiment(t *testing.T) {
	for _, at := range readsOfExperiment[:2] {
		arm, s := newMoving(t, at.kind, at.path)
		arm()
		for e, err := range s.Experiments(t.Context(), mlruns.ExperimentQuery{View: mlruns.ViewActive}) {
			if err != nil {
				t.Fatal(err)
			}
			if e.Stage != mlruns.StageActive {
				t.Errorf("an active listing has the deleted experiment %s", e.ID)
			}
		}
	}
}

// It is restored between the listing and the look.
func TestListingOfRestoredExperiment(t *testing.T) {
	for _, at := range []struct {
		kind         faultfs.Kind
		path, filter string
	}{
		{faultfs.ReadFile, "mlruns/.trash/e1/meta.yaml", "name = 'one'"},
		{faultfs.OpenFolder, "mlruns/.trash/e1", "tags.team = 'a'"},
	} {
		arm, s := newMoving(t, at.kind, at.path)
		if err := s.DeleteExperiment(t.Context(), "e1"); err != nil {
			t.Fatal(err)
		}
		arm()
		page, err := s.SearchExperiments(t.Context(), mlruns.ExperimentQuery{View: mlruns.ViewAll, Filter: at.filter})
		if err != nil || len(page.Experiments) != 1 || page.Experiments[0].Tags["team"] != "a" {
			t.Errorf("%s: %+v, %v, want the experiment", at.filter, page, err)
		}
	}
}

// Whenever it moves, it is listed with its tags, and what is wrong with them is told.
func TestTagsOfMovingExperiment(t *testing.T) {
	t.Parallel()
	for _, at := range readsOfExperiment {
		for _, filter := range []string{"name = 'one'", "tags.team = 'a'"} {
			arm, s := newMoving(t, at.kind, at.path)
			arm()
			page, err := s.SearchExperiments(t.Context(), mlruns.ExperimentQuery{View: mlruns.ViewAll, Filter: filter})
			if err != nil || len(page.Experiments) != 1 {
				t.Fatalf("%s %s, %s: %+v, %v, want one experiment", at.kind, at.path, filter, page, err)
			}
			if diff := cmp.Diff(map[string]string{"team": "a", "none": ""}, page.Experiments[0].Tags); diff != "" {
				t.Errorf("%s %s, %s: tags (-want +got):\n%s", at.kind, at.path, filter, diff)
			}
			wantBadTag(t, page.Problems)
		}
	}
}

func TestVerifyOfMovingExperiment(t *testing.T) {
	t.Parallel()
	for _, at := range readsOfExperiment {
		arm, s := newMoving(t, at.kind, at.path)
		arm()
		var problems []mlruns.Problem
		for p, err := range s.Verify(t.Context(), mlruns.VerifyQuery{}) {
			if err != nil {
				t.Fatal(err)
			}
			problems = append(problems, p)
		}
		wantBadTag(t, problems)
	}
}

// wantBadTag wants the one problem there is but for those of the move, which is the test's own and
// leaves meta.yaml as it was.
func wantBadTag(t *testing.T, problems []mlruns.Problem) {
	t.Helper()
	problems = slices.DeleteFunc(problems, func(p mlruns.Problem) bool { return p.Kind == mlruns.ProblemStage })
	if len(problems) != 1 || problems[0].Kind != mlruns.ProblemUnreadable || !strings.HasSuffix(problems[0].Path, "e1/tags/bad") {
		t.Errorf("problems %v, want one, of the tag that cannot be read", problems)
	}
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
