package filestore_test

import (
	"errors"
	"os"
	"path"
	"strings"
	"testing"

	"github.com/spf13/afero"

	"github.com/mlruns/mlruns"
	"github.com/mlruns/mlruns/filestore"
	"github.com/mlruns/mlruns/filestore/internal/filestoretest"
	"github.com/mlruns/mlruns/internal/memfs"
	"github.com/mlruns/mlruns/internal/vfs"
)

// served is a client of a file server. Identify tells what it remembers of meta.yaml and the
// lock files until the server is asked, by FreshFile and FreshFolder of its folder.
type served struct {
	*memfs.FS
	remembered map[string]vfs.Identity // by path
	asked      []string                // what the server was asked about
}

func newServed() *served {
	return &served{FS: memfs.NewServed(), remembered: map[string]vfs.Identity{}}
}

func (s *served) Identify(name string, changed bool) (vfs.Identity, error) {
	if old, ok := s.remembered[name]; ok {
		return old, nil
	}
	now, err := s.FS.Identify(name, changed)
	if base := path.Base(name); err == nil && (base == "meta.yaml" || base == ".mlruns.lock") {
		s.remembered[name] = now
	}
	return now, err
}

func (s *served) FreshFile(f afero.File) (vfs.Identity, error) {
	s.asked = append(s.asked, path.Base(f.Name()))
	return s.FS.FreshFile(f)
}

func (s *served) FreshFolder(name string) error {
	s.asked = append(s.asked, path.Base(name))
	for known := range s.remembered {
		if path.Dir(known) == name {
			delete(s.remembered, known)
		}
	}
	return s.FS.FreshFolder(name)
}

// servedRun is a run on a file server that was logged to so long that its handles are believed.
type servedRun struct {
	*testing.T
	fs     *served
	store  *filestore.Store
	id     string
	folder string
	step   int64
}

func newServedRun(t *testing.T) *servedRun {
	t.Helper()
	r := &servedRun{T: t, fs: newServed()}
	r.store = filestoretest.Open(t, "/mlruns", filestore.WithFs(r.fs))
	run, err := r.store.CreateRun(t.Context(), mlruns.RunSpec{Name: "name"})
	if err != nil {
		t.Fatal(err)
	}
	r.id, r.folder = run.Info.ID, "/mlruns/0/"+run.Info.ID
	for range 3 {
		r.log(nil)
		filestoretest.Settle()
	}
	r.log(nil)
	return r
}

func (r *servedRun) log(want error) {
	r.Helper()
	r.step++
	if err := r.store.LogMetric(r.Context(), r.id, mlruns.Metric{Key: "m", Step: r.step}); !errors.Is(err, want) {
		r.Fatalf("point %d: %v, want %v", r.step, err, want)
	}
}

// TestServedAsks logs to a file server: it is asked about the run's folder, which has the lock
// file, meta.yaml and the folder of the metric, once each.
func TestServedAsks(t *testing.T) {
	r := newServedRun(t)
	r.fs.asked = nil
	r.log(nil)
	if got := strings.Join(r.fs.asked, " "); got != r.id+" meta.yaml metrics" {
		t.Errorf("the server was asked about %q, want the folder, meta.yaml and metrics once each", got)
	}
	filestoretest.NoProblems(t, r.store)
}

// TestServedSeesOthers has another client, of which this one remembers nothing, change a run
// between two points.
func TestServedSeesOthers(t *testing.T) {
	for name, tc := range map[string]struct {
		change func(*servedRun, *filestore.Store) error
		want   error
	}{
		"the run is deleted": {func(r *servedRun, o *filestore.Store) error { return o.DeleteRun(r.Context(), r.id) }, mlruns.ErrNotActive},
		"the run is deleted and restored": {func(r *servedRun, o *filestore.Store) error {
			return errors.Join(o.DeleteRun(r.Context(), r.id), o.RestoreRun(r.Context(), r.id))
		}, nil},
		"the run is deleted by MLflow": {func(r *servedRun, _ *filestore.Store) error {
			return r.rewrite(strings.NewReplacer("lifecycle_stage: active", "lifecycle_stage: deleted", "run_name: name", "run_name: nam"))
		}, mlruns.ErrNotActive},
		"another logs": {func(r *servedRun, o *filestore.Store) error {
			return o.LogMetric(r.Context(), r.id, mlruns.Metric{Key: "m"})
		}, nil},
	} {
		t.Run(name, func(t *testing.T) {
			r := newServedRun(t)
			// the server's own view: a client that remembers nothing
			other := filestoretest.Open(t, "/mlruns", filestore.WithFs(r.fs.FS))
			if err := tc.change(r, other); err != nil {
				t.Fatal(err)
			}
			r.log(tc.want)
			filestoretest.NoProblems(t, other)
		})
	}
}

func (r *servedRun) rewrite(change *strings.Replacer) error {
	name := r.folder + "/meta.yaml"
	text, err := afero.ReadFile(r.fs, name)
	if err != nil {
		return err
	}
	changed := change.Replace(string(text))
	if len(changed) != len(text) || changed == string(text) {
		r.Fatalf("meta.yaml is not rewritten with the same length:\n%s", text)
	}
	f, err := r.fs.OpenFile(name, os.O_WRONLY, 0)
	if err != nil {
		return err
	}
	_, err = f.WriteString(changed)
	return errors.Join(err, f.Close())
}

// TestServedLockFileIsRemoved has a program that synchronises folders remove the lock file that one
// client keeps open, and another client make it anew: the first takes the new one.
func TestServedLockFileIsRemoved(t *testing.T) {
	r := newServedRun(t)
	if err := r.fs.Remove(r.folder + "/.mlruns.lock"); err != nil {
		t.Fatal(err)
	}
	other := filestoretest.Open(t, "/mlruns", filestore.WithFs(r.fs.FS))
	if err := other.LogMetric(t.Context(), r.id, mlruns.Metric{Key: "m"}); err != nil {
		t.Fatal(err)
	}
	r.log(nil)
	r.fs.asked = nil
	r.log(nil)
	if got := strings.Join(r.fs.asked, " "); !strings.HasPrefix(got, r.id+" meta.yaml") {
		t.Errorf("the server was asked about %q: the new lock file is not kept", got)
	}
	filestoretest.NoProblems(t, other)
}
