package filestore_test

import (
	"errors"
	"os"
	"path"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/spf13/afero"

	"github.com/mlruns/mlruns"
	"github.com/mlruns/mlruns/filestore"
	"github.com/mlruns/mlruns/internal/faultfs"
)

const oldMetric = "/mlruns/e1/run/metrics/old"

// hook lets do see, and fail, every operation of the file system from now on. What do changes in
// f.fs itself is what another program does.
func (f *faulty) hook(do faultfs.Injector, opts ...filestore.Option) {
	f.Helper()
	f.store = openStore(f.T, "/mlruns", append(opts, filestore.WithFs(faultfs.New(f.fs, do)))...)
}

func (f *faulty) appendTo(name, text string) {
	f.Helper()
	w, err := f.fs.OpenFile(name, os.O_WRONLY|os.O_APPEND, 0)
	f.must(err)
	f.must(errOf(w.WriteString(text)))
	f.must(w.Close())
}

func (f *faulty) content(name string) string {
	f.Helper()
	data, err := afero.ReadFile(f.fs, name)
	f.must(err)
	return string(data)
}

// torn are the contents of the files that keep torn lines.
func (f *faulty) torn() (lines []string) {
	f.Helper()
	infos, err := afero.ReadDir(f.fs, path.Dir(path.Dir(oldMetric)))
	f.must(err)
	for _, info := range infos {
		if strings.HasPrefix(info.Name(), ".mlruns-torn-") {
			lines = append(lines, f.content(path.Join(path.Dir(path.Dir(oldMetric)), info.Name())))
		}
	}
	return lines
}

var newPoint = mlruns.Metric{Key: "old", Value: 2, Step: 7, Time: time.UnixMilli(5)}

func TestAppendAfterTornLine(t *testing.T) {
	long := strings.Repeat("7", 3000)
	for name, tc := range map[string]struct {
		before, after string
		torn          []string
	}{
		"whole":        {"1 1.0 0\n", "1 1.0 0\n5 2.0 7\n", nil},
		"empty":        {"", "5 2.0 7\n", nil},
		"blanks":       {"1 1.0 0\n  ", "1 1.0 0\n  5 2.0 7\n", nil},
		"half":         {"1 1.0 0\n4 2.", "1 1.0 0\n    5 2.0 7\n", []string{"4 2."}},
		"three fields": {"1 1.0 0\n4 2.0 1", "1 1.0 0\n       5 2.0 7\n", []string{"4 2.0 1"}},
		"only half":    {"4 2.", "    5 2.0 7\n", []string{"4 2."}},
		"blank, half":  {"1 1.0 0\n 4", "1 1.0 0\n  5 2.0 7\n", []string{" 4"}},
		"long":         {"1 1.0 0\n" + long, "1 1.0 0\n" + strings.Repeat(" ", 3000) + "5 2.0 7\n", []string{long}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f := newFaulty(t, false, filestore.SyncMeta)
			f.must(afero.WriteFile(f.fs, oldMetric, []byte(tc.before), 0o666))
			f.must(f.store.LogMetric(f.ctx, "run", newPoint))
			if got := f.content(oldMetric); got != tc.after {
				t.Errorf("file\n got %q\nwant %q", got, tc.after)
			}
			if diff := cmp.Diff(tc.torn, f.torn()); diff != "" {
				t.Errorf("saved lines (-want +got):\n%s", diff)
			}
			run, err := f.store.Run(f.ctx, "run")
			f.must(err)
			if got := run.Data.Metrics["old"]; !got.Time.Equal(newPoint.Time) || got.Value != newPoint.Value || got.Step != newPoint.Step || len(run.Problems) > 0 {
				t.Errorf("read back %+v and the problems %v, want %+v and none", got, run.Problems, newPoint)
			}
		})
	}
}

// TestAppendWaitsForSlowWriter completes the torn line while it is looked at: it is no longer torn.
func TestAppendWaitsForSlowWriter(t *testing.T) {
	t.Parallel()
	f := newFaulty(t, false, filestore.SyncMeta)
	f.must(afero.WriteFile(f.fs, oldMetric, []byte("1 1.0 0\n4 2."), 0o666))
	looks := 0
	f.hook(func(op faultfs.Op) error {
		if op.Path != oldMetric {
			return nil
		}
		switch op.Kind {
		case faultfs.Open:
			looks = 0
		case faultfs.Stat:
			switch looks++; looks {
			case 2: // it goes on, and is not whole yet
				f.appendTo(oldMetric, "0")
			case 3:
				f.appendTo(oldMetric, " 1\n")
			}
		}
		return nil
	})
	f.must(f.store.LogMetric(f.ctx, "run", newPoint))
	if got, want := f.content(oldMetric), "1 1.0 0\n4 2.0 1\n5 2.0 7\n"; got != want {
		t.Errorf("file\n got %q\nwant %q", got, want)
	}
	if saved := f.torn(); saved != nil {
		t.Errorf("saved %q as torn", saved)
	}
}

