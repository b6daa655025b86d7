package filestore_test

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/mlruns/mlruns"
)

// TestIndexOfEmptyFolders gives runs folders without a key and a metric without a point, and then
// writes to these: no file that was read changes, nor a folder in which a key was found.
func TestIndexOfEmptyFolders(t *testing.T) {
	t.Parallel()
	dir, run := endedStore(t, 80, "3")
	empty := []string{"tags/b/c", "tags/b/c", "params/q", "metrics/n"}
	for i := range 10 {
		if err := os.MkdirAll(filepath.Join(run(i), empty[i%4]), 0o777); err != nil {
			t.Fatal(err)
		}
		for _, text := range []string{"", "\n"} {
			if err := place(filepath.Join(run(10+i+10*len(text)), "metrics", "e"), text); err != nil {
				t.Fatal(err)
			}
		}
	}
	w := newTwins(t, dir)
	w.warm()
	all := mlruns.RunQuery{MaxResults: 200}
	w.ask(all)
	for i, name := range []string{"tags/b/c/x", "tags/b/x", "params/q/x", "metrics/n/x"} {
		if err := place(filepath.Join(run(i), name), "7 7 7\n"); err != nil {
			t.Fatal(err)
		}
		w.ask(all)
	}
	for i := range 20 {
		if err := appendText(filepath.Join(run(10+i), "metrics", "e"), "7 7 7\n"); err != nil {
			t.Fatal(err)
		}
	}
	w.ask(all)
}
