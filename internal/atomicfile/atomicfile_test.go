package atomicfile_test

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"

	"github.com/spf13/afero"

	"github.com/mlruns/mlruns/internal/atomicfile"
	"github.com/mlruns/mlruns/internal/faultfs"
	"github.com/mlruns/mlruns/internal/memfs"
	"github.com/mlruns/mlruns/internal/rootfs"
	"github.com/mlruns/mlruns/internal/vfs"
)

func disk(t testing.TB, dir string) *rootfs.Fs {
	t.Helper()
	fsys, err := rootfs.Open(dir, rootfs.Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = fsys.Close() })
	return fsys
}

// everywhere runs a test on a disk and in memory, with and without what vfs.FS has beside afero,
// each with a folder "d".
func everywhere(t *testing.T, test func(t *testing.T, fsys vfs.FS)) {
	for name, open := range map[string]func(t *testing.T) vfs.FS{
		"disk":         func(t *testing.T) vfs.FS { return disk(t, t.TempDir()) },
		"plain disk":   func(t *testing.T) vfs.FS { return vfs.Adapt(faultfs.Plain(disk(t, t.TempDir()))) },
		"memory":       func(*testing.T) vfs.FS { return memfs.New() },
		"plain memory": func(*testing.T) vfs.FS { return vfs.Adapt(faultfs.Plain(memfs.New())) },
	} {
		t.Run(name, func(t *testing.T) {
			fsys := open(t)
			if err := fsys.Mkdir("d", 0o777); err != nil {
				t.Fatal(err)
			}
			test(t, fsys)
		})
	}
}

func write(t testing.TB, fsys afero.Fs, name, text string) {
	t.Helper()
	if err := afero.WriteFile(fsys, name, []byte(text), 0o666); err != nil {
		t.Fatal(err)
	}
}

func wantFile(t testing.TB, fsys afero.Fs, name, want string) {
	t.Helper()
	if got, err := afero.ReadFile(fsys, name); string(got) != want || err != nil {
		t.Errorf("%s = %q, %v; want %q", name, got, err, want)
	}
}

func wantNames(t testing.TB, fsys afero.Fs, dir string, want ...string) {
	t.Helper()
	list, err := afero.ReadDir(fsys, dir)
	var got []string
	for _, info := range list {
		got = append(got, info.Name())
	}
	if fmt.Sprint(got) != fmt.Sprint(want) || err != nil {
		t.Errorf("%s holds %v, %v; want %v", dir, got, err, want)
	}
}

func TestReplace(t *testing.T) {
	everywhere(t, func(t *testing.T, fsys vfs.FS) {
		for _, text := range []string{"first, and longer", "second", ""} {
			for _, o := range []atomicfile.Options{{}, {Sync: true}, {TempDir: "."}, {TempDir: "d", Sync: true}} {
				if err := atomicfile.Replace(fsys, "d/f", []byte(text), o); err != nil {
					t.Errorf("Replace with %+v: %v", o, err)
				}
				wantFile(t, fsys, "d/f", text)
			}
		}
		wantNames(t, fsys, "d", "f")
		wantNames(t, fsys, ".", "d")
	})
}

func TestReplaceFrom(t *testing.T) {
	everywhere(t, func(t *testing.T, fsys vfs.FS) {
		text := strings.Repeat("0123456789", 100_000)
		write(t, fsys, "src", text)
		src, err := fsys.Open("src")
		if err != nil {
			t.Fatal(err)
		}
		defer func() { _ = src.Close() }()
		n, err := atomicfile.ReplaceFrom(fsys, "d/f", src, atomicfile.Options{})
		if n != int64(len(text)) || err != nil {
			t.Errorf("ReplaceFrom = %d, %v; want %d", n, err, len(text))
		}
		wantFile(t, fsys, "d/f", text)

		broken := io.MultiReader(strings.NewReader("half"), errReader{})
		n, err = atomicfile.ReplaceFrom(fsys, "d/f", broken, atomicfile.Options{})
		if n != 4 || !errors.Is(err, errBroken) {
			t.Errorf("ReplaceFrom of a broken reader = %d, %v; want 4, %v", n, err, errBroken)
		}
		wantFile(t, fsys, "d/f", text)
		wantNames(t, fsys, "d", "f")
	})
}

var errBroken = errors.New("broken reader")

type errReader struct{}

func (errReader) Read([]byte) (int, error) { return 0, errBroken }

