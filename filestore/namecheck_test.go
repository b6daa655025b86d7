package filestore_test

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/spf13/afero"

	"github.com/mlruns/mlruns"
	"github.com/mlruns/mlruns/filestore"
	"github.com/mlruns/mlruns/filestore/internal/filestoretest"
	"github.com/mlruns/mlruns/internal/faultfs"
)

// TestNameAndIDChecksThatCannotLookRefuse has a meta.yaml that cannot be read: whether it has the
// name is not known, so nobody gets the name.
func TestNameAndIDChecksThatCannotLookRefuse(t *testing.T) {
	for _, cause := range []error{syscall.EIO, syscall.EACCES, syscall.EMFILE} {
		for _, plain := range []bool{false, true} {
			f := filestoretest.NewFaulty(t, plain, filestore.SyncNever)
			c := mlruns.NewClient(f.Store)
			for _, id := range []string{"e2", "e3"} {
				f.Must(filestoretest.ErrOf(f.Store.CreateExperiment(f.Ctx, mlruns.ExperimentSpec{ID: id, Name: id})))
			}
			f.Must(f.Store.DeleteExperiment(f.Ctx, "e3"))
			f.Faults.Arm(faultfs.FailMatching(func(op faultfs.Op) bool {
				return strings.HasPrefix(op.Path, "mlruns/e1/") || strings.HasPrefix(op.Path, "/mlruns/e1/")
			}, cause))
			for what, err := range map[string]error{
				"create":                 filestoretest.ErrOf(f.Store.CreateExperiment(f.Ctx, mlruns.ExperimentSpec{Name: "one"})),
				"create by another name": filestoretest.ErrOf(f.Store.CreateExperiment(f.Ctx, mlruns.ExperimentSpec{Name: "other"})),
				"get or create":          filestoretest.ErrOf(c.GetOrCreateExperiment(f.Ctx, "one")),
				"look up":                filestoretest.ErrOf(f.Store.ExperimentByName(f.Ctx, "one")),
				"rename":                 f.Store.RenameExperiment(f.Ctx, "e2", "one"),
				"restore":                f.Store.RestoreExperiment(f.Ctx, "e3"),
				"run with an id":         filestoretest.ErrOf(f.Store.CreateRun(f.Ctx, mlruns.RunSpec{ID: "run", ExperimentID: "e2"})),
			} {
				if !errors.Is(err, cause) || errors.Is(err, mlruns.ErrNotFound) || errors.Is(err, mlruns.ErrExists) {
					t.Errorf("%v, plain %v: %s: %v", cause, plain, what, err)
				}
			}
			if e, err := f.Store.ExperimentByName(f.Ctx, "e2"); cause != syscall.EMFILE && (err != nil || e.ID != "e2") {
				t.Errorf("%v: another that can be read: %v, %v", cause, e, err)
			}
			f.Faults.Disarm()
			f.Verify("")
			page, err := f.Store.SearchExperiments(f.Ctx, mlruns.ExperimentQuery{View: mlruns.ViewAll})
			if err != nil || len(page.Experiments) != 4 {
				t.Errorf("%v: %v, %v", cause, page, err)
			}
		}
	}
}

// TestNameOfDamagedExperiment has a meta.yaml that was read and makes no sense: one damaged
// experiment keeps nobody from making another.
func TestNameOfDamagedExperiment(t *testing.T) {
	t.Parallel()
	f := filestoretest.NewFaulty(t, false, filestore.SyncNever)
	f.Must(afero.WriteFile(f.Base, "mlruns/e1/meta.yaml", []byte("<<<<<<< HEAD\n"), 0o666))
	f.Must(filestoretest.ErrOf(f.Store.CreateExperiment(f.Ctx, mlruns.ExperimentSpec{Name: "two"})))
	if _, err := f.Store.ExperimentByName(f.Ctx, "nobody"); !errors.Is(err, mlruns.ErrNotFound) {
		t.Errorf("a name that nobody has: %v", err)
	}
}

// TestNameBehindLinkRefuses has an experiment, or its meta.yaml, on another disk and linked back:
// what cannot be followed may have the name.
func TestNameBehindLinkRefuses(t *testing.T) {
	for _, moved := range []string{"7", "7/meta.yaml"} {
		for what, gone := range map[string]bool{"there": false, "gone": true} {
			t.Run(moved+" "+what, func(t *testing.T) {
				dir, away := t.TempDir(), filepath.Join(t.TempDir(), "away")
				s := filestoretest.Open(t, dir)
				for _, id := range []string{"7", "8"} {
					if _, err := s.CreateExperiment(t.Context(), mlruns.ExperimentSpec{ID: id, Name: "name " + id}); err != nil {
						t.Fatal(err)
					}
				}
				place := filepath.Join(dir, filepath.FromSlash(moved))
				if err := os.Rename(place, away); err != nil {
					t.Fatal(err)
				}
				if err := os.Symlink(away, place); err != nil {
					t.Skip(err)
				}
				if gone {
					if err := os.RemoveAll(away); err != nil {
						t.Fatal(err)
					}
				}
				for call, err := range map[string]error{
					"create":        filestoretest.ErrOf(s.CreateExperiment(t.Context(), mlruns.ExperimentSpec{Name: "name 7"})),
					"get or create": filestoretest.ErrOf(mlruns.NewClient(s).GetOrCreateExperiment(t.Context(), "name 7")),
					"rename":        s.RenameExperiment(t.Context(), "8", "name 7"),
				} {
					if !errors.Is(err, mlruns.ErrOutside) || !strings.Contains(err.Error(), moved) || !strings.Contains(err.Error(), "WithLinkTargets") {
						t.Errorf("%s: %v, want ErrOutside that names the link and the option", call, err)
					}
				}
				if _, err := s.ExperimentByName(t.Context(), "name 8"); err != nil {
					t.Errorf("one that is found: %v", err)
				}
			})
		}
	}
}

// TestLinkThatIsNoExperiment has a link in the root with a name that MLflow gives to no experiment,
// which keeps nobody from working.
func TestLinkThatIsNoExperiment(t *testing.T) {
	dir := t.TempDir()
	s := filestoretest.Open(t, dir)
	if err := os.Symlink(t.TempDir(), filepath.Join(dir, "data")); err != nil {
		t.Skip(err)
	}
	if _, err := s.CreateExperiment(t.Context(), mlruns.ExperimentSpec{Name: "one"}); err != nil {
		t.Error(err)
	}
}
