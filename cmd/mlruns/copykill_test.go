package main

import (
	"fmt"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/mlruns/mlruns"
	"github.com/mlruns/mlruns/filestore"
	"github.com/mlruns/mlruns/internal/proof"
)

// TestCopyKilled kills "mlruns copy" at a random moment, again and again, until one gets to its
// end: the destination is then what an undisturbed copy makes of it, no point twice and none
// missing.
func TestCopyKilled(t *testing.T) {
	t.Parallel()
	root := t.TempDir()
	src := filepath.Join(root, "src")
	makeCopied(t, src)
	undisturbed := filepath.Join(root, "undisturbed")
	begun := time.Now()
	if text, err := exec.Command("mlruns", "copy", src, undisturbed).CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, text)
	}
	took := time.Since(begun)
	want := saysOf(t, undisturbed)
	killed := 0
	for round := range proof.Choose(1, 5, 40) {
		dst := filepath.Join(root, fmt.Sprint("dst", round))
		for ended := false; !ended; {
			cmd := exec.Command("mlruns", "copy", src, dst)
			if err := cmd.Start(); err != nil {
				t.Fatal(err)
			}
			time.Sleep(time.Duration(proof.Rand(t).Int64N(int64(took))))
			_ = cmd.Process.Kill()
			if err := cmd.Wait(); err == nil {
				ended = true
			} else {
				killed++
			}
		}
		if diff := cmp.Diff(want, saysOf(t, dst)); diff != "" {
			t.Errorf("(-undisturbed +killed):\n%s", diff)
		}
	}
	if killed == 0 {
		t.Log("every copy ended before it was killed")
	}
}

func makeCopied(t *testing.T, dir string) {
	t.Helper()
	s, err := filestore.Open(dir)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = s.Close() }()
	ctx := t.Context()
	for i := range 10 {
		r, err := s.CreateRun(ctx, mlruns.RunSpec{ID: fmt.Sprint("run", i), Name: "n", Start: time.UnixMilli(1)})
		if err != nil {
			t.Fatal(err)
		}
		var b mlruns.Batch
		for step := range int64(50) {
			b.Metrics = append(b.Metrics, mlruns.Metric{Key: fmt.Sprint("m", step%5), Step: step, Value: float64(step), Time: time.UnixMilli(step + 1)})
		}
		b.Params = []mlruns.Param{{Key: "p", Value: "v"}}
		if err := s.LogBatch(ctx, r.Info.ID, b); err != nil {
			t.Fatal(err)
		}
		for f := range 5 {
			if err := s.WriteArtifact(ctx, r.Info.ID, fmt.Sprint("d/f", f), strings.NewReader(strings.Repeat("x", 1000*f))); err != nil {
				t.Fatal(err)
			}
		}
		if err := s.EndRun(ctx, r.Info.ID, 0, time.UnixMilli(2)); err != nil {
			t.Fatal(err)
		}
	}
}

// saysOf is what a store says of its runs, and that Verify finds nothing but what the killed left.
func saysOf(t *testing.T, dir string) map[string]string {
	t.Helper()
	s, err := filestore.Open(dir)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = s.Close() }()
	ctx, all := t.Context(), map[string]string{}
	for r, err := range s.Runs(ctx, mlruns.RunQuery{}) {
		if err != nil {
			t.Fatal(err)
		}
		r.Info.ArtifactURI = ""
		all[r.Info.ID] = fmt.Sprintf("%+v", *r)
		for key := range r.Data.Metrics {
			for m, err := range s.MetricHistory(ctx, r.Info.ID, key, mlruns.HistoryQuery{}) {
				all[r.Info.ID+" "+key] += fmt.Sprintln(m, err)
			}
		}
		files, err := s.Artifacts(ctx, r.Info.ID, "d")
		all[r.Info.ID+" files"] = fmt.Sprint(files, err)
	}
	for p, err := range s.Verify(ctx, mlruns.VerifyQuery{}) {
		if err != nil || p.Kind != mlruns.ProblemLeftover {
			t.Errorf("Verify: %v, %v", p, err)
		}
	}
	return all
}
