package artifacts

import (
	"errors"
	"io/fs"
	"os"
	"strings"
	"testing"
)

// The folder of a run that another process deleted must not come back as a run without a meta.yaml.
func TestRunThatIsGoneStaysGone(t *testing.T) {
	w := newWorld(t)
	r := w.own()
	if err := os.RemoveAll(w.at("new/0/r")); err != nil {
		t.Fatal(err)
	}
	for verb, err := range map[string]error{
		"write": r.Write(t.Context(), "d/f", strings.NewReader("x")),
		"log":   r.Log(t.Context(), w.at("secret/f"), "d"),
		"tree":  r.LogTree(t.Context(), w.at("secret"), "d"),
	} {
		if !errors.Is(err, fs.ErrNotExist) {
			t.Errorf("%s: %v, want fs.ErrNotExist", verb, err)
		}
	}
	wantTree(t, w.at("new"), map[string]string{"0": "/"})
}

func TestWithoutFolder(t *testing.T) {
	w := newWorld(t)
	r := w.own()
	if err := os.Remove(w.at("new/0/r/artifacts")); err != nil {
		t.Fatal(err)
	}
	dst := t.TempDir()
	if got, err := r.Download(t.Context(), "", dst); err != nil || got != dst {
		t.Errorf("Download = %q, %v, want %q", got, err, dst)
	}
	if list, err := r.List(t.Context(), ""); err != nil || len(list) != 0 {
		t.Errorf("List = %v, %v, want an empty list", list, err)
	}
	if err := r.Delete(t.Context(), ""); err != nil {
		t.Errorf("Delete: %v", err)
	}
}
