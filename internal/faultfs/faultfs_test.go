package faultfs_test

import (
	"errors"
	"io"
	"os"
	"slices"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/spf13/afero"

	"github.com/mlruns/mlruns/internal/faultfs"
	"github.com/mlruns/mlruns/internal/memfs"
	"github.com/mlruns/mlruns/internal/rootfs"
	"github.com/mlruns/mlruns/internal/vfs"
)

// scenario uses every operation once or more, and fails at the first that does.
func scenario(fsys afero.Fs) error {
	f, err := fsys.OpenFile("f", os.O_RDWR|os.O_CREATE, 0o666)
	if err != nil {
		return err
	}
	_, err = f.Write([]byte("text"))
	for _, call := range []func() error{
		func() error { _, err := f.WriteString("text"); return err },
		func() error { _, err := f.WriteAt([]byte("x"), 1); return err },
		func() error { _, err := f.ReadAt(make([]byte, 2), 0); return err },
		func() error { _, err := f.Seek(0, io.SeekStart); return err },
		func() error { _, err := f.Read(make([]byte, 2)); return err },
		func() error { return f.Truncate(2) },
		func() error { _, err := f.Stat(); return err },
		func() error { return f.Sync() },
	} {
		if err == nil {
			err = call()
		}
	}
	if closeErr := f.Close(); err == nil {
		err = closeErr
	}
	for _, call := range []func() error{
		func() error { return fsys.Mkdir("d", 0o777) },
		func() error { return fsys.MkdirAll("d/e", 0o777) },
		func() error { return fsys.Rename("f", "d/f") },
		func() error { _, err := fsys.Stat("d/f"); return err },
		func() error { _, _, err := fsys.(afero.Lstater).LstatIfPossible("d/f"); return err },
		func() error { return fsys.Chmod("d/f", 0o600) },
		func() error { return fsys.Chown("d/f", os.Getuid(), os.Getgid()) },
		func() error { return fsys.Chtimes("d/f", time.Now(), time.Now()) },
		func() error { return list(fsys) },
		func() error { return folders(fsys) },
		func() error { return fsys.Remove("d/f") },
		func() error { return fsys.RemoveAll("d") },
	} {
		if err == nil {
			err = call()
		}
	}
	return err
}

func list(fsys afero.Fs) error {
	d, err := fsys.Open("d")
	if err != nil {
		return err
	}
	_, err = d.Readdir(1)
	if err == nil {
		_, err = d.Readdirnames(-1)
	}
	if closeErr := d.Close(); err == nil {
		err = closeErr
	}
	return err
}

func folders(fsys afero.Fs) error {
	native, ok := fsys.(vfs.FS)
	if !ok {
		return nil
	}
	if err := native.Link("d/f", "d/g"); err != nil {
		return err
	}
	if err := native.SyncDir("d"); err != nil {
		return err
	}
	d, err := native.OpenFolder("d")
	if err != nil {
		return err
	}
	var sub vfs.Folder
	var f afero.File
	for _, call := range []func() error{
		func() error { _, err := d.Entries(); return err },
		func() error { _, err := d.ReadFile("f", nil); return err },
		func() error { _, err := d.Stat("f"); return err },
		func() (err error) { f, err = d.Open("f"); return err },
		func() error { return f.Close() },
		func() (err error) { sub, err = d.OpenFolder("e"); return err },
		func() error { _, err := sub.Entries(); return err },
		func() error { return sub.Close() },
	} {
		if err == nil {
			err = call()
		}
	}
	if closeErr := d.Close(); err == nil {
		err = closeErr
	}
	return err
}

func inSubfolder(op faultfs.Op) bool { return op.Kind == faultfs.Readdir && op.Path == "d/e" }

// Every operation that is counted fails once, and what fails is what is reported.
func TestFailAt(t *testing.T) {
	for label, wrap := range map[string]func(afero.Fs) afero.Fs{
		"native": func(f afero.Fs) afero.Fs { return f },
		"plain":  faultfs.Plain,
	} {
		clean := faultfs.New(wrap(memfs.New()), nil)
		if err := scenario(clean); err != nil {
			t.Fatalf("%s: %v", label, err)
		}
		if n := clean.Count(); n < 20 || n != len(clean.Ops()) {
			t.Fatalf("%s: %d operations counted, %d noted", label, n, len(clean.Ops()))
		}
		if native := label == "native"; native != slices.ContainsFunc(clean.Ops(), inSubfolder) {
			t.Errorf("%s: the operations in a folder of a folder are not as wanted: %v", label, clean.Ops())
		}
		for i := range clean.Count() {
			fsys := faultfs.New(wrap(memfs.New()), faultfs.FailAt(i, syscall.ENOSPC))
			if err := scenario(fsys); !errors.Is(err, syscall.ENOSPC) {
				t.Errorf("%s: with operation %d (%v) failing: %v, want ENOSPC", label, i, clean.Ops()[i], err)
			}
			ops := fsys.Ops()
			if diff := cmp.Diff(clean.Ops()[:i+1], ops[:i+1]); diff != "" {
				t.Errorf("%s: the operations before the fault differ:\n%s", label, diff)
			}
		}
		fsys := faultfs.New(wrap(memfs.New()), faultfs.FailAt(clean.Count(), nil))
		if err := scenario(fsys); err != nil {
			t.Errorf("%s: a fault after the end was met: %v", label, err)
		}
	}
}

