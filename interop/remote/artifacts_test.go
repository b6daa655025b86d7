//go:build interop

package remote

import (
	"bytes"
	"errors"
	"io"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/mlruns/mlruns"
)

// artifacts sends files and fetches them back: small ones, and one whose size nobody knows before
// it ends.
func artifacts(t *testing.T, s *server) {
	ctx, store := t.Context(), s.open(t)
	run, err := store.CreateRun(ctx, mlruns.RunSpec{})
	if err != nil {
		t.Fatal(err)
	}
	id := run.Info.ID
	big := make([]byte, 3<<20)
	_, _ = rand.NewChaCha8([32]byte{3}).Read(big)
	files := map[string]string{"a.txt": "text", "empty": "", "dir/b c.bin": "\x00\xff", "dir/sub/é.txt": "ü", "big": string(big)}
	for name, text := range files {
		var r io.Reader = strings.NewReader(text)
		if name == "big" {
			r = io.MultiReader(r) // it cannot seek
		}
		if err := store.WriteArtifact(ctx, id, name, r); err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		f, err := store.OpenArtifact(ctx, id, name)
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		got, err := io.ReadAll(f)
		if err != nil || f.Close() != nil || !bytes.Equal(got, []byte(text)) {
			t.Errorf("%s comes back with %d bytes, %v", name, len(got), err)
		}
	}
	list, err := store.Artifacts(ctx, id, "dir")
	if want := []mlruns.FileInfo{{Path: "dir/b c.bin", Size: 2}, {Path: "dir/sub", IsDir: true}}; err != nil || !slices.Equal(list, want) {
		t.Errorf("dir has %v, %v", list, err)
	}
	to := t.TempDir()
	if _, err := store.DownloadArtifacts(ctx, id, "", to); err != nil {
		t.Fatal(err)
	}
	for name, text := range files {
		if got, err := os.ReadFile(filepath.Join(to, name)); err != nil || string(got) != text {
			t.Errorf("%s is downloaded with %d bytes, %v", name, len(got), err)
		}
	}
	if _, err := store.OpenArtifact(ctx, id, "nothing"); !errors.Is(err, mlruns.ErrNotFound) {
		t.Errorf("a file that is not there: %v", err)
	}
	err = store.DeleteArtifacts(ctx, id, "dir")
	if errors.Is(err, mlruns.ErrUnsupported) {
		t.Log(err)
		return
	}
	if list, listErr := store.Artifacts(ctx, id, "dir"); err != nil || listErr != nil || len(list) != 0 {
		t.Errorf("after it was deleted: %v, %v, %v", list, err, listErr)
	}
}
