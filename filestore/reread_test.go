package filestore_test

import (
	"strings"
	"testing"
	"time"

	"github.com/spf13/afero"

	"github.com/mlruns/mlruns"
	"github.com/mlruns/mlruns/filestore"
	"github.com/mlruns/mlruns/filestore/internal/filestoretest"
	"github.com/mlruns/mlruns/internal/faultfs"
)

// TestReadsAgainWhatIsBeingWritten lets MLflow truncate a file before a read and write it whole
// after it: the read must not take the half for all.
func TestReadsAgainWhatIsBeingWritten(t *testing.T) {
	const run = "/mlruns/e1/run/"
	read := func(get func(*mlruns.Run) string) func(*filestoretest.Faulty) string {
		return func(f *filestoretest.Faulty) string {
			r, err := f.Store.Run(f.Ctx, "run")
			f.Must(err)
			return get(r)
		}
	}
	found := func(filter string) func(*filestoretest.Faulty) string {
		return func(f *filestoretest.Faulty) string {
			page, err := f.Store.SearchRuns(f.Ctx, mlruns.RunQuery{Filter: filter})
			f.Must(err)
			if len(page.Runs) != 1 {
				return "nothing"
			}
			return page.Runs[0].Info.ID
		}
	}
	for name, tc := range map[string]struct {
		file string
		half int // bytes that are there at first; below 0, that are not
		get  func(*filestoretest.Faulty) string
		want string
	}{
		"meta.yaml of a run": {run + "meta.yaml", 40, read(func(r *mlruns.Run) string { return r.Info.Name }), "name"},
		"meta.yaml of an experiment": {"/mlruns/e1/meta.yaml", 0, func(f *filestoretest.Faulty) string {
			e, err := f.Store.Experiment(f.Ctx, "e1")
			f.Must(err)
			return e.Name
		}, "one"},
		"user in meta.yaml":      {run + "meta.yaml", -3, read(func(r *mlruns.Run) string { return r.Info.User }), "unknown"},
		"last line of meta.yaml": {run + "meta.yaml", -len("user_id: unknown\n"), read(func(r *mlruns.Run) string { return r.Info.User }), "unknown"},
		"name in meta.yaml": {"/mlruns/e1/meta.yaml", -2, func(f *filestoretest.Faulty) string {
			e, err := f.Store.Experiment(f.Ctx, "e1")
			f.Must(err)
			return e.Name
		}, "one"},
		"param":                      {run + "params/old", 0, read(func(r *mlruns.Run) string { return r.Data.Params["old"] }), "1"},
		"tag":                        {run + "tags/old", 0, read(func(r *mlruns.Run) string { return r.Data.Tags["old"] }), "1"},
		"param that is logged again": {run + "params/old", 0, func(f *filestoretest.Faulty) string { f.Must(f.Store.LogParam(f.Ctx, "run", "old", "1")); return "" }, ""},
		"param in a filter":          {run + "params/old", 0, found("params.old = '1'"), "run"},
		"metric":                     {run + "metrics/old", 20, read(func(r *mlruns.Run) string { return r.Data.Metrics["old"].Time.UTC().Format(time.TimeOnly) }), "00:00:09"},
		"metric in a filter":         {run + "metrics/old", 20, found("metrics.old = 2"), "run"},
		"history":                    {run + "metrics/old", 20, lastOfHistory, "00:00:09"},
		"metric just made":           {run + "metrics/old", 0, read(func(r *mlruns.Run) string { return r.Data.Metrics["old"].Time.UTC().Format(time.TimeOnly) }), "00:00:09"},
		"history of one just made":   {run + "metrics/old", 0, lastOfHistory, "00:00:09"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f := filestoretest.NewFaulty(t, false, filestore.SyncMeta)
			f.Must(f.Store.LogMetric(f.Ctx, "run", mlruns.Metric{Key: "old", Value: 2, Time: time.UnixMilli(9000), Step: 12345}))
			whole := f.Content(tc.file)
			half := tc.half
			if half < 0 {
				half += len(whole)
			}
			f.Must(afero.WriteFile(f.FS, tc.file, []byte(whole[:half]), 0o666))
			reads, written := 0, false
			f.Hook(func(op faultfs.Op) error {
				switch { // folders name their files without the leading slash
				case strings.TrimPrefix(op.Path, "/") != tc.file[1:] || written:
				case op.Kind == faultfs.ReadFile || op.Kind == faultfs.Read:
					reads++
				case op.Kind == faultfs.Stat && reads > 0: // how old is it?
					f.Must(afero.WriteFile(f.FS, tc.file, []byte(whole), 0o666))
					written = true
				}
				return nil
			})
			if got := tc.get(f); got != tc.want || !written {
				t.Errorf("got %q (looked at again: %v), want %q", got, written, tc.want)
			}
		})
	}
}

func lastOfHistory(f *filestoretest.Faulty) (last string) {
	f.Helper()
	for m, err := range f.Store.MetricHistory(f.Ctx, "run", "old", mlruns.HistoryQuery{}) {
		f.Must(err)
		last = m.Time.UTC().Format(time.TimeOnly)
	}
	return last
}
