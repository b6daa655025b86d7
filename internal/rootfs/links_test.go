package rootfs

import (
	"errors"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"syscall"
	"testing"

	"github.com/spf13/afero"

	"github.com/mlruns/mlruns/internal/vfs"
)

func mustOpen(t testing.TB, dir string, opts Options) *Fs {
	t.Helper()
	opts.Portable = opts.Portable || portable
	fsys, err := Open(dir, opts)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = fsys.Close() })
	return fsys
}

func write(t testing.TB, path, text string) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(path), 0o777); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte(text), 0o666); err != nil {
		t.Fatal(err)
	}
}

func symlink(t testing.TB, target, path string) {
	t.Helper()
	if err := os.Symlink(target, path); err != nil {
		t.Skip(err)
	}
}

func read(fsys afero.Fs, name string) (string, error) {
	f, err := fsys.Open(name)
	if err != nil {
		return "", err
	}
	defer func() { _ = f.Close() }()
	data, err := io.ReadAll(f)
	return string(data), err
}

// tree makes
//
//	store/ 0/meta.yaml ("in") and links of every sort in 0/
//	store-secret/s, secret/s ("out")
//	scratch/ deep/a ("scratch") back -> ../../secret, hop -> scratch2, up -> ..
//	scratch2/ b ("two")
func tree(t testing.TB) (store, scratch, scratch2 string) {
	t.Helper()
	top, err := filepath.EvalSymlinks(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	store, scratch, scratch2 = filepath.Join(top, "store"), filepath.Join(top, "scratch"), filepath.Join(top, "scratch2")
	write(t, filepath.Join(store, "0", "meta.yaml"), "in")
	write(t, filepath.Join(top, "secret", "s"), "out")
	write(t, filepath.Join(top, "store-secret", "s"), "out")
	write(t, filepath.Join(scratch, "deep", "a"), "scratch")
	write(t, filepath.Join(scratch2, "b"), "two")
	for path, target := range map[string]string{
		"store/0/in":          "meta.yaml",
		"store/0/in2":         "in",
		"store/0/indir":       "../0",
		"store/0/abs":         filepath.Join(top, "secret", "s"),
		"store/0/absdir":      filepath.Join(top, "secret"),
		"store/0/rel":         "../../secret/s",
		"store/0/reldir":      "../../secret",
		"store/0/sibling":     "../../store-secret/s",
		"store/0/selfabs":     filepath.Join(store, "0", "meta.yaml"),
		"store/0/chain":       "../0/../0/../../secret/s",
		"store/0/tolink":      "rel",
		"store/0/dangling":    "nowhere",
		"store/0/loop":        "loop",
		"store/0/scratch":     scratch,
		"store/0/relscratch":  "../../scratch",
		"store/0/scratchfile": filepath.Join(scratch, "deep", "a"),
		"store/0/toscratch":   "indir/scratch",
		"store/0/newfile":     filepath.Join(scratch, "new"),
		"scratch/back":        "../secret",
		"scratch/hop":         scratch2,
		"scratch/up":          "../scratch2",
	} {
		symlink(t, target, filepath.Join(top, filepath.FromSlash(path)))
	}
	return store, scratch, scratch2
}

// outside are names that must be refused whatever the options.
var outside = []string{
	"../secret/s", "0/../../secret/s", "../store-secret/s", "..", "0/abs", "0/absdir/s", "0/rel", "0/reldir/s", "0/sibling",
	"0/chain", "0/tolink", "0/indir/rel", "0/indir/absdir/s", "../store/0/meta.yaml",
}

// calls are the methods that take one name, each to be refused outside.
var calls = map[string]func(*Fs, string) error{
	"Open":   func(f *Fs, n string) error { _, err := f.Open(n); return err },
	"Create": func(f *Fs, n string) error { _, err := f.Create(n); return err },
	"Append": func(f *Fs, n string) error {
		_, err := f.OpenFile(n, os.O_WRONLY|os.O_APPEND|os.O_CREATE, 0o666)
		return err
	},
	"Stat":       func(f *Fs, n string) error { _, err := f.Stat(n); return err },
	"Chmod":      func(f *Fs, n string) error { return f.Chmod(n, 0o600) },
	"OpenFolder": func(f *Fs, n string) error { _, err := f.OpenFolder(n); return err },
}

func TestOutside(t *testing.T) {
	store, scratch, _ := tree(t)
	for label, opts := range map[string]Options{"plain": {}, "targets": {LinkTargets: []string{scratch}}} {
		fsys := mustOpen(t, store, opts)
		names := outside
		if label == "plain" {
			names = append(names, "0/scratch/deep/a", "0/relscratch/deep/a", "0/scratchfile", "0/newfile")
		} else {
			names = append(names, "0/scratch/back/s", "0/scratch/../secret/s", "0/scratch/hop/b", "0/scratch/up/b")
		}
		for _, name := range names {
			for call, f := range calls {
				err := f(fsys, name)
				if !errors.Is(err, vfs.ErrOutside) {
					t.Errorf("%s: %s(%q) = %v, want ErrOutside", label, call, name, err)
				} else if !strings.Contains(err.Error(), name) {
					t.Errorf("%s: %s(%q): the text %q does not name the path", label, call, name, err)
				}
			}
		}
		for _, name := range []string{"0/absdir/new", "0/reldir/new", "../new"} {
			for call, err := range map[string]error{
				"Mkdir":     fsys.Mkdir(name, 0o777),
				"MkdirAll":  fsys.MkdirAll(name+"/sub", 0o777),
				"Remove":    fsys.Remove(name),
				"RemoveAll": fsys.RemoveAll(name),
				"Rename":    fsys.Rename("0/meta.yaml", name),
				"Link":      fsys.Link("0/meta.yaml", name),
				"Symlink":   fsys.Symlink("x", name),
				"SyncDir":   fsys.SyncDir(name),
			} {
				if !errors.Is(err, vfs.ErrOutside) {
					t.Errorf("%s: %s(%q) = %v, want ErrOutside", label, call, name, err)
				}
			}
		}
	}
	for _, path := range []string{"secret", "store-secret"} {
		list, err := os.ReadDir(filepath.Join(filepath.Dir(store), path))
		if err != nil || len(list) != 1 {
			t.Errorf("%s holds %v (%v), want only s", path, list, err)
		}
	}
}

func TestInside(t *testing.T) {
	store, scratch, scratch2 := tree(t)
	alias := filepath.Join(t.TempDir(), "alias")
	symlink(t, scratch, alias)
	both := Options{LinkTargets: []string{scratch, scratch2}}
	for _, test := range []struct {
		name, want string
		opts       Options
	}{
		{"0/meta.yaml", "in", Options{}},
		{"/0/meta.yaml", "in", Options{}},
		{"0/../0/meta.yaml", "in", Options{}},
		{"0/in", "in", Options{}},
		{"0/in2", "in", Options{}},
		{"0/indir/in2", "in", Options{}},
		{"0/scratch/deep/a", "scratch", both},
		{"0/relscratch/deep/a", "scratch", both},
		{"0/scratchfile", "scratch", both},
		{"0/toscratch/deep/a", "scratch", both},
		{"0/indir/scratch/deep/../deep/a", "scratch", both},
		{"0/scratch/hop/b", "two", both},
		{"0/scratch/up/b", "two", both},
		{"0/scratch/deep/a", "scratch", Options{LinkTargets: []string{alias}}},
		{"0/scratch/deep/a", "scratch", Options{LinkTargets: []string{filepath.Dir(scratch)}}},
	} {
		fsys := mustOpen(t, store, test.opts)
		if got, err := read(fsys, test.name); got != test.want || err != nil {
			t.Errorf("%q with %v = %q, %v; want %q", test.name, test.opts.LinkTargets, got, err, test.want)
		}
		folder, err := fsys.OpenFolder(filepath.ToSlash(filepath.Dir(vfs.Clean(test.name))))
		if err != nil {
			t.Errorf("OpenFolder of %q: %v", test.name, err)
			continue
		}
		got, err := folder.ReadFile(filepath.Base(test.name), nil)
		if string(got) != test.want || err != nil {
			t.Errorf("folder of %q = %q, %v; want %q", test.name, got, err, test.want)
		}
		if err := folder.Close(); err != nil {
			t.Error(err)
		}
	}
}

func TestLinkErrors(t *testing.T) {
	store, scratch, _ := tree(t)
	for _, opts := range []Options{{}, {LinkTargets: []string{scratch}}} {
		fsys := mustOpen(t, store, opts)
		inner := mustFolder(t, fsys, "0")
		_, openErr := fsys.Open("0/dangling")
		_, statErr := fsys.Stat("0/dangling")
		_, folderErr := fsys.OpenFolder("0/dangling")
		_, readErr := inner.ReadFile("dangling", nil)
		_, lookErr := inner.Stat("dangling")
		_, innerErr := inner.OpenFolder("dangling")
		_, farErr := fsys.Stat("0/newfile")
		for call, err := range map[string]error{"Open": openErr, "Stat": statErr, "OpenFolder": folderErr, "ReadFile": readErr, "Folder.Stat": lookErr, "Folder.OpenFolder": innerErr, "behind": farErr} {
			if call == "behind" && opts.LinkTargets == nil {
				continue
			}
			nowhere := (*vfs.DanglingError)(nil)
			if !errors.Is(err, fs.ErrNotExist) || !errors.As(err, &nowhere) || !strings.Contains(err.Error(), "leads nowhere, to '") {
				t.Errorf("%s of a dangling link = %v, want ErrNotExist that says so", call, err)
			}
		}
		if _, err := fsys.Stat("0/none"); errors.As(err, new(*vfs.DanglingError)) {
			t.Errorf("Stat of what is missing = %v", err)
		}
		if _, err := fsys.Open("0/loop"); err == nil {
			t.Error("open of a loop succeeded")
		}
		info, err := fsys.Lstat("0/abs")
		if err != nil || info.Mode()&fs.ModeSymlink == 0 {
			t.Errorf("lstat of a link that leads out = %v, %v; want a link", info, err)
		}
	}
}

func TestWriteThroughLinkTarget(t *testing.T) {
	store, scratch, _ := tree(t)
	fsys := mustOpen(t, store, Options{LinkTargets: []string{scratch}})
	f, err := fsys.Create("0/newfile")
	if err != nil {
		t.Fatal(err)
	}
	if err := f.Close(); err != nil {
		t.Fatal(err)
	}
	if err := fsys.Rename("0/scratch/new", "0/scratch/newer"); err != nil {
		t.Errorf("rename within a link target: %v", err)
	}
	if _, err := os.Stat(filepath.Join(scratch, "newer")); err != nil {
		t.Error(err)
	}
	if err := fsys.Rename("0/scratch/newer", "0/newer"); !errors.Is(err, syscall.EXDEV) {
		t.Errorf("rename out of a link target = %v, want EXDEV", err)
	}
	if err := fsys.MkdirAll("0/scratch/x/y", 0o777); err != nil {
		t.Errorf("MkdirAll in a link target: %v", err)
	}
	if err := fsys.RemoveAll("0/scratch"); err != nil {
		t.Errorf("RemoveAll of the link: %v", err)
	}
	if _, err := os.Stat(filepath.Join(scratch, "deep", "a")); err != nil {
		t.Errorf("RemoveAll followed the link: %v", err)
	}
}

// A directory is swapped for a link that leads out, and back, while it is read: what is read is
// never from outside.
func TestSwap(t *testing.T) {
	store, scratch, _ := tree(t)
	write(t, filepath.Join(store, "real", "s"), "in")
	symlink(t, "../secret", filepath.Join(store, "evil"))
	stop := make(chan struct{})
	var wg sync.WaitGroup
	wg.Go(func() {
		for {
			select {
			case <-stop:
				return
			default:
			}
			for _, from := range []string{"real", "evil"} {
				_ = os.Rename(filepath.Join(store, from), filepath.Join(store, "cur"))
				runtime.Gosched()
				_ = os.Rename(filepath.Join(store, "cur"), filepath.Join(store, from))
			}
		}
	})
	seen := 0
	for _, opts := range []Options{{}, {LinkTargets: []string{scratch}}} {
		fsys := mustOpen(t, store, opts)
		for range 2000 {
			got, err := read(fsys, "cur/s")
			if err == nil && got != "in" {
				t.Fatalf("read %q from outside", got)
			}
			if folder, err := fsys.OpenFolder("cur"); err == nil {
				data, err := folder.ReadFile("s", nil)
				if err == nil {
					seen++
					if string(data) != "in" {
						t.Fatalf("read %q from outside through a folder", data)
					}
				}
				_ = folder.Close()
			}
		}
	}
	close(stop)
	wg.Wait()
	if seen == 0 {
		t.Log("the swapped directory was never met")
	}
}
