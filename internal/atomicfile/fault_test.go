package atomicfile_test

import (
	"errors"
	"io/fs"
	"math/rand/v2"
	"testing"

	"github.com/spf13/afero"

	"github.com/mlruns/mlruns/internal/atomicfile"
	"github.com/mlruns/mlruns/internal/faultfs"
	"github.com/mlruns/mlruns/internal/memfs"
	"github.com/mlruns/mlruns/internal/vfs"
)

// scenarios write "new" to d/f. Replace begins with "old" there, Publish with nothing ("").
var scenarios = map[string]struct {
	old string
	run func(fsys vfs.FS) error
}{
	"replace": {"old", func(fsys vfs.FS) error {
		return atomicfile.Replace(fsys, "d/f", []byte("new"), atomicfile.Options{TempDir: ".", Sync: true})
	}},
	"replace nothing": {"", func(fsys vfs.FS) error {
		return atomicfile.Replace(fsys, "d/f", []byte("new"), atomicfile.Options{TempDir: ".", Sync: true})
	}},
	"publish": {"", func(fsys vfs.FS) error {
		return atomicfile.Publish(fsys, "d/f", []byte("new"), atomicfile.Options{TempDir: ".", Sync: true})
	}},
}

// before is a durable tree with the folder d and, if old is not empty, the file.
func before(t *testing.T, old string) *memfs.FS {
	t.Helper()
	mem := memfs.New()
	if err := mem.Mkdir("d", 0o777); err != nil {
		t.Fatal(err)
	}
	if old != "" {
		write(t, mem, "d/f", old)
	}
	mem.SyncEverything()
	return mem
}

// content is what d/f holds; "" if it is missing.
func content(t *testing.T, fsys afero.Fs) string {
	t.Helper()
	data, err := afero.ReadFile(fsys, "d/f")
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		t.Fatal(err)
	}
	if err == nil && len(data) == 0 {
		return "EMPTY"
	}
	return string(data)
}

// faults are the injectors that every operation is met with.
var faults = map[string]func(i int) faultfs.Injector{
	"fail":  func(i int) faultfs.Injector { return faultfs.FailAt(i, nil) },
	"kill":  func(i int) faultfs.Injector { return faultfs.FailFrom(i, nil) },
	"short": faultfs.ShortWriteAt,
}

// Whatever operation fails: an error before the commit point leaves the old file and no other, an
// error after it is ErrNotDurable and the new file is there, a retry succeeds.
func TestEveryFault(t *testing.T) {
	for name, sc := range scenarios {
		for fault, inject := range faults {
			for _, plain := range []bool{false, true} {
				for i := 0; ; i++ {
					mem := before(t, sc.old)
					inner := view(mem, plain)
					fsys := faultfs.New(inner, inject(i))
					err := sc.run(vfs.Adapt(fsys))
					if i >= fsys.Count() {
						if err != nil {
							t.Fatalf("%s, %s: no fault, yet %v", name, fault, err)
						}
						break
					}
					got := content(t, mem)
					switch {
					case err == nil || errors.Is(err, atomicfile.ErrNotDurable):
						if got != "new" {
							t.Errorf("%s, %s at %v: err = %v but the file is %q", name, fault, fsys.Ops()[i], err, got)
						}
					case !errors.Is(err, faultfs.ErrInjected):
						t.Errorf("%s, %s at %v: %v, want the injected error", name, fault, fsys.Ops()[i], err)
					case got != sc.old:
						t.Errorf("%s, %s at %v: failed with %v, yet the file is %q, want %q", name, fault, fsys.Ops()[i], err, got, sc.old)
					}
					if err != nil && !errors.Is(err, faultfs.ErrInjected) {
						t.Errorf("%s, %s at %v: %v hides its cause", name, fault, fsys.Ops()[i], err)
					}
					if fault != "kill" {
						wantNoTemp(t, mem, fsys.Ops()[i])
					}
					retry(t, sc.run, inner, got)
				}
			}
		}
	}
}

func view(mem *memfs.FS, plain bool) afero.Fs {
	if plain {
		return faultfs.Plain(mem)
	}
	return mem
}

// wantNoTemp allows for one thing only: the removal itself failed.
func wantNoTemp(t *testing.T, mem *memfs.FS, failed faultfs.Op) {
	t.Helper()
	list, err := afero.ReadDir(mem, ".")
	if err != nil {
		t.Fatal(err)
	}
	for _, info := range list {
		if atomicfile.IsTemp(info.Name()) && failed.Kind != faultfs.Remove {
			t.Errorf("fault at %v left %s", failed, info.Name())
		}
	}
}

func retry(t *testing.T, run func(vfs.FS) error, fsys afero.Fs, had string) {
	t.Helper()
	err := run(vfs.Adapt(fsys))
	if had == "new" && errors.Is(err, fs.ErrExist) {
		err = nil // Publish, which had succeeded
	}
	if got := content(t, fsys); err != nil || got != "new" {
		t.Errorf("retry = %v, the file is %q", err, got)
	}
}

// The power is cut after every operation: the file is the old one or the new one, whole; the new
// one once the call had returned.
func TestEveryPowerCut(t *testing.T) {
	for name, sc := range scenarios {
		for _, plain := range []bool{false, true} {
			for i := 0; ; i++ {
				mem := before(t, sc.old)
				fsys := faultfs.New(view(mem, plain), faultfs.FailFrom(i, nil))
				err := sc.run(vfs.Adapt(fsys))
				for seed := range uint64(20) {
					got := content(t, mem.CrashClone(rand.New(rand.NewPCG(seed, uint64(i)))))
					if got != "new" && (got != sc.old || err == nil && i >= fsys.Count()) {
						t.Fatalf("%s, cut after %d operations (call returned %v): the file is %q", name, i, err, got)
					}
				}
				if got := content(t, mem.CrashClone(nil)); got != "new" && got != sc.old {
					t.Fatalf("%s, cut after %d operations, all unsynced lost: the file is %q", name, i, got)
				}
				if i >= fsys.Count() {
					break
				}
			}
		}
	}
}
