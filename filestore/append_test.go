package filestore_test

import (
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/spf13/afero"

	"github.com/mlruns/mlruns"
	"github.com/mlruns/mlruns/filestore"
	"github.com/mlruns/mlruns/filestore/internal/filestoretest"
	"github.com/mlruns/mlruns/internal/faultfs"
)

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
			f := filestoretest.NewFaulty(t, false, filestore.SyncMeta)
			f.Must(afero.WriteFile(f.FS, filestoretest.OldMetric, []byte(tc.before), 0o666))
			f.Must(f.Store.LogMetric(f.Ctx, "run", filestoretest.NewPoint))
			if got := f.Content(filestoretest.OldMetric); got != tc.after {
				t.Errorf("file\n got %q\nwant %q", got, tc.after)
			}
			if diff := cmp.Diff(tc.torn, f.Torn()); diff != "" {
				t.Errorf("saved lines (-want +got):\n%s", diff)
			}
			run, err := f.Store.Run(f.Ctx, "run")
			f.Must(err)
			if got := run.Data.Metrics["old"]; !got.Time.Equal(filestoretest.NewPoint.Time) || got.Value != filestoretest.NewPoint.Value || got.Step != filestoretest.NewPoint.Step || len(run.Problems) > 0 {
				t.Errorf("read back %+v and the problems %v, want %+v and none", got, run.Problems, filestoretest.NewPoint)
			}
		})
	}
}

// TestAppendToModelAfterTornLine saves the torn line in the folder of the model, and blanks it out.
func TestAppendToModelAfterTornLine(t *testing.T) {
	t.Parallel()
	d := filestoretest.NewPatient(t, func(f afero.Fs) afero.Fs { return f })
	d.AddModels()
	d.Write(map[string]string{filestoretest.ModelAcc: filestoretest.AccBefore + "3 3."})
	d.Must(d.Store.LogMetric(t.Context(), "run", mlruns.Metric{Key: "acc", Value: 4, Step: 4, Time: time.UnixMilli(4), ModelID: "m-1"}))
	saved := 0
	for name, content := range d.Tree() {
		switch {
		case strings.HasPrefix(name, filestoretest.PatientModel+"/.mlruns-torn-acc"):
			saved++
			if content != "file 3 3." {
				t.Errorf("%s has %q", name, content)
			}
		case name == filestoretest.ModelAcc && content != "file "+filestoretest.AccBefore+"    4 4.0 4 run\n":
			t.Errorf("the model's points: %q", content)
		}
	}
	if problems := d.Problems(); saved != 1 || problems != nil {
		t.Errorf("%d torn lines saved; verify: %v", saved, problems)
	}
}

// TestAppendWaitsForSlowWriter completes the torn line while it is looked at: it is no longer torn.
func TestAppendWaitsForSlowWriter(t *testing.T) {
	t.Parallel()
	f := filestoretest.NewFaulty(t, false, filestore.SyncMeta)
	f.Must(afero.WriteFile(f.FS, filestoretest.OldMetric, []byte("1 1.0 0\n4 2."), 0o666))
	looks := 0
	f.Hook(func(op faultfs.Op) error {
		if op.Path != filestoretest.OldMetric {
			return nil
		}
		switch op.Kind {
		case faultfs.Open:
			looks = 0
		case faultfs.Stat:
			switch looks++; looks {
			case 2: // it goes on, and is not whole yet
				f.AppendTo(filestoretest.OldMetric, "0")
			case 3:
				f.AppendTo(filestoretest.OldMetric, " 1\n")
			}
		}
		return nil
	})
	f.Must(f.Store.LogMetric(f.Ctx, "run", filestoretest.NewPoint))
	if got, want := f.Content(filestoretest.OldMetric), "1 1.0 0\n4 2.0 1\n5 2.0 7\n"; got != want {
		t.Errorf("file\n got %q\nwant %q", got, want)
	}
	if saved := f.Torn(); saved != nil {
		t.Errorf("saved %q as torn", saved)
	}
}

// TestFailedAppendLeavesOthersAlone lets another program append between a write that fails half-way
// and the taking back of that half.
func TestFailedAppendLeavesOthersAlone(t *testing.T) {
	f := filestoretest.NewFaulty(t, false, filestore.SyncMeta)
	failed := false
	f.Hook(func(op faultfs.Op) error {
		switch {
		case op.Path != filestoretest.OldMetric:
		case op.Kind == faultfs.Write:
			failed = true
			return faultfs.ErrShort
		case op.Kind == faultfs.Stat && failed:
			f.AppendTo(filestoretest.OldMetric, "9 9.0 9\n")
		}
		return nil
	})
	if err := f.Store.LogMetric(f.Ctx, "run", filestoretest.NewPoint); !errors.Is(err, faultfs.ErrInjected) {
		t.Errorf("error %v, want the injected one", err)
	}
	if got := f.Content(filestoretest.OldMetric); !strings.HasSuffix(got, "9 9.0 9\n") {
		t.Errorf("the line of the other program is gone: %q", got)
	}
}

