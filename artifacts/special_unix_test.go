//go:build unix

package artifacts

import (
	"errors"
	"strings"
	"syscall"
	"testing"

	"github.com/mlruns/mlruns"
)

// A named pipe would hang whoever opens it.
func TestNamedPipe(t *testing.T) {
	w := newWorld(t)
	r := w.own()
	w.mkdir("src")
	for _, p := range []string{"new/0/r/artifacts/pipe", "src/pipe"} {
		if err := syscall.Mkfifo(w.at(p), 0o666); err != nil {
			t.Skip("no named pipes:", err)
		}
	}
	w.file("new/0/r/artifacts/f", "1")
	if list, err := r.List(t.Context(), ""); err != nil || len(list) != 1 {
		t.Errorf("List = %v, %v, want the file only", list, err)
	}
	dst := t.TempDir()
	if _, err := r.Download(t.Context(), "", dst); err != nil {
		t.Errorf("Download of the folder: %v", err)
	}
	wantTree(t, dst, map[string]string{"f": "1"})
	_, openErr := r.Open(t.Context(), "pipe")
	_, downErr := r.Download(t.Context(), "pipe", dst)
	for verb, err := range map[string]error{
		"open": openErr, "download": downErr,
		"log":   r.Log(t.Context(), w.at("src/pipe"), ""),
		"tree":  r.LogTree(t.Context(), w.at("src"), ""),
		"write": r.Write(t.Context(), "pipe", strings.NewReader("x")),
	} {
		if !errors.Is(err, mlruns.ErrInvalid) || !strings.Contains(err.Error(), "pipe'") {
			t.Errorf("%s: %v, want ErrInvalid that names the pipe", verb, err)
		}
	}
}
