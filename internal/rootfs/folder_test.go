package rootfs

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/mlruns/mlruns/internal/vfs"
)

func mustFolder(t testing.TB, fsys *Fs, name string) vfs.Folder {
	t.Helper()
	folder, err := fsys.OpenFolder(name)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = folder.Close() })
	return folder
}

func mustRootFolder(t testing.TB, fsys *Fs, name string) vfs.Folder {
	t.Helper()
	folder, err := fsys.openRootFolder(name)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = folder.Close() })
	return folder
}

// bothFolders runs a test on the folder of this platform and on the portable one.
func bothFolders(t *testing.T, fsys *Fs, name string, test func(t *testing.T, folder vfs.Folder)) {
	t.Run("platform", func(t *testing.T) { test(t, mustFolder(t, fsys, name)) })
	t.Run("root", func(t *testing.T) { test(t, mustRootFolder(t, fsys, name)) })
}

func TestFolder(t *testing.T) {
	dir := t.TempDir()
	big := strings.Repeat("0123456789", 10_000)
	write(t, filepath.Join(dir, "run", "params", "lr"), "0.1")
	write(t, filepath.Join(dir, "run", "params", "empty"), "")
	write(t, filepath.Join(dir, "run", "params", "big"), big)
	write(t, filepath.Join(dir, "run", "params", "sub", "deep"), "deep")
	write(t, filepath.Join(dir, "shared"), "shared")
	symlink(t, "../../shared", filepath.Join(dir, "run", "params", "link"))
	symlink(t, "../../../etc", filepath.Join(dir, "run", "params", "out"))
	fsys := mustOpen(t, dir, Options{})
	bothFolders(t, fsys, "run/params", func(t *testing.T, folder vfs.Folder) {
		entries, err := folder.Entries()
		if err != nil {
			t.Fatal(err)
		}
		slices.SortFunc(entries, func(a, b vfs.Entry) int { return strings.Compare(a.Name, b.Name) })
		want := []vfs.Entry{{Name: "big", Type: 0}, {Name: "empty", Type: 0}, {Name: "link", Type: fs.ModeSymlink}, {Name: "lr", Type: 0}, {Name: "out", Type: fs.ModeSymlink}, {Name: "sub", Type: fs.ModeDir}}
		if diff := cmp.Diff(want, entries); diff != "" {
			t.Errorf("Entries (-want +got):\n%s", diff)
		}
		for name, want := range map[string]string{"lr": "0.1", "empty": "", "big": big, "link": "shared", "sub/deep": "deep", "./lr": "0.1"} {
			got, err := folder.ReadFile(name, nil)
			if string(got) != want || err != nil {
				t.Errorf("ReadFile(%s) = %d bytes, %v; want %d", name, len(got), err, len(want))
			}
			f, err := folder.Open(name)
			if err != nil {
				t.Errorf("Open(%s): %v", name, err)
				continue
			}
			if got, err = io.ReadAll(f); string(got) != want || err != nil {
				t.Errorf("Open(%s) reads %d bytes, %v; want %d", name, len(got), err, len(want))
			}
			info, err := folder.Stat(name)
			if err != nil || info.Size() != int64(len(want)) {
				t.Errorf("Stat(%s) = %v, %v; want size %d", name, info, err, len(want))
			}
			if err := f.Close(); err != nil {
				t.Error(err)
			}
		}
		for _, name := range []string{"missing", "sub/missing", "missing/x"} {
			if _, err := folder.ReadFile(name, nil); !errors.Is(err, fs.ErrNotExist) {
				t.Errorf("ReadFile(%s) = %v, want ErrNotExist", name, err)
			}
			if _, err := folder.Stat(name); !errors.Is(err, fs.ErrNotExist) {
				t.Errorf("Stat(%s) = %v, want ErrNotExist", name, err)
			}
		}
		for _, name := range []string{"out", "out/passwd", "../../../x"} {
			if _, err := folder.ReadFile(name, nil); !errors.Is(err, vfs.ErrOutside) {
				t.Errorf("ReadFile(%s) = %v, want ErrOutside", name, err)
			}
			if _, err := folder.OpenFolder(name); !errors.Is(err, vfs.ErrOutside) {
				t.Errorf("OpenFolder(%s) = %v, want ErrOutside", name, err)
			}
		}
		sub, err := folder.OpenFolder("sub")
		if err != nil {
			t.Fatal(err)
		}
		defer func() { _ = sub.Close() }()
		if got, err := sub.ReadFile("deep", nil); string(got) != "deep" || err != nil {
			t.Errorf("ReadFile below = %q, %v; want deep", got, err)
		}
	})
}

func TestFolderReusesBuffer(t *testing.T) {
	dir := t.TempDir()
	write(t, filepath.Join(dir, "f"), "0123456789")
	bothFolders(t, mustOpen(t, dir, Options{}), ".", func(t *testing.T, folder vfs.Folder) {
		for _, size := range []int{0, 1, 9, 10, 11, 100} {
			buf := append(make([]byte, 0, size+1), 'x')
			got, err := folder.ReadFile("f", buf)
			if string(got) != "0123456789" || err != nil {
				t.Errorf("with room for %d: %q, %v", size, got, err)
			}
			if shared := &got[0] == &buf[0]; shared != (cap(buf) > 10) {
				t.Errorf("with room for %d: shares the buffer = %v", cap(buf), shared)
			}
		}
	})
}