func TestMode(t *testing.T) {
	everywhere(t, func(t *testing.T, fsys vfs.FS) {
		mode := func(name string) fs.FileMode {
			t.Helper()
			info, err := fsys.Stat(name)
			if err != nil {
				t.Fatal(err)
			}
			return info.Mode()
		}
		replace := func(name string, o atomicfile.Options) {
			t.Helper()
			if err := atomicfile.Replace(fsys, name, []byte("x"), o); err != nil {
				t.Fatal(err)
			}
		}
		write(t, fsys, "plain", "")
		replace("new", atomicfile.Options{})
		if got, want := mode("new"), mode("plain"); got != want {
			t.Errorf("mode of a new file = %v, want that of any, %v", got, want)
		}
		replace("secret", atomicfile.Options{Perm: 0o600})
		if got := mode("secret"); got != 0o600 {
			t.Errorf("mode of a new file with Perm = %v, want 0600", got)
		}
		for _, want := range []fs.FileMode{0o600, 0o666, 0o664, 0o755} {
			if err := fsys.Chmod("new", want); err != nil {
				t.Fatal(err)
			}
			replace("new", atomicfile.Options{Perm: 0o600})
			if got := mode("new"); got != want {
				t.Errorf("mode after a replace = %v, want %v as before", got, want)
			}
		}
	})
}

func TestRefused(t *testing.T) {
	everywhere(t, func(t *testing.T, fsys vfs.FS) {
		write(t, fsys, "f", "text")
		for name, want := range map[string]error{"d": vfs.ErrNotRegular, "x/f": fs.ErrNotExist, "f/x": syscall.ENOTDIR} {
			if err := atomicfile.Replace(fsys, name, nil, atomicfile.Options{}); !errors.Is(err, want) {
				t.Errorf("Replace(%s) = %v, want %v", name, err, want)
			}
		}
		for name, want := range map[string]error{"d": fs.ErrExist, "f": fs.ErrExist, "x/f": fs.ErrNotExist, "f/x": syscall.ENOTDIR} {
			if err := atomicfile.Publish(fsys, name, nil, atomicfile.Options{}); !errors.Is(err, want) {
				t.Errorf("Publish(%s) = %v, want %v", name, err, want)
			}
		}
		if err := atomicfile.Replace(fsys, "f", nil, atomicfile.Options{TempDir: "missing"}); !errors.Is(err, fs.ErrNotExist) {
			t.Errorf("Replace with a missing TempDir = %v, want ErrNotExist", err)
		}
		wantFile(t, fsys, "f", "text")
		wantNames(t, fsys, ".", "d", "f")
		wantNames(t, fsys, "d")
	})
}

// A link, wherever it leads, is neither replaced nor followed.
func TestLinkIsRefused(t *testing.T) {
	dir := t.TempDir()
	fsys := disk(t, dir)
	write(t, fsys, "f", "text")
	if err := os.Symlink("f", filepath.Join(dir, "link")); err != nil {
		t.Skip(err)
	}
	if err := atomicfile.Replace(fsys, "link", []byte("new"), atomicfile.Options{}); !errors.Is(err, vfs.ErrNotRegular) {
		t.Errorf("Replace of a link = %v, want ErrNotRegular", err)
	}
	if err := atomicfile.Publish(fsys, "link", []byte("new"), atomicfile.Options{}); !errors.Is(err, fs.ErrExist) {
		t.Errorf("Publish on a link = %v, want ErrExist", err)
	}
	wantFile(t, fsys, "f", "text")
}

func TestPublish(t *testing.T) {
	everywhere(t, func(t *testing.T, fsys vfs.FS) {
		if err := atomicfile.Publish(fsys, "d/f", []byte("first"), atomicfile.Options{TempDir: ".", Sync: true}); err != nil {
			t.Fatal(err)
		}
		if err := atomicfile.Publish(fsys, "d/f", []byte("second"), atomicfile.Options{TempDir: "."}); !errors.Is(err, fs.ErrExist) {
			t.Errorf("Publish again = %v, want ErrExist", err)
		}
		wantFile(t, fsys, "d/f", "first")
		wantNames(t, fsys, "d", "f")
		wantNames(t, fsys, ".", "d")
	})
}

// One of many publishers wins, and its bytes are what is there.
func TestPublishRace(t *testing.T) {
	for label, fsys := range map[string]vfs.FS{"disk": disk(t, t.TempDir()), "memory": memfs.New()} {
		for round := range 20 {
			name := fmt.Sprintf("f%d", round)
			var wins atomic.Int32
			var winner atomic.Value
			var wg sync.WaitGroup
			for i := range 8 {
				wg.Go(func() {
					text := fmt.Sprintf("writer %d", i)
					err := atomicfile.Publish(fsys, name, []byte(text), atomicfile.Options{})
					if err == nil {
						wins.Add(1)
						winner.Store(text)
					} else if !errors.Is(err, fs.ErrExist) {
						t.Errorf("%s: Publish = %v, want nil or ErrExist", label, err)
					}
				})
			}
			wg.Wait()
			if wins.Load() != 1 {
				t.Fatalf("%s: %d winners, want 1", label, wins.Load())
			}
			wantFile(t, fsys, name, winner.Load().(string))
		}
	}
}

