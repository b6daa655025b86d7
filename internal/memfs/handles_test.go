package memfs_test

import (
	"bytes"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/spf13/afero"
)

// Handle scripts: each line is what one call gave, compared with what it must give on every file
// system.
var handleTests = []struct {
	name string
	flag int
	run  func(say func(string, ...any), fsys afero.Fs, f afero.File)
	want string
}{
	{"read", os.O_RDONLY, func(say func(string, ...any), _ afero.Fs, f afero.File) {
		buf := make([]byte, 3)
		n, err := f.Read(buf)
		say("%d %s %s", n, buf[:n], class(err))
		n, err = f.Read(nil)
		say("%d %s", n, class(err))
		n, err = f.Read(buf)
		say("%d %s %s", n, buf[:n], class(err))
		n, err = f.Read(buf)
		say("%d %s", n, class(err))
		n, err = f.ReadAt(buf, 2)
		say("%d %s %s", n, buf[:n], class(err))
		n, err = f.ReadAt(buf, 9)
		say("%d %s", n, class(err))
		_, err = f.ReadAt(buf, -1)
		say("%s", class(err))
		_, err = f.Write([]byte("x"))
		say("%s", class(err))
		say("%s", class(f.Truncate(0)))
		say("%s %s", class(f.Sync()), class(f.Close()))
		say("%s", class(f.Close()))
		_, err = f.Read(buf)
		say("%s", class(err))
	}, "3 tex ok|0 ok|1 t ok|0 eof|2 xt eof|0 eof|other|badf|inval|ok ok|closed|closed"},
	{"write", os.O_WRONLY, func(say func(string, ...any), fsys afero.Fs, f afero.File) {
		n, err := f.Write([]byte("TE"))
		say("%d %s %s", n, class(err), get(fsys, "f"))
		_, err = f.Read(make([]byte, 1))
		say("%s", class(err))
		_, err = f.ReadAt(make([]byte, 1), 0)
		say("%s", class(err))
		pos, err := f.Seek(2, io.SeekCurrent)
		say("%d %s", pos, class(err))
		_, err = f.Seek(-5, io.SeekStart)
		say("%s", class(err))
		pos, err = f.Seek(2, io.SeekEnd)
		say("%d %s", pos, class(err))
		n, err = f.WriteString("!")
		say("%d %s %q", n, class(err), get(fsys, "f"))
		n, err = f.WriteAt([]byte("ab"), 1)
		say("%d %s %q", n, class(err), get(fsys, "f"))
		say("%s %q", class(f.Truncate(2)), get(fsys, "f"))
		say("%s %q", class(f.Truncate(4)), get(fsys, "f"))
		say("%s", class(f.Truncate(-1)))
		n, err = f.Write([]byte("z")) // the position stayed
		say("%d %s %q", n, class(err), get(fsys, "f"))
		info, err := f.Stat()
		say("%d %v %s", info.Size(), info.Mode().IsRegular(), class(err))
		_, err = f.Readdir(-1)
		say("%s", class(err))
	}, `2 ok TExt|badf|badf|4 ok|inval|6 ok|1 ok "TExt\x00\x00!"|2 ok "Tabt\x00\x00!"|ok "Ta"|ok "Ta\x00\x00"|inval|1 ok "Ta\x00\x00\x00\x00\x00z"|8 true ok|notdir`},
	{"append", os.O_WRONLY | os.O_APPEND, func(say func(string, ...any), fsys afero.Fs, f afero.File) {
		other, err := fsys.OpenFile("f", os.O_WRONLY|os.O_APPEND, 0)
		say("%s", class(err))
		for _, h := range []afero.File{f, other, f} {
			n, err := h.Write([]byte("ab"))
			say("%d %s %s", n, class(err), get(fsys, "f"))
		}
		_, err = f.Seek(0, io.SeekStart)
		say("%s", class(err))
		_, err = f.Write([]byte("c"))
		say("%s %s", class(err), get(fsys, "f"))
		_, err = f.WriteAt([]byte("x"), 0)
		say("%s", class(err))
		say("%s", class(other.Close()))
	}, "ok|2 ok textab|2 ok textabab|2 ok textababab|ok|ok textabababc|other|ok"},
	{"unlinked", os.O_RDWR, func(say func(string, ...any), fsys afero.Fs, f afero.File) {
		say("%s", class(fsys.Remove("f")))
		n, err := f.WriteString("TEXT")
		say("%d %s", n, class(err))
		_, err = f.Seek(0, io.SeekStart)
		data, readErr := io.ReadAll(f)
		say("%s %s %s", class(err), data, class(readErr))
		say("%s %s", get(fsys, "f"), class(f.Close()))
	}, "ok|4 ok|ok TEXT ok|!notexist ok"},
	{"replaced", os.O_RDONLY, func(say func(string, ...any), fsys afero.Fs, f afero.File) {
		say("%s %s", class(put(fsys, "n", "new")), class(fsys.Rename("n", "f")))
		data, err := io.ReadAll(f)
		say("%s %s %s", data, class(err), get(fsys, "f"))
	}, "ok ok|text ok new"},
	{"renamed", os.O_WRONLY, func(say func(string, ...any), fsys afero.Fs, f afero.File) {
		say("%s", class(fsys.Rename("f", "n")))
		_, err := f.WriteString("TE")
		say("%s %s %s", class(err), get(fsys, "n"), get(fsys, "f"))
	}, "ok|ok TExt !notexist"},
	{"linked", os.O_WRONLY, func(say func(string, ...any), fsys afero.Fs, f afero.File) {
		say("%s", class(native(fsys).Link("f", "n")))
		_, err := f.WriteString("TE")
		say("%s %s %s", class(err), get(fsys, "n"), get(fsys, "f"))
		// links of one file: nothing happens
		say("%s %s", class(fsys.Rename("f", "n")), get(fsys, "f"))
		say("%s %s", class(fsys.Remove("f")), get(fsys, "n"))
	}, "ok|ok TExt TExt|ok TExt|ok TExt"},
	{"snapshot", os.O_WRONLY | os.O_APPEND, func(say func(string, ...any), fsys afero.Fs, f afero.File) {
		info, err := fsys.Stat("f")
		_, writeErr := f.WriteString("more")
		say("%s %s %d %s", class(err), class(writeErr), info.Size(), info.Name())
	}, "ok ok 4 f"},
}

