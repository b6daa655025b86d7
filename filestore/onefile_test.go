package filestore_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/mlruns/mlruns"
	"github.com/mlruns/mlruns/filestore"
	"github.com/mlruns/mlruns/filestore/internal/filestoretest"
	"github.com/mlruns/mlruns/internal/faultfs"
	"github.com/mlruns/mlruns/internal/memfs"
)

// damaged is a store on a disk with the runs "run" and "other".
type damaged struct {
	*testing.T
	dir   string
	store *filestore.Store
}

func newDamaged(t *testing.T) damaged {
	t.Helper()
	d := damaged{T: t, dir: t.TempDir()}
	d.store = filestoretest.Open(t, d.dir)
	for _, id := range []string{"run", "other"} {
		if _, err := d.store.CreateRun(t.Context(), mlruns.RunSpec{ID: id}); err != nil {
			t.Fatal(err)
		}
		if err := d.store.LogMetric(t.Context(), id, mlruns.Metric{Key: "loss", Value: 1, Step: 1, Time: time.UnixMilli(1)}); err != nil {
			t.Fatal(err)
		}
	}
	return d
}

func (d damaged) at(name string) string { return filepath.Join(d.dir, "0", filepath.FromSlash(name)) }

func (d damaged) link(to, name string) {
	d.Helper()
	if err := os.Symlink(to, d.at(name)); err != nil {
		d.Skip(err)
	}
}

func (d damaged) write(name string, text []byte) {
	d.Helper()
	if err := os.WriteFile(d.at(name), text, 0o666); err != nil {
		d.Fatal(err)
	}
}

// sparse gives a file a size that is more than there is memory.
func (d damaged) sparse(name string, size int64) {
	d.Helper()
	f, err := os.OpenFile(d.at(name), os.O_WRONLY|os.O_CREATE, 0o666)
	if err != nil {
		d.Fatal(err)
	}
	if err := errors.Join(f.Truncate(size), f.Close()); err != nil {
		d.Skip(err)
	}
}

func TestEndRunBesideWhatIsNoValue(t *testing.T) {
	d := newDamaged(t)
	d.link("nowhere", "run/metrics/dangling")
	d.link("circle", "run/params/circle")
	d.link("..", "run/tags/folder")
	if err := d.store.EndRun(t.Context(), "run", mlruns.StatusFailed, time.Time{}); err != nil {
		t.Fatal(err)
	}
	run, err := d.store.Run(t.Context(), "run")
	if err != nil || run.Info.Status != mlruns.StatusFailed {
		t.Errorf("Run = %v, %v, want it FAILED", run, err)
	}
}

func TestLinkInThePlaceOfAKey(t *testing.T) {
	for name, to := range map[string]string{"dangling": "nowhere", "to another run": "../../other/metrics/loss"} {
		d := newDamaged(t)
		d.link(to, "run/metrics/x")
		d.link(to, "run/params/x")
		d.link(to, "run/tags/x")
		ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
		defer cancel()
		for verb, err := range map[string]error{
			"LogMetric": d.store.LogMetric(ctx, "run", mlruns.Metric{Key: "x", Value: 1}),
			"LogParam":  d.store.LogParam(ctx, "run", "x", "1"),
			"SetTag":    d.store.SetTag(ctx, "run", "x", "1"),
		} {
			if !errors.Is(err, mlruns.ErrInvalid) {
				t.Errorf("%s: %s = %v, want ErrInvalid", name, verb, err)
			}
		}
		if got, err := os.ReadFile(d.at("other/metrics/loss")); string(got) != "1 1.0 1\n" || err != nil {
			t.Errorf("%s: the other run's metric is %q, %v", name, got, err)
		}
	}
}

