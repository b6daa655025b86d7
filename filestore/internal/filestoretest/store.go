// Package filestoretest is what the tests of the store and the suites beside them share: stores on
// disks that fail, stores that are damaged, processes, random workloads with what a store must say
// after each step, trees of files, and a strict reader with MLflow's rules.
package filestoretest

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"iter"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/mlruns/mlruns"
	"github.com/mlruns/mlruns/filestore"
	"github.com/mlruns/mlruns/internal/memfs"
)

func MakeRun(t *testing.T, store mlruns.Store) *mlruns.Run {
	t.Helper()
	run, err := store.CreateRun(context.Background(), mlruns.RunSpec{})
	if err != nil {
		t.Fatal(err)
	}
	return run
}

// Open opens a store that the test closes.
func Open(t testing.TB, dir string, opts ...filestore.Option) *filestore.Store {
	t.Helper()
	s, err := filestore.Open(dir, opts...)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Errorf("close: %v", err)
		}
	})
	Warm(t, s)
	return s
}

// Memory is a file system in memory, one that can have an index where the tests run with one.
func Memory() *memfs.FS {
	if os.Getenv(filestore.EnvIndex) != "" {
		return memfs.NewLocal()
	}
	return memfs.New()
}

// Warm makes an index of all runs where the tests run with one (MLRUNS_INDEX=checked) and there is
// none yet: what is asked from then on is answered from it, wrongly if it is believed too long.
func Warm(t testing.TB, s *filestore.Store) {
	t.Helper()
	if s.IndexMode() != filestore.IndexNone && s.IndexInfo().Bytes == 0 {
		if err := s.RebuildIndex(t.Context(), nil); err != nil {
			t.Logf("there is no index: %v", err)
		}
	}
}

func ErrOfAll[T any](seq iter.Seq2[T, error]) error {
	var last error
	for _, err := range seq {
		last = err
	}
	return last
}

func ErrOf[T any](_ T, err error) error { return err }

// Must is for calls that a test needs to succeed.
func Must(t testing.TB, errs ...error) {
	t.Helper()
	if err := errors.Join(errs...); err != nil {
		t.Fatal(err)
	}
}

func History(t *testing.T, store mlruns.Store, runID, key string) []string {
	t.Helper()
	var points []string
	for m, err := range store.MetricHistory(context.Background(), runID, key, mlruns.HistoryQuery{}) {
		if err != nil {
			t.Errorf("history of %q of %s: %v", key, runID, err)
			break
		}
		points = append(points, TextOfMetric(m))
	}
	return points
}

func IDsOf(runs []*mlruns.Run) []string {
	ids := make([]string, len(runs))
	for i, r := range runs {
		ids[i] = r.Info.ID
	}
	return ids
}

func Problems(t *testing.T, store mlruns.Verifier) []mlruns.Problem {
	t.Helper()
	var list []mlruns.Problem
	for p, err := range store.Verify(context.Background(), mlruns.VerifyQuery{}) {
		if err != nil {
			t.Fatal(err)
		}
		list = append(list, p)
	}
	return list
}

func TextOfMetric(m mlruns.Metric) string {
	return MetricText(m.Value, strconv.FormatInt(m.Time.UnixMilli(), 10), strconv.FormatInt(m.Step, 10), m.DatasetName, m.DatasetDigest)
}

func MetricText(value float64, ms, step, dataset, digest string) string {
	text := strconv.FormatFloat(value, 'g', -1, 64)
	if math.IsNaN(value) {
		text = "nan"
	}
	return fmt.Sprintf("%s at %s step %s %s %s", text, ms, step, dataset, digest)
}

// Poisoned is a store of the same shape in which every value is another one.
func Poisoned(store Tree) Tree {
	other := Tree{}
	for name, data := range store {
		switch {
		case data == nil:
		case filepath.Base(name) == "meta.yaml":
			data = bytes.ReplaceAll(data, []byte("lifecycle_stage: active"), []byte("lifecycle_stage: deleted"))
		case strings.Contains(name, "/metrics/"):
			data = []byte("1600000000000 666.0 666\n")
		default:
			data = []byte("poison")
		}
		other[name] = data
	}
	return other
}

func ChmodTree(t *testing.T, dir string, file, folder os.FileMode) {
	t.Helper()
	var folders []string
	err := filepath.WalkDir(dir, func(name string, e os.DirEntry, err error) error {
		if err == nil && e.IsDir() {
			folders = append(folders, name)
			return os.Chmod(name, 0o755)
		}
		if err == nil {
			err = os.Chmod(name, file)
		}
		return err
	})
	for _, name := range slices.Backward(folders) {
		if err == nil {
			err = os.Chmod(name, folder)
		}
	}
	if err != nil {
		t.Fatal(err)
	}
}

func WantArtifact(t *testing.T, s *filestore.Store, run, name, want string) {
	t.Helper()
	f, err := s.OpenArtifact(t.Context(), run, name)
	if err != nil {
		t.Errorf("%s of %s: %v", name, run, err)
		return
	}
	defer f.Close()
	if got, err := io.ReadAll(f); string(got) != want || err != nil {
		t.Errorf("%s of %s is %q, %v; want %q", name, run, got, err, want)
	}
}

// NoProblems fails on everything that Verify finds but the kinds allowed.
func NoProblems(t testing.TB, s mlruns.Verifier, allow ...mlruns.ProblemKind) {
	t.Helper()
	for p, err := range s.Verify(context.Background(), mlruns.VerifyQuery{}) {
		if err != nil {
			t.Errorf("Verify: %v", err)
			continue
		}
		allowed := false
		for _, kind := range allow {
			allowed = allowed || p.Kind == kind
		}
		if !allowed {
			t.Errorf("Verify: %v", p)
		}
	}
}

// Count counts what a call yields.
func Count[T any](t *testing.T, seq iter.Seq2[T, error]) (n int) {
	t.Helper()
	for _, err := range seq {
		if err != nil {
			t.Fatal(err)
		}
		n++
	}
	return n
}