func TestIsFullOverFullOnly(t *testing.T) {
	mem := memfs.New()
	for label, test := range map[string]struct {
		fsys afero.Fs
		want bool
	}{
		"memfs":                {mem, true},
		"over memfs":           {faultfs.New(mem, nil), true},
		"plain":                {faultfs.Plain(mem), false},
		"over plain":           {faultfs.New(faultfs.Plain(mem), nil), false},
		"plain over":           {faultfs.Plain(faultfs.New(mem, nil)), false},
		"over afero MemMapFs":  {faultfs.New(afero.NewMemMapFs(), nil), false},
		"over over memfs":      {faultfs.New(faultfs.New(mem, nil), nil), true},
		"over over plain memf": {faultfs.New(faultfs.New(faultfs.Plain(mem), nil), nil), false},
	} {
		if _, got := test.fsys.(vfs.FS); got != test.want {
			t.Errorf("%s: a vfs.FS: %v, want %v", label, got, test.want)
		}
	}
	if faultfs.Plain(mem) != faultfs.Plain(mem) {
		t.Error("two plain views of one file system differ")
	}
}

func TestFailFrom(t *testing.T) {
	mem := memfs.New()
	fsys := faultfs.New(mem, faultfs.FailFrom(1, nil))
	if err := fsys.Mkdir("a", 0o777); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"b", "c"} {
		if err := fsys.Mkdir(name, 0o777); !errors.Is(err, faultfs.ErrInjected) {
			t.Errorf("Mkdir(%s) = %v, want ErrInjected", name, err)
		}
		if _, err := mem.Stat(name); err == nil {
			t.Errorf("%s was made all the same", name)
		}
	}
	want := []faultfs.Op{{Kind: faultfs.Mkdir, Path: "a"}, {Kind: faultfs.Mkdir, Path: "b", Index: 1}, {Kind: faultfs.Mkdir, Path: "c", Index: 2}}
	if diff := cmp.Diff(want, fsys.Ops()); diff != "" {
		t.Errorf("Ops (-want +got):\n%s", diff)
	}
}

func TestShortWrite(t *testing.T) {
	mem := memfs.New()
	fsys := faultfs.New(mem, faultfs.ShortWriteAt(1))
	f, err := fsys.Create("f")
	if err != nil {
		t.Fatal(err)
	}
	n, err := f.Write([]byte("123456"))
	if n != 3 || !errors.Is(err, faultfs.ErrInjected) {
		t.Errorf("Write = %d, %v; want 3, ErrInjected", n, err)
	}
	if err := f.Close(); err != nil {
		t.Fatal(err)
	}
	if data, err := afero.ReadFile(mem, "f"); string(data) != "123" || err != nil {
		t.Errorf("file = %q, %v; want 123", data, err)
	}
	if err := scenario(faultfs.New(memfs.New(), faultfs.ShortWriteAt(0))); err != nil {
		t.Errorf("a short write of what is no write: %v", err)
	}
}

func TestFailMatching(t *testing.T) {
	fsys := faultfs.New(memfs.New(), faultfs.FailMatching(func(op faultfs.Op) bool {
		return op.Kind == faultfs.Rename && op.To == "d/f"
	}, syscall.EXDEV))
	if err := scenario(fsys); !errors.Is(err, syscall.EXDEV) {
		t.Errorf("scenario = %v, want EXDEV", err)
	}
}

func TestCloseReleases(t *testing.T) {
	fsys := faultfs.New(memfs.New(), faultfs.FailAt(1, nil))
	f, err := fsys.Create("f")
	if err != nil {
		t.Fatal(err)
	}
	if err := f.Close(); !errors.Is(err, faultfs.ErrInjected) {
		t.Errorf("Close = %v, want ErrInjected", err)
	}
	if err := f.Close(); !errors.Is(err, os.ErrClosed) {
		t.Errorf("Close again = %v, want ErrClosed: the failed one must release the handle", err)
	}
}

func TestConcurrent(t *testing.T) {
	fsys := faultfs.New(memfs.New(), nil)
	var wg sync.WaitGroup
	for range 4 {
		wg.Go(func() {
			for range 50 {
				_, _ = fsys.Stat("x")
			}
		})
	}
	wg.Wait()
	if fsys.Count() != 200 {
		t.Errorf("Count = %d, want 200", fsys.Count())
	}
	for i, op := range fsys.Ops() {
		if op.Index != i {
			t.Fatalf("operation %d has the index %d", i, op.Index)
		}
	}
}

func TestLinks(t *testing.T) {
	disk, err := rootfs.Open(t.TempDir(), rootfs.Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = disk.Close() }()
	fsys := faultfs.New(disk, nil)
	if err := fsys.SymlinkIfPossible("target", "link"); err != nil {
		t.Skip(err)
	}
	if got, err := fsys.ReadlinkIfPossible("link"); got != "target" || err != nil {
		t.Errorf("Readlink = %q, %v; want target", got, err)
	}
	mem := faultfs.New(memfs.New(), nil)
	if err := mem.SymlinkIfPossible("a", "b"); !errors.Is(err, afero.ErrNoSymlink) {
		t.Errorf("Symlink in memory = %v, want ErrNoSymlink", err)
	}
	if _, err := mem.ReadlinkIfPossible("b"); !errors.Is(err, afero.ErrNoReadlink) {
		t.Errorf("Readlink in memory = %v, want ErrNoReadlink", err)
	}
}
