package filestore_test

import (
	"os"
	"path/filepath"
	"strings"
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

// TestIndexOfLongValues keeps more than a search has memory for.
func TestIndexOfLongValues(t *testing.T) {
	t.Parallel()
	dir, run := endedStore(t, 200, "3")
	for i := range 200 {
		if err := place(filepath.Join(run(i), "tags", "long"), strings.Repeat(string(rune('a'+i%26)), 7000)); err != nil {
			t.Fatal(err)
		}
	}
	w := newTwins(t, dir)
	w.warm()
	all := mlruns.RunQuery{Filter: "tags.long LIKE 'a%' OR params.p = 'x'", OrderBy: []string{"tags.long"}, MaxResults: 500}
	w.ask(all)
	w.reopen()
	if a, scan := answerOf(w.indexed, all); len(a.Runs) != 200 || scan.Opened > 0 || scan.Looked < 200*9 {
		t.Errorf("%d runs, %+v; want 200, no file, and looks at those of each", len(a.Runs), scan)
	}
	if entries, err := os.ReadDir(w.indexes); err != nil || len(entries) != 1 {
		t.Errorf("beside the index: %v (%v)", entries, err)
	}
}
