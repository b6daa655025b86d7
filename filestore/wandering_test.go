package filestore_test

import (
	"errors"
	"fmt"
	"io"
	"iter"
	"os"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/spf13/afero"

	"github.com/mlruns/mlruns"
	"github.com/mlruns/mlruns/filestore"
	"github.com/mlruns/mlruns/filestore/internal/filestoretest"
	"github.com/mlruns/mlruns/internal/faultfs"
	"github.com/mlruns/mlruns/internal/memfs"
	"github.com/mlruns/mlruns/internal/proof"
)

// newWandering is a memory store whose experiment e1, with the run "run", begins in the root or in
// the trash. Nothing of it has been read. Its run has an
// artifact and a malformed metric "bad", its trace has spans. Another program, which
// takes no locks, moves it to the other place before the operations of the file system that are
// listed, of those that count, from 0 on; more is how many of these are still to come.
func newWandering(t *testing.T, begin string, counts func(faultfs.Op) bool, before ...int) (s *filestore.Store, more func() int) {
	t.Helper()
	mem := memfs.New()
	first := filestoretest.Open(t, "/mlruns", filestore.WithFs(mem))
	makeRunInE1(t, first, map[string]string{"team": "a"})
	if err := first.LogMetric(t.Context(), "run", mlruns.Metric{Key: "loss", Value: 1, Time: time.UnixMilli(1)}); err != nil {
		t.Fatal(err)
	}
	if err := first.WriteArtifact(t.Context(), "run", "file", strings.NewReader("text")); err != nil {
		t.Fatal(err)
	}
	if _, err := first.StartTrace(t.Context(), mlruns.Trace{ID: "trace", ExperimentID: "e1", State: mlruns.TraceOK}); err != nil {
		t.Fatal(err)
	}
	if err := mem.MkdirAll("/mlruns/e1/traces/trace/artifacts", 0o777); err != nil {
		t.Fatal(err)
	}
	if err := afero.WriteFile(mem, "/mlruns/e1/traces/trace/artifacts/traces.json", []byte("{}"), 0o666); err != nil {
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
	var mu sync.Mutex // what is read at once is read by several goroutines
	ready, n := false, -1
	s, err := filestore.Open("/mlruns", filestore.WithFs(faultfs.New(mem, func(op faultfs.Op) error {
		mu.Lock()
		defer mu.Unlock()
		if !ready || !counts(op) {
			return nil
		}
		if n++; len(before) == 0 || before[0] != n {
			return nil
		}
		before = before[1:]
		if err := mem.Rename("/mlruns/.trash/e1", "/mlruns/e1"); err == nil {
			return nil
		}
		return mem.Rename("/mlruns/e1", "/mlruns/.trash/e1")
	})))
	if err != nil {
		t.Fatal(err)
	}
	ready = true
	return s, func() int { mu.Lock(); defer mu.Unlock(); return len(before) }
}

// wander does a call again and again while the experiment moves: once before each of the operations
// that count, and several times from each of them on, at moments that are drawn.
func wander(t *testing.T, begin string, most int, do func(s *filestore.Store) error) {
	t.Helper()
	rng := proof.Rand(t)
	for moves := 1; moves <= most; moves++ {
		for i, over := 0, false; !over && !t.Failed(); i++ {
			before := []int{i}
			for range moves - 1 {
				before = append(before, before[len(before)-1]+1+rng.IntN(6))
			}
			s, more := newWandering(t, begin, always, before...)
			if err := do(s); err != nil {
				t.Errorf("moved before the operations %d: %v", before, err)
			}
			over = more() == moves
			if err := s.Close(); err != nil {
				t.Error(err)
			}
			if over && i < 3 {
				t.Errorf("the call has only %d operations", i)
			}
		}
	}
}

// leave does a call while the experiment moves each time that it is about to be opened or locked.
func leave(t *testing.T, begin string, counts func(faultfs.Op) bool, do func(s *filestore.Store) error) {
	t.Helper()
	for _, before := range [][]int{{0}, {1}, {0, 1}, {0, 1, 2}} {
		s, more := newWandering(t, begin, counts, before...)
		if err := do(s); err != nil {
			t.Errorf("moved at the looks %d: %v", before, err)
		}
		if before[0] == 0 && more() == len(before) {
			t.Error("it never moved")
		}
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	}
}

// always counts every operation of a call.
func always(faultfs.Op) bool { return true }

// runOpened counts the times that the folder of the experiment's run is opened.
func runOpened(op faultfs.Op) bool {
	return op.Kind == faultfs.OpenFolder && strings.HasSuffix(op.Path, "/e1/run")
}

// locked counts the times that the lock of the run is opened.
func locked(op faultfs.Op) bool {
	return op.Kind == faultfs.Create && strings.HasSuffix(op.Path, "/e1/run/.mlruns.lock")
}

// wanted is an error unless a number is what it should be.
func wanted(n, want int, err error) error {
	if err != nil || n != want {
		return fmt.Errorf("%d, %v, want %d", n, err, want)
	}
	return nil
}

// TestListingOfWanderingExperiment moves the experiment at any moment of a listing of everything:
// it is in it once, and no problem but that of the move.
func TestListingOfWanderingExperiment(t *testing.T) {
	for _, begin := range []string{"root", "trash"} {
		for call, list := range map[string]func(*filestore.Store) error{
			"SearchExperiments": func(s *filestore.Store) error {
				page, err := s.SearchExperiments(t.Context(), mlruns.ExperimentQuery{View: mlruns.ViewAll})
				if err != nil {
					return err
				}
				for _, p := range page.Problems {
					if p.Kind == mlruns.ProblemDuplicate {
						return fmt.Errorf("problem %v, but there is one e1", p)
					}
				}
				return wanted(len(page.Experiments), 2, nil)
			},
			"SearchExperiments by a tag": func(s *filestore.Store) error {
				page, err := s.SearchExperiments(t.Context(), mlruns.ExperimentQuery{View: mlruns.ViewAll, Filter: "tags.team = 'a'"})
				if err != nil {
					return err
				}
				return wanted(len(page.Experiments), 1, nil)
			},
			"SearchRuns": func(s *filestore.Store) error {
				page, err := s.SearchRuns(t.Context(), mlruns.RunQuery{View: mlruns.ViewAll})
				if err != nil {
					return err
				}
				return wanted(len(page.Runs), 1, nil)
			},
			"Info": func(s *filestore.Store) error {
				info, err := s.Info(t.Context())
				if err != nil {
					return err
				}
				return wanted(info.Active+info.Deleted+info.Runs, 3, nil)
			},
			"Verify": func(s *filestore.Store) error { return badMetric(s.Verify(t.Context(), mlruns.VerifyQuery{})) },
		} {
			t.Run(begin+"/"+call, func(t *testing.T) {
				t.Parallel()
				wander(t, begin, 1, list)
			})
		}
	}
}

// badMetric is an error unless Verify finds the one problem there is but for those of the move,
// which is the test's own and leaves meta.yaml as it was.
func badMetric(found iter.Seq2[mlruns.Problem, error]) error {
	var problems []mlruns.Problem
	for p, err := range found {
		if err != nil {
			return err
		}
		if p.Kind != mlruns.ProblemStage {
			problems = append(problems, p)
		}
	}
	if len(problems) != 1 || problems[0].Kind != mlruns.ProblemMalformed || !strings.HasSuffix(problems[0].Path, "e1/run/metrics/bad") {
		return fmt.Errorf("Verify found %v, want the malformed metric", problems)
	}
	return nil
}

// TestCallsOfWanderingExperiment moves the experiment up to three times at any moment of a call
// that names it or its run. None of them may say that there is no such experiment or run.
func TestCallsOfWanderingExperiment(t *testing.T) {
	for call, do := range map[string]func(*filestore.Store) error{
		"Run": func(s *filestore.Store) error { return filestoretest.ErrOf(s.Run(t.Context(), "run")) },
		"MetricHistory": func(s *filestore.Store) error {
			points := 0
			for _, err := range s.MetricHistory(t.Context(), "run", "loss", mlruns.HistoryQuery{}) {
				if err != nil {
					return err
				}
				points++
			}
			return wanted(points, 1, nil)
		},
		"Artifacts": func(s *filestore.Store) error {
			list, err := s.Artifacts(t.Context(), "run", "")
			return wanted(len(list), 1, err)
		},
		"OpenArtifact": func(s *filestore.Store) error {
			file, err := s.OpenArtifact(t.Context(), "run", "file")
			if err != nil {
				return err
			}
			data, err := io.ReadAll(file)
			return errors.Join(wanted(len(data), len("text"), err), file.Close())
		},
		"DownloadArtifacts": func(s *filestore.Store) error {
			dir := t.TempDir()
			if _, err := s.DownloadArtifacts(t.Context(), "run", "", dir); err != nil {
				return err
			}
			files, err := os.ReadDir(dir)
			return wanted(len(files), 1, err)
		},
		"Trace":            func(s *filestore.Store) error { return filestoretest.ErrOf(s.Trace(t.Context(), "trace")) },
		"TraceData":        func(s *filestore.Store) error { return filestoretest.ErrOf(s.TraceData(t.Context(), "trace")) },
		"Experiment":       func(s *filestore.Store) error { return filestoretest.ErrOf(s.Experiment(t.Context(), "e1")) },
		"ExperimentByName": func(s *filestore.Store) error { return filestoretest.ErrOf(s.ExperimentByName(t.Context(), "one")) },
		"SearchRuns": func(s *filestore.Store) error {
			page, err := s.SearchRuns(t.Context(), mlruns.RunQuery{Experiments: []string{"e1"}, View: mlruns.ViewAll})
			if err != nil {
				return err
			}
			return wanted(len(page.Runs), 1, nil)
		},
		"RunInfos": func(s *filestore.Store) error {
			n := 0
			for _, err := range s.RunInfos(t.Context(), "e1", mlruns.ViewAll) {
				if err != nil {
					return err
				}
				n++
			}
			return wanted(n, 1, nil)
		},
		"LogMetric": func(s *filestore.Store) error { return s.LogMetric(t.Context(), "run", mlruns.Metric{Key: "loss"}) },
		"UpdateRun": func(s *filestore.Store) error {
			return s.UpdateRun(t.Context(), "run", mlruns.RunUpdate{Name: "other"})
		},
		"DeleteRun": func(s *filestore.Store) error { return s.DeleteRun(t.Context(), "run") },
	} {
		t.Run(call, func(t *testing.T) {
			t.Parallel()
			switch call {
			// Without its lock a write cannot hold a run where it is.
			case "LogMetric", "UpdateRun", "DeleteRun":
				leave(t, "root", locked, do)
				leave(t, "root", runOpened, do)
			case "TraceData":
				wander(t, "root", 1, do)
			case "Trace":
				wander(t, "root", 2, do)
			case "Artifacts", "OpenArtifact", "DownloadArtifacts":
				// Where it lies is looked at again at the end, so of two moves the second undoes
				// the first.
				leave(t, "root", runOpened, do)
				wander(t, "root", 1, do)
			default:
				wander(t, "root", 3, do)
			}
		})
	}
}

// An experiment that is restored while GC looks is no longer to be removed.
func TestGCOfRestoredExperiment(t *testing.T) {
	mem := memfs.New()
	first := filestoretest.Open(t, "/mlruns", filestore.WithFs(mem))
	makeRunInE1(t, first, nil)
	if err := first.DeleteExperiment(t.Context(), "e1"); err != nil {
		t.Fatal(err)
	}
	restored := false
	s := filestoretest.Open(t, "/mlruns", filestore.WithFs(faultfs.New(mem, func(op faultfs.Op) error {
		if restored || op.Kind != faultfs.ReadFile || !strings.HasSuffix(op.Path, ".trash/e1/meta.yaml") {
			return nil
		}
		restored = true
		return mem.Rename("/mlruns/.trash/e1", "/mlruns/e1")
	})))
	for r, err := range s.GC(t.Context(), mlruns.GCQuery{DryRun: true}) {
		if err != nil || r.RunID == "" {
			t.Errorf("%+v, %v: the experiment is active", r, err)
		}
	}
	if !restored {
		t.Error("GC never looked")
	}
}
