package filestore_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/spf13/afero"

	"github.com/mlruns/mlruns"
	"github.com/mlruns/mlruns/filestore"
	"github.com/mlruns/mlruns/filestore/internal/filestoretest"
	"github.com/mlruns/mlruns/internal/faultfs"
	"github.com/mlruns/mlruns/internal/memfs"
)

// stop is a place to which an experiment goes when an operation begins: "root", "trash", or "" for
// staying where it is.
type stop struct{ at, to string }

// newWandering is a memory store whose experiment e1, with the run "run", begins in a place and
// goes from stop to stop. Nothing of it has been read. Its metric "bad" is malformed.
func newWandering(t *testing.T, begin string, route ...stop) *filestore.Store {
	t.Helper()
	mem := memfs.New()
	first := filestoretest.Open(t, "/mlruns", filestore.WithFs(mem))
	makeRunInE1(t, first, map[string]string{"team": "a"})
	if err := first.LogMetric(t.Context(), "run", mlruns.Metric{Key: "loss", Value: 1, Time: time.UnixMilli(1)}); err != nil {
		t.Fatal(err)
	}
	if err := afero.WriteFile(mem, "/mlruns/e1/run/metrics/bad", []byte("no point\n"), 0o666); err != nil {
		t.Fatal(err)
	}
	if begin == "trash" {
		if err := first.DeleteExperiment(t.Context(), "e1"); err != nil {
			t.Fatal(err)
		}
	}
	opened := false
	s := filestoretest.Open(t, "/mlruns", filestore.WithFs(faultfs.New(mem, func(op faultfs.Op) error {
		if !opened || len(route) == 0 || string(op.Kind)+" "+strings.TrimPrefix(op.Path, "/") != route[0].at {
			return nil
		}
		to := route[0].to
		route = route[1:]
		switch to {
		case "root":
			return mem.Rename("/mlruns/.trash/e1", "/mlruns/e1")
		case "trash":
			return mem.Rename("/mlruns/e1", "/mlruns/.trash/e1")
		}
		return nil
	})))
	opened = true
	t.Cleanup(func() {
		if len(route) > 0 {
			t.Errorf("the experiment never came to %q", route)
		}
	})
	return s
}

// The experiment is listed in both places, or would be in neither if the trash were not listed
// again. The root is opened and then the trash, the root and the trash are listed.
func TestListingBetweenTwoPlaces(t *testing.T) {
	const root, trash = "openfolder mlruns", "openfolder mlruns/.trash"
	for name, tc := range map[string]struct {
		begin string
		route []stop
	}{
		"restored, listed in both places": {"trash", []stop{{trash, ""}, {root, "root"}}},
		"deleted, listed in both places":  {"root", []stop{{trash, ""}, {root, ""}, {trash, "trash"}}},
		"deleted between the listings":    {"root", []stop{{trash, ""}, {root, "trash"}}},
	} {
		t.Run(name, func(t *testing.T) {
			page, err := newWandering(t, tc.begin, tc.route...).SearchExperiments(t.Context(), mlruns.ExperimentQuery{View: mlruns.ViewAll})
			if err != nil || len(page.Experiments) != 2 {
				t.Errorf("SearchExperiments = %+v, %v, want two experiments", page, err)
			}
			for _, p := range page.Problems {
				if p.Kind == mlruns.ProblemDuplicate {
					t.Errorf("problem %v, but there is one e1", p)
				}
			}
		})
		t.Run(name+", runs", func(t *testing.T) {
			page, err := newWandering(t, tc.begin, tc.route...).SearchRuns(t.Context(), mlruns.RunQuery{View: mlruns.ViewAll})
			if err != nil || len(page.Runs) != 1 {
				t.Errorf("SearchRuns = %+v, %v, want one run", page, err)
			}
		})
		t.Run(name+", info", func(t *testing.T) {
			info, err := newWandering(t, tc.begin, tc.route...).Info(t.Context())
			if err != nil || info.Active+info.Deleted != 2 || info.Runs != 1 {
				t.Errorf("Info = %+v, %v, want two experiments and one run", info, err)
			}
		})
		t.Run(name+", verify", func(t *testing.T) {
			wantBadMetric(t, newWandering(t, tc.begin, tc.route...))
		})
	}
}