// A file is read whole whatever its size and the buffer's, the size of a page among them, and
// refused beyond the limit.
func TestFolderReadSizes(t *testing.T) {
	dir := t.TempDir()
	sizes := []int{0, 1, 4095, 4096, 4097, 8192, 70_000}
	text := strings.Repeat("0123456789", 7_000)
	for _, size := range sizes {
		write(t, filepath.Join(dir, fmt.Sprint(size)), text[:size])
	}
	bothFolders(t, mustOpen(t, dir, Options{}), ".", func(t *testing.T, folder vfs.Folder) {
		for _, size := range sizes {
			for _, room := range []int{0, 1, 4095, 4096, 4097, 100_000} {
				for call, read := range map[string]func(string, []byte, int64) ([]byte, error){"ReadSmall": folder.ReadSmall, "ReadListed": folder.ReadListed} {
					got, err := read(fmt.Sprint(size), make([]byte, 0, room), int64(size))
					if string(got) != text[:size] || err != nil {
						t.Errorf("%s of a file of %d into room for %d: %d bytes, %v", call, size, room, len(got), err)
					}
					if got, err := read(fmt.Sprint(size), make([]byte, 0, room), int64(size)-1); !errors.Is(err, vfs.ErrTooLarge) {
						t.Errorf("%s of a file of %d into room for %d, with the limit one less: %d bytes, %v; want ErrTooLarge", call, size, room, len(got), err)
					}
				}
			}
		}
	})
}

// A sparse file can say that it has more bytes than there is memory.
func TestFolderRefusesHugeFile(t *testing.T) {
	dir := t.TempDir()
	write(t, filepath.Join(dir, "f"), "")
	if err := os.Truncate(filepath.Join(dir, "f"), 1<<42); err != nil {
		t.Skip(err)
	}
	bothFolders(t, mustOpen(t, dir, Options{}), ".", func(t *testing.T, folder vfs.Folder) {
		if got, err := folder.ReadFile("f", nil); !errors.Is(err, vfs.ErrTooLarge) {
			t.Errorf("ReadFile = %d bytes, %v; want ErrTooLarge", len(got), err)
		}
	})
}

// A folder keeps to its directory when that is renamed.
func TestFolderRenamed(t *testing.T) {
	dir := t.TempDir()
	write(t, filepath.Join(dir, "a", "f"), "text")
	symlink(t, "f", filepath.Join(dir, "a", "link"))
	fsys := mustOpen(t, dir, Options{})
	from, to := "a", "b"
	bothFolders(t, fsys, "a", func(t *testing.T, folder vfs.Folder) {
		if err := fsys.Rename(from, to); err != nil {
			t.Skip(err)
		}
		defer func() { _ = fsys.Rename(to, from) }()
		for _, name := range []string{"f", "link"} {
			if got, err := folder.ReadFile(name, nil); string(got) != "text" || err != nil {
				t.Errorf("ReadFile(%s) = %q, %v; want text", name, got, err)
			}
			if _, err := folder.Stat(name); err != nil {
				t.Errorf("Stat(%s): %v", name, err)
			}
		}
		if entries, err := folder.Entries(); len(entries) != 2 || err != nil {
			t.Errorf("Entries = %v, %v", entries, err)
		}
	})
}

func TestFolderManyEntriesConcurrently(t *testing.T) {
	dir := t.TempDir()
	const n = 3000 // more than one buffer of records
	for i := range n {
		write(t, filepath.Join(dir, fmt.Sprintf("file-with-a-long-name-%05d", i)), "")
	}
	bothFolders(t, mustOpen(t, dir, Options{}), ".", func(t *testing.T, folder vfs.Folder) {
		var wg sync.WaitGroup
		for range 3 {
			wg.Go(func() {
				entries, err := folder.Entries()
				names := map[string]bool{}
				for _, e := range entries {
					names[e.Name] = true
				}
				if len(names) != n || len(entries) != n || err != nil {
					t.Errorf("Entries: %d, %d names, %v; want %d", len(entries), len(names), err, n)
				}
			})
		}
		wg.Wait()
	})
}

// Twenty-five small files of a run, as a search reads them.
func BenchmarkRead25(b *testing.B) {
	dir := b.TempDir()
	var names []string
	for i := range 25 {
		names = append(names, fmt.Sprintf("p%d", i))
		write(b, filepath.Join(dir, "0", "run", "params", names[i]), "0.123456")
	}
	fsys := mustOpen(b, dir, Options{})
	folders := map[string]func() (vfs.Folder, error){
		"folder":     func() (vfs.Folder, error) { return fsys.OpenFolder("0/run/params") },
		"rootfolder": func() (vfs.Folder, error) { f, err := fsys.openRootFolder("0/run/params"); return f, err },
	}
	for label, open := range folders {
		b.Run(label, func(b *testing.B) {
			b.ReportAllocs()
			var buf []byte
			for b.Loop() {
				folder, err := open()
				if err != nil {
					b.Fatal(err)
				}
				if _, err = folder.Entries(); err != nil {
					b.Fatal(err)
				}
				for _, name := range names {
					if buf, err = folder.ReadFile(name, buf); err != nil {
						b.Fatal(err)
					}
				}
				_ = folder.Close()
			}
		})
	}
	b.Run("path", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			f, err := fsys.Open("0/run/params")
			if err != nil {
				b.Fatal(err)
			}
			if _, err = f.Readdirnames(-1); err != nil {
				b.Fatal(err)
			}
			_ = f.Close()
			for _, name := range names {
				if _, err = read(fsys, "0/run/params/"+name); err != nil {
					b.Fatal(err)
				}
			}
		}
	})
	b.Run("os", func(b *testing.B) {
		b.ReportAllocs()
		base := filepath.Join(dir, "0", "run", "params")
		for b.Loop() {
			if _, err := os.ReadDir(base); err != nil {
				b.Fatal(err)
			}
			for _, name := range names {
				if _, err := os.ReadFile(filepath.Join(base, name)); err != nil {
					b.Fatal(err)
				}
			}
		}
	})
}
