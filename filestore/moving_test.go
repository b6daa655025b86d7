package filestore_test

import (
	"errors"
	"fmt"
	"io/fs"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/spf13/afero"

	"github.com/mlruns/mlruns"
	"github.com/mlruns/mlruns/filestore"
	"github.com/mlruns/mlruns/internal/dirlock"
	"github.com/mlruns/mlruns/internal/faultfs"
	"github.com/mlruns/mlruns/internal/memfs"
)

// newMoving is a store whose experiment e1 moves to the trash, or back, at the first operation of a kind on a path after arming. It has a tag that is not UTF-8.
func newMoving(t *testing.T, kind faultfs.Kind, path string) (arm func(), s *filestore.Store) {
	t.Helper()
	mem := memfs.New()
	armed := false
	s = openStore(t, "/mlruns", filestore.WithFs(faultfs.New(mem, func(op faultfs.Op) error {
		if !armed || op.Kind != kind || strings.TrimPrefix(op.Path, "/") != path {
			return nil
		}
		armed = false
		if err := mem.Rename("/mlruns/e1", "/mlruns/.trash/e1"); err == nil {
			return nil
		}
		return mem.Rename("/mlruns/.trash/e1", "/mlruns/e1")
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

// The experiment is listed in both places, or would be in neither if the trash were not listed again. The root is opened and then the trash, the root and the
// trash are listed.
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

// wantBadMetric wants Verify to find the one problem there is but for those of the move, which is the test's own and leaves meta.yaml as it was.
func wantBadMetric(t *testing.T, s *filestore.Store) {
	t.Helper()
	var problems []mlruns.Problem
	for p, err := range s.Verify(t.Context()) {
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
	for _, at := range readsOfExperiment {
		arm, s := newMoving(t, at.kind, at.path)
		arm()
		var problems []mlruns.Problem
		for p, err := range s.Verify(t.Context()) {
			if err != nil {
				t.Fatal(err)
			}
			problems = append(problems, p)
		}
		wantBadTag(t, problems)
	}
}

// wantBadTag wants the one problem there is but for those of the move, which is the test's own and leaves meta.yaml as it was.
func wantBadTag(t *testing.T, problems []mlruns.Problem) {
	t.Helper()
	problems = slices.DeleteFunc(problems, func(p mlruns.Problem) bool { return p.Kind == mlruns.ProblemStage })
	if len(problems) != 1 || problems[0].Kind != mlruns.ProblemUnreadable || !strings.HasSuffix(problems[0].Path, "e1/tags/bad") {
		t.Errorf("problems %v, want one, of the tag that cannot be read", problems)
	}
}

// stop is a place to which an experiment goes when an operation begins: "root", "trash", or "" for staying where it is.
type stop struct{ at, to string }

// newWandering is a memory store whose experiment e1, with the run "run", begins in a place and goes from stop to stop. Nothing of it has been read. Its metric
// "bad" is malformed.
func newWandering(t *testing.T, begin string, route ...stop) *filestore.Store {
	t.Helper()
	mem := memfs.New()
	first := openStore(t, "/mlruns", filestore.WithFs(mem))
	if _, err := first.CreateExperiment(t.Context(), mlruns.ExperimentSpec{ID: "e1", Name: "one", Tags: map[string]string{"team": "a"}}); err != nil {
		t.Fatal(err)
	}
	if _, err := first.CreateRun(t.Context(), mlruns.RunSpec{ID: "run", ExperimentID: "e1"}); err != nil {
		t.Fatal(err)
	}
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
	s := openStore(t, "/mlruns", filestore.WithFs(faultfs.New(mem, func(op faultfs.Op) error {
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

// Each look at the run is at the place where its experiment has just left. None of them may say that there is no such run.
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

// A folder without a meta.yaml is none that moves: it is not looked into again and again.
func TestListingOfBareFolder(t *testing.T) {
	mem := memfs.New()
	openStore(t, "/mlruns", filestore.WithFs(mem))
	if err := mem.Mkdir("/mlruns/e1", 0o777); err != nil {
		t.Fatal(err)
	}
	opened := 0
	s := openStore(t, "/mlruns", filestore.WithFs(faultfs.New(mem, func(op faultfs.Op) error {
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

// Who writes to a run in the trash is not overtaken by who restores its experiment.
func TestRestoreWaitsForWriter(t *testing.T) {
	for call, write := range map[string]func(*filestore.Store) error{
		"log a metric": func(s *filestore.Store) error { return s.LogMetric(t.Context(), "run", mlruns.Metric{Key: "loss"}) },
		"rename the run": func(s *filestore.Store) error {
			return s.UpdateRun(t.Context(), "run", mlruns.RunUpdate{Name: "other"})
		},
		"delete the run": func(s *filestore.Store) error { return s.DeleteRun(t.Context(), "run") },
	} {
		for name, mem := range map[string]afero.Fs{"memory": memfs.New(), "kept handles": memfs.NewLocal(), "MemMapFs": afero.NewMemMapFs()} {
			t.Run(call+"/"+name, func(t *testing.T) {
				t.Parallel()
				restored := make(chan error, 1)
				var s *filestore.Store
				armed := false
				s = openStore(t, "/mlruns", filestore.WithFs(faultfs.New(mem, func(op faultfs.Op) error {
					if armed && op.Kind.Mutates() && strings.Contains(op.Path, "/.trash/e1/run/") && !strings.HasSuffix(op.Path, ".mlruns.lock") {
						armed = false
						return &faultfs.Delay{Wait: func(faultfs.Op) {
							go func() { restored <- s.RestoreExperiment(t.Context(), "e1") }()
							select {
							case err := <-restored:
								t.Errorf("restored while the run was written to: %v", err)
								restored <- err
							case <-time.After(100 * time.Millisecond):
							}
						}}
					}
					return nil
				})))
				if _, err := s.CreateExperiment(t.Context(), mlruns.ExperimentSpec{ID: "e1", Name: "one"}); err != nil {
					t.Fatal(err)
				}
				if _, err := s.CreateRun(t.Context(), mlruns.RunSpec{ID: "run", ExperimentID: "e1"}); err != nil {
					t.Fatal(err)
				}
				if err := s.DeleteExperiment(t.Context(), "e1"); err != nil {
					t.Fatal(err)
				}
				if err := s.RestoreRun(t.Context(), "run"); err != nil { // so that there is an active run in the trash
					t.Fatal(err)
				}
				armed = true
				if err := write(s); err != nil {
					t.Error(err)
				}
				if armed {
					t.Fatal("nothing was written")
				}
				if err := <-restored; err != nil {
					t.Error(err)
				}
			})
		}
	}
}

// afterStat calls a function after each successful Stat.
type afterStat struct {
	*memfs.FS
	do *func(name string)
}

func (a afterStat) Stat(name string) (fs.FileInfo, error) {
	info, err := a.FS.Stat(name)
	if err == nil {
		(*a.do)(name)
	}
	return info, err
}

// Whenever the run was found its experiment is deleted or restored, as often as the locks let that be.
func TestWriterAmongMoves(t *testing.T) {
	found := func(string) {}
	s := openStore(t, "/mlruns", filestore.WithFs(afterStat{memfs.New(), &found}))
	if _, err := s.CreateExperiment(t.Context(), mlruns.ExperimentSpec{ID: "e1", Name: "one"}); err != nil {
		t.Fatal(err)
	}
	if _, err := s.CreateRun(t.Context(), mlruns.RunSpec{ID: "run", ExperimentID: "e1"}); err != nil {
		t.Fatal(err)
	}
	var (
		moving atomic.Bool
		movers sync.WaitGroup
		moves  int
	)
	found = func(name string) {
		if !strings.HasSuffix(name, "/e1/run/meta.yaml") || !moving.CompareAndSwap(false, true) {
			return
		}
		done := make(chan struct{})
		movers.Go(func() {
			defer moving.Store(false)
			defer close(done)
			do := s.DeleteExperiment
			if strings.Contains(name, "/.trash/") {
				do = s.RestoreExperiment
			}
			if err := do(t.Context(), "e1"); err != nil {
				t.Error(err)
			}
			moves++
		})
		select {
		case <-done:
		case <-time.After(100 * time.Millisecond): // who writes has locked the experiment
		}
	}
	err := s.LogMetric(t.Context(), "run", mlruns.Metric{Key: "loss"})
	if err != nil && !errors.Is(err, mlruns.ErrNotActive) {
		t.Errorf("LogMetric: %v, want none or ErrNotActive", err)
	}
	movers.Wait()
	found = func(string) {}
	if moves == 0 {
		t.Error("nothing has moved")
	}
}

// Another program, which takes no locks, moves the experiment whenever its run is about to be locked or read.
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

// Whoever logs to an active run in the trash holds its experiment each time, and whoever is refused there waits for nobody.
func TestLoggingInTheTrash(t *testing.T) {
	mem := memfs.NewLocal()
	s := openStore(t, "/mlruns", filestore.WithFs(mem), filestore.WithLockTimeout(10*time.Millisecond))
	if _, err := s.CreateExperiment(t.Context(), mlruns.ExperimentSpec{ID: "e1", Name: "one"}); err != nil {
		t.Fatal(err)
	}
	if _, err := s.CreateRun(t.Context(), mlruns.RunSpec{ID: "run", ExperimentID: "e1"}); err != nil {
		t.Fatal(err)
	}
	log := func() error { return s.LogMetric(t.Context(), "run", mlruns.Metric{Key: "loss"}) }
	if err := errors.Join(s.DeleteExperiment(t.Context(), "e1"), s.RestoreRun(t.Context(), "run"), log()); err != nil {
		t.Fatal(err)
	}
	unlock, err := dirlock.New(mem, dirlock.Required, dirlock.Options{}).Lock(t.Context(), "/mlruns/.mlruns.e1.lock")
	if err != nil {
		t.Fatal(err)
	}
	if err := log(); !errors.Is(err, mlruns.ErrBusy) {
		t.Errorf("with the experiment locked: %v, want ErrBusy", err)
	}
	if err := errors.Join(unlock(), s.DeleteRun(t.Context(), "run")); err != nil {
		t.Fatal(err)
	}
	if unlock, err = dirlock.New(mem, dirlock.Required, dirlock.Options{}).Lock(t.Context(), "/mlruns/.mlruns.e1.lock"); err != nil {
		t.Fatal(err)
	}
	for _, err := range []error{log(), s.UpdateRun(t.Context(), "run", mlruns.RunUpdate{Name: "other"})} {
		if !errors.Is(err, mlruns.ErrNotActive) {
			t.Errorf("a deleted run, with the experiment locked: %v, want ErrNotActive", err)
		}
	}
	if err := unlock(); err != nil {
		t.Fatal(err)
	}
}
