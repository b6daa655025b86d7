package main

import (
	"bytes"
	"context"
	"errors"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/mlruns/mlruns"
	"github.com/mlruns/mlruns/filestore"
	"github.com/mlruns/mlruns/internal/faultfs"
	"github.com/mlruns/mlruns/internal/memfs"
)

func TestAllowNegative(t *testing.T) {
	for _, tc := range []struct{ in, want string }{
		{"runs log-metric R m 1", "runs log-metric R m 1"},
		{"runs log-metric R m -1", "runs log-metric -- R m -1"},
		{"runs log-metric R m -.5e3 --step -2 --json", "runs log-metric --step -2 --json -- R m -.5e3"},
		{"--store s runs log-metric -v R m --step=-2 -Inf", "runs log-metric --store s -v --step=-2 -- R m -Inf"},
		{"runs log-metric --step 1 -- R m -1", "runs log-metric --step 1 -- R m -1"},
		{"runs set-tag R -1 v", "runs set-tag -- R -1 v"},
		{"runs log-metric R m -x", "runs log-metric R m -x"},
		{"runs log-metric R m -1 --step", "runs log-metric --step -- R m -1"},
		{"nothing -1", "nothing -1"},
	} {
		root := newApp(nil, os.Stdout, nil).root()
		if got := allowNegative(root, strings.Fields(tc.in)); !slices.Equal(got, strings.Fields(tc.want)) {
			t.Errorf("%q becomes %q, want %q", tc.in, got, tc.want)
		}
	}
}

func TestTrackingDir(t *testing.T) {
	for _, tc := range []struct{ in, want string }{
		{"mlruns", "mlruns"},
		{"/data/a%20b", "/data/a b"},
		{"file:///data/a%20b", "/data/a b"},
		{"file:rel/x", "rel/x"},
		{"", ""},
		{"databricks", ""},
		{"http://h/", ""},
		{"sqlite:///x.db", ""},
	} {
		got, err := trackingDir(tc.in)
		if got != filepath.FromSlash(tc.want) || (err == nil) != (tc.want != "") {
			t.Errorf("trackingDir(%q) = %q, %v, want %q", tc.in, got, err, tc.want)
		}
	}
	if got, err := storeDir("a%20b"); got != "a%20b" || err != nil {
		t.Errorf("storeDir takes a%%20b for %q, %v", got, err)
	}
}

// A reader that never gives anything, like a terminal nobody types at.
type silence struct{ closed chan struct{} }

func (s silence) Read([]byte) (int, error) {
	<-s.closed
	return 0, io.EOF
}

func TestCancel(t *testing.T) {
	in := silence{make(chan struct{})}
	defer close(in.closed)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	var errs bytes.Buffer
	dir := t.TempDir()
	out, err := os.Create(filepath.Join(dir, "out"))
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = out.Close() }()
	for _, args := range [][]string{
		{"runs", "log-batch", "R"},
		{"experiments", "search"},
		{"store", "verify"},
	} {
		errs.Reset()
		if got := newApp(in, out, &errs).run(t.Context(), []string{"--store", filepath.Join(dir, "s"), "experiments", "create", args[1], "--json"}); got != exitDone {
			t.Fatalf("create exits with %d: %s", got, &errs)
		}
		if got := newApp(in, out, &errs).run(ctx, append(args, "--store", filepath.Join(dir, "s"))); got != exitFailed || !strings.Contains(errs.String(), "canceled") {
			t.Errorf("%q exits with %d and %q, want 1 and canceled", args, got, &errs)
		}
	}
}

func TestReadingWritesNothing(t *testing.T) {
	dir := t.TempDir()
	a := newApp(nil, os.Stdout, io.Discard)
	root := a.root()
	if err := root.ParseFlags([]string{"--store", dir}); err != nil {
		t.Fatal(err)
	}
	set := func(ctx context.Context, s *session, _ []string) error {
		return s.SetExperimentTag(ctx, mlruns.DefaultExperimentID, "k", "v")
	}
	for _, tc := range []struct {
		name string
		do   action
		want error
	}{
		{"writing an empty folder", a.writing(set), mlruns.ErrNotFound},
		{"making", a.making(set), nil},
		{"writing", a.writing(set), nil},
		{"reading", a.reading(set), mlruns.ErrReadOnly},
	} {
		if err := tc.do(t.Context(), nil); !errors.Is(err, tc.want) {
			t.Errorf("%s gives %v, want %v", tc.name, err, tc.want)
		}
	}
}

func TestFailureOfOutput(t *testing.T) {
	out, err := os.Create(filepath.Join(t.TempDir(), "out"))
	if err != nil {
		t.Fatal(err)
	}
	if err := out.Close(); err != nil {
		t.Fatal(err)
	}
	var errs bytes.Buffer
	if got := newApp(nil, out, &errs).run(t.Context(), []string{"experiments", "create", "x", "--store", filepath.Join(t.TempDir(), "s")}); got != exitFailed {
		t.Errorf("exits with %d, want 1: %s", got, &errs)
	}
}

func TestReadBatchLimit(t *testing.T) {
	_, err := readAll(t.Context(), strings.NewReader("12345"), 4)
	if !errors.Is(err, mlruns.ErrInvalid) {
		t.Errorf("five bytes of four give %v, want ErrInvalid", err)
	}
	if text, err := readAll(t.Context(), strings.NewReader("1234"), 4); string(text) != "1234" || err != nil {
		t.Errorf("four bytes of four give %q, %v", text, err)
	}
}

func FuzzBatch(f *testing.F) {
	f.Add([]byte(`{"metrics":[{"key":"a","value":"NaN","timestamp":1,"step":-3}],"params":[{"key":"k","value":"v"}],"tags":[]}`))
	f.Add([]byte(`{"run_id":"R"} `))
	f.Add([]byte(`[]`))
	f.Fuzz(func(t *testing.T, text []byte) {
		_, err := readBatch(t.Context(), bytes.NewReader(text), "R")
		if err != nil && !errors.Is(err, mlruns.ErrInvalid) {
			t.Errorf("%q gives %v, want ErrInvalid", text, err)
		}
	})
}

// TestLockErrorNamesNoOption writes where the lock files must not be written: a user of the command
// has no option of the library.
func TestLockErrorNamesNoOption(t *testing.T) {
	mem := memfs.New()
	made, err := filestore.Open("/mlruns", filestore.WithFs(mem))
	if err != nil {
		t.Fatal(err)
	}
	if err := made.Close(); err != nil {
		t.Fatal(err)
	}
	store, err := filestore.Open("/mlruns", filestore.WithFs(faultfs.New(mem, func(op faultfs.Op) error {
		if strings.HasSuffix(op.Path, ".lock") {
			return fs.ErrPermission
		}
		return nil
	})))
	if err != nil {
		t.Fatal(err)
	}
	_, err = store.CreateRun(t.Context(), mlruns.RunSpec{})
	if !errors.Is(err, fs.ErrPermission) {
		t.Fatalf("error %v, want %v", err, fs.ErrPermission)
	}
	if text := errorText(err); strings.Contains(text, "WithLocking") || !strings.Contains(text, "permission to write to that file and to the folder it lies in") || !strings.Contains(text, ".lock") {
		t.Errorf("the command says %q", text)
	}
	if err := store.Close(); err != nil {
		t.Error(err)
	}
}
