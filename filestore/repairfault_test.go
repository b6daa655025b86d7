package filestore_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/spf13/afero"

	"github.com/mlruns/mlruns"
	"github.com/mlruns/mlruns/filestore"
	"github.com/mlruns/mlruns/internal/dirlock"
	"github.com/mlruns/mlruns/internal/faultfs"
	"github.com/mlruns/mlruns/internal/memfs"
	"github.com/mlruns/mlruns/internal/proof"
)

// manyDamages are of every kind that repair mends, in one store.
var manyDamages = damage{
	write: map[string]string{
		runLoss: "1 1.0 1\nx\n2 2.0 2\n1 1.0 1\n3 3.", "e1/run/metrics/loss (1)": "5 5.0 5\n", "e1/other/metrics/loss": lossBefore + "3 3.0 3", "e1/other/metrics/empty": "",
		"e1/run/params/lr (1)": "0.1", "e1/run/metrics/.DS_Store": "d", stagingMeta: "s", "e1/other/.mlruns-tmp-1": "t",
	},
	remove: []string{"e1/run/artifacts"},
	copies: map[string]string{"e1/meta (1).yaml": "e1/meta.yaml"},
}

// originals are the files of a store that hold what was taken away, as "path: content".
func (d *patient) originals() map[string]bool {
	all := map[string]bool{}
	for name, content := range d.tree() {
		if rest, ok := strings.CutPrefix(name, ".mlruns.trash/repaired-"); ok && content != "folder" {
			_, rest, _ = strings.Cut(rest, "/")
			all[rest+": "+content] = true
		}
	}
	return all
}

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
			step := proof.Choose(9, 1, 1)
			first := proof.Rand(t).IntN(step)
			base := newPatient(t, v.wrap)
			manyDamages.apply(base)
			base.mem.SyncAll()
			open := func(x *faults) *patient {
				d := &patient{T: t, mem: base.mem.CrashClone(nil)}
				d.store = openStore(t, "/mlruns", filestore.WithFs(faultfs.New(v.wrap(d.mem), x.inject)), filestore.WithSync(v.sync))
				return d
			}
			reference := open(&faults{})
			before := snapshotValues(t, reference.store)
			reference.repair(mlruns.RepairQuery{})
			after, kept := snapshotValues(t, reference.store), reference.originals()
			if left := reference.problems(); left != nil || len(kept) != 9 {
				t.Fatalf("the reference has the problems %v and the originals %v", left, kept)
			}
			var next, hits atomic.Int64
			var workers sync.WaitGroup
			for range 16 { // most of it is waiting for writers that are not there
				workers.Go(func() {
					for !t.Failed() {
						i := first + step*(int(next.Add(1))-1)
						x := &faults{}
						d := open(x)
						if x.arm(faultfs.FailAt(i, errFault)); v.short {
							x.arm(shortWrite(i))
						}
						for range d.store.Repair(t.Context(), mlruns.RepairQuery{}) {
							continue // an error, or what could not be mended
						}
						if x.disarm(); x.failed == 0 {
							return
						}
						hits.Add(1)
						what := fmt.Sprintf("fault %d, %v", i, x.hit)
						if lost := lostOf(before, snapshotValues(t, d.store)); lost != nil {
							t.Errorf("%s: lost %v", what, lost)
						}
						d.repair(mlruns.RepairQuery{})
						if diff := cmp.Diff([]string(nil), d.problems()); diff != "" {
							t.Errorf("%s: verify after another repair: %s", what, diff)
						}
						if diff := cmp.Diff(after, snapshotValues(t, d.store)); diff != "" {
							t.Errorf("%s: values after another repair (-want +got):\n%s", what, diff)
						}
						if lost := lostOf(kept, d.originals()); lost != nil {
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

// lostOf are the keys that only the first has.
func lostOf(before, now map[string]bool) (lost []string) {
	for value := range before {
		if !now[value] {
			lost = append(lost, value)
		}
	}
	slices.Sort(lost)
	return lost
}

// TestRepairIsDurable has everything after a power cut that takes whatever was not synced.
func TestRepairIsDurable(t *testing.T) {
	t.Parallel()
	d := newPatient(t, func(f afero.Fs) afero.Fs { return f })
	manyDamages.apply(d)
	d.mem.SyncAll()
	d.repair(mlruns.RepairQuery{})
	cut := &patient{T: t, mem: d.mem.CrashClone(nil)}
	if diff := cmp.Diff(d.tree(), cut.tree()); diff != "" {
		t.Errorf("after the power cut (-before +after):\n%s", diff)
	}
}

// TestRepairCarriesOver has MLflow append while a file is replaced: before the new file is in its
// place, and to a file opened before that.
func TestRepairCarriesOver(t *testing.T) {
	t.Parallel()
	for name, content := range map[string]string{"replaced": lossBefore + "x\n", "torn": lossBefore + "3 3.", "moved aside": "x\n", "moved aside, torn": "3"} {
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
			s := openStore(t, "/mlruns", filestore.WithFs(faultfs.New(mem, func(op faultfs.Op) error { return hook(op) })))
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
			want := map[string]string{"replaced": lossBefore + "8 8.0 8\n9 9.0 9\n", "torn": lossBefore + "3 3.0 3\n8 8.0 8\n9 9.0 9\n", "moved aside": "8 8.0 8\n9 9.0 9\n",
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
	s := openStore(t, dir, filestore.WithSync(filestore.SyncNever))
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
	noProblems(t, s)
	seen := map[string]int{}
	for m, err := range s.MetricHistory(ctx, "run", "loss", mlruns.HistoryQuery{}) {
		if err != nil {
			t.Fatal(err)
		}
		seen[fmt.Sprint(m.Value, m.Step)]++
	}
	// What a process appends to the old file 20 ms after it was replaced is kept there.
	for name, data := range readTree(t, dir) {
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
	s := openStore(t, dir)
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
	noProblems(t, s)
}

// TestRepairBusy says what it could not mend because a lock was held, and mends the rest.
func TestRepairBusy(t *testing.T) {
	d := newPatient(t, func(f afero.Fs) afero.Fs { return f }, filestore.WithLockTimeout(time.Millisecond))
	d.write(map[string]string{runLoss: lossBefore + "x\n", "e1/other/metrics/loss": lossBefore + "x\n"})
	holder := dirlock.New(d.mem, dirlock.Required, dirlock.Options{})
	unlock, err := holder.Lock(t.Context(), "/mlruns/e1/run/.mlruns.lock")
	d.must(err)
	mended := map[string]bool{}
	for _, r := range d.repair(mlruns.RepairQuery{}) {
		mended[r.Path] = r.Action != ""
		if r.Action == "" && (!r.Repairable || !strings.Contains(r.Reason, "busy")) {
			t.Errorf("%+v: want a reason, and another attempt to be worth it", r)
		}
	}
	if diff := cmp.Diff(map[string]bool{runLoss: false, "e1/other/metrics/loss": true}, mended); diff != "" {
		t.Errorf("mended (-want +got):\n%s", diff)
	}
	d.must(unlock())
	d.repair(mlruns.RepairQuery{})
	if left := d.problems(); left != nil {
		t.Errorf("left: %v", left)
	}
}

// TestRepairCancelled ends with the context's error, and a later one goes on.
func TestRepairCancelled(t *testing.T) {
	d := newPatient(t, func(f afero.Fs) afero.Fs { return f })
	d.write(map[string]string{runLoss: lossBefore + "x\n", "e1/other/metrics/loss": lossBefore + "x\n"})
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	var last error
	n := 0
	for _, err := range d.store.Repair(ctx, mlruns.RepairQuery{}) {
		cancel()
		last = err
		n++
	}
	if n != 2 || !errors.Is(last, context.Canceled) {
		t.Errorf("%d results, the last %v; want one repair and %v", n, last, context.Canceled)
	}
	d.repair(mlruns.RepairQuery{})
	if left := d.problems(); left != nil {
		t.Errorf("left: %v", left)
	}
}
