package filestore_test

import (
	"errors"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/spf13/afero"

	"github.com/mlruns/mlruns"
	"github.com/mlruns/mlruns/filestore"
	"github.com/mlruns/mlruns/filestore/internal/filestoretest"
	"github.com/mlruns/mlruns/internal/memfs"
	"github.com/mlruns/mlruns/internal/vfs"
)

// coarse is a file system whose clock steps 10 ms at a time, as that of a kernel with 100 Hz.
type coarse struct{ *memfs.FS }

func rounded(s vfs.Identity, err error) (vfs.Identity, error) {
	s.Changed -= s.Changed % int64(10*time.Millisecond)
	return s, err
}

func (c coarse) Identify(name string, changed bool) (vfs.Identity, error) {
	return rounded(c.FS.Identify(name, changed))
}

func (c coarse) IdentifyFile(f afero.File, changed bool) (vfs.Identity, error) {
	return rounded(c.FS.IdentifyFile(f, changed))
}

// TestKeptRunInOneTick has MLflow delete and restore a run, in place and with the same length,
// right after each call: in the tick of the clock in which the file was changed and read before.
func TestKeptRunInOneTick(t *testing.T) {
	fs := coarse{memfs.NewLocal()}
	s := filestoretest.Open(t, "/mlruns", filestore.WithFs(fs))
	run, err := s.CreateRun(t.Context(), mlruns.RunSpec{Name: "name"})
	if err != nil {
		t.Fatal(err)
	}
	name := "/mlruns/0/" + run.Info.ID + "/meta.yaml"
	data, err := afero.ReadFile(fs, name)
	if err != nil {
		t.Fatal(err)
	}
	active := string(data)
	deleted := strings.NewReplacer("lifecycle_stage: active", "lifecycle_stage: deleted", "run_name: name", "run_name: nam").Replace(active)
	if len(active) != len(deleted) || active == deleted {
		t.Fatalf("the lengths differ:\n%s\n%s", active, deleted)
	}
	rewrite := func(text string) {
		t.Helper()
		f, err := fs.OpenFile(name, os.O_WRONLY, 0)
		if err != nil {
			t.Fatal(err)
		}
		_, err = f.WriteString(text)
		if err = errors.Join(err, f.Close()); err != nil {
			t.Fatal(err)
		}
	}
	points := int64(0)
	log := func(want error) {
		t.Helper()
		points++
		if err := s.LogMetric(t.Context(), run.Info.ID, mlruns.Metric{Key: "m", Step: points}); !errors.Is(err, want) {
			t.Fatalf("LogMetric: %v, want %v", err, want)
		}
	}
	log(nil)
	for range 200 {
		rewrite(deleted)
		log(mlruns.ErrNotActive)
		rewrite(active)
		log(nil)
	}
	rewrite(active)
	filestoretest.NoProblems(t, s)
}
