package filestore

import (
	"strings"
	"testing"

	"github.com/spf13/afero"

	"github.com/mlruns/mlruns"
	"github.com/mlruns/mlruns/filestore/internal/records"
	"github.com/mlruns/mlruns/internal/memfs"
)

// TestMendingSaysWhyNot has remedies meet what was not there when they were chosen: each error says
// one thing, and is not taken for a thing that was mended.
func TestMendingSaysWhyNot(t *testing.T) {
	t.Parallel()
	mem := memfs.New()
	s, err := Open("/mlruns", WithFs(mem), WithLocking(LockNone))
	check(t, err)
	defer s.Close()
	run, err := s.CreateRun(t.Context(), mlruns.RunSpec{ID: "run"})
	check(t, err)
	check(t, s.LogParam(t.Context(), run.Info.ID, "lr", "1"))
	r := &repair{Store: s, ctx: t.Context()}

	copied := r.mergeConflict(found{}, "0/run/params/lr (1)")
	if err := copied.do(&copied); err == nil || strings.Contains(err.Error(), "\n") {
		t.Errorf("a copy that is gone: %q, want one line", err)
	}
	check(t, afero.WriteFile(mem, "/mlruns/0/run/params/lr (1)", []byte("2"), 0o666))
	if err := copied.do(&copied); err == nil || !strings.Contains(err.Error(), `"1" here and "2" in the copy`) || strings.Contains(err.Error(), "\n") {
		t.Errorf("another value: %q, want both values in one line", err)
	}
	check(t, mem.Remove("/mlruns/0/run/params/lr (1)"))

	meta, err := afero.ReadFile(mem, "/mlruns/0/meta.yaml")
	check(t, err)
	ref := records.NewExperimentRef("0", false)
	stage := r.setStage(ref, "0/meta.yaml")
	if err := stage.do(&stage); err != errMended {
		t.Errorf("a stage that is right by now: %v, want %v", err, errMended)
	}
	check(t, afero.WriteFile(mem, "/mlruns/0/meta.yaml", []byte(strings.Replace(string(meta), "stage: active", "stage: unknown", 1)), 0o666))
	if err := stage.do(&stage); err == nil || strings.Contains(err.Error(), errMended.Error()) {
		t.Errorf("a stage that nobody knows: %v, want what is wrong with it", err)
	}
	check(t, afero.WriteFile(mem, "/mlruns/0/meta.yaml", meta, 0o666))
	for p, err := range s.Verify(t.Context(), mlruns.VerifyQuery{}) {
		t.Error(p, err)
	}
}
