package golden

import (
	"bytes"
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/mlruns/mlruns"
	"github.com/mlruns/mlruns/filestore/internal/filestoretest"
)

// under is the golden store as if MLflow had written it in another place.
func (g *golden) under(t *testing.T, root string) *golden {
	t.Helper()
	moved := *g
	moved.expected = &expected{}
	if err := decodeJSON(bytes.ReplaceAll(g.raw, []byte(goldenRoot), []byte(filepath.ToSlash(root))), moved.expected); err != nil {
		t.Fatal(err)
	}
	moved.store = filestoretest.Tree{}
	for name, data := range g.store {
		if strings.HasSuffix(name, "/meta.yaml") {
			data = bytes.ReplaceAll(data, []byte(goldenRoot), []byte(filepath.ToSlash(root)))
		}
		moved.store[name] = data
	}
	return &moved
}

// TestGoldenMovedStore opens a copy of a store that recorded another place. While that place still
// exists, nothing in it is read, written or removed through the copy; while it is gone, everything
// is still there.
func TestGoldenMovedStore(t *testing.T) {
	eachGolden(t, func(t *testing.T, g *golden) {
		ctx := context.Background()
		original, copied := filepath.Join(t.TempDir(), "mlruns"), filepath.Join(t.TempDir(), "mlruns")
		g = g.under(t, original)
		g.store.WriteTo(t, copied)
		poison := filestoretest.Poisoned(g.store)
		poison.WriteTo(t, original)

		store := filestoretest.Open(t, copied)
		ask(t, store, g.version, g.expected)
		readArtifacts(t, g, store)
		away := original + ".away"
		filestoretest.Rename(t, original, away)
		ask(t, store, g.version, g.expected)
		readArtifacts(t, g, store)
		if _, err := os.Stat(original); !errors.Is(err, os.ErrNotExist) {
			t.Errorf("the original is there again: %v", err)
		}
		filestoretest.Rename(t, away, original)
		if diff := filestoretest.Changes(g.store, filestoretest.ReadTree(t, copied)); diff != nil {
			t.Errorf("reading changed the copy: %v", diff)
		}

		run := g.expected.Labels["artifacts"]
		main, grid := g.expected.ExperimentLabels["main"], g.expected.ExperimentLabels["grid"]
		made, err := store.CreateRun(ctx, mlruns.RunSpec{ExperimentID: main, Name: "made in the copy"})
		if err != nil {
			t.Fatal(err)
		}
		if !strings.Contains(made.Info.ArtifactURI, filepath.ToSlash(copied)) {
			t.Errorf("a new run's artifact URI is %s, want it below %s", made.Info.ArtifactURI, copied)
		}
		for what, err := range map[string]error{
			"write artifact":            store.WriteArtifact(ctx, run, "new/file.txt", strings.NewReader("new")),
			"write artifact of new run": store.WriteArtifact(ctx, made.Info.ID, "file.txt", strings.NewReader("new")),
			"delete artifacts":          store.DeleteArtifacts(ctx, run, "some"),
			"log metric":                store.LogMetric(ctx, run, mlruns.Metric{Key: "m", Value: 1}),
			"log param":                 store.LogParam(ctx, run, "p", "v"),
			"set tag":                   store.SetTag(ctx, run, "t", "v"),
			"end run":                   store.EndRun(ctx, run, 0, filestoretest.LongAgo),
			"rename":                    store.RenameExperiment(ctx, main, "renamed"),
			"delete experiment":         store.DeleteExperiment(ctx, grid),
		} {
			if err != nil {
				t.Errorf("%s: %v", what, err)
			}
		}
		if diff := filestoretest.Changes(poison, filestoretest.ReadTree(t, original)); diff != nil {
			t.Errorf("the original changed: %v", diff)
		}
		after := filestoretest.ReadTree(t, copied)
		for _, name := range []string{main + "/" + run + "/artifacts/new/file.txt", main + "/" + made.Info.ID + "/artifacts/file.txt"} {
			if string(after[name]) != "new" {
				t.Errorf("%s: got %q, want it beside its run", name, after[name])
			}
		}
	})
}