// TestFailedAppendLeavesOthersAlone lets another program append between a write that fails half-way
// and the taking back of that half.
func TestFailedAppendLeavesOthersAlone(t *testing.T) {
	f := newFaulty(t, false, filestore.SyncMeta)
	failed := false
	f.hook(func(op faultfs.Op) error {
		switch {
		case op.Path != oldMetric:
		case op.Kind == faultfs.Write:
			failed = true
			return faultfs.ErrShort
		case op.Kind == faultfs.Stat && failed:
			f.appendTo(oldMetric, "9 9.0 9\n")
		}
		return nil
	})
	if err := f.store.LogMetric(f.ctx, "run", newPoint); !errors.Is(err, faultfs.ErrInjected) {
		t.Errorf("error %v, want the injected one", err)
	}
	if got := f.content(oldMetric); !strings.HasSuffix(got, "9 9.0 9\n") {
		t.Errorf("the line of the other program is gone: %q", got)
	}
}

// TestFailedCloseOfAppend is how some network file systems say that there is no room: a part of
// what was written may be there. The append has failed, the file is as it was, and logging again
// logs the point once.
func TestFailedCloseOfAppend(t *testing.T) {
	for _, kind := range []faultfs.Kind{faultfs.Close, faultfs.Sync} {
		for _, kept := range []int{0, 1, 4, 7, 8, 100} {
			f := newFaulty(t, false, filestore.SyncAlways)
			before := f.content(oldMetric)
			failed := false
			f.hook(func(op faultfs.Op) error {
				if op.Kind != kind || op.Path != oldMetric || failed {
					return nil
				}
				failed = true
				return &faultfs.Partial{N: kept, Err: errFault}
			}, filestore.WithSync(filestore.SyncAlways))
			err := f.store.LogMetric(f.ctx, "run", newPoint)
			if errors.Is(err, mlruns.ErrNotDurable) || !errors.Is(err, errFault) {
				t.Errorf("%s, %d bytes kept: error %v, want %v", kind, kept, err, errFault)
			}
			if got := f.content(oldMetric); got != before {
				t.Errorf("%s, %d bytes kept: %q, want %q", kind, kept, got, before)
			}
			f.must(f.store.LogMetric(f.ctx, "run", newPoint))
			if got := f.content(oldMetric); got != before+"5 2.0 7\n" {
				t.Errorf("%s, %d bytes kept: logged again: %q", kind, kept, got)
			}
			f.verify("")
		}
	}
}

// TestFailedCloseBesideAnotherWriter has MLflow append before the close of an append fails: its
// line stays, and ours with it, of which the error says that it stands.
func TestFailedCloseBesideAnotherWriter(t *testing.T) {
	f := newFaulty(t, false, filestore.SyncMeta)
	failed := false
	f.hook(func(op faultfs.Op) error {
		if op.Kind != faultfs.Close || op.Path != oldMetric || failed {
			return nil
		}
		failed = true
		f.appendTo(oldMetric, "9 9.0 9\n")
		return errFault
	})
	if err := f.store.LogMetric(f.ctx, "run", newPoint); !errors.Is(err, mlruns.ErrNotDurable) || !errors.Is(err, errFault) {
		t.Errorf("error %v, want %v that wraps %v", err, mlruns.ErrNotDurable, errFault)
	}
	if got := f.content(oldMetric); !strings.HasSuffix(got, "5 2.0 7\n9 9.0 9\n") {
		t.Errorf("file %q", got)
	}
	f.verify("")
}

// TestAppendThatCannotBeTakenBack has the server go away: the error says that something of the
// point may be there.
func TestAppendThatCannotBeTakenBack(t *testing.T) {
	f := newFaulty(t, false, filestore.SyncMeta)
	gone := false
	f.hook(func(op faultfs.Op) error {
		if gone = gone || op.Kind == faultfs.Close && op.Path == oldMetric; gone {
			return errFault
		}
		return nil
	})
	err := f.store.LogMetric(f.ctx, "run", newPoint)
	if errors.Is(err, mlruns.ErrNotDurable) || !errors.Is(err, errFault) || !strings.Contains(err.Error(), "could not be taken back") {
		t.Errorf("error %v", err)
	}
}

// TestValuesOfAnotherProgram makes a file of the same name just before ours is linked to it.
func TestValuesOfAnotherProgram(t *testing.T) {
	const param, metric = "/mlruns/e1/run/params/p", "/mlruns/e1/run/metrics/m"
	for name, tc := range map[string]struct {
		file, content string
		log           func(*faulty) error
		want          error
		after         string
	}{
		"the same param": {param, "1", func(f *faulty) error { return f.store.LogParam(f.ctx, "run", "p", "1") }, nil, "1"},
		"another value":  {param, "2", func(f *faulty) error { return f.store.LogParam(f.ctx, "run", "p", "1") }, mlruns.ErrInvalid, "2"},
		"a new metric": {metric, "1 1.0 0\n", func(f *faulty) error {
			return f.store.LogMetric(f.ctx, "run", mlruns.Metric{Key: "m", Value: 2, Step: 7, Time: time.UnixMilli(5)})
		}, nil, "1 1.0 0\n5 2.0 7\n"},
	} {
		t.Run(name, func(t *testing.T) {
			f := newFaulty(t, false, filestore.SyncMeta)
			f.hook(func(op faultfs.Op) error {
				if op.Kind == faultfs.Link && op.To == tc.file {
					f.must(afero.WriteFile(f.fs, tc.file, []byte(tc.content), 0o666))
				}
				return nil
			})
			if err := tc.log(f); !errors.Is(err, tc.want) {
				t.Errorf("error %v, want %v", err, tc.want)
			}
			if got := f.content(tc.file); got != tc.after {
				t.Errorf("file %q, want %q", got, tc.after)
			}
		})
	}
}
