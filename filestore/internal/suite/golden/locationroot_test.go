package golden

import (
	"errors"
	"path/filepath"
	"strings"
	"testing"

	"github.com/mlruns/mlruns"
	"github.com/mlruns/mlruns/filestore/internal/filestoretest"
)

// TestGoldenRecordedRoot moves the stores of real MLflow versions: the locations of their
// experiments, custom ones and other schemes among them, tell where they were, and of nothing else.
func TestGoldenRecordedRoot(t *testing.T) {
	eachGolden(t, func(t *testing.T, g *golden) {
		dir := g.store.Write(t)
		filestoretest.WriteFile(t, filepath.Join(dir, "x", "meta.yaml"), strings.NewReplacer("id: '7'", "id: x", "seven", "x").Replace(filestoretest.MetaWith("artifact_location", goldenRoot)))
		for run, location := range map[string]string{"r": goldenRoot + "/r/artifacts", "s": filepath.Dir(goldenRoot) + "/s/artifacts"} {
			filestoretest.WriteFile(t, filepath.Join(dir, "x", run, "meta.yaml"), strings.NewReplacer("id: '7'", "id: x", ": r\n", ": "+run+"\n").Replace(filestoretest.MetaWith("artifact_uri", location)))
			filestoretest.WriteFile(t, filepath.Join(dir, run, "artifacts", "f"), "here")
		}
		s := filestoretest.Open(t, dir)
		filestoretest.WantArtifact(t, s, "r", "f", "here")
		if err := filestoretest.ErrOf(s.OpenArtifact(t.Context(), "s", "f")); !errors.Is(err, mlruns.ErrOutside) {
			t.Errorf("what was above the store: %v, want ErrOutside", err)
		}
	})
}
