package fsck

import (
	"log/slog"
	"strings"
	"testing"
	"time"

	"github.com/spf13/afero"

	"github.com/mlruns/mlruns"
	"github.com/mlruns/mlruns/filestore/internal/codec"
	"github.com/mlruns/mlruns/filestore/internal/dir"
	"github.com/mlruns/mlruns/filestore/internal/lifecycle"
	"github.com/mlruns/mlruns/filestore/internal/locate"
	"github.com/mlruns/mlruns/filestore/internal/records"
	"github.com/mlruns/mlruns/internal/dirlock"
	"github.com/mlruns/mlruns/internal/memfs"
)

// newCheckedStore gives the Checker of a store with the experiment 0 and one param of a run in it.
func newCheckedStore(t *testing.T) (*Checker, *memfs.FS) {
	t.Helper()
	mem := memfs.New()
	now := time.UnixMilli(1_700_000_000_000)
	experiment := codec.NewExperimentDocument(mlruns.Experiment{ID: "0", Name: "Default", ArtifactLocation: "/mlruns/0", Stage: mlruns.StageActive, Created: now, Updated: now})
	run := codec.NewRunDocument(mlruns.RunInfo{ID: "run", Name: "run", ExperimentID: "0", User: "user", Status: mlruns.StatusRunning, Start: now, ArtifactURI: "/mlruns/0/run/artifacts", Stage: mlruns.StageActive})
	for _, folder := range []string{".trash", "0/run/metrics", "0/run/params", "0/run/artifacts"} {
		must(t, mem.MkdirAll("/mlruns/"+folder, 0o777))
	}
	for name, doc := range map[string]*codec.Document{"0/meta.yaml": &experiment, "0/run/meta.yaml": &run} {
		data, err := doc.Encode()
		must(t, err)
		must(t, afero.WriteFile(mem, "/mlruns/"+name, data, 0o666))
	}
	must(t, afero.WriteFile(mem, "/mlruns/0/run/params/lr", []byte("1"), 0o666))
	tree := dir.New(mem, "/mlruns", dir.Options{Logger: slog.New(slog.DiscardHandler)})
	find := locate.New(locate.Options{Tree: tree, Records: &records.Reader{Tree: tree}, Locks: dirlock.New(mem, dirlock.None, dirlock.Options{}),
		Logger: tree.Logger, Parallelism: 1, Dir: "/mlruns", URI: "/mlruns"})
	return New(find, lifecycle.New(find, time.Now), time.Now), mem
}

// TestMendingSaysWhyNot has remedies meet what was not there when they were chosen: each error says
// one thing, and is not taken for a thing that was mended.
func TestMendingSaysWhyNot(t *testing.T) {
	t.Parallel()
	c, mem := newCheckedStore(t)
	r := &repair{Checker: c, ctx: t.Context()}

	copied := r.mergeConflict(finding{}, mlruns.Problem{Path: "0/run/params/lr (1)"})
	if err := copied.do(&copied); err == nil || strings.Contains(err.Error(), "\n") {
		t.Errorf("a copy that is gone: %q, want one line", err)
	}
	must(t, afero.WriteFile(mem, "/mlruns/0/run/params/lr (1)", []byte("2"), 0o666))
	if err := copied.do(&copied); err == nil || !strings.Contains(err.Error(), `"1" here and "2" in the copy`) || strings.Contains(err.Error(), "\n") {
		t.Errorf("another value: %q, want both values in one line", err)
	}
	must(t, mem.Remove("/mlruns/0/run/params/lr (1)"))

	meta, err := afero.ReadFile(mem, "/mlruns/0/meta.yaml")
	must(t, err)
	stage := r.setStage(finding{experiment: records.NewExperimentRef("0", false)}, mlruns.Problem{Path: "0/meta.yaml"})
	if err := stage.do(&stage); err != errMended {
		t.Errorf("a stage that is right by now: %v, want %v", err, errMended)
	}
	must(t, afero.WriteFile(mem, "/mlruns/0/meta.yaml", []byte(strings.Replace(string(meta), "stage: active", "stage: unknown", 1)), 0o666))
	if err := stage.do(&stage); err == nil || strings.Contains(err.Error(), errMended.Error()) {
		t.Errorf("a stage that nobody knows: %v, want what is wrong with it", err)
	}
	must(t, afero.WriteFile(mem, "/mlruns/0/meta.yaml", meta, 0o666))
	for p, err := range c.Verify(t.Context(), mlruns.VerifyQuery{}) {
		t.Error(p, err)
	}
}
