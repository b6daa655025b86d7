package filestore_test

import (
	"flag"
	"path/filepath"
	"slices"
	"strconv"
	"testing"

	"github.com/spf13/afero"

	"github.com/mlruns/mlruns"
	"github.com/mlruns/mlruns/filestore"
	"github.com/mlruns/mlruns/filestore/internal/filestoretest"
	"github.com/mlruns/mlruns/internal/faultfs"
	"github.com/mlruns/mlruns/internal/memfs"
	"github.com/mlruns/mlruns/internal/proof"
	"github.com/mlruns/mlruns/internal/rootfs"
	"github.com/mlruns/mlruns/internal/storetest"
)

// OnDisk is a place in a temporary directory.
func onDisk(opts ...filestore.Option) storetest.Place {
	return func(t *testing.T) func() mlruns.Store {
		dir := filepath.Join(t.TempDir(), "mlruns")
		return func() mlruns.Store { return filestoretest.Open(t, dir, opts...) }
	}
}

// onFs is a place in a file system that makes one for each test.
func onFs(make func(t *testing.T) (fs afero.Fs, dir string), opts ...filestore.Option) storetest.Place {
	return func(t *testing.T) func() mlruns.Store {
		fs, dir := make(t)
		return func() mlruns.Store { return filestoretest.Open(t, dir, append(opts, filestore.WithFs(fs))...) }
	}
}

func inMemory(*testing.T) (afero.Fs, string) { return memfs.New(), "/mlruns" }

func inLocalMemory(*testing.T) (afero.Fs, string) { return memfs.NewLocal(), "/mlruns" }

func inPlainMemory(*testing.T) (afero.Fs, string) { return faultfs.Plain(memfs.New()), "/mlruns" }

func inPlainRoot(t *testing.T) (afero.Fs, string) {
	t.Helper()
	root, err := rootfs.Open(t.TempDir(), rootfs.Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = root.Close() })
	return faultfs.Plain(root), "/mlruns"
}

// inPortableRoot is the disk as kernels without openat2 and other platforms than Linux see it.
func inPortableRoot(t *testing.T) (afero.Fs, string) {
	t.Helper()
	root, err := rootfs.Open(t.TempDir(), rootfs.Options{Portable: true})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = root.Close() })
	return root, "/mlruns"
}

func inOsFs(t *testing.T) (afero.Fs, string) {
	return afero.NewOsFs(), filepath.Join(t.TempDir(), "mlruns")
}

func inMemMapFs(*testing.T) (afero.Fs, string) { return afero.NewMemMapFs(), "/mlruns" }

type storePlace struct {
	name   string
	place  storetest.Place
	alone  bool // only one goroutine at a time: the file system is not faithful to more
	native bool // with what vfs.FS has beside afero
}

// places are all the ways in which a store may lie.
var places = []storePlace{
	{name: "disk", place: onDisk(), native: true},
	{name: "sync always", place: onDisk(filestore.WithSync(filestore.SyncAlways)), native: true},
	{name: "sync never", place: onDisk(filestore.WithSync(filestore.SyncNever)), native: true},
	{name: "disk without openat2", place: onFs(inPortableRoot), native: true},
	{name: "memory", place: onFs(inMemory), native: true},
	{name: "memory with kept handles", place: onFs(inLocalMemory), native: true},
	{name: "memory through afero alone", place: onFs(inPlainMemory)},
	{name: "disk through afero alone", place: onFs(inPlainRoot)},
	{name: "OsFs", place: onFs(inOsFs)},
	{name: "MemMapFs", place: onFs(inMemMapFs), alone: true},
}

// somePlaces are the disk and, in the inner loop, some of the others.
func somePlaces(t *testing.T) []storePlace {
	t.Helper()
	return append(slices.Clone(places[:1]), proof.Sample(t, places[1:])...)
}

func TestConformance(t *testing.T) {
	for _, p := range somePlaces(t) {
		t.Run(p.name, func(t *testing.T) {
			t.Parallel()
			storetest.Run(t, func(t *testing.T) mlruns.Store { return p.place(t)() })
		})
	}
}

func TestConformanceShared(t *testing.T) {
	for _, p := range somePlaces(t) {
		if p.alone {
			continue
		}
		t.Run(p.name, func(t *testing.T) {
			t.Parallel()
			storetest.RunShared(t, p.place)
			if p.native {
				t.Run("reading while experiments move", func(t *testing.T) { storetest.RunMoves(t, p.place) })
			}
		})
	}
}

// The inner loop draws fewer sequences of calls than CI. -rapid.checks says otherwise.
func init() {
	if err := flag.Set("rapid.checks", strconv.Itoa(proof.Choose(30, 100, 100))); err != nil {
		panic(err)
	}
}

// TestModel runs in memory, where a sequence costs little.
func TestModel(t *testing.T) {
	for name, newFs := range map[string]func() *memfs.FS{"memory": memfs.New, "memory with kept handles": memfs.NewLocal} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			storetest.RunModel(t, func() (mlruns.Store, func()) {
				s, err := filestore.Open("mlruns", filestore.WithFs(newFs()))
				if err != nil {
					t.Fatal(err)
				}
				return s, func() { _ = s.Close() }
			})
		})
	}
}
