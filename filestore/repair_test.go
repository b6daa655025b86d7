package filestore_test

import (
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"path"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/spf13/afero"

	"github.com/mlruns/mlruns"
	"github.com/mlruns/mlruns/filestore"
	"github.com/mlruns/mlruns/internal/faultfs"
	"github.com/mlruns/mlruns/internal/memfs"
)

// savedIn is where the repairs of these tests, whose clock stands still, keep originals.
const savedIn = ".mlruns.trash/repaired-2026-11-25T10-00-00-000Z"

// patient is a store in memory with the runs "run" and "other" in the experiment "e1", and "gone"
// in the deleted "e2".
type patient struct {
	*testing.T
	mem   *memfs.FS
	fs    afero.Fs
	store *filestore.Store
}

func newPatient(t *testing.T, wrap func(afero.Fs) afero.Fs, opts ...filestore.Option) *patient {
	t.Helper()
	d := &patient{T: t, mem: memfs.New()}
	d.fs = wrap(d.mem)
	clock := func() time.Time { return time.Date(2026, 11, 25, 10, 0, 0, 0, time.UTC) }
	d.store = openStore(t, "/mlruns", append(opts, filestore.WithFs(d.fs), filestore.WithClock(clock))...)
	ctx := t.Context()
	for _, e := range [...][2]string{{"e1", "run"}, {"e1", "other"}, {"e2", "gone"}} {
		if _, err := d.store.Experiment(ctx, e[0]); err != nil {
			d.must(errOf(d.store.CreateExperiment(ctx, mlruns.ExperimentSpec{ID: e[0], Name: "name of " + e[0], Tags: map[string]string{"team": "a"}})))
		}
		d.must(errOf(d.store.CreateRun(ctx, mlruns.RunSpec{ID: e[1], ExperimentID: e[0], Name: "name"})))
		d.must(d.store.LogBatch(ctx, e[1], mlruns.Batch{Params: []mlruns.Param{{Key: "lr", Value: "0.1"}},
			Metrics: []mlruns.Metric{{Key: "loss", Value: 1, Time: time.UnixMilli(1), Step: 1}, {Key: "loss", Value: 2, Time: time.UnixMilli(2), Step: 2}}}))
	}
	d.must(d.store.DeleteExperiment(ctx, "e2"))
	return d
}

func (d *patient) must(err error) {
	d.Helper()
	if err != nil {
		d.Fatal(err)
	}
}

// write puts files there as they were written before today. A name that ends in a slash is a
// folder.
func (d *patient) write(files map[string]string) {
	d.Helper()
	for name, content := range files {
		if folder, ok := strings.CutSuffix(name, "/"); ok {
			d.must(d.mem.MkdirAll("/mlruns/"+folder, 0o777))
			continue
		}
		d.must(d.mem.MkdirAll(path.Dir("/mlruns/"+name), 0o777))
		d.must(afero.WriteFile(d.mem, "/mlruns/"+name, []byte(content), 0o640))
		for dir := name; dir != "."; dir = path.Dir(dir) {
			d.must(d.mem.Chtimes("/mlruns/"+dir, longAgo, longAgo))
		}
	}
}

// tree is all that is in the store but for the empty lock files.
func (d *patient) tree() map[string]string {
	d.Helper()
	all := map[string]string{}
	d.must(afero.Walk(d.mem, "/mlruns", func(name string, info fs.FileInfo, err error) error {
		rel := strings.TrimPrefix(name, "/mlruns/")
		switch {
		case err != nil || strings.HasSuffix(name, ".lock"):
		case info.IsDir():
			all[rel] = "folder"
		default:
			data, readErr := afero.ReadFile(d.mem, name)
			all[rel], err = "file "+string(data), readErr
		}
		return err
	}))
	return all
}

func (d *patient) problems() (list []string) {
	d.Helper()
	for _, p := range verify(d.T, d.store) {
		list = append(list, describe(p))
	}
	return list
}

func describe(p mlruns.Problem) string {
	text := fmt.Sprintf("%s %s", p.Kind, p.Path)
	if p.Line > 0 {
		text += fmt.Sprintf(":%d", p.Line)
	}
	if p.Repairable {
		text += " repairable"
	}
	return text
}

func (d *patient) repair(q mlruns.RepairQuery) (list []mlruns.Repair) {
	d.Helper()
	for r, err := range d.store.Repair(d.Context(), q) {
		d.must(err)
		list = append(list, r)
	}
	return list
}

