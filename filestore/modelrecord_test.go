package filestore_test

import (
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/spf13/afero"

	"github.com/mlruns/mlruns"
	"github.com/mlruns/mlruns/filestore"
	"github.com/mlruns/mlruns/filestore/internal/filestoretest"
	"github.com/mlruns/mlruns/internal/faultfs"
)

// TestModelsWhileMLflowWrites lets MLflow truncate the list of models, or write the beginning of
// it, and the whole only after several looks: a list begun anew would lose all of it.
func TestModelsWhileMLflowWrites(t *testing.T) {
	t.Parallel()
	const tag = "mlruns/e1/run/tags/" + mlruns.TagModelHistory
	for name, tc := range map[string]struct {
		begins int // how many bytes of the list are there
		looks  int // after which it is whole; 0 for never
		want   error
	}{
		"empty for two looks":   {looks: 2},
		"cut off for two looks": {looks: 2, begins: 50},
		"never written":         {want: mlruns.ErrBusy},
		"never written on":      {want: mlruns.ErrBusy, begins: 50},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f := filestoretest.NewFaulty(t, false, filestore.SyncMeta)
			f.Must(f.Store.RecordLoggedModel(f.Ctx, "run", mlruns.ModelRecord{ArtifactPath: "first", Created: time.UnixMilli(1)}))
			whole := f.Content("/" + tag)
			begun := whole[:tc.begins]
			f.Must(afero.WriteFile(f.FS, "/"+tag, []byte(begun), 0o666))
			looks := 0
			f.Hook(func(op faultfs.Op) error {
				if strings.TrimPrefix(op.Path, "/") != tag || op.Kind != faultfs.Stat {
					return nil
				}
				if looks++; looks == tc.looks {
					f.Must(afero.WriteFile(f.FS, "/"+tag, []byte(whole), 0o666))
				}
				return nil
			})
			err := f.Store.RecordLoggedModel(f.Ctx, "run", mlruns.ModelRecord{ArtifactPath: "second", Created: time.UnixMilli(1)})
			if !errors.Is(err, tc.want) {
				t.Fatalf("got %v, want %v", err, tc.want)
			}
			got, want := f.Content("/"+tag), begun
			if tc.want == nil {
				want = strings.TrimSuffix(whole, "]") + ", " + strings.ReplaceAll(whole[1:], "first", "second")
			}
			if got != want {
				t.Errorf("the list is\n%s\nwant\n%s", got, want)
			}
		})
	}
}