// wantBadMetric wants Verify to find the one problem there is but for those of the move, which is
// the test's own and leaves meta.yaml as it was.
func wantBadMetric(t *testing.T, s *filestore.Store) {
	t.Helper()
	var problems []mlruns.Problem
	for p, err := range s.Verify(t.Context(), mlruns.VerifyQuery{}) {
		if err != nil {
			t.Fatal(err)
		}
		if p.Kind != mlruns.ProblemStage {
			problems = append(problems, p)
		}
	}
	if len(problems) != 1 || problems[0].Kind != mlruns.ProblemMalformed || !strings.HasSuffix(problems[0].Path, "e1/run/metrics/bad") {
		t.Errorf("Verify found %v, want the malformed metric", problems)
	}
}

// The experiment moves when it is opened for the n-th time.
func TestUpkeepOfMovingExperiment(t *testing.T) {
	for n := range 5 {
		route := slices.Repeat([]stop{{"openfolder mlruns/e1", ""}}, n)
		wantBadMetric(t, newWandering(t, "root", append(route, stop{"openfolder mlruns/e1", "trash"})...))
	}
	info, err := newWandering(t, "root", stop{"openfolder mlruns/e1", "trash"}).Info(t.Context())
	if err != nil || info.Runs != 1 {
		t.Errorf("Info = %+v, %v, want one run", info, err)
	}
}

// Each look at the run is at the place where its experiment has just left. None of them may say
// that there is no such run.
func TestRunOfWanderingExperiment(t *testing.T) {
	for name, route := range map[string][]stop{
		"elsewhere when looked for, back when listed again": {{"stat mlruns/e1/run/meta.yaml", "trash"}, {"openfolder mlruns/.trash", "root"}},
		"elsewhere when looked for, and when opened": {{"stat mlruns/e1/run/meta.yaml", "trash"}, {"openfolder mlruns/.trash", "root"},
			{"openfolder mlruns/e1", "trash"}},
		"elsewhere when looked for, and twice when opened": {{"stat mlruns/e1/run/meta.yaml", "trash"}, {"openfolder mlruns/.trash", "root"},
			{"openfolder mlruns/e1", "trash"}, {"openfolder mlruns/.trash/e1", "root"}},
		"elsewhere when looked for, and not listed again": {{"stat mlruns/e1/run/meta.yaml", "trash"}, {"openfolder mlruns/.trash", "root"},
			{"openfolder mlruns", "trash"}, {"openfolder mlruns/.trash", "root"}},
		"elsewhere when the run is opened": {{"openfolder mlruns/e1/run", "trash"}, {"openfolder mlruns/.trash/e1/run", "root"}, {"openfolder mlruns/e1/run", "trash"}},
	} {
		for call, read := range map[string]func(*filestore.Store) error{
			"Run": func(s *filestore.Store) error {
				_, err := s.Run(t.Context(), "run")
				return err
			},
			"MetricHistory": func(s *filestore.Store) error {
				points := 0
				for _, err := range s.MetricHistory(t.Context(), "run", "loss", mlruns.HistoryQuery{}) {
					if err != nil {
						return err
					}
					points++
				}
				if points != 1 {
					return fmt.Errorf("%d points, want 1", points)
				}
				return nil
			},
			"Artifacts": func(s *filestore.Store) error {
				_, err := s.Artifacts(t.Context(), "run", "")
				return err
			},
		} {
			t.Run(name+"/"+call, func(t *testing.T) {
				if err := read(newWandering(t, "root", route...)); err != nil {
					t.Error(err)
				}
			})
		}
	}
}

