package filestore_test

import (
	"errors"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/spf13/afero"

	"github.com/mlruns/mlruns"
	"github.com/mlruns/mlruns/filestore"
	"github.com/mlruns/mlruns/filestore/internal/filestoretest"
	"github.com/mlruns/mlruns/internal/faultfs"
)

// TestRepairEachDamage does each damage alone: Verify names it, a dry run tells what the repair
// then does and changes nothing, the originals are kept byte for byte, Verify finds nothing more
// but what cannot be repaired, and a second repair has nothing to do.
func TestRepairEachDamage(t *testing.T) {
	for _, wrap := range []struct {
		name string
		wrap func(afero.Fs) afero.Fs
	}{{"native", func(f afero.Fs) afero.Fs { return f }}, {"plain", faultfs.Plain}} {
		for i, x := range slices.Concat(damages, foreignDamages, modelDamages) {
			t.Run(wrap.name+"/"+x.Name, func(t *testing.T) {
				t.Parallel()
				d := filestoretest.NewPatient(t, wrap.wrap)
				if i >= len(damages)+len(foreignDamages) {
					d.AddModels()
				}
				if clean := d.Problems(); clean != nil {
					t.Fatalf("before the damage: %v", clean)
				}
				x.Apply(d)
				x.Check(d)
			})
		}
	}
}

