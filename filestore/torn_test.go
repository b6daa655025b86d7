package filestore_test

import (
	"io/fs"
	"os"
	"path"
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

const tornMetric = "/mlruns/0/run/metrics/loss"

// newTorn is a store whose run has a metric with an unterminated last line, and whose file system
// calls hook before each operation.
func newTorn(t *testing.T, hook func(*memfs.FS, faultfs.Op) error) (*memfs.FS, *filestore.Store) {
	t.Helper()
	mem := memfs.New()
	s := filestoretest.Open(t, "/mlruns", filestore.WithFs(faultfs.New(mem, func(op faultfs.Op) error { return hook(mem, op) })))
	if _, err := s.CreateRun(t.Context(), mlruns.RunSpec{ID: "run"}); err != nil {
		t.Fatal(err)
	}
	if err := afero.WriteFile(mem, tornMetric, []byte("1 1.0 1\n2 2.0 2"), 0o666); err != nil {
		t.Fatal(err)
	}
	return mem, s
}

func torn(t *testing.T, mem *memfs.FS) (names []string) {
	t.Helper()
	infos, err := afero.ReadDir(mem, "/mlruns/0/run")
	if err != nil {
		t.Fatal(err)
	}
	for _, info := range infos {
		if strings.HasPrefix(path.Base(info.Name()), ".mlruns-torn-") {
			names = append(names, info.Name())
		}
	}
	return names
}

// The writer of a line that seems torn ends it while the line is being saved.
func TestTornLineCompletedWhileSaved(t *testing.T) {
	completed := false
	mem, s := newTorn(t, func(mem *memfs.FS, op faultfs.Op) error {
		if completed || op.Kind != faultfs.Write || !strings.Contains(op.Path, ".mlruns-torn-") {
			return nil
		}
		completed = true
		f, err := mem.OpenFile(tornMetric, os.O_WRONLY|os.O_APPEND, 0)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := f.WriteString("\n"); err != nil {
			t.Fatal(err)
		}
		return f.Close()
	})
	if err := s.LogMetric(t.Context(), "run", mlruns.Metric{Key: "loss", Value: 3, Step: 3, Time: time.UnixMilli(3)}); err != nil {
		t.Fatal(err)
	}
	got, err := afero.ReadFile(mem, tornMetric)
	if want := "1 1.0 1\n2 2.0 2\n3 3.0 3\n"; string(got) != want || err != nil || !completed {
		t.Errorf("file = %q, %v (completed %v), want %q", got, err, completed, want)
	}
	if left := torn(t, mem); left != nil {
		t.Errorf("left %v", left)
	}
}

// A torn line that cannot be saved stays as it is, and nothing is left of the attempt.
func TestTornLineNotSaved(t *testing.T) {
	mem, s := newTorn(t, func(_ *memfs.FS, op faultfs.Op) error {
		if op.Kind == faultfs.Write && strings.Contains(op.Path, ".mlruns-torn-") {
			return faultfs.ErrShort
		}
		return nil
	})
	if err := s.LogMetric(t.Context(), "run", mlruns.Metric{Key: "loss", Value: 3}); err == nil {
		t.Error("LogMetric succeeded")
	}
	got, err := afero.ReadFile(mem, tornMetric)
	if want := "1 1.0 1\n2 2.0 2"; string(got) != want || err != nil {
		t.Errorf("file = %q, %v, want %q", got, err, want)
	}
	if left := torn(t, mem); left != nil {
		t.Errorf("left %v", left)
	}
}

// What an appender saves survives a power cut that takes nothing it overwrote.
func TestTornLineSavedDurably(t *testing.T) {
	mem, s := newTorn(t, func(*memfs.FS, faultfs.Op) error { return nil })
	mem.SyncEverything()
	if err := s.LogMetric(t.Context(), "run", mlruns.Metric{Key: "loss", Value: 3}); err != nil {
		t.Fatal(err)
	}
	cut := mem.CrashClone(nil)
	names := torn(t, cut)
	if len(names) != 1 {
		t.Fatalf("after the power cut: %v, want one saved line", names)
	}
	got, err := fs.ReadFile(afero.NewIOFS(cut), path.Join("mlruns/0/run", path.Base(names[0])))
	if string(got) != "2 2.0 2" || err != nil {
		t.Errorf("saved = %q, %v, want the line", got, err)
	}
}
