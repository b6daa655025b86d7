package filestore_test

import (
	"errors"
	"fmt"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/spf13/afero"

	"github.com/mlruns/mlruns"
	"github.com/mlruns/mlruns/filestore"
	"github.com/mlruns/mlruns/filestore/internal/filestoretest"
	"github.com/mlruns/mlruns/internal/faultfs"
	"github.com/mlruns/mlruns/internal/memfs"
)

// Of many experiments several are looked into at once: the run is found wherever it is, and of two
// with its id, which only damage makes, always the same.
func TestFindRunAmongMany(t *testing.T) {
	t.Parallel()
	const many = 100
	mem := memfs.New()
	s := filestoretest.Open(t, "/mlruns", filestore.WithFs(mem))
	for i := range many {
		if _, err := s.CreateExperiment(t.Context(), mlruns.ExperimentSpec{ID: fmt.Sprintf("e%02d", i), Name: fmt.Sprint("number ", i)}); err != nil {
			t.Fatal(err)
		}
		if _, err := s.CreateRun(t.Context(), mlruns.RunSpec{ID: fmt.Sprintf("run%02d", i), ExperimentID: fmt.Sprintf("e%02d", i)}); err != nil {
			t.Fatal(err)
		}
	}
	for i := range many {
		run, err := filestoretest.Open(t, "/mlruns", filestore.WithFs(mem)).Run(t.Context(), fmt.Sprintf("run%02d", i))
		if err != nil || run.Info.ExperimentID != fmt.Sprintf("e%02d", i) {
			t.Errorf("run%02d: %+v, %v", i, run, err)
		}
	}
	if _, err := s.Run(t.Context(), "none"); !errors.Is(err, mlruns.ErrNotFound) {
		t.Errorf("a run that is nowhere: %v, want ErrNotFound", err)
	}
	for _, e := range []string{"e97", "e60", "e03"} {
		meta := fmt.Sprintf("artifact_uri: x\nend_time: null\nexperiment_id: %s\nlifecycle_stage: active\nrun_id: twice\nrun_uuid: twice\nstart_time: 1\nstatus: 1\nuser_id: u\n", e)
		if err := errors.Join(mem.Mkdir("/mlruns/"+e+"/twice", 0o777), afero.WriteFile(mem, "/mlruns/"+e+"/twice/meta.yaml", []byte(meta), 0o666)); err != nil {
			t.Fatal(err)
		}
	}
	// The first in order wins, whichever look ends first or last.
	for _, slow := range []map[string]time.Duration{
		{"e03": 20 * time.Millisecond, "e60": 60 * time.Millisecond, "e97": 40 * time.Millisecond},
		{"e03": 60 * time.Millisecond, "e60": 20 * time.Millisecond, "e97": 40 * time.Millisecond},
	} {
		fsys := faultfs.New(mem, func(op faultfs.Op) error {
			experiment, is := strings.CutSuffix(strings.TrimPrefix(op.Path, "/mlruns/"), "/twice/meta.yaml")
			if d := slow[experiment]; is && d > 0 {
				return &faultfs.Delay{Wait: func(faultfs.Op) { time.Sleep(d) }}
			}
			return nil
		})
		for range 3 {
			run, err := filestoretest.Open(t, "/mlruns", filestore.WithFs(fsys)).Run(t.Context(), "twice")
			if err != nil || run.Info.ExperimentID != "e03" {
				t.Fatalf("of three with one id: %+v, %v, want that of e03", run, err)
			}
		}
	}
}

// A look waits until there is another one.
func TestFindRunLooksAtOnce(t *testing.T) {
	mem := memfs.New()
	s := filestoretest.Open(t, "/mlruns", filestore.WithFs(mem))
	for i := range 40 {
		if _, err := s.CreateExperiment(t.Context(), mlruns.ExperimentSpec{ID: fmt.Sprintf("e%02d", i), Name: fmt.Sprint("number ", i)}); err != nil {
			t.Fatal(err)
		}
	}
	var looks atomic.Int64
	second := make(chan struct{})
	fsys := faultfs.New(mem, func(op faultfs.Op) error {
		if op.Kind != faultfs.Stat || !strings.HasSuffix(op.Path, "/none/meta.yaml") {
			return nil
		}
		switch looks.Add(1) {
		case 1:
			return &faultfs.Delay{Wait: func(faultfs.Op) {
				select {
				case <-second:
				case <-time.After(10 * time.Second):
					t.Error("no second look began while the first was under way")
				}
			}}
		case 2:
			close(second)
		}
		return nil
	})
	if _, err := filestoretest.Open(t, "/mlruns", filestore.WithFs(fsys)).Run(t.Context(), "none"); !errors.Is(err, mlruns.ErrNotFound) {
		t.Errorf("a run that is nowhere: %v, want ErrNotFound", err)
	}
}

// That there is no such run costs one look into each experiment where the root shows that nothing
// moved, and is found out by opening each where it does not.
func TestFindRunThatIsNowhere(t *testing.T) {
	for name, tc := range map[string]struct {
		fsys    *memfs.FS
		changes bool // just before the look at the root
		moves   bool
		opened  bool
	}{
		"nothing moves":                   {fsys: memfs.NewLocal()},
		"an experiment moves":             {fsys: memfs.NewLocal(), moves: true, opened: true},
		"the root changed just now":       {fsys: memfs.NewLocal(), changes: true, opened: true},
		"nothing is known of other hosts": {fsys: memfs.New(), opened: true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := filestoretest.Open(t, "/mlruns", filestore.WithFs(tc.fsys))
			if _, err := s.CreateExperiment(t.Context(), mlruns.ExperimentSpec{ID: "e1", Name: "one"}); err != nil {
				t.Fatal(err)
			}
			filestoretest.Settle() // after which a change of the root is seen
			opened := false
			var looks atomic.Int64
			fsys := faultfs.New(tc.fsys, func(op faultfs.Op) error {
				if strings.HasPrefix(op.Path, "/mlruns/e1/none") {
					looks.Add(1)
				}
				switch {
				case op.Kind == faultfs.OpenFolder && strings.HasSuffix(op.Path, "/e1"):
					opened = true
				case tc.changes && op.Kind == faultfs.Stat && op.Path == "/mlruns":
					_ = tc.fsys.Mkdir("/mlruns/new", 0o777) // there after the first time
				case tc.moves && op.Kind == faultfs.Stat && op.Path == "/mlruns/e1/none":
					return errors.Join(tc.fsys.Rename("/mlruns/e1", "/mlruns/.trash/e1"), tc.fsys.Rename("/mlruns/.trash/e1", "/mlruns/e1"))
				}
				return nil
			})
			if _, err := filestoretest.Open(t, "/mlruns", filestore.WithFs(fsys)).Run(t.Context(), "none"); !errors.Is(err, mlruns.ErrNotFound) {
				t.Errorf("%v, want ErrNotFound", err)
			}
			if opened != tc.opened {
				t.Errorf("the experiment was opened: %v, want %v", opened, tc.opened)
			}
			if !tc.moves && looks.Load() != 1 {
				t.Errorf("looked for the run in the experiment %d times, want once", looks.Load())
			}
		})
	}
}
