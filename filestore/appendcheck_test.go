package filestore_test

import (
	"errors"
	"fmt"
	"io/fs"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/spf13/afero"

	"github.com/mlruns/mlruns"
	"github.com/mlruns/mlruns/filestore"
	"github.com/mlruns/mlruns/filestore/internal/filestoretest"
	"github.com/mlruns/mlruns/internal/faultfs"
	"github.com/mlruns/mlruns/internal/memfs"
)

// TestLoggingWithoutLinks logs new metrics, params and tags where link(2) gives what file systems
// of user space answer.
func TestLoggingWithoutLinks(t *testing.T) {
	for _, errno := range []error{syscall.EIO, syscall.EPERM, syscall.ENOSYS, syscall.ENOTSUP, syscall.EINVAL, syscall.EACCES, syscall.EMLINK} {
		mem := memfs.New()
		s := filestoretest.Open(t, "/mlruns", filestore.WithFs(faultfs.New(mem, faultfs.FailMatching(func(op faultfs.Op) bool { return op.Kind == faultfs.Link }, errno))))
		err := filestoretest.ErrOf(s.CreateRun(t.Context(), mlruns.RunSpec{ID: "run"}))
		for step := range int64(3) {
			err = errors.Join(err, s.LogMetric(t.Context(), "run", mlruns.Metric{Key: "m", Step: step, Time: time.UnixMilli(step)}))
		}
		err = errors.Join(err, s.LogParam(t.Context(), "run", "p", "v"), s.LogParam(t.Context(), "run", "p", "v"), s.SetTag(t.Context(), "run", "t", "v"))
		if err != nil {
			t.Errorf("link gives %v: %v", errno, err)
		}
		if err := s.LogParam(t.Context(), "run", "p", "other"); !errors.Is(err, mlruns.ErrInvalid) {
			t.Errorf("link gives %v: another value: %v", errno, err)
		}
		if n := filestoretest.Count(t, s.MetricHistory(t.Context(), "run", "m", mlruns.HistoryQuery{})); n != 3 {
			t.Errorf("link gives %v: %d points", errno, n)
		}
		filestoretest.NoProblems(t, s)
	}
}

// TestNothingCanBeAppended has a file system that makes files and does not add to them: no store is
// made there, and what would write to one is refused in words before anything is written. Reading
// attempts no write.
func TestNothingCanBeAppended(t *testing.T) {
	mem := memfs.New()
	if err := filestoretest.ErrOf(filestoretest.Open(t, "/mlruns", filestore.WithFs(mem)).CreateRun(t.Context(), mlruns.RunSpec{ID: "run"})); err != nil {
		t.Fatal(err)
	}
	for _, errno := range []error{syscall.EIO, syscall.EPERM, syscall.EINVAL, syscall.ENOTSUP} {
		for _, at := range []faultfs.Kind{faultfs.Open, faultfs.Write, faultfs.Close} {
			appending := false
			fsys := faultfs.New(mem, func(op faultfs.Op) error {
				if !strings.Contains(op.Path, ".mlruns-tmp-append") {
					return nil
				}
				appending = op.Kind == faultfs.Open || appending && op.Kind != faultfs.Create
				if appending && op.Kind == at {
					return errno
				}
				return nil
			})
			s := filestoretest.Open(t, "/mlruns", filestore.WithFs(fsys))
			for what, err := range map[string]error{
				"making a store":   filestoretest.ErrOf(filestore.Open("/new", filestore.WithFs(fsys))),
				"the first point":  s.LogMetric(t.Context(), "run", mlruns.Metric{Key: "m", Value: 1}),
				"the second write": filestoretest.ErrOf(s.CreateExperiment(t.Context(), mlruns.ExperimentSpec{Name: "e"})),
			} {
				if !errors.Is(err, mlruns.ErrUnsupported) || !errors.Is(err, errno) || !strings.Contains(fmt.Sprint(err), "add to the end of a file") {
					t.Errorf("%s, %s gives %v: %v", what, at, errno, err)
				}
			}
			if run, err := s.Run(t.Context(), "run"); err != nil || len(run.Data.Metrics) > 0 {
				t.Errorf("reading: %v, %v", run, err)
			}
			filestoretest.NoProblems(t, s)
			for _, dir := range []string{"/mlruns", "/mlruns/.mlruns.trash", "/new", "/new/.mlruns.trash"} {
				infos, err := afero.ReadDir(mem, dir)
				if err != nil || slices.ContainsFunc(infos, func(i fs.FileInfo) bool { return strings.HasPrefix(i.Name(), ".mlruns-tmp") }) {
					t.Errorf("left in %s: %v, %v", dir, infos, err)
				}
			}
		}
	}
}
