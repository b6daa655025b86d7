package fault

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/spf13/afero"

	"github.com/mlruns/mlruns"
	"github.com/mlruns/mlruns/filestore"
	"github.com/mlruns/mlruns/filestore/internal/filestoretest"
	"github.com/mlruns/mlruns/internal/dirlock"
	"github.com/mlruns/mlruns/internal/faultfs"
	"github.com/mlruns/mlruns/internal/memfs"
	"github.com/mlruns/mlruns/internal/proof"
)

// TestRepairEveryFault fails each operation of the file system in turn. Nothing is lost by it, and
// another repair completes what was begun.
func TestRepairEveryFault(t *testing.T) {
	for _, v := range []struct {
		name  string
		sync  filestore.Sync
		wrap  func(afero.Fs) afero.Fs
		short bool
	}{{"sync meta", filestore.SyncMeta, func(f afero.Fs) afero.Fs { return f }, false}, {"short writes", filestore.SyncMeta, func(f afero.Fs) afero.Fs { return f }, true},
		{"sync always through afero alone", filestore.SyncAlways, faultfs.Plain, false}} {
		t.Run(v.name, func(t *testing.T) {
			t.Parallel()
			step := proof.Choose(23, 1, 1)
			first := proof.Rand(t).IntN(step)
			base := filestoretest.NewPatient(t, v.wrap)
			base.AddModels()
			filestoretest.ManyDamages.Apply(base)
			filestoretest.ModelDamages.Apply(base)
			base.Mem.SyncEverything()
			open := func(x *filestoretest.Faults) *filestoretest.Patient {
				d := &filestoretest.Patient{T: t, Mem: base.Mem.CrashClone(nil)}
				d.Store = filestoretest.Open(t, "/mlruns", filestore.WithFs(faultfs.New(v.wrap(d.Mem), x.Inject)), filestore.WithSync(v.sync))
				return d
			}
			reference := open(&filestoretest.Faults{})
			before := filestoretest.ValuesOf(t, reference.Store)
			reference.Repair(mlruns.RepairQuery{})
			after, kept := filestoretest.ValuesOf(t, reference.Store), reference.Originals()
			if left := reference.Problems(); left != nil || len(kept) != 15 {
				t.Fatalf("the reference has the problems %v and the originals %v", left, kept)
			}
			points := reference.Tree()[filestoretest.ModelAcc]
			var next, hits atomic.Int64
			var workers sync.WaitGroup
			for range 16 { // most of it is waiting for writers that are not there
				workers.Go(func() {
					for !t.Failed() {
						i := first + step*(int(next.Add(1))-1)
						x := &filestoretest.Faults{}
						d := open(x)
						if x.Arm(faultfs.FailAt(i, filestoretest.ErrFault)); v.short {
							x.Arm(filestoretest.ShortWrite(i))
						}
						for range d.Store.Repair(t.Context(), mlruns.RepairQuery{}) {
							continue // an error, or what could not be mended
						}
						if x.Disarm(); x.Failed == 0 {
							return
						}
						hits.Add(1)
						what := fmt.Sprintf("fault %d, %v", i, x.Hit)
						if lost := filestoretest.LostOf(before, filestoretest.ValuesOf(t, d.Store)); lost != nil {
							t.Errorf("%s: lost %v", what, lost)
						}
						d.Repair(mlruns.RepairQuery{})
						if diff := cmp.Diff([]string(nil), d.Problems()); diff != "" {
							t.Errorf("%s: verify after another repair: %s", what, diff)
						}
						if diff := cmp.Diff(after, filestoretest.ValuesOf(t, d.Store)); diff != "" {
							t.Errorf("%s: values after another repair (-want +got):\n%s", what, diff)
						}
						if got := d.Tree()[filestoretest.ModelAcc]; got != points {
							t.Errorf("%s: the points of the model are %q, want %q", what, got, points)
						}
						if lost := filestoretest.LostOf(kept, d.Originals()); lost != nil {
							t.Errorf("%s: originals not kept: %v", what, lost)
						}
					}
				})
			}
			workers.Wait()
			t.Logf("%d faults", hits.Load())
		})
	}
}

// TestRepairIsDurable has everything after a power cut that takes whatever was not synced.
func TestRepairIsDurable(t *testing.T) {
	t.Parallel()
	d := filestoretest.NewPatient(t, func(f afero.Fs) afero.Fs { return f })
	d.AddModels()
	filestoretest.ManyDamages.Apply(d)
	filestoretest.ModelDamages.Apply(d)
	d.Mem.SyncEverything()
	d.Repair(mlruns.RepairQuery{})
	cut := &filestoretest.Patient{T: t, Mem: d.Mem.CrashClone(nil)}
	if diff := cmp.Diff(d.Tree(), cut.Tree()); diff != "" {
		t.Errorf("after the power cut (-before +after):\n%s", diff)
	}
}