const (
	lossBefore  = "1 1.0 1\n2 2.0 2\n"
	runLoss     = "e1/run/metrics/loss"
	stagingMeta = ".mlruns.trash/r3.00/meta.yaml"
)

// damage is what happened to a store, and what comes of it.
type damage struct {
	name   string
	write  map[string]string
	remove []string
	// copies are files that get another's content.
	copies map[string]string
	// want is what Verify says, left what it says after the repair; "repairable" marks what repair
	// mends.
	want, left []string
	// saved are the originals that must be kept, by their old path, after is what must be in files
	// then; "" where there must be none.
	saved []string
	after map[string]string
}

func (x damage) apply(d *patient) {
	d.write(x.write)
	for to, from := range x.copies {
		data, err := afero.ReadFile(d.mem, "/mlruns/"+from)
		d.must(err)
		d.write(map[string]string{to: string(data)})
	}
	for _, name := range x.remove {
		d.must(d.mem.RemoveAll("/mlruns/" + name))
	}
}

// TestRepairEachDamage does each damage alone: Verify names it, a dry run tells what the repair
// then does and changes nothing, the originals are kept byte for byte, Verify finds nothing more
// but what cannot be repaired, and a second repair has nothing to do.
func TestRepairEachDamage(t *testing.T) {
	for _, wrap := range []struct {
		name string
		wrap func(afero.Fs) afero.Fs
	}{{"native", func(f afero.Fs) afero.Fs { return f }}, {"plain", faultfs.Plain}} {
		for _, x := range slices.Concat(damages, foreignDamages) {
			t.Run(wrap.name+"/"+x.name, func(t *testing.T) {
				t.Parallel()
				d := newPatient(t, wrap.wrap)
				if clean := d.problems(); clean != nil {
					t.Fatalf("before the damage: %v", clean)
				}
				x.apply(d)
				x.check(d)
			})
		}
	}
}

