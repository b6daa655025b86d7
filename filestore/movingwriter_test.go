package filestore_test

import (
	"errors"
	"io/fs"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/spf13/afero"

	"github.com/mlruns/mlruns"
	"github.com/mlruns/mlruns/filestore"
	"github.com/mlruns/mlruns/filestore/internal/filestoretest"
	"github.com/mlruns/mlruns/internal/dirlock"
	"github.com/mlruns/mlruns/internal/faultfs"
	"github.com/mlruns/mlruns/internal/memfs"
)

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
				s = filestoretest.Open(t, "/mlruns", filestore.WithFs(faultfs.New(mem, func(op faultfs.Op) error {
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
				makeRunInE1(t, s, nil)
				if err := s.DeleteExperiment(t.Context(), "e1"); err != nil {
					t.Fatal(err)
				}
				// so that there is an active run in the trash
				if err := s.RestoreRun(t.Context(), "run"); err != nil {
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
				filestoretest.NoProblems(t, s)
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

// Whenever the run was found its experiment is deleted or restored, as often as the locks let that
// be.
func TestWriterAmongMoves(t *testing.T) {
	found := func(string) {}
	s := filestoretest.Open(t, "/mlruns", filestore.WithFs(afterStat{memfs.New(), &found}))
	makeRunInE1(t, s, nil)
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
	filestoretest.NoProblems(t, s)
}

// Whoever logs to an active run in the trash holds its experiment each time, and whoever is refused
// there waits for nobody.
func TestLoggingInTheTrash(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		mem := memfs.NewLocal()
		s := filestoretest.Open(t, "/mlruns", filestore.WithFs(mem), filestore.WithLockTimeout(10*time.Millisecond))
		makeRunInE1(t, s, nil)
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
		filestoretest.NoProblems(t, s)
	})
}
