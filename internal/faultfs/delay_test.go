package faultfs_test

import (
	"testing"

	"github.com/spf13/afero"

	"github.com/mlruns/mlruns/internal/faultfs"
	"github.com/mlruns/mlruns/internal/memfs"
)

// A rename that is held up happens after what another goroutine does meanwhile, and in the end it
// happens.
func TestDelayMatching(t *testing.T) {
	mem := memfs.New()
	reached, release := make(chan faultfs.Op), make(chan struct{})
	fsys := faultfs.New(mem, faultfs.DelayMatching(func(op faultfs.Op) bool { return op.Kind == faultfs.Rename }, func(op faultfs.Op) {
		reached <- op
		<-release
	}))
	if err := afero.WriteFile(fsys, "new", []byte("new"), 0o666); err != nil {
		t.Fatal(err)
	}
	done := make(chan error)
	go func() { done <- fsys.Rename("new", "f") }()
	if op := <-reached; op.Path != "new" || op.To != "f" {
		t.Errorf("held up %v", op)
	}
	if err := afero.WriteFile(fsys, "f", []byte("meanwhile"), 0o666); err != nil {
		t.Fatal(err)
	}
	if got, _ := afero.ReadFile(mem, "f"); string(got) != "meanwhile" {
		t.Errorf("f = %q while the rename is held up", got)
	}
	close(release)
	if err := <-done; err != nil {
		t.Error(err)
	}
	if got, _ := afero.ReadFile(mem, "f"); string(got) != "new" {
		t.Errorf("f = %q after the rename", got)
	}
}

func TestDelayAt(t *testing.T) {
	var held []faultfs.Op
	fsys := faultfs.New(memfs.New(), faultfs.DelayAt(1, func(op faultfs.Op) { held = append(held, op) }))
	if err := fsys.MkdirAll("a", 0o777); err != nil {
		t.Fatal(err)
	}
	if err := fsys.MkdirAll("b", 0o777); err != nil {
		t.Fatal(err)
	}
	if _, err := fsys.Stat("b"); err != nil || len(held) != 1 || held[0].Path != "b" {
		t.Errorf("held up %v, then %v; want the second operation alone", held, err)
	}
}