func TestHandles(t *testing.T) {
	conform(t, func(t *testing.T, fsys afero.Fs) {
		for _, test := range handleTests {
			if err := put(fsys, "f", "text"); err != nil {
				t.Fatal(err)
			}
			f, err := fsys.OpenFile("f", test.flag, 0)
			if err != nil {
				t.Fatal(err)
			}
			var got []string
			test.run(func(format string, args ...any) { got = append(got, fmt.Sprintf(format, args...)) }, fsys, f)
			if got := strings.Join(got, "|"); got != test.want {
				t.Errorf("%s: got\n%s, want\n%s", test.name, got, test.want)
			}
			_ = f.Close()
			_ = fsys.Remove("n")
		}
	})
}

func TestReaddir(t *testing.T) {
	conform(t, func(t *testing.T, fsys afero.Fs) {
		populate(t, fsys)
		f, err := fsys.Open(".")
		if err != nil {
			t.Fatal(err)
		}
		defer func() { _ = f.Close() }()
		_, err = f.Read(make([]byte, 1))
		if class(err) != "isdir" {
			t.Errorf("Read of a directory = %v, want EISDIR", err)
		}
		var names []string
		for {
			some, err := f.Readdirnames(2)
			if err == io.EOF {
				break
			}
			if err != nil || len(some) == 0 || len(some) > 2 {
				t.Fatalf("Readdirnames(2) = %v, %v", some, err)
			}
			names = append(names, some...)
		}
		slices.Sort(names)
		if got, want := strings.Join(names, " "), "d empty g"; got != want {
			t.Errorf("names = %s, want %s", got, want)
		}
		if rest, err := f.Readdirnames(-1); len(rest) != 0 || err != nil {
			t.Errorf("Readdirnames(-1) at the end = %v, %v; want nothing", rest, err)
		}
		if err := f.Sync(); err != nil {
			t.Errorf("Sync of a directory: %v", err)
		}
	})
}

func TestTimes(t *testing.T) {
	conform(t, func(t *testing.T, fsys afero.Fs) {
		populate(t, fsys)
		past := time.Date(2001, 2, 3, 4, 5, 6, 789, time.UTC)
		mtime := func(name string) time.Time {
			t.Helper()
			info, err := fsys.Stat(name)
			if err != nil {
				t.Fatal(err)
			}
			return info.ModTime()
		}
		for what, test := range map[string]struct {
			touched string
			do      func() error
			moves   bool
		}{
			"create":         {"d", func() error { return put(fsys, "d/new", "") }, true},
			"remove":         {"d", func() error { return fsys.Remove("d/f") }, true},
			"mkdir":          {"empty", func() error { return fsys.Mkdir("empty/x", 0o777) }, true},
			"write in a dir": {"d", func() error { return put(fsys, "d/sub/../new2", "x") }, true},
			"open and close": {"g", func() error { return open(fsys, "g", os.O_RDWR) }, false},
			"write":          {"g", func() error { return put(fsys, "g", "again") }, true},
		} {
			if err := fsys.Chtimes(test.touched, past, past); err != nil {
				t.Fatal(err)
			}
			if got := mtime(test.touched); !got.Equal(past) {
				t.Errorf("Chtimes(%s) gave %v, want %v", test.touched, got, past)
			}
			if err := test.do(); err != nil {
				t.Fatal(err)
			}
			if moved := !mtime(test.touched).Equal(past); moved != test.moves {
				t.Errorf("%s: the time of %s moved = %v, want %v", what, test.touched, moved, test.moves)
			}
		}
	})
}

