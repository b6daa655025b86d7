package filestore_test

import (
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/mlruns/mlruns"
	"github.com/mlruns/mlruns/filestore"
	"github.com/mlruns/mlruns/filestore/internal/filestoretest"
)

// TestMetaKeyGivenTwice is what PyYAML makes of it: the last wins.
func TestMetaKeyGivenTwice(t *testing.T) {
	f := filestoretest.NewFaulty(t, false, filestore.SyncMeta)
	f.Edit("/mlruns/e1/meta.yaml", func(meta string) string { return meta + "name: last\n" })
	e, err := f.Store.Experiment(f.Ctx, "e1")
	f.Must(err)
	if e.Name != "last" {
		t.Errorf("name %q, want %q", e.Name, "last")
	}
}

func TestMetaNestedTooDeeply(t *testing.T) {
	for depth, want := range map[int]error{50: nil, 200: mlruns.ErrCorrupt} {
		f := filestoretest.NewFaulty(t, false, filestore.SyncMeta)
		f.Edit("/mlruns/e1/run/meta.yaml", func(meta string) string {
			return meta + "deep: " + strings.Repeat("[", depth) + strings.Repeat("]", depth) + "\n"
		})
		if _, err := f.Store.Run(f.Ctx, "run"); !errors.Is(err, want) {
			t.Errorf("depth %d: error %v, want %v", depth, err, want)
		}
	}
}

// TestMetaAliases reads an alias to a text wherever it stands, as PyYAML does, and refuses one to a
// collection.
func TestMetaAliases(t *testing.T) {
	for added, want := range map[string]string{
		"anchor: &who alice\nuser_id: *who\n":               "",
		"anchor: &who alice\nextra:\n  by: *who\n":          "",
		"anchor: &who alice\nextra:\n- *who\n":              "",
		"anchor: &who {name: alice}\nextra: *who\n":         "an alias to a collection",
		"anchor: &who [alice]\nextra:\n  list: [x, *who]\n": "an alias to a collection",
	} {
		f := filestoretest.NewFaulty(t, false, filestore.SyncMeta)
		f.Edit("/mlruns/e1/run/meta.yaml", func(meta string) string { return meta + added })
		_, err := f.Store.Run(f.Ctx, "run")
		if want == "" && err != nil || want != "" && (err == nil || !strings.Contains(err.Error(), want)) {
			t.Errorf("%q: error %v, want %q", added, err, want)
		}
		if want != "" {
			continue
		}
		f.Must(f.Store.EndRun(f.Ctx, "run", mlruns.StatusFailed, time.Time{}))
		if meta := f.Content("/mlruns/e1/run/meta.yaml"); strings.Contains(meta, "*who") || strings.Count(meta, "alice") < 2 {
			t.Errorf("%q: rewritten as\n%s", added, meta)
		}
	}
}
