package artifacts_test

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/spf13/afero"

	"github.com/mlruns/mlruns"
	"github.com/mlruns/mlruns/artifacts"
)

// TestFileOntoItself logs an artifact to where it lies: it stays the same file, which other names
// may lead to.
func TestFileOntoItself(t *testing.T) {
	dir := t.TempDir()
	file := filepath.Join(dir, "artifacts", "f")
	if err := os.MkdirAll(filepath.Dir(file), 0o777); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(file, []byte("content"), 0o666); err != nil {
		t.Fatal(err)
	}
	before, err := os.Stat(file)
	if err != nil {
		t.Fatal(err)
	}
	place := artifacts.Place{Fs: afero.NewBasePathFs(afero.NewOsFs(), dir), Folder: "artifacts", TempDir: "artifacts", Writable: true}
	if err := place.Repository(false).Log(t.Context(), file, ""); err != nil {
		t.Fatal(err)
	}
	if after, err := os.Stat(file); err != nil || !os.SameFile(before, after) {
		t.Errorf("the artifact is another file now (%v)", err)
	}
}

// TestReadOnlyAllowedPlace wants to write in an allowed directory through a store that is open for
// reading.
func TestReadOnlyAllowedPlace(t *testing.T) {
	allowed := t.TempDir()
	p, err := artifacts.Locate(artifacts.Run{RecordedURI: filepath.Join(allowed, "x"), ExperimentID: "1", RunID: "r", Fs: afero.NewMemMapFs(), Dir: "1/r",
		RealDir: filepath.Join(t.TempDir(), "1", "r"), Allowed: []string{allowed}, ReadOnly: true, ForWriting: true})
	if err != nil {
		t.Fatal(err)
	}
	defer p.Close()
	if err := p.Repository(false).Write(t.Context(), "f", strings.NewReader("")); p.Writable || !errors.Is(err, mlruns.ErrReadOnly) {
		t.Errorf("writable %v, and Write gives %v; want false and %v", p.Writable, err, mlruns.ErrReadOnly)
	}
}
