package filestore_test

import (
	"encoding/json"
	"os"
	"slices"
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

// TestSortHistory has what comes after some points put in order, and leaves alone what it cannot
// read whole.
func TestSortHistory(t *testing.T) {
	for _, c := range []struct {
		name, before string
		from         int
		after        string
	}{
		{"in order", "1 1.0 0\n2 1.0 0\n", 0, ""},
		{"times", "5 1.0 0\n3 1.0 0\n2 2.0 0\n", 1, "5 1.0 0\n2 2.0 0\n3 1.0 0\n"},
		{"steps, values, data sets", "1 nan 2\n1 1.0 2\n1 1.0 1\n1 inf 2\n1 -1.0 2 d 2\n1 -1.0 2 d 1\n1 1.0 2\n", 0, "1 1.0 1\n1 nan 2\n1 -1.0 2 d 1\n1 -1.0 2 d 2\n1 1.0 2\n1 1.0 2\n1 inf 2\n"},
		{"after the end", "2 1.0 0\n1 1.0 0\n", 7, ""},
		{"a line that is no point", "2 1.0 0\nx\n1 1.0 0\n", 0, ""},
		{"a last line that is torn", "2 1.0 0\n1 1.0", 0, ""},
	} {
		fs := memfs.New()
		s := filestoretest.Open(t, "/mlruns", filestore.WithFs(fs))
		filestoretest.Must(t, filestoretest.ErrOf(s.CreateRun(t.Context(), mlruns.RunSpec{ID: "run"})))
		const name = "/mlruns/0/run/metrics/a/b"
		filestoretest.Must(t, fs.MkdirAll("/mlruns/0/run/metrics/a", 0o777), afero.WriteFile(fs, name, []byte(c.before), 0o666))
		if c.after == "" {
			c.after = c.before
		}
		for pass := range 2 {
			if changed, err := s.SortHistory(t.Context(), "run", "a/b", c.from); err != nil || changed != (pass == 0 && c.after != c.before) {
				t.Errorf("%s, pass %d: changed %v, %v", c.name, pass, changed, err)
			}
			if got, err := afero.ReadFile(fs, name); err != nil || string(got) != c.after {
				t.Errorf("%s: %q, %v, want %q", c.name, got, err, c.after)
			}
		}
		filestoretest.Must(t, filestoretest.ErrOf(s.SortHistory(t.Context(), "run", "none", 0)))
	}
}

// TestSortHistoryBesideWriters has MLflow append to the file before every operation, and once to
// the old file when that has just been replaced: no point is lost.
func TestSortHistoryBesideWriters(t *testing.T) {
	const name = "/mlruns/0/run/metrics/loss"
	for _, ended := range []bool{false, true} {
		for n := -1; ; n++ {
			fs := memfs.New()
			ops, armed, replaced := 0, false, false
			add := func() afero.File {
				f, err := fs.OpenFile(name, os.O_WRONLY|os.O_APPEND, 0)
				filestoretest.Must(t, err)
				return f
			}
			write := func(f afero.File) {
				armed = false
				filestoretest.Must(t, filestoretest.ErrOf(f.WriteString("0 7.0 0\n")), f.Close())
			}
			var old afero.File
			s := filestoretest.Open(t, "/mlruns", filestore.WithFs(faultfs.New(fs, func(op faultfs.Op) error {
				switch {
				case !armed:
				case n < 0 && replaced:
					write(old)
				case n < 0:
					replaced = op.Kind == faultfs.Rename
				case ops == n:
					write(add())
				}
				if armed {
					ops++
				}
				return nil
			})))
			filestoretest.Must(t, filestoretest.ErrOf(s.CreateRun(t.Context(), mlruns.RunSpec{ID: "run"})),
				s.LogBatch(t.Context(), "run", mlruns.Batch{Metrics: []mlruns.Metric{{Key: "loss", Value: 2, Time: time.UnixMilli(2)}, {Key: "loss", Value: 1, Time: time.UnixMilli(1)}}}))
			if ended {
				filestoretest.Must(t, s.EndRun(t.Context(), "run", 0, time.UnixMilli(9)))
			}
			old, armed = add(), true
			filestoretest.Must(t, filestoretest.ErrOf(s.SortHistory(t.Context(), "run", "loss", 0)))
			met := !armed
			armed = false
			got := filestoretest.History(t, s, "run", "loss")
			want := 2
			if met {
				want = 3
			}
			if len(got) != want {
				t.Errorf("ended %v, appended before operation %d: %s", ended, n, strings.Join(got, ", "))
			}
			if list := filestoretest.Problems(t, s); len(list) > 0 {
				t.Errorf("Verify: %v", list)
			}
			if !met {
				if !slices.IsSorted(got) || ops < 5 {
					t.Errorf("after %d operations: %q", ops, got)
				}
				break
			}
		}
	}
}

// TestImportTraceIntoTrash imports a trace into a deleted experiment, adds to it there, and
// replaces an assessment.
func TestImportTraceIntoTrash(t *testing.T) {
	s, ctx := filestoretest.Open(t, "/mlruns", filestore.WithFs(memfs.New())), t.Context()
	filestoretest.Must(t, filestoretest.ErrOf(s.ImportExperiment(ctx, mlruns.Experiment{ID: "7", Name: "seven", Stage: mlruns.StageDeleted})),
		filestoretest.ErrOf(s.ImportTrace(ctx, mlruns.Trace{ID: "tr-1", ExperimentID: "7", Start: time.UnixMilli(5), Assessments: assessed(`{"assessment_id":"a-1","assessment_name":"n","feedback":{"value":1}}`)})),
		s.AddToTrace(ctx, mlruns.Trace{ID: "tr-1", Tags: map[string]string{"t": "1"}, State: mlruns.TraceError,
			Assessments: assessed(`{"assessment_id":"a-1","assessment_name":"n","feedback":{"value":2},"valid":false,"create_time":"2024-01-01T00:00:00Z","last_update_time":"2024-01-01T00:00:00Z"}`)}))
	got, err := s.Trace(ctx, "tr-1")
	filestoretest.Must(t, err)
	const want = `{"assessment_id":"a-1","assessment_name":"n","create_time":"2024-01-01T00:00:00Z","feedback":{"value":2.0},"last_update_time":"2024-01-01T00:00:00Z","source":{"source_type":"SOURCE_TYPE_UNSPECIFIED"},"trace_id":"tr-1","valid":false}`
	if got.State != mlruns.TraceError || !got.End.IsZero() || got.Tags["t"] != "1" || len(got.Assessments) != 1 || string(got.Assessments[0]) != want {
		t.Errorf("%+v %s", got, got.Assessments)
	}
	for text, part := range map[string]string{
		`{"assessment_name":"n","feedback":{}}`: "assessment_id", `{"assessment_id":"a-2","assessment_name":"n","feedback":{},"create_time":"soon"}`: "create_time", `{"assessment_id":"../x","assessment_name":"n","feedback":{}}`: "assessment_id",
	} {
		for _, err := range []error{s.AddToTrace(ctx, mlruns.Trace{ID: "tr-1", Assessments: assessed(text)}), filestoretest.ErrOf(s.ImportTrace(ctx, mlruns.Trace{ID: "tr-2", Assessments: assessed(text)}))} {
			if err == nil || !strings.Contains(mlruns.MessageOf(err), part) {
				t.Errorf("%s: %v", text, err)
			}
		}
	}
	if err := s.AddToTrace(ctx, mlruns.Trace{ID: "tr-1", State: mlruns.TraceOK, End: time.UnixMilli(1)}); err == nil {
		t.Error("it ends before it begins")
	}
	if list := filestoretest.Problems(t, s); len(list) > 0 {
		t.Errorf("Verify: %v", list)
	}
}

func assessed(text string) []json.RawMessage { return []json.RawMessage{json.RawMessage(text)} }
