package filestore_test

import (
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/spf13/afero"

	"github.com/mlruns/mlruns"
	"github.com/mlruns/mlruns/filestore"
)

// edit replaces a file by what a person makes of it, an hour ago.
func (f *faulty) edit(name string, change func(string) string) {
	f.Helper()
	f.must(afero.WriteFile(f.fs, name, []byte(change(f.content(name))), 0o666))
	long := time.Now().Add(-time.Hour)
	f.must(f.fs.Chtimes(name, long, long))
}

// TestMetaKeyGivenTwice is what PyYAML makes of it: the last wins.
func TestMetaKeyGivenTwice(t *testing.T) {
	f := newFaulty(t, false, filestore.SyncMeta)
	f.edit("/mlruns/e1/meta.yaml", func(meta string) string { return meta + "name: last\n" })
	e, err := f.store.Experiment(f.ctx, "e1")
	f.must(err)
	if e.Name != "last" {
		t.Errorf("name %q, want %q", e.Name, "last")
	}
}

func TestMetaNestedTooDeeply(t *testing.T) {
	for depth, want := range map[int]error{50: nil, 200: mlruns.ErrCorrupt} {
		f := newFaulty(t, false, filestore.SyncMeta)
		f.edit("/mlruns/e1/run/meta.yaml", func(meta string) string {
			return meta + "deep: " + strings.Repeat("[", depth) + strings.Repeat("]", depth) + "\n"
		})
		if _, err := f.store.Run(f.ctx, "run"); !errors.Is(err, want) {
			t.Errorf("depth %d: error %v, want %v", depth, err, want)
		}
	}
}