// TestRepairNeedsRights works read-only as far as nothing is written.
func TestRepairNeedsRights(t *testing.T) {
	d := filestoretest.NewPatient(t, func(f afero.Fs) afero.Fs { return f })
	d.Write(map[string]string{filestoretest.RunLoss: filestoretest.LossBefore + "x\n"})
	writes := 0
	watched := faultfs.New(d.Mem, func(op faultfs.Op) error {
		if op.Kind.Mutates() || op.Kind == faultfs.Sync || op.Kind == faultfs.SyncDir {
			writes++
		}
		return nil
	})
	s := filestoretest.Open(t, "/mlruns", filestore.WithFs(watched), filestore.WithReadOnly())
	if n := len(filestoretest.Problems(t, s)); n != 1 {
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
	d := filestoretest.NewPatient(t, func(f afero.Fs) afero.Fs { return f })
	d.Write(map[string]string{filestoretest.RunLoss: filestoretest.LossBefore + "x\n"})
	d.Must(d.Mem.Chmod("/mlruns/"+filestoretest.RunLoss, 0o604))
	d.Repair(mlruns.RepairQuery{})
	for _, name := range []string{filestoretest.RunLoss, filestoretest.SavedIn + "/" + filestoretest.RunLoss} {
		info, err := d.Mem.Stat("/mlruns/" + name)
		d.Must(err)
		if info.Mode() != 0o604 {
			t.Errorf("%s has the mode %v, want 0604", name, info.Mode())
		}
	}
}

// TestProgressIsTold counts up to the number of experiments and runs.
func TestProgressIsTold(t *testing.T) {
	d := filestoretest.NewPatient(t, func(f afero.Fs) afero.Fs { return f })
	want := []mlruns.Progress{{Done: 0, Total: 3, Path: ".trash/e2"}, {Done: 1, Total: 4, Path: ".trash/e2/gone"}, {Done: 2, Total: 4, Path: "0"}, {Done: 3, Total: 4, Path: "e1"},
		{Done: 4, Total: 6, Path: "e1/other"}, {Done: 5, Total: 6, Path: "e1/run"}}
	ctx := t.Context()
	for name, call := range map[string]func(func(mlruns.Progress)) error{
		"Verify": func(tell func(mlruns.Progress)) error {
			return filestoretest.ErrOfAll(d.Store.Verify(ctx, mlruns.VerifyQuery{Progress: tell}))
		},
		"Repair": func(tell func(mlruns.Progress)) error {
			return filestoretest.ErrOfAll(d.Store.Repair(ctx, mlruns.RepairQuery{Progress: tell}))
		},
	} {
		var told []mlruns.Progress
		d.Must(call(func(p mlruns.Progress) { told = append(told, p) }))
		d.Must(call(nil))
		if diff := cmp.Diff(want, told); diff != "" {
			t.Errorf("progress of %s (-want +got):\n%s", name, diff)
		}
	}
	var told mlruns.Progress
	relocating := mlruns.RelocateQuery{Progress: func(p mlruns.Progress) { told = p }}
	d.Must(filestoretest.ErrOfAll(d.Store.Relocate(ctx, relocating)))
	d.Must(filestoretest.ErrOfAll(d.Store.Relocate(ctx, mlruns.RelocateQuery{})))
	if told.Done != 6 || told.Total != 6 {
		t.Errorf("Relocate told %+v at the end, want 6 of 6", told)
	}
}

// TestVerifyStreams gives the first problem before it looks at the last experiment.
func TestVerifyStreams(t *testing.T) {
	var last string
	d := filestoretest.NewPatient(t, func(f afero.Fs) afero.Fs { return f })
	d.Write(map[string]string{".trash/e2/gone/metrics/loss": "", "e1/run/metrics/loss": ""})
	for p, err := range d.Store.Verify(t.Context(), mlruns.VerifyQuery{Progress: func(p mlruns.Progress) { last = p.Path }}) {
		d.Must(err)
		if p.Path != ".trash/e2/gone/metrics/loss" || last != ".trash/e2/gone" {
			t.Errorf("the first problem is %v, told while at %s", p, last)
		}
		break
	}
}

// TestRepairStage sets what the place says, in the root and in the trash, and keeps the old
// meta.yaml.
func TestRepairStage(t *testing.T) {
	d := filestoretest.NewPatient(t, func(f afero.Fs) afero.Fs { return f })
	metas := map[string]string{"e1/meta.yaml": "deleted", ".trash/e2/meta.yaml": "active"}
	old := map[string]string{}
	for name, stage := range metas {
		data, err := afero.ReadFile(d.Mem, "/mlruns/"+name)
		d.Must(err)
		was := map[string]string{"deleted": "active", "active": "deleted"}[stage]
		old[name] = strings.Replace(string(data), "lifecycle_stage: "+was, "lifecycle_stage: "+stage, 1)
		d.Write(map[string]string{name: old[name]})
	}
	x := filestoretest.Damage{Want: []string{"stage .trash/e2/meta.yaml repairable", "stage e1/meta.yaml repairable"}, Saved: []string{"e1/meta.yaml", ".trash/e2/meta.yaml"}, After: map[string]string{}}
	for name, stage := range metas {
		was := map[string]string{"deleted": "active", "active": "deleted"}[stage]
		x.After[name] = strings.Replace(old[name], "lifecycle_stage: "+stage, "lifecycle_stage: "+was, 1)
	}
	x.Check(d)
}

// TestFreshLeftoverStays leaves alone what a living process may be working on.
func TestFreshLeftoverStays(t *testing.T) {
	d := filestoretest.NewPatient(t, func(f afero.Fs) afero.Fs { return f })
	d.Write(map[string]string{filestoretest.StagingMeta: "x"})
	d.Must(afero.WriteFile(d.Mem, "/mlruns/.mlruns.trash/r3.00/deep", nil, 0o666))
	d.Must(d.Mem.Chtimes("/mlruns/.mlruns.trash/r3.00", filestoretest.LongAgo, filestoretest.LongAgo))
	d.Must(afero.WriteFile(d.Mem, "/mlruns/e1/run/.mlruns-tmp-1", nil, 0o666))
	before := d.Tree()
	if diff := cmp.Diff([]string{"leftover .mlruns.trash/r3.00", "leftover e1/run/.mlruns-tmp-1"}, d.Problems()); diff != "" {
		t.Error(diff)
	}
	for _, r := range d.Repair(mlruns.RepairQuery{}) {
		if r.Action != "" {
			t.Errorf("%+v", r)
		}
	}
	if diff := cmp.Diff(before, d.Tree()); diff != "" {
		t.Error(diff)
	}
}

// TestReasonsHelp tells a person what is known of what repair does not mend.
func TestReasonsHelp(t *testing.T) {
	d := filestoretest.NewPatient(t, func(f afero.Fs) afero.Fs { return f })
	d.AddModels()
	meta, err := afero.ReadFile(d.Mem, "/mlruns/e1/run/meta.yaml")
	d.Must(err)
	d.Write(map[string]string{"e1/run/meta.yaml": "", "e1/run/.mlruns-tmp-1": string(meta), "e1/other/params/lr (1)": "0.2", "e1/other/params/gone (1)": "1",
		"e1/other/meta (1).yaml": strings.Replace(string(meta), "user_id: ", "user_id: x", 1)})
	reasons := map[string]string{}
	for _, p := range filestoretest.Problems(t, d.Store) {
		reasons[p.Path] = p.Reason
	}
	modelMeta, err := afero.ReadFile(d.Mem, "/mlruns/"+model+"/meta.yaml")
	d.Must(err)
	info, err := afero.ReadFile(d.Mem, "/mlruns/"+trace+"/trace_info.yaml")
	d.Must(err)
	d.Must(d.Mem.Remove("/mlruns/" + trace + "/trace_info.yaml"))
	d.Write(map[string]string{model + "/meta.yaml": "", model + "/.mlruns-tmp-1": string(modelMeta), trace + "/trace_info (1).yaml": string(info)})
	for _, p := range filestoretest.Problems(t, d.Store) {
		reasons[p.Path] = p.Reason
	}
	for name, want := range map[string]string{
		model + "/meta.yaml":       model + "/.mlruns-tmp-1 has a whole one with the right id",
		trace:                      trace + "/trace_info (1).yaml has a whole one with the right id",
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
