package artifacts_test

import (
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"

	"github.com/spf13/afero"

	"github.com/mlruns/mlruns/artifacts"
	"github.com/mlruns/mlruns/internal/memfs"
)

// TestAcknowledgedIsDurable cuts the power after each write and loses all that was not synced.
func TestAcknowledgedIsDurable(t *testing.T) {
	local := t.TempDir()
	if err := os.MkdirAll(filepath.Join(local, "sub", "deep"), 0o777); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(local, "sub", "deep", "f"), []byte("local"), 0o666); err != nil {
		t.Fatal(err)
	}
	for name, tc := range map[string]struct {
		do            func(*artifacts.Repository) error
		file, content string
	}{
		"Write":             {func(r *artifacts.Repository) error { return r.Write(t.Context(), "a/b/f", strings.NewReader("new")) }, "a/b/f", "new"},
		"Write over a file": {func(r *artifacts.Repository) error { return r.Write(t.Context(), "old", strings.NewReader("new")) }, "old", "new"},
		"Log":               {func(r *artifacts.Repository) error { return r.Log(t.Context(), filepath.Join(local, "sub"), "a") }, "a/sub/deep/f", "local"},
		"LogTree":           {func(r *artifacts.Repository) error { return r.LogTree(t.Context(), local, "a") }, "a/sub/deep/f", "local"},
		"Delete":            {func(r *artifacts.Repository) error { return r.Delete(t.Context(), "old") }, "old", ""},
	} {
		t.Run(name, func(t *testing.T) {
			fs := memfs.New()
			if err := fs.MkdirAll("run/artifacts", 0o777); err != nil {
				t.Fatal(err)
			}
			if err := afero.WriteFile(fs, "run/artifacts/old", []byte("old"), 0o666); err != nil {
				t.Fatal(err)
			}
			fs.SyncEverything()
			place := artifacts.Place{Fs: fs, Folder: "run/artifacts", TempDir: "run", Writable: true}
			if err := tc.do(place.Repository(true)); err != nil {
				t.Fatal(err)
			}
			got, err := afero.ReadFile(fs.CrashClone(nil), "run/artifacts/"+tc.file)
			if tc.content == "" && os.IsNotExist(err) {
				return
			}
			if string(got) != tc.content || err != nil {
				t.Errorf("after a power cut %s is %q, %v; want %q", tc.file, got, err, tc.content)
			}
		})
	}
}

// TestModeIsKept logs files whose modes the umask would narrow.
func TestModeIsKept(t *testing.T) {
	if runtime.GOOS == "windows" {
		t.Skip("Windows has no such modes")
	}
	for _, mode := range []os.FileMode{0o600, 0o666, 0o777} {
		file := filepath.Join(t.TempDir(), "f")
		if err := os.WriteFile(file, nil, 0o600); err != nil {
			t.Fatal(err)
		}
		if err := os.Chmod(file, mode); err != nil {
			t.Fatal(err)
		}
		dir := t.TempDir()
		place := artifacts.Place{Fs: afero.NewBasePathFs(afero.NewOsFs(), dir), Folder: "artifacts", TempDir: "artifacts", Writable: true}
		if err := place.Repository(false).Log(t.Context(), file, ""); err != nil {
			t.Fatal(err)
		}
		info, err := os.Stat(filepath.Join(dir, "artifacts", "f"))
		if err != nil {
			t.Fatal(err)
		}
		if info.Mode().Perm() != mode {
			t.Errorf("mode %v, want %v", info.Mode().Perm(), mode)
		}
	}
}