func (x damage) check(d *patient) {
	before := d.tree()
	if diff := cmp.Diff(x.want, d.problems()); diff != "" {
		d.Errorf("verify (-want +got):\n%s", diff)
	}
	plan := d.repair(mlruns.RepairQuery{DryRun: true})
	if diff := cmp.Diff(before, d.tree()); diff != "" {
		d.Errorf("the dry run changed the store:\n%s", diff)
	}
	done := d.repair(mlruns.RepairQuery{})
	if diff := cmp.Diff(plan, done); diff != "" {
		d.Errorf("plan and deed (-plan +deed):\n%s", diff)
	}
	after := d.tree()
	var saved, mended []string
	for _, r := range done {
		if (r.Action != "") != r.Repairable {
			d.Errorf("%v: repairable is %v, the action %q", r.Problem, r.Repairable, r.Action)
		}
		if r.Repairable {
			mended = append(mended, describe(r.Problem))
		}
		if r.SavedTo != "" {
			if after[r.SavedTo] != before[r.Path] {
				d.Errorf("saved as %s: %q, was %q", r.SavedTo, after[r.SavedTo], before[r.Path])
			}
			saved = append(saved, r.Path)
		}
	}
	repairable := slices.DeleteFunc(slices.Clone(x.want), func(s string) bool { return !strings.HasSuffix(s, " repairable") })
	if diff := cmp.Diff(sorted(repairable), sorted(mended)); diff != "" {
		d.Errorf("mended (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff(sorted(x.saved), slices.Compact(sorted(saved))); diff != "" {
		d.Errorf("saved (-want +got):\n%s", diff)
	}
	for name, want := range x.after {
		if got := strings.TrimPrefix(after[name], "file "); got != want {
			d.Errorf("%s is %q, want %q", name, got, want)
		}
	}
	if diff := cmp.Diff(x.left, d.problems()); diff != "" {
		d.Errorf("verify after the repair (-want +got):\n%s", diff)
	}
	for _, r := range d.repair(mlruns.RepairQuery{}) {
		if r.Action != "" {
			d.Errorf("a second repair: %+v", r)
		}
	}
	if diff := cmp.Diff(after, d.tree()); diff != "" {
		d.Errorf("the second repair changed the store:\n%s", diff)
	}
}

func sorted(list []string) []string { return slices.Sorted(slices.Values(list)) }

// TestRepairNeedsRights works read-only as far as nothing is written.
func TestRepairNeedsRights(t *testing.T) {
	d := newPatient(t, func(f afero.Fs) afero.Fs { return f })
	d.write(map[string]string{runLoss: lossBefore + "x\n"})
	writes := 0
	watched := faultfs.New(d.mem, func(op faultfs.Op) error {
		if op.Kind.Mutates() || op.Kind == faultfs.Sync || op.Kind == faultfs.SyncDir {
			writes++
		}
		return nil
	})
	s := openStore(t, "/mlruns", filestore.WithFs(watched), filestore.WithReadOnly())
	if n := len(verify(t, s)); n != 1 {
		t.Errorf("%d problems, want 1", n)
	}
	for r, err := range s.Repair(t.Context(), mlruns.RepairQuery{DryRun: true}) {
		if err != nil || r.Action == "" {
			t.Errorf("dry run: %+v, %v", r, err)
		}
	}
	var last error
	for _, err := range s.Repair(t.Context(), mlruns.RepairQuery{}) {
		last = err
	}
	if !errors.Is(last, mlruns.ErrReadOnly) || writes != 0 {
		t.Errorf("repair: %v after %d writes, want %v and none", last, writes, mlruns.ErrReadOnly)
	}
}

// TestRepairKeepsModes gives a mended metric file the mode of the old one.
func TestRepairKeepsModes(t *testing.T) {
	d := newPatient(t, func(f afero.Fs) afero.Fs { return f })
	d.write(map[string]string{runLoss: lossBefore + "x\n"})
	d.must(d.mem.Chmod("/mlruns/"+runLoss, 0o604))
	d.repair(mlruns.RepairQuery{})
	for _, name := range []string{runLoss, savedIn + "/" + runLoss} {
		info, err := d.mem.Stat("/mlruns/" + name)
		d.must(err)
		if info.Mode() != 0o604 {
			t.Errorf("%s has the mode %v, want 0604", name, info.Mode())
		}
	}
}

// TestProgressIsTold counts up to the number of experiments and runs.
func TestProgressIsTold(t *testing.T) {
	d := newPatient(t, func(f afero.Fs) afero.Fs { return f })
	want := []mlruns.Progress{{Done: 0, Total: 3, Path: ".trash/e2"}, {Done: 1, Total: 4, Path: ".trash/e2/gone"}, {Done: 2, Total: 4, Path: "0"}, {Done: 3, Total: 4, Path: "e1"},
		{Done: 4, Total: 6, Path: "e1/other"}, {Done: 5, Total: 6, Path: "e1/run"}}
	ctx := t.Context()
	for name, call := range map[string]func(func(mlruns.Progress)) error{
		"Verify": func(tell func(mlruns.Progress)) error {
			return errOfAll(d.store.Verify(ctx, mlruns.VerifyQuery{Progress: tell}))
		},
		"Repair": func(tell func(mlruns.Progress)) error {
			return errOfAll(d.store.Repair(ctx, mlruns.RepairQuery{Progress: tell}))
		},
	} {
		var told []mlruns.Progress
		d.must(call(func(p mlruns.Progress) { told = append(told, p) }))
		d.must(call(nil))
		if diff := cmp.Diff(want, told); diff != "" {
			t.Errorf("progress of %s (-want +got):\n%s", name, diff)
		}
	}
	var told mlruns.Progress
	relocating := mlruns.RelocateQuery{Progress: func(p mlruns.Progress) { told = p }}
	d.must(errOfAll(d.store.Relocate(ctx, relocating)))
	d.must(errOfAll(d.store.Relocate(ctx, mlruns.RelocateQuery{})))
	if told.Done != 6 || told.Total != 6 {
		t.Errorf("Relocate told %+v at the end, want 6 of 6", told)
	}
}

// TestVerifyStreams gives the first problem before it looks at the last experiment.
func TestVerifyStreams(t *testing.T) {
	var last string
	d := newPatient(t, func(f afero.Fs) afero.Fs { return f })
	d.write(map[string]string{".trash/e2/gone/metrics/loss": "", "e1/run/metrics/loss": ""})
	for p, err := range d.store.Verify(t.Context(), mlruns.VerifyQuery{Progress: func(p mlruns.Progress) { last = p.Path }}) {
		d.must(err)
		if p.Path != ".trash/e2/gone/metrics/loss" || last != ".trash/e2/gone" {
			t.Errorf("the first problem is %v, told while at %s", p, last)
		}
		break
	}
}

// snapshotValues are all points, params and tags of a store, as text.
func snapshotValues(t *testing.T, s mlruns.Store) map[string]bool {
	t.Helper()
	all := map[string]bool{}
	for r, err := range s.Runs(t.Context(), mlruns.RunQuery{View: mlruns.ViewAll, OnProblem: func(mlruns.Problem) {}}) {
		if err != nil {
			t.Fatal(err)
		}
		for key := range maps.Keys(r.Data.Metrics) {
			for _, line := range history(t, s, r.Info.ID, key) {
				all[fmt.Sprintf("%s metric %s: %s", r.Info.ID, key, line)] = true
			}
		}
		for kind, values := range map[string]map[string]string{"param": r.Data.Params, "tag": r.Data.Tags} {
			for key, value := range values {
				all[fmt.Sprintf("%s %s %s: %s", r.Info.ID, kind, key, value)] = true
			}
		}
	}
	return all
}

func numbered(format string, from, n int) (list []string) {
	for i := range n {
		list = append(list, fmt.Sprintf(format, from+i))
	}
	return list
}

// TestRepairStage sets what the place says, in the root and in the trash, and keeps the old
// meta.yaml.
func TestRepairStage(t *testing.T) {
	d := newPatient(t, func(f afero.Fs) afero.Fs { return f })
	metas := map[string]string{"e1/meta.yaml": "deleted", ".trash/e2/meta.yaml": "active"}
	old := map[string]string{}
	for name, stage := range metas {
		data, err := afero.ReadFile(d.mem, "/mlruns/"+name)
		d.must(err)
		was := map[string]string{"deleted": "active", "active": "deleted"}[stage]
		old[name] = strings.Replace(string(data), "lifecycle_stage: "+was, "lifecycle_stage: "+stage, 1)
		d.write(map[string]string{name: old[name]})
	}
	x := damage{want: []string{"stage .trash/e2/meta.yaml repairable", "stage e1/meta.yaml repairable"}, saved: []string{"e1/meta.yaml", ".trash/e2/meta.yaml"}, after: map[string]string{}}
	for name, stage := range metas {
		was := map[string]string{"deleted": "active", "active": "deleted"}[stage]
		x.after[name] = strings.Replace(old[name], "lifecycle_stage: "+stage, "lifecycle_stage: "+was, 1)
	}
	x.check(d)
}

// TestFreshLeftoverStays leaves alone what a living process may be working on.
func TestFreshLeftoverStays(t *testing.T) {
	d := newPatient(t, func(f afero.Fs) afero.Fs { return f })
	d.write(map[string]string{stagingMeta: "x"})
	d.must(afero.WriteFile(d.mem, "/mlruns/.mlruns.trash/r3.00/deep", nil, 0o666))
	d.must(d.mem.Chtimes("/mlruns/.mlruns.trash/r3.00", longAgo, longAgo))
	d.must(afero.WriteFile(d.mem, "/mlruns/e1/run/.mlruns-tmp-1", nil, 0o666))
	before := d.tree()
	if diff := cmp.Diff([]string{"leftover .mlruns.trash/r3.00", "leftover e1/run/.mlruns-tmp-1"}, d.problems()); diff != "" {
		t.Error(diff)
	}
	for _, r := range d.repair(mlruns.RepairQuery{}) {
		if r.Action != "" {
			t.Errorf("%+v", r)
		}
	}
	if diff := cmp.Diff(before, d.tree()); diff != "" {
		t.Error(diff)
	}
}

// TestReasonsHelp tells a person what is known of what repair does not mend.
func TestReasonsHelp(t *testing.T) {
	d := newPatient(t, func(f afero.Fs) afero.Fs { return f })
	meta, err := afero.ReadFile(d.mem, "/mlruns/e1/run/meta.yaml")
	d.must(err)
	d.write(map[string]string{"e1/run/meta.yaml": "", "e1/run/.mlruns-tmp-1": string(meta), "e1/other/params/lr (1)": "0.2", "e1/other/params/gone (1)": "1",
		"e1/other/meta (1).yaml": strings.Replace(string(meta), "user_id: ", "user_id: x", 1)})
	reasons := map[string]string{}
	for _, p := range verify(t, d.store) {
		reasons[p.Path] = p.Reason
	}
	for name, want := range map[string]string{
		"e1/run/meta.yaml":         "e1/run/.mlruns-tmp-1 has a whole one with the right id",
		"e1/other/params/lr (1)":   `"0.1" here and "0.2" in the copy`,
		"e1/other/params/gone (1)": "that is not there any more",
		"e1/other/meta (1).yaml":   "different in artifact_uri, run_id, run_uuid, user_id",
	} {
		if !strings.Contains(reasons[name], want) {
			t.Errorf("%s: %q, want %q in it", name, reasons[name], want)
		}
	}
}