// TestLinkInThePlaceOfAFolder writes nothing through a folder that is a link, which may be another
// run's, unless the caller allowed links.
func TestLinkInThePlaceOfAFolder(t *testing.T) {
	d := newDamaged(t)
	if err := os.RemoveAll(d.at("run/metrics")); err != nil {
		t.Fatal(err)
	}
	d.link("../other/metrics", "run/metrics")
	d.link("../../other/tags", "run/tags/below")
	for verb, err := range map[string]error{
		"LogMetric": d.store.LogMetric(t.Context(), "run", mlruns.Metric{Key: "loss", Value: 2}),
		"SetTag":    d.store.SetTag(t.Context(), "run", "below/mlflow.runName", "changed"),
		"DeleteTag": d.store.DeleteTag(t.Context(), "run", "below/mlflow.runName"),
	} {
		if !errors.Is(err, mlruns.ErrOutside) {
			t.Errorf("%s = %v, want ErrOutside", verb, err)
		}
	}
	if err := os.RemoveAll(d.at("run/tags")); err != nil {
		t.Fatal(err)
	}
	d.link("../other/tags", "run/tags")
	for verb, err := range map[string]error{
		"UpdateRun":         d.store.UpdateRun(t.Context(), "run", mlruns.RunUpdate{Name: "changed"}),
		"RecordLoggedModel": d.store.RecordLoggedModel(t.Context(), "run", mlruns.ModelRecord{ArtifactPath: "m"}),
	} {
		if !errors.Is(err, mlruns.ErrOutside) {
			t.Errorf("%s = %v, want ErrOutside", verb, err)
		}
	}
	if _, err := os.Stat(d.at("other/tags/mlflow.log-model.history")); err == nil {
		t.Error("the other run has a record of the model")
	}
	if got, err := os.ReadFile(d.at("other/metrics/loss")); string(got) != "1 1.0 1\n" || err != nil {
		t.Errorf("the other run's metric is %q, %v", got, err)
	}
	if got, err := os.ReadFile(d.at("other/tags/mlflow.runName")); string(got) == "changed" || err != nil {
		t.Errorf("the other run's name is %q, %v", got, err)
	}
}

func TestLinkInThePlaceOfTheLock(t *testing.T) {
	for _, to := range []string{"nowhere/x", "../other/params/x"} {
		d := newDamaged(t)
		if err := os.Remove(d.at("run/.mlruns.lock")); err != nil {
			t.Fatal(err)
		}
		d.link(to, "run/.mlruns.lock")
		ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
		defer cancel()
		if err := d.store.LogMetric(ctx, "run", mlruns.Metric{Key: "x", Value: 1}); err == nil || ctx.Err() != nil {
			t.Errorf("a lock that leads to %s: LogMetric = %v, want an error at once", to, err)
		}
		if _, err := os.Lstat(d.at("other/params/x")); err == nil {
			t.Errorf("a lock that leads to %s made a param of another run", to)
		}
	}
}

func TestHugeFiles(t *testing.T) {
	const more = 1 << 42
	d := newDamaged(t)
	d.sparse("other/meta.yaml", more)
	d.sparse("run/params/p", more)
	d.sparse("run/tags/t", more)
	d.write("run/metrics/m", []byte("1 2.0 3\n"))
	d.sparse("run/metrics/m", 80<<20)
	if _, err := d.store.Run(t.Context(), "other"); !errors.Is(err, mlruns.ErrCorrupt) {
		t.Errorf("Run = %v, want ErrCorrupt", err)
	}
	run, err := d.store.Run(t.Context(), "run")
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, p := range run.Problems {
		got = append(got, string(p.Kind)+" "+p.Path)
	}
	want := []string{"malformed 0/run/metrics/m", "unreadable 0/run/params/p", "unreadable 0/run/tags/t"}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("problems (-want +got):\n%s", diff)
	}
	if v := run.Data.Metrics["m"].Value; v != 2 {
		t.Errorf("the metric of the huge file is %v, want 2", v)
	}
}

func TestManyBadLines(t *testing.T) {
	d := newDamaged(t)
	d.write("run/metrics/loss", append(bytes.Repeat([]byte("\n"), 1000), "1 2.0 3\n"...))
	page, err := d.store.SearchRuns(t.Context(), mlruns.RunQuery{Filter: "metrics.loss = 2"})
	if err != nil || len(page.Runs) != 1 {
		t.Fatalf("SearchRuns = %v, %v, want the run", page, err)
	}
	if n := len(page.Problems); n != 101 {
		t.Errorf("%d problems, want 100 and one for the rest, each once", n)
	}
	if first := page.Problems[0]; first.Line != 0 || first.Reason != "900 more lines are no points" {
		t.Errorf("first problem = %v, want the count of the rest", first)
	}
}

