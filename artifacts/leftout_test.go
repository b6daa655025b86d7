package artifacts

import (
	"errors"
	"io/fs"
	"os"
	"strings"
	"testing"

	"github.com/mlruns/mlruns"
)

// What List does not show is not downloaded with the folder it is in; what the user logs must be
// there.
func TestDownloadLeavesOut(t *testing.T) {
	w := newWorld(t)
	r := w.own()
	w.file("new/0/r/artifacts/f", "1")
	w.link("nowhere", "new/0/r/artifacts/broken")
	w.link(w.at("secret/f"), "new/0/r/artifacts/out")
	w.link("f", "new/0/r/artifacts/link")
	dst := t.TempDir()
	if _, err := r.Download(t.Context(), "", dst); err != nil {
		t.Error(err)
	}
	wantTree(t, dst, map[string]string{"f": "1", "link": "1"})
	for p, want := range map[string]error{"broken": mlruns.ErrNotFound, "out": mlruns.ErrOutside} {
		if _, err := r.Download(t.Context(), p, dst); !errors.Is(err, want) {
			t.Errorf("Download(%q) = %v, want %v", p, err, want)
		}
	}
	w.mkdir("src")
	w.link("nowhere", "src/broken")
	if err := r.LogTree(t.Context(), w.at("src"), ""); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("LogTree of a link to nowhere: %v, want fs.ErrNotExist", err)
	}
}

// A name that is not UTF-8 could be listed and never opened.
func TestLogTreeRefusesBytes(t *testing.T) {
	w := newWorld(t)
	w.mkdir("src")
	if err := os.WriteFile(w.at("src/a\xff"), nil, 0o666); err != nil {
		t.Skip("the file system takes no such name:", err)
	}
	if err := w.own().LogTree(t.Context(), w.at("src"), ""); !errors.Is(err, mlruns.ErrInvalid) || !strings.Contains(err.Error(), `a\xff`) {
		t.Errorf("LogTree = %v, want ErrInvalid that names the file", err)
	}
	wantTree(t, w.at("new/0/r/artifacts"), map[string]string{})
}