// TestFailedCloseOfAppend is how some network file systems say that there is no room: a part of
// what was written may be there. The append has failed, the file is as it was, and logging again
// logs the point once.
func TestFailedCloseOfAppend(t *testing.T) {
	for _, kind := range []faultfs.Kind{faultfs.Close, faultfs.Sync} {
		for _, kept := range []int{0, 1, 4, 7, 8, 100} {
			f := filestoretest.NewFaulty(t, false, filestore.SyncAlways)
			before := f.Content(filestoretest.OldMetric)
			failed := false
			f.Hook(func(op faultfs.Op) error {
				if op.Kind != kind || op.Path != filestoretest.OldMetric || failed {
					return nil
				}
				failed = true
				return &faultfs.Partial{N: kept, Err: filestoretest.ErrFault}
			}, filestore.WithSync(filestore.SyncAlways))
			err := f.Store.LogMetric(f.Ctx, "run", filestoretest.NewPoint)
			if errors.Is(err, mlruns.ErrNotDurable) || !errors.Is(err, filestoretest.ErrFault) {
				t.Errorf("%s, %d bytes kept: error %v, want %v", kind, kept, err, filestoretest.ErrFault)
			}
			if got := f.Content(filestoretest.OldMetric); got != before {
				t.Errorf("%s, %d bytes kept: %q, want %q", kind, kept, got, before)
			}
			f.Must(f.Store.LogMetric(f.Ctx, "run", filestoretest.NewPoint))
			if got := f.Content(filestoretest.OldMetric); got != before+"5 2.0 7\n" {
				t.Errorf("%s, %d bytes kept: logged again: %q", kind, kept, got)
			}
			f.Verify("")
		}
	}
}

// TestFailedCloseBesideAnotherWriter has MLflow append before the close of an append fails: its
// line stays, and ours with it, of which the error says that it stands.
func TestFailedCloseBesideAnotherWriter(t *testing.T) {
	f := filestoretest.NewFaulty(t, false, filestore.SyncMeta)
	failed := false
	f.Hook(func(op faultfs.Op) error {
		if op.Kind != faultfs.Close || op.Path != filestoretest.OldMetric || failed {
			return nil
		}
		failed = true
		f.AppendTo(filestoretest.OldMetric, "9 9.0 9\n")
		return filestoretest.ErrFault
	})
	if err := f.Store.LogMetric(f.Ctx, "run", filestoretest.NewPoint); !errors.Is(err, mlruns.ErrNotDurable) || !errors.Is(err, filestoretest.ErrFault) {
		t.Errorf("error %v, want %v that wraps %v", err, mlruns.ErrNotDurable, filestoretest.ErrFault)
	}
	if got := f.Content(filestoretest.OldMetric); !strings.HasSuffix(got, "5 2.0 7\n9 9.0 9\n") {
		t.Errorf("file %q", got)
	}
	f.Verify("")
}

// TestAppendThatCannotBeTakenBack has the server go away: the error says that something of the
// point may be there.
func TestAppendThatCannotBeTakenBack(t *testing.T) {
	f := filestoretest.NewFaulty(t, false, filestore.SyncMeta)
	gone := false
	f.Hook(func(op faultfs.Op) error {
		if gone = gone || op.Kind == faultfs.Close && op.Path == filestoretest.OldMetric; gone {
			return filestoretest.ErrFault
		}
		return nil
	})
	err := f.Store.LogMetric(f.Ctx, "run", filestoretest.NewPoint)
	if errors.Is(err, mlruns.ErrNotDurable) || !errors.Is(err, filestoretest.ErrFault) || !strings.Contains(err.Error(), "could not be taken back") {
		t.Errorf("error %v", err)
	}
}

// TestValuesOfAnotherProgram makes a file of the same name just before ours is linked to it.
func TestValuesOfAnotherProgram(t *testing.T) {
	const param, metric = "/mlruns/e1/run/params/p", "/mlruns/e1/run/metrics/m"
	for name, tc := range map[string]struct {
		file, content string
		log           func(*filestoretest.Faulty) error
		want          error
		after         string
	}{
		"the same param": {param, "1", func(f *filestoretest.Faulty) error { return f.Store.LogParam(f.Ctx, "run", "p", "1") }, nil, "1"},
		"another value":  {param, "2", func(f *filestoretest.Faulty) error { return f.Store.LogParam(f.Ctx, "run", "p", "1") }, mlruns.ErrInvalid, "2"},
		"a new metric": {metric, "1 1.0 0\n", func(f *filestoretest.Faulty) error {
			return f.Store.LogMetric(f.Ctx, "run", mlruns.Metric{Key: "m", Value: 2, Step: 7, Time: time.UnixMilli(5)})
		}, nil, "1 1.0 0\n5 2.0 7\n"},
	} {
		t.Run(name, func(t *testing.T) {
			f := filestoretest.NewFaulty(t, false, filestore.SyncMeta)
			f.Hook(func(op faultfs.Op) error {
				if op.Kind == faultfs.Link && op.To == tc.file {
					f.Must(afero.WriteFile(f.FS, tc.file, []byte(tc.content), 0o666))
				}
				return nil
			})
			if err := tc.log(f); !errors.Is(err, tc.want) {
				t.Errorf("error %v, want %v", err, tc.want)
			}
			if got := f.Content(tc.file); got != tc.after {
				t.Errorf("file %q, want %q", got, tc.after)
			}
		})
	}
}
