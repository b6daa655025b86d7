package filestore_test

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/spf13/afero"

	"github.com/mlruns/mlruns"
	"github.com/mlruns/mlruns/filestore"
	"github.com/mlruns/mlruns/internal/faultfs"
	"github.com/mlruns/mlruns/internal/memfs"
)

// Of many experiments several are looked into at once: the run is found wherever it is, and of two with its id, which only damage makes, always the same.
func TestFindRunAmongMany(t *testing.T) {
	const many = 100
	mem := memfs.New()
	s := openStore(t, "/mlruns", filestore.WithFs(mem))
	for i := range many {
		if _, err := s.CreateExperiment(t.Context(), mlruns.ExperimentSpec{ID: fmt.Sprintf("e%02d", i), Name: fmt.Sprint("number ", i)}); err != nil {
			t.Fatal(err)
		}
		if _, err := s.CreateRun(t.Context(), mlruns.RunSpec{ID: fmt.Sprintf("run%02d", i), ExperimentID: fmt.Sprintf("e%02d", i)}); err != nil {
			t.Fatal(err)
		}
	}
	for i := range many {
		run, err := openStore(t, "/mlruns", filestore.WithFs(mem)).Run(t.Context(), fmt.Sprintf("run%02d", i))
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
	// The first of them is found while the looks at the others are under way, which come later.
	slow := map[string]time.Duration{"e03": 20 * time.Millisecond, "e60": 60 * time.Millisecond, "e97": 40 * time.Millisecond}
	fsys := faultfs.New(mem, func(op faultfs.Op) error {
		experiment, is := strings.CutSuffix(strings.TrimPrefix(op.Path, "/mlruns/"), "/twice/meta.yaml")
		if d := slow[experiment]; is && d > 0 {
			return &faultfs.Delay{Wait: func(faultfs.Op) { time.Sleep(d) }}
		}
		return nil
	})
	for range 5 {
		run, err := openStore(t, "/mlruns", filestore.WithFs(fsys)).Run(t.Context(), "twice")
		if err != nil || run.Info.ExperimentID != "e03" {
			t.Fatalf("of three with one id: %+v, %v, want that of e03", run, err)
		}
	}
}