// A meta.yaml of more keys than any version wrote is read like another, and its keys are kept.
func TestManyKeys(t *testing.T) {
	d := newDamaged(t)
	meta, err := os.ReadFile(d.at("run/meta.yaml"))
	if err != nil {
		t.Fatal(err)
	}
	var text strings.Builder
	text.Write(meta)
	for i := range 500 {
		fmt.Fprintf(&text, "key_%c%c: v\n", 'a'+i/26, 'a'+i%26)
	}
	text.WriteString("user_id: last\n")
	d.write("run/meta.yaml", []byte(text.String()))
	if err := d.store.UpdateRun(t.Context(), "run", mlruns.RunUpdate{Name: "renamed"}); err != nil {
		t.Fatal(err)
	}
	run, err := d.store.Run(t.Context(), "run")
	if err != nil || run.Info.Name != "renamed" || run.Info.User != "last" {
		t.Errorf("Run = %+v, %v, want the new name and the last user", run, err)
	}
	if got, err := os.ReadFile(d.at("run/meta.yaml")); err != nil || strings.Count(string(got), "\nkey_") != 500 || strings.Count(string(got), "user_id") != 1 {
		t.Errorf("after the update %d of the 500 keys and %d users, %v", strings.Count(string(got), "\nkey_"), strings.Count(string(got), "user_id"), err)
	}
}

func TestListingEndsWithItsContext(t *testing.T) {
	d := newDamaged(t)
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	var got []error
	for _, err := range d.store.RunInfos(ctx, "0", mlruns.ViewAll) {
		cancel()
		got = append(got, err)
	}
	if len(got) != 2 || got[0] != nil || !errors.Is(got[1], context.Canceled) {
		t.Errorf("RunInfos yields %v, want one run and the end of the context", got)
	}
}

func TestVerifyGoesOn(t *testing.T) {
	broken := map[string]bool{}
	s := filestoretest.Open(t, "/mlruns", filestore.WithFs(faultfs.New(memfs.New(), faultfs.FailMatching(func(op faultfs.Op) bool {
		return op.Kind == faultfs.Readdir && broken[op.Path]
	}, nil))))
	if _, err := s.CreateExperiment(t.Context(), mlruns.ExperimentSpec{ID: "9", Name: "nine"}); err != nil {
		t.Fatal(err)
	}
	broken["mlruns/0"], broken["mlruns/.mlruns.trash"] = true, true
	var got []string
	for p, err := range s.Verify(t.Context(), mlruns.VerifyQuery{}) {
		if err != nil {
			t.Fatalf("Verify stops: %v", err)
		}
		got = append(got, string(p.Kind)+" "+p.Path)
	}
	if diff := cmp.Diff([]string{"unreadable .mlruns.trash", "unreadable 0"}, got); diff != "" {
		t.Errorf("Verify (-want +got):\n%s", diff)
	}
}

// TestHistoryIsStreamed goes through a history that is much larger than the memory it may take.
func TestHistoryIsStreamed(t *testing.T) {
	d := newDamaged(t)
	const points = 400_000
	var lines strings.Builder
	for i := range points {
		fmt.Fprintf(&lines, "%d %v %d\n", 1600000000000+int64(i), 1/float64(i+1), i)
	}
	size := lines.Len()
	if err := os.WriteFile(d.at("run/metrics/long"), []byte(lines.String()), 0o666); err != nil {
		t.Fatal(err)
	}
	lines.Reset()
	var before, now runtime.MemStats
	runtime.GC()
	runtime.ReadMemStats(&before)
	n := 0
	for _, err := range d.store.MetricHistory(t.Context(), "run", "long", mlruns.HistoryQuery{}) {
		if err != nil {
			t.Fatal(err)
		}
		n++
	}
	runtime.ReadMemStats(&now)
	if allocated := now.TotalAlloc - before.TotalAlloc; n != points || allocated > 4<<20 {
		t.Errorf("%d points of %d bytes took %d bytes of memory, want %d points in at most 4 MiB", n, size, allocated, points)
	}
}