// TestRepairCarriesOver has MLflow append while a file is replaced: before the new file is in its
// place, and to a file opened before that.
func TestRepairCarriesOver(t *testing.T) {
	t.Parallel()
	for name, content := range map[string]string{"replaced": filestoretest.LossBefore + "x\n", "torn": filestoretest.LossBefore + "3 3.", "moved aside": "x\n", "moved aside, torn": "3"} {
		t.Run(name, func(t *testing.T) {
			mem := memfs.New()
			var handle afero.File
			appendLine := func(line string) {
				if _, err := handle.WriteString(line); err != nil {
					t.Fatal(err)
				}
			}
			hook := func(op faultfs.Op) error {
				var err error
				switch {
				case op.Kind == faultfs.Rename && (strings.HasSuffix(op.To, "/metrics/loss") || strings.HasSuffix(op.Path, "/metrics/loss")) && handle == nil:
					if handle, err = mem.OpenFile("/mlruns/0/run/metrics/loss", os.O_WRONLY|os.O_APPEND, 0); err != nil {
						t.Fatal(err)
					}
					if strings.Contains(name, "torn") {
						appendLine("0 3\n") // the torn line is completed
					}
					appendLine("8 8.0 8\n")
				case op.Kind == faultfs.Open && strings.Contains(op.Path, "/repaired-") && handle != nil:
					appendLine("9 9.0 9\n")
					err = handle.Close()
					handle = nil
				}
				return err
			}
			s := filestoretest.Open(t, "/mlruns", filestore.WithFs(faultfs.New(mem, func(op faultfs.Op) error { return hook(op) })))
			if _, err := s.CreateRun(t.Context(), mlruns.RunSpec{ID: "run"}); err != nil {
				t.Fatal(err)
			}
			if err := afero.WriteFile(mem, "/mlruns/0/run/metrics/loss", []byte(content), 0o666); err != nil {
				t.Fatal(err)
			}
			for _, err := range s.Repair(t.Context(), mlruns.RepairQuery{}) {
				if err != nil {
					t.Fatal(err)
				}
			}
			want := map[string]string{"replaced": filestoretest.LossBefore + "8 8.0 8\n9 9.0 9\n", "torn": filestoretest.LossBefore + "3 3.0 3\n8 8.0 8\n9 9.0 9\n", "moved aside": "8 8.0 8\n9 9.0 9\n",
				"moved aside, torn": "30 3\n8 8.0 8\n9 9.0 9\n"}[name]
			got, err := afero.ReadFile(mem, "/mlruns/0/run/metrics/loss")
			if err != nil || string(got) != want {
				t.Errorf("the file is %q, %v, want %q", got, err, want)
			}
		})
	}
}

// TestRepairBesideWriters repairs a file to which our appenders and one of MLflow's kind append,
// who also leaves lines that are no points.
func TestRepairBesideWriters(t *testing.T) {
	t.Parallel()
	dir := filepath.Join(t.TempDir(), "mlruns")
	s := filestoretest.Open(t, dir, filestore.WithSync(filestore.SyncNever))
	ctx := t.Context()
	if _, err := s.CreateRun(ctx, mlruns.RunSpec{ID: "run"}); err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(dir, "0", "run", "metrics", "loss")
	var ours, theirs atomic.Int64
	var stop atomic.Bool
	var writers sync.WaitGroup
	defer writers.Wait()
	defer stop.Store(true)
	writers.Go(func() {
		for !stop.Load() {
			n := ours.Load()
			if err := s.LogMetric(ctx, "run", mlruns.Metric{Key: "loss", Value: 1, Step: n, Time: time.UnixMilli(1)}); err != nil {
				t.Error(err)
				return
			}
			ours.Add(1)
		}
	})
	writers.Go(func() {
		for !stop.Load() {
			n := theirs.Load()
			line := fmt.Sprintf("2 2.0 %d\n", n)
			if n%50 == 0 {
				line = "no point\n" + line
			}
			if err := appendAsMLflow(file, line); err != nil {
				t.Error(err)
				return
			}
			theirs.Add(1)
			time.Sleep(100 * time.Microsecond)
		}
	})
	mended := 0
	for i := 0; i < 2000 && mended < 8; i++ {
		for r, err := range s.Repair(ctx, mlruns.RepairQuery{}) {
			if err != nil {
				t.Fatal(err)
			}
			if r.Action != "" {
				mended++
			}
		}
	}
	stop.Store(true)
	writers.Wait()
	for _, err := range s.Repair(ctx, mlruns.RepairQuery{}) {
		if err != nil {
			t.Fatal(err)
		}
	}
	filestoretest.NoProblems(t, s)
	seen := map[string]int{}
	for m, err := range s.MetricHistory(ctx, "run", "loss", mlruns.HistoryQuery{}) {
		if err != nil {
			t.Fatal(err)
		}
		seen[fmt.Sprint(m.Value, m.Step)]++
	}
	// What a process appends to the old file 20 ms after it was replaced is kept there.
	for name, data := range filestoretest.ReadTree(t, dir) {
		if path.Base(name) == "loss" && strings.HasPrefix(name, ".mlruns.trash/") {
			for line := range strings.Lines(string(data)) {
				var ms, step int64
				var value float64
				if n, _ := fmt.Sscanf(line, "%d %f %d\n", &ms, &value, &step); n == 3 && value == 2 {
					seen[fmt.Sprint(value, step)] += 0
					if seen[fmt.Sprint(value, step)] == 0 {
						t.Logf("only in the original: %q", line)
						seen[fmt.Sprint(value, step)] = 1
					}
				}
			}
		}
	}
	for value, count := range map[float64]int64{1: ours.Load(), 2: theirs.Load()} {
		for step := range count {
			if n := seen[fmt.Sprint(value, step)]; n != 1 {
				t.Fatalf("the point of step %d by writer %v is there %d times of %d points", step, value, n, count)
			}
		}
	}
	t.Logf("%d repairs beside %d and %d points", mended, ours.Load(), theirs.Load())
	if mended < 8 {
		t.Error("too little was repaired")
	}
}