// A file system without hard links: FAT says EPERM, others that it is unsupported, rclone EIO,
// Android EACCES.
func TestPublishWithoutLinks(t *testing.T) {
	for _, errno := range []error{syscall.EPERM, syscall.ENOTSUP, syscall.ENOSYS, syscall.EMLINK, syscall.EIO, syscall.EINVAL, syscall.EACCES} {
		mem := memfs.New()
		fsys := vfs.Adapt(faultfs.New(mem, faultfs.FailMatching(func(op faultfs.Op) bool { return op.Kind == faultfs.Link }, errno)))
		if err := atomicfile.Publish(fsys, "f", []byte("text"), atomicfile.Options{}); err != nil {
			t.Errorf("Publish where link is %v: %v", errno, err)
		}
		if err := atomicfile.Publish(fsys, "f", []byte("new"), atomicfile.Options{}); !errors.Is(err, fs.ErrExist) {
			t.Errorf("Publish again where link is %v: %v, want ErrExist", errno, err)
		}
		wantFile(t, mem, "f", "text")
		wantNames(t, mem, ".", "f")
	}
}

// deaf makes links and says that it failed, as when the answer of a server gets lost.
type deaf struct{ *rootfs.Fs }

func (d deaf) Link(oldname, newname string) error {
	if err := d.Fs.Link(oldname, newname); err != nil {
		return err
	}
	return syscall.EIO
}

func TestPublishWhereTheAnswerGetsLost(t *testing.T) {
	root, err := rootfs.Open(t.TempDir(), rootfs.Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer root.Close()
	if err := atomicfile.Publish(deaf{root}, "f", []byte("text"), atomicfile.Options{}); err != nil {
		t.Errorf("Publish: %v, though the link was made", err)
	}
	wantFile(t, root, "f", "text")
	wantNames(t, root, ".", "f")
}

func TestSyncDirUnsupported(t *testing.T) {
	for errno, want := range map[error]bool{syscall.EINVAL: true, syscall.ENOTSUP: true, syscall.EIO: false, syscall.EACCES: false} {
		for label, plain := range map[string]bool{"native": false, "plain": true} {
			var inner afero.Fs = memfs.New()
			kind := faultfs.SyncDir
			if plain {
				inner, kind = faultfs.Plain(inner), faultfs.Sync
			}
			fsys := faultfs.New(inner, faultfs.FailMatching(func(op faultfs.Op) bool { return op.Kind == kind }, errno))
			err := atomicfile.SyncDir(vfs.Adapt(fsys), ".")
			if got := err == nil; got != want {
				t.Errorf("%s: SyncDir where it is %v = %v, want nil: %v", label, errno, err, want)
			}
		}
	}
}

func TestChmodMayFail(t *testing.T) {
	mem := memfs.New()
	write(t, mem, "f", "old")
	if err := mem.Chmod("f", 0o666); err != nil {
		t.Fatal(err)
	}
	fsys := faultfs.New(mem, faultfs.FailMatching(func(op faultfs.Op) bool { return op.Kind == faultfs.Chmod }, nil))
	if err := atomicfile.Replace(vfs.Adapt(fsys), "f", []byte("new"), atomicfile.Options{}); err != nil {
		t.Errorf("Replace without chmod: %v", err)
	}
	wantFile(t, mem, "f", "new")
}

func TestIsTemp(t *testing.T) {
	for name, want := range map[string]bool{
		".mlruns-tmp-abc": true, "0/run/.mlruns-tmp-abc": true, ".mlruns-lock": false, "meta.yaml": false, "mlruns-tmp-x": false, ".mlruns-tmp-a/b": false,
	} {
		if got := atomicfile.IsTemp(name); got != want {
			t.Errorf("IsTemp(%q) = %v, want %v", name, got, want)
		}
	}
}

func BenchmarkReplace(b *testing.B) {
	fsys := disk(b, b.TempDir())
	data := []byte(strings.Repeat("x", 430))
	for name, o := range map[string]atomicfile.Options{"nosync": {}, "sync": {Sync: true}} {
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				if err := atomicfile.Replace(fsys, "meta.yaml", data, o); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