func TestMode(t *testing.T) {
	conform(t, func(t *testing.T, fsys afero.Fs) {
		populate(t, fsys)
		if err := fsys.Chmod("g", 0o640); err != nil {
			t.Fatal(err)
		}
		info, err := fsys.Stat("g")
		if err != nil || info.Mode() != 0o640 {
			t.Errorf("mode = %v, %v; want 0640", info.Mode(), err)
		}
		info, err = fsys.Stat("d")
		if err != nil || !info.IsDir() || info.Mode().Perm()&0o700 != 0o700 {
			t.Errorf("mode of a directory = %v, %v", info.Mode(), err)
		}
	})
}

// Every append is whole and none is lost; one of all exclusive creators, linkers and renamers wins.
func TestConcurrency(t *testing.T) {
	conform(t, func(t *testing.T, fsys afero.Fs) {
		const workers, rounds = 8, 40
		if err := put(fsys, "log", ""); err != nil {
			t.Fatal(err)
		}
		var wg sync.WaitGroup
		var won [3][rounds]atomic.Int32
		for r := range rounds {
			if err := put(fsys, fmt.Sprintf("tmp%d", r), "x"); err != nil {
				t.Fatal(err)
			}
		}
		for w := range workers {
			wg.Go(func() {
				line := bytes.Repeat([]byte{byte('a' + w)}, 20)
				line = append(line, '\n')
				for r := range rounds {
					f, err := fsys.OpenFile("log", os.O_WRONLY|os.O_APPEND, 0)
					if err != nil {
						t.Error(err)
						return
					}
					if _, err = f.Write(line); err != nil {
						t.Error(err)
					}
					if err = f.Close(); err != nil {
						t.Error(err)
					}
					if open(fsys, fmt.Sprintf("excl%d", r), os.O_WRONLY|os.O_CREATE|os.O_EXCL) == nil {
						won[0][r].Add(1)
					}
					if native(fsys).Link("log", fmt.Sprintf("link%d", r)) == nil {
						won[1][r].Add(1)
					}
					if fsys.Rename(fmt.Sprintf("tmp%d", r), fmt.Sprintf("out%d-%d", r, w)) == nil {
						won[2][r].Add(1)
					}
				}
			})
		}
		wg.Wait()
		for kind := range won {
			for r := range rounds {
				if n := won[kind][r].Load(); n != 1 {
					t.Errorf("kind %d, round %d: %d winners, want 1", kind, r, n)
				}
			}
		}
		lines := strings.Split(strings.TrimSuffix(get(fsys, "log"), "\n"), "\n")
		if len(lines) != workers*rounds {
			t.Errorf("%d lines, want %d", len(lines), workers*rounds)
		}
		for _, line := range lines {
			if len(line) != 20 || strings.Trim(line, line[:1]) != "" {
				t.Fatalf("torn line %q", line)
			}
		}
	})
}

func TestFolders(t *testing.T) {
	conform(t, func(t *testing.T, fsys afero.Fs) {
		populate(t, fsys)
		d, err := native(fsys).OpenFolder("d")
		if err != nil {
			t.Fatal(err)
		}
		entries, err := d.Entries()
		var names []string
		for _, e := range entries {
			names = append(names, fmt.Sprint(e.Name, e.Type.IsDir()))
		}
		slices.Sort(names)
		if got := fmt.Sprint(names, err); got != "[ffalse subtrue] <nil>" {
			t.Errorf("Entries = %s", got)
		}
		say := func(data []byte, err error) string { return string(data) + " " + class(err) }
		for name, want := range map[string]string{"f": "text ok", "../g": "g ok", "x": " notexist", "sub": " isdir", "f/x": " notdir", "../../x": " outside"} {
			if got := say(d.ReadFile(name, nil)); got != want {
				t.Errorf("ReadFile(%s) = %q, want %q", name, got, want)
			}
		}
		if err := fsys.Rename("d", "e"); err != nil {
			t.Fatal(err)
		}
		if got := say(d.ReadFile("f", []byte("xx"))); got != "text ok" {
			t.Errorf("ReadFile after the folder was renamed = %q", got)
		}
		sub, err := d.OpenFolder("sub")
		if err != nil {
			t.Fatal(err)
		}
		if entries, err := sub.Entries(); len(entries) != 0 || err != nil {
			t.Errorf("Entries of an empty folder = %v, %v", entries, err)
		}
		if _, err := d.OpenFolder("f"); class(err) != "notdir" {
			t.Errorf("OpenFolder of a file = %v, want ENOTDIR", err)
		}
		info, err := d.Stat("f")
		if err != nil || info.Size() != 4 || info.Name() != "f" {
			t.Errorf("Stat = %v, %v", info, err)
		}
		if err := sub.Close(); err != nil {
			t.Error(err)
		}
		if err := d.Close(); err != nil {
			t.Error(err)
		}
		if got := say(d.ReadFile("f", nil)); got != " closed" {
			t.Errorf("ReadFile of a closed folder = %q", got)
		}
	})
}