// appendAsMLflow opens the file, writes and closes it, without a lock.
func appendAsMLflow(name, text string) error {
	f, err := os.OpenFile(name, os.O_WRONLY|os.O_APPEND|os.O_CREATE, 0o666)
	if err != nil {
		return err
	}
	_, err = f.WriteString(text)
	return errors.Join(err, f.Close())
}

// TestRepairKeepsToItsRun does not mend what a link leads to: it is another run's.
func TestRepairKeepsToItsRun(t *testing.T) {
	if runtime.GOOS == "windows" {
		t.Skip("links need rights on Windows")
	}
	dir := filepath.Join(t.TempDir(), "mlruns")
	s := filestoretest.Open(t, dir)
	for _, id := range []string{"a", "b"} {
		if _, err := s.CreateRun(t.Context(), mlruns.RunSpec{ID: id}); err != nil {
			t.Fatal(err)
		}
	}
	own := filepath.Join(dir, "0", "b", "metrics")
	link := filepath.Join(dir, "0", "a", "metrics")
	for _, err := range []error{os.WriteFile(filepath.Join(own, "loss"), []byte("1 1.0 1\nx\n"), 0o666), os.WriteFile(filepath.Join(own, ".DS_Store"), nil, 0o666),
		os.Remove(link), os.Symlink("../b/metrics", link)} {
		if err != nil {
			t.Fatal(err)
		}
	}
	got := map[string]bool{}
	for r, err := range s.Repair(t.Context(), mlruns.RepairQuery{}) {
		if err != nil {
			t.Fatal(err)
		}
		got[r.Path] = r.Action != ""
		if r.Action == "" && !strings.Contains(r.Reason, "symbolic link") {
			t.Errorf("%v: want the link named", r.Problem)
		}
	}
	if diff := cmp.Diff(map[string]bool{"0/a/metrics/loss": false, "0/a/metrics/.DS_Store": false, "0/b/metrics/loss": true, "0/b/metrics/.DS_Store": true}, got); diff != "" {
		t.Errorf("mended (-want +got):\n%s", diff)
	}
	filestoretest.NoProblems(t, s)
}

// TestRepairBusy says what it could not mend because a lock was held, and mends the rest.
func TestRepairBusy(t *testing.T) {
	d := filestoretest.NewPatient(t, func(f afero.Fs) afero.Fs { return f }, filestore.WithLockTimeout(time.Millisecond))
	d.Write(map[string]string{filestoretest.RunLoss: filestoretest.LossBefore + "x\n", "e1/other/metrics/loss": filestoretest.LossBefore + "x\n"})
	holder := dirlock.New(d.Mem, dirlock.Required, dirlock.Options{})
	unlock, err := holder.Lock(t.Context(), "/mlruns/e1/run/.mlruns.lock")
	d.Must(err)
	mended := map[string]bool{}
	for _, r := range d.Repair(mlruns.RepairQuery{}) {
		mended[r.Path] = r.Action != ""
		if r.Action == "" && (!r.Repairable || !strings.Contains(r.Reason, "busy")) {
			t.Errorf("%+v: want a reason, and another attempt to be worth it", r)
		}
	}
	if diff := cmp.Diff(map[string]bool{filestoretest.RunLoss: false, "e1/other/metrics/loss": true}, mended); diff != "" {
		t.Errorf("mended (-want +got):\n%s", diff)
	}
	d.Must(unlock())
	d.Repair(mlruns.RepairQuery{})
	if left := d.Problems(); left != nil {
		t.Errorf("left: %v", left)
	}
}

// TestRepairCancelled ends with the context's error, and a later one goes on.
func TestRepairCancelled(t *testing.T) {
	d := filestoretest.NewPatient(t, func(f afero.Fs) afero.Fs { return f })
	d.Write(map[string]string{filestoretest.RunLoss: filestoretest.LossBefore + "x\n", "e1/other/metrics/loss": filestoretest.LossBefore + "x\n"})
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	var last error
	n := 0
	for _, err := range d.Store.Repair(ctx, mlruns.RepairQuery{}) {
		cancel()
		last = err
		n++
	}
	if n != 2 || !errors.Is(last, context.Canceled) {
		t.Errorf("%d results, the last %v; want one repair and %v", n, last, context.Canceled)
	}
	d.Repair(mlruns.RepairQuery{})
	if left := d.Problems(); left != nil {
		t.Errorf("left: %v", left)
	}
}
