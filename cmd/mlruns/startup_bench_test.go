package main

import (
	"os/exec"
	"path/filepath"
	"testing"

	"github.com/mlruns/mlruns"
	"github.com/mlruns/mlruns/filestore"
)

// BenchmarkCommand is the whole process, from fork to exit, that lists 10 experiments.
func BenchmarkCommand(b *testing.B) {
	dir := b.TempDir()
	binary, root := filepath.Join(dir, "mlruns.exe"), filepath.Join(dir, "store")
	if out, err := exec.Command("go", "build", "-o", binary, ".").CombinedOutput(); err != nil {
		b.Fatalf("%v: %s", err, out)
	}
	store, err := filestore.Open(root)
	if err != nil {
		b.Fatal(err)
	}
	for i := range 9 {
		if _, err := store.CreateExperiment(b.Context(), mlruns.ExperimentSpec{Name: string(rune('a' + i))}); err != nil {
			b.Fatal(err)
		}
	}
	if err := store.Close(); err != nil {
		b.Fatal(err)
	}
	for b.Loop() {
		if out, err := exec.Command(binary, "--store", root, "experiments", "search").CombinedOutput(); err != nil {
			b.Fatalf("%v: %s", err, out)
		}
	}
}
