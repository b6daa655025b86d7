package golden

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"testing"

	"github.com/mlruns/mlruns"
	"github.com/mlruns/mlruns/filestore"
)

// readArtifacts lists every folder of every run's artifacts and reads every file, though the place
// that the runs recorded does not exist here, and compares with MLflow's listings and with the
// bytes of the golden store.
func readArtifacts(t *testing.T, g *golden, store *filestore.Store) {
	t.Helper()
	ctx := context.Background()
	files := 0
	for id, run := range g.expected.Runs {
		label := g.expected.label(id)
		if run.err != nil {
			continue
		}
		switch label {
		case "s3_run": // its listing was not recorded
			if _, err := store.Artifacts(ctx, id, ""); !errors.Is(err, mlruns.ErrUnsupported) {
				t.Errorf("artifacts in another scheme: got %v, want ErrUnsupported", err)
			}
			continue
		// a location of its own that the caller did not allow; its files are not in the archive
		case "loc_run":
			if _, err := store.Artifacts(ctx, id, ""); !errors.Is(err, mlruns.ErrOutside) {
				t.Errorf("artifacts elsewhere: got %v, want ErrOutside", err)
			}
			continue
		}
		var folders map[string][]struct {
			Path string `json:"path"`
			Dir  bool   `json:"is_dir"`
			Size *int64 `json:"file_size"`
		}
		if err := json.Unmarshal(run.value.Artifacts, &folders); err != nil {
			t.Fatalf("artifacts of %s: %v", label, err)
		}
		for folder, list := range folders {
			var want []mlruns.FileInfo
			for _, f := range list {
				info := mlruns.FileInfo{Path: f.Path, IsDir: f.Dir}
				if f.Size != nil {
					info.Size = *f.Size
				}
				want = append(want, info)
				if !f.Dir {
					files++
					readArtifact(t, g, store, id, f.Path)
				}
			}
			got, err := store.Artifacts(ctx, id, folder)
			if err != nil || fmt.Sprint(got) != fmt.Sprint(want) {
				t.Errorf("artifacts of %s in %q: got %v, %v, want %v", label, folder, got, err, want)
			}
		}
	}
	if files < 10 {
		t.Errorf("only %d files were read", files)
	}
}

func readArtifact(t *testing.T, g *golden, store *filestore.Store, id, path string) {
	t.Helper()
	f, err := store.OpenArtifact(context.Background(), id, path)
	if err != nil {
		t.Errorf("artifact %q: %v", path, err)
		return
	}
	data, err := io.ReadAll(f)
	if want := g.store[g.runDir(id)+"/artifacts/"+path]; errors.Join(err, f.Close()) != nil || !bytes.Equal(data, want) {
		t.Errorf("artifact %q: got %d bytes, %v, want %d", path, len(data), err, len(want))
	}
}
