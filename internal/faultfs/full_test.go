package faultfs_test

import (
	"errors"
	"os"
	"syscall"
	"testing"

	"github.com/spf13/afero"

	"github.com/mlruns/mlruns/internal/faultfs"
	"github.com/mlruns/mlruns/internal/memfs"
)

// A disk with room for 10 bytes takes 10 bytes, whichever files they are written to.
func TestFullAfter(t *testing.T) {
	mem := memfs.New()
	fsys := faultfs.New(mem, faultfs.FullAfter(10))
	write := func(name, text string) (int, error) {
		f, err := fsys.OpenFile(name, os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o666)
		if err != nil {
			t.Fatal(err)
		}
		defer f.Close()
		return f.Write([]byte(text))
	}
	for _, w := range []struct {
		name, text string
		n          int
		err        error
	}{{"a", "123456", 6, nil}, {"b", "123456", 4, syscall.ENOSPC}, {"b", "1", 0, syscall.ENOSPC}, {"a", "", 0, nil}} {
		if n, err := write(w.name, w.text); n != w.n || !errors.Is(err, w.err) {
			t.Errorf("write %q to %s: %d, %v; want %d, %v", w.text, w.name, n, err, w.n, w.err)
		}
	}
	if err := fsys.Remove("a"); err != nil {
		t.Errorf("a full disk cannot be cleaned: %v", err)
	}
	if got, err := afero.ReadFile(mem, "b"); string(got) != "1234" || err != nil {
		t.Errorf("b = %q, %v; want what had room", got, err)
	}
}

// What stands at the end of a size is written whole.
func TestFullAfterExactly(t *testing.T) {
	fsys := faultfs.New(memfs.New(), faultfs.FullAfter(4))
	if err := afero.WriteFile(fsys, "f", []byte("1234"), 0o666); err != nil {
		t.Error(err)
	}
	if err := afero.WriteFile(fsys, "f", []byte("5"), 0o666); !errors.Is(err, syscall.ENOSPC) {
		t.Errorf("the fifth byte: %v", err)
	}
}
