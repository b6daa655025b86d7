package confine

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/mlruns/mlruns"
	"github.com/mlruns/mlruns/filestore/internal/filestoretest"
)

// plantedRuns logs artifacts that make up a run, with an artifact URI that leads out, below
// experiments whose locations put them where the store has runs: <root>/<run id>/artifacts looks
// like the run "artifacts" of the experiment <run id>. Who may upload artifacts could so read and
// write anything.
func (c *confined) plantedRuns() {
	c.Helper()
	ctx := c.Context()
	before := c.everyRun()
	for i, location := range []string{"STORE", "file://STORE", "STORE/.trash", "STORE/e1", "STORE/0", "STORE/planted", "STORE/models", "STORE/e1/run"} {
		id := fmt.Sprint("host", i)
		run := id + "run"
		if err := errors.Join(filestoretest.ErrOf(c.store.CreateExperiment(ctx, mlruns.ExperimentSpec{ID: id, Name: id, ArtifactLocation: strings.ReplaceAll(location, "STORE", filepath.ToSlash(c.dir))})),
			filestoretest.ErrOf(c.store.CreateRun(ctx, mlruns.RunSpec{ID: run, ExperimentID: id}))); err != nil {
			c.Fatal(err)
		}
		before = append(before, run)
		slices.Sort(before)
		c.plant(run, "")
		c.plant(run, "deeper/")
		for _, planted := range []string{"artifacts", run + "/artifacts", "deeper"} {
			if err := filestoretest.ErrOf(c.store.Run(ctx, planted)); err == nil || errors.Is(err, mlruns.ErrCorrupt) {
				c.Errorf("the location %s: a run %q that lies among artifacts: %v", location, planted, err)
			}
			for what, err := range map[string]error{
				"set tag": c.store.SetTag(ctx, planted, "k", "v"), "log metric": c.store.LogMetric(ctx, planted, mlruns.Metric{Key: "m", Value: 1}),
				"delete": c.store.DeleteRun(ctx, planted), "list artifacts": filestoretest.ErrOf(c.store.Artifacts(ctx, planted, "")),
				"write artifact": c.store.WriteArtifact(ctx, planted, "k", strings.NewReader("new")), "update": c.store.UpdateRun(ctx, planted, mlruns.RunUpdate{Name: "x"}),
			} {
				if err == nil {
					c.Errorf("the location %s: %s of %q: done, want it refused", location, what, planted)
				}
			}
		}
		if got := c.everyRun(); !slices.Equal(got, before) {
			c.Errorf("the location %s: the runs are %q, want %q", location, got, before)
		}
		c.watched("upkeep", func(ctx context.Context) string {
			return fmt.Sprint(filestoretest.ErrOfAll(c.store.Verify(ctx, mlruns.VerifyQuery{})), filestoretest.ErrOfAll(c.store.Repair(ctx, mlruns.RepairQuery{})), filestoretest.ErrOfAll(c.store.Relocate(ctx, mlruns.RelocateQuery{})), filestoretest.ErrOfAll(c.store.GC(ctx, mlruns.GCQuery{})))
		})
		if _, err := os.Stat(filepath.Join(c.dir, id, run, "meta.yaml")); err != nil {
			c.Error(err)
		}
	}
}

// plant logs the files of a run among the artifacts of another.
func (c *confined) plant(run, below string) {
	c.Helper()
	meta := strings.NewReplacer("id: '7'", "id: "+run, ": r\n", ": artifacts\n").Replace(filestoretest.MetaWith("artifact_uri", "file://"+c.outside))
	for name, content := range map[string]string{"meta.yaml": meta, "params/k": "planted", "metrics/k": "1 1 1\n", "tags/k": "planted"} {
		if err := c.store.WriteArtifact(c.Context(), run, below+name, strings.NewReader(content)); err != nil {
			c.Fatal(err)
		}
	}
}

// everyRun gives the ids of all active runs that a search finds, sorted.
func (c *confined) everyRun() []string {
	c.Helper()
	var ids []string
	for r, err := range c.store.Runs(c.Context(), mlruns.RunQuery{}) {
		if err != nil {
			c.Fatal(err)
		}
		ids = append(ids, r.Info.ID)
	}
	slices.Sort(ids)
	return ids
}
