package filestore_test

import (
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/mlruns/mlruns"
	"github.com/mlruns/mlruns/filestore"
	"github.com/mlruns/mlruns/internal/faultfs"
	"github.com/mlruns/mlruns/internal/memfs"
)

// newMoving is a store whose experiment e1 moves to the trash when a folder or file in the folder at path, or that folder, is opened for the first time after
// arming.
func newMoving(t *testing.T, path string) (arm func(), s *filestore.Store) {
	t.Helper()
	mem := memfs.New()
	armed := false
	s = openStore(t, "/mlruns", filestore.WithFs(faultfs.New(mem, func(op faultfs.Op) error {
		if !armed || op.Kind != faultfs.OpenFolder && op.Kind != faultfs.ReadFile || !strings.HasPrefix(strings.TrimPrefix(op.Path, "/")+"/", path+"/") {
			return nil
		}
		armed = false
		return mem.Rename("/mlruns/e1", "/mlruns/.trash/e1")
	})))
	if _, err := s.CreateExperiment(t.Context(), mlruns.ExperimentSpec{ID: "e1", Name: "one", Tags: map[string]string{"team": "a", "none": ""}}); err != nil {
		t.Fatal(err)
	}
	if _, err := s.CreateRun(t.Context(), mlruns.RunSpec{ID: "run", ExperimentID: "e1"}); err != nil {
		t.Fatal(err)
	}
	if err := s.LogMetric(t.Context(), "run", mlruns.Metric{Key: "loss", Value: 1, Time: time.UnixMilli(1)}); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if armed {
			t.Error("nothing has moved")
		}
	})
	return func() { armed = true }, s
}

func TestHistoryOfMovingRun(t *testing.T) {
	arm, s := newMoving(t, "mlruns/e1/run")
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

// The experiment is found in the root and then, moved, in the trash.
func TestListingBetweenTwoPlaces(t *testing.T) {
	arm, s := newMoving(t, "mlruns/.trash")
	arm()
	page, err := s.SearchExperiments(t.Context(), mlruns.ExperimentQuery{View: mlruns.ViewAll})
	if err != nil || len(page.Experiments) != 2 {
		t.Fatalf("SearchExperiments = %+v, %v, want two experiments", page, err)
	}
	for _, p := range page.Problems {
		if p.Kind == mlruns.ProblemDuplicate {
			t.Errorf("problem %v, but there is one e1", p)
		}
	}
}

func TestListingOfMovingExperiment(t *testing.T) {
	arm, s := newMoving(t, "mlruns/e1")
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

// Its tags are read where it has moved, whether it moves before they are looked for or while they are read.
func TestTagsOfMovingExperiment(t *testing.T) {
	for _, path := range []string{"mlruns/e1/tags", "mlruns/e1/tags/team", "mlruns/e1/tags/none"} {
		arm, s := newMoving(t, path)
		arm()
		page, err := s.SearchExperiments(t.Context(), mlruns.ExperimentQuery{View: mlruns.ViewAll, Filter: "name = 'one'"})
		if err != nil || len(page.Experiments) != 1 || len(page.Problems) > 0 {
			t.Fatalf("%s: SearchExperiments = %+v, %v, want one experiment", path, page, err)
		}
		if diff := cmp.Diff(map[string]string{"team": "a", "none": ""}, page.Experiments[0].Tags); diff != "" {
			t.Errorf("%s: tags (-want +got):\n%s", path, diff)
		}
	}
}