// The experiment leaves its place three times just before it is opened, or looked for.
func TestWanderingExperiment(t *testing.T) {
	opened := []stop{{"openfolder mlruns/e1", "trash"}, {"openfolder mlruns/.trash/e1", "root"}, {"openfolder mlruns/e1", "trash"}}
	looked := []stop{{"stat mlruns/e1/meta.yaml", "trash"}, {"stat mlruns/.trash/e1/meta.yaml", "root"}, {"stat mlruns/e1/meta.yaml", "trash"}}
	for call, count := range map[string]func(*filestore.Store) (int, error){
		"Experiment": func(s *filestore.Store) (int, error) {
			_, err := s.Experiment(t.Context(), "e1")
			return 1, err
		},
		"ExperimentByName": func(s *filestore.Store) (int, error) {
			_, err := s.ExperimentByName(t.Context(), "one")
			return 1, err
		},
		"SearchExperiments": func(s *filestore.Store) (int, error) {
			page, err := s.SearchExperiments(t.Context(), mlruns.ExperimentQuery{View: mlruns.ViewAll, Filter: "tags.team = 'a'"})
			return len(page.Experiments), err
		},
		"SearchRuns": func(s *filestore.Store) (int, error) {
			page, err := s.SearchRuns(t.Context(), mlruns.RunQuery{Experiments: []string{"e1"}})
			return len(page.Runs), err
		},
		"RunInfos": func(s *filestore.Store) (n int, err error) {
			for _, err := range s.RunInfos(t.Context(), "e1", mlruns.ViewAll) {
				if err != nil {
					return 0, err
				}
				n++
			}
			return n, nil
		},
	} {
		t.Run(call, func(t *testing.T) {
			if n, err := count(newWandering(t, "root", opened...)); n != 1 || err != nil {
				t.Errorf("moved when opened: found %d, %v, want one", n, err)
			}
			if strings.HasSuffix(call, "Name") || strings.HasSuffix(call, "Experiments") {
				return // it is listed, and not looked for
			}
			if n, err := count(newWandering(t, "root", looked...)); n != 1 || err != nil {
				t.Errorf("moved when looked for: found %d, %v, want one", n, err)
			}
		})
	}
}

// An experiment that is restored while GC looks is no longer to be removed.
func TestGCOfRestoredExperiment(t *testing.T) {
	s := newWandering(t, "trash", stop{"readfile mlruns/.trash/e1/meta.yaml", "root"})
	for r, err := range s.GC(t.Context(), mlruns.GCQuery{DryRun: true}) {
		if err != nil || r.RunID == "" {
			t.Errorf("%+v, %v: the experiment is active", r, err)
		}
	}
}

// Another program, which takes no locks, moves the experiment whenever its run is about to be
// locked or read.
func TestWriterOfWanderingRun(t *testing.T) {
	const lock = "/run/.mlruns.lock"
	for name, route := range map[string][]stop{
		"when locked": {{"create mlruns/e1" + lock, "trash"}, {"create mlruns/.trash/e1" + lock, "root"}, {"create mlruns/e1" + lock, "trash"}},
		"when read":   {{"openfolder mlruns/e1/run", "trash"}, {"openfolder mlruns/.trash/e1/run", "root"}, {"openfolder mlruns/e1/run", "trash"}},
	} {
		for call, write := range map[string]func(*filestore.Store) error{
			"LogMetric": func(s *filestore.Store) error { return s.LogMetric(t.Context(), "run", mlruns.Metric{Key: "loss"}) },
			"UpdateRun": func(s *filestore.Store) error {
				return s.UpdateRun(t.Context(), "run", mlruns.RunUpdate{Name: "other"})
			},
			"DeleteRun": func(s *filestore.Store) error { return s.DeleteRun(t.Context(), "run") },
		} {
			t.Run(name+"/"+call, func(t *testing.T) {
				if err := write(newWandering(t, "root", route...)); err != nil {
					t.Error(err)
				}
			})
		}
	}
}
