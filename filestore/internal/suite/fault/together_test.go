package fault

import (
	"errors"
	"syscall"
	"testing"

	"github.com/mlruns/mlruns"
	"github.com/mlruns/mlruns/filestore"
	"github.com/mlruns/mlruns/filestore/internal/filestoretest"
	"github.com/mlruns/mlruns/internal/faultfs"
	"github.com/mlruns/mlruns/internal/memfs"
	"github.com/mlruns/mlruns/internal/proof"
)

// faultsTogether imports runs at once on a disk that has faults, and judges what is there. It gives
// how many of the imports failed before and after their commit point.
func faultsTogether(t *testing.T, inject func(op faultfs.Op) error) (failed, undurable int) {
	t.Helper()
	mem, faulty := memfs.New(), false
	fsys := faultfs.New(mem, func(op faultfs.Op) error {
		if !faulty {
			return nil
		}
		return inject(op)
	})
	s, err := filestore.Open("/mlruns", filestore.WithFs(fsys), filestore.WithIndex(filestore.IndexNone))
	filestoretest.Must(t, err)
	defer func() { filestoretest.Must(t, s.Close()) }()
	faulty = true
	g := filestoretest.Together{Runs: 16}
	err = g.Do(t.Context(), s)
	faulty = false
	if err != nil && !errors.Is(err, syscall.EIO) {
		t.Error(err)
	}
	ended := g.Ended()
	for i := range g.Runs {
		err, over := ended[g.ID(i)]
		_, readErr := s.Run(t.Context(), g.ID(i))
		switch {
		case !over || err == nil:
		case errors.Is(err, mlruns.ErrNotDurable):
			undurable++
			if readErr != nil {
				t.Errorf("%s: %v, and it is not there: %v", g.ID(i), err, readErr)
			}
		case !errors.Is(err, syscall.EIO):
			t.Errorf("%s: %v", g.ID(i), err)
		default:
			failed++
			if !errors.Is(readErr, mlruns.ErrNotFound) {
				t.Errorf("%s: %v, and it is there: %v", g.ID(i), err, readErr)
			}
		}
	}
	for _, wrong := range g.Judge(t.Context(), s, ended) {
		t.Error(wrong)
	}
	if failed+undurable > 0 { // again
		rest := filestoretest.Together{Runs: g.Runs}
		filestoretest.Must(t, rest.Do(t.Context(), s))
		for what, err := range rest.Ended() {
			if err != nil && !errors.Is(err, mlruns.ErrExists) {
				t.Errorf("again: %s: %v", what, err)
			}
		}
		for i := range g.Runs {
			if _, err := s.Run(t.Context(), g.ID(i)); err != nil {
				t.Errorf("again: %v", err)
			}
		}
	}
	return failed, undurable
}

// TestFailedSyncOfManyImports fails one sync of all, and those that follow: each import that
// waited for it has failed, and nothing of it is there; of one that was placed before, the error
// says that it stands.
func TestFailedSyncOfManyImports(t *testing.T) {
	for _, c := range []struct {
		name string
		nth  int
		all  bool
	}{{"the first", 1, false}, {"the second", 2, false}, {"the first and all that follow", 1, true}, {"the second and all that follow", 2, true}} {
		t.Run(c.name, func(t *testing.T) {
			n := 0
			failed, undurable := faultsTogether(t, func(op faultfs.Op) error {
				if op.Kind != faultfs.SyncVolume {
					return nil
				}
				if n++; n == c.nth || c.all && n > c.nth {
					return syscall.EIO
				}
				return nil
			})
			if failed+undurable == 0 || c.nth == 1 && failed == 0 {
				t.Errorf("%d imports failed, %d could not be made durable", failed, undurable)
			}
		})
	}
}

// TestEveryFaultOfManyImports fails operations of imports that are made durable together, one in
// so many.
func TestEveryFaultOfManyImports(t *testing.T) {
	t.Parallel()
	every := proof.Choose(41, 11, 1)
	total := 0
	faultsTogether(t, func(faultfs.Op) error {
		total++
		return nil
	})
	for at := proof.Rand(t).IntN(every); at < total; at += every {
		count := 0
		faultsTogether(t, func(faultfs.Op) error {
			count++
			if count-1 == at {
				return syscall.EIO
			}
			return nil
		})
	}
	t.Logf("%d operations, one in %d failed", total, every)
}
