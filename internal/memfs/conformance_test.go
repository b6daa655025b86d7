package memfs_test

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"runtime"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/spf13/afero"

	"github.com/mlruns/mlruns/internal/faultfs"
	"github.com/mlruns/mlruns/internal/memfs"
	"github.com/mlruns/mlruns/internal/rootfs"
	"github.com/mlruns/mlruns/internal/vfs"
)

// fileSystems are those that must not differ.
var fileSystems = map[string]func(t *testing.T) afero.Fs{
	"rootfs": disk,
	"memfs":  memory,
	"faultfs over rootfs": func(t *testing.T) afero.Fs {
		return faultfs.New(disk(t), nil)
	},
	"faultfs over memfs": func(t *testing.T) afero.Fs {
		return faultfs.New(memory(t), nil)
	},
}

func memory(*testing.T) afero.Fs { return memfs.New() }

func disk(t *testing.T) afero.Fs {
	fsys, err := rootfs.Open(t.TempDir(), rootfs.Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = fsys.Close() })
	return fsys
}

func conform(t *testing.T, test func(t *testing.T, fsys afero.Fs)) {
	if runtime.GOOS == "windows" {
		t.Skip("the error numbers are those of Unix")
	}
	for name, open := range fileSystems {
		t.Run(name, func(t *testing.T) { test(t, open(t)) })
	}
}

// class is a short name for what errors.Is says of an error.
func class(err error) string {
	if err == nil {
		return "ok"
	}
	for _, c := range []struct {
		name string
		err  error
	}{
		{"outside", vfs.ErrOutside}, {"closed", fs.ErrClosed}, {"eof", io.EOF}, {"isdir", syscall.EISDIR}, {"notempty", syscall.ENOTEMPTY},
		{"notdir", syscall.ENOTDIR}, {"inval", syscall.EINVAL}, {"toolong", syscall.ENAMETOOLONG}, {"badf", syscall.EBADF},
		{"exist", fs.ErrExist}, {"notexist", fs.ErrNotExist}, {"perm", fs.ErrPermission},
	} {
		if errors.Is(err, c.err) {
			return c.name
		}
	}
	return "other"
}

// populate makes d/f ("text"), d/sub/, empty/ and g ("g").
func populate(t testing.TB, fsys afero.Fs) {
	t.Helper()
	err := errors.Join(fsys.MkdirAll("d/sub", 0o777), fsys.Mkdir("empty", 0o777), put(fsys, "d/f", "text"), put(fsys, "g", "g"))
	if err != nil {
		t.Fatal(err)
	}
}

func put(fsys afero.Fs, name, text string) error {
	f, err := fsys.Create(name)
	if err != nil {
		return err
	}
	_, err = f.WriteString(text)
	return errors.Join(err, f.Close())
}

func get(fsys afero.Fs, name string) string {
	f, err := fsys.Open(name)
	if err != nil {
		return "!" + class(err)
	}
	defer func() { _ = f.Close() }()
	data, err := io.ReadAll(f)
	if err != nil {
		return "!" + class(err)
	}
	return string(data)
}

// tree is all names and contents, in one line.
func tree(t *testing.T, fsys afero.Fs) string {
	t.Helper()
	var lines []string
	var walk func(dir string)
	walk = func(dir string) {
		f, err := fsys.Open(dir)
		if err != nil {
			t.Fatal(err)
		}
		defer func() { _ = f.Close() }()
		list, err := f.Readdir(-1)
		if err != nil {
			t.Fatal(err)
		}
		for _, info := range list {
			name := strings.TrimPrefix(dir+"/"+info.Name(), "./")
			if info.IsDir() {
				lines = append(lines, name+"/")
				walk(name)
			} else {
				lines = append(lines, fmt.Sprintf("%s=%s", name, get(fsys, name)))
			}
		}
	}
	walk(".")
	slices.Sort(lines)
	return strings.Join(lines, " ")
}

const populated = "d/ d/f=text d/sub/ empty/ g=g"

func open(fsys afero.Fs, name string, flag int) error {
	f, err := fsys.OpenFile(name, flag, 0o666)
	if err == nil {
		err = f.Close()
	}
	return err
}

var long = strings.Repeat("x", 256)

// One call each, on a fresh tree.
var callTests = []struct {
	name string
	call func(fsys afero.Fs) error
	want string // class of the error
	tree string // "" means as populated
}{
	{"open missing", func(f afero.Fs) error { return open(f, "x", os.O_RDONLY) }, "notexist", ""},
	{"open below missing", func(f afero.Fs) error { return open(f, "x/y", os.O_RDONLY) }, "notexist", ""},
	{"open below file", func(f afero.Fs) error { return open(f, "g/y", os.O_RDONLY) }, "notdir", ""},
	{"open root", func(f afero.Fs) error { return open(f, ".", os.O_RDONLY) }, "ok", ""},
	{"open empty name", func(f afero.Fs) error { return open(f, "", os.O_RDONLY) }, "ok", ""},
	{"open slash", func(f afero.Fs) error { return open(f, "/", os.O_RDONLY) }, "ok", ""},
	{"open rooted", func(f afero.Fs) error { return open(f, "/d/f", os.O_RDONLY) }, "ok", ""},
	{"open dots", func(f afero.Fs) error { return open(f, "d/./sub/../f", os.O_RDONLY) }, "ok", ""},
	{"open dots of missing", func(f afero.Fs) error { return open(f, "x/../g", os.O_RDONLY) }, "notexist", ""},
	{"open dots of file", func(f afero.Fs) error { return open(f, "g/../g", os.O_RDONLY) }, "notdir", ""},
	{"open outside", func(f afero.Fs) error { return open(f, "../x", os.O_RDONLY) }, "outside", ""},
	{"open outside deep", func(f afero.Fs) error { return open(f, "d/../../x", os.O_RDONLY) }, "outside", ""},
	{"open NUL", func(f afero.Fs) error { return open(f, "a\x00b", os.O_RDONLY) }, "inval", ""},
	{"open long", func(f afero.Fs) error { return open(f, long, os.O_RDONLY) }, "toolong", ""},
	{"create", func(f afero.Fs) error { return put(f, "d/n", "new") }, "ok", "d/ d/f=text d/n=new d/sub/ empty/ g=g"},
	{"create over", func(f afero.Fs) error { return put(f, "g", "n") }, "ok", "d/ d/f=text d/sub/ empty/ g=n"},
	{"create below missing", func(f afero.Fs) error { return put(f, "x/n", "") }, "notexist", ""},
	{"create below file", func(f afero.Fs) error { return put(f, "g/n", "") }, "notdir", ""},
	{"create on dir", func(f afero.Fs) error { return put(f, "d", "") }, "isdir", ""},
	{"create long", func(f afero.Fs) error { return put(f, long, "") }, "toolong", ""},
	{"create longest", func(f afero.Fs) error { return put(f, "empty/"+long[1:], "") }, "ok", "d/ d/f=text d/sub/ empty/ empty/" + long[1:] + "= g=g"},
	{"create NUL", func(f afero.Fs) error { return put(f, "a\x00b", "") }, "inval", ""},
	{"exclusive on file", func(f afero.Fs) error { return open(f, "g", os.O_WRONLY|os.O_CREATE|os.O_EXCL) }, "exist", ""},
	{"exclusive on dir", func(f afero.Fs) error { return open(f, "d", os.O_WRONLY|os.O_CREATE|os.O_EXCL) }, "exist", ""},
	{"write dir", func(f afero.Fs) error { return open(f, "d", os.O_WRONLY) }, "isdir", ""},
	{"append missing", func(f afero.Fs) error { return open(f, "x", os.O_WRONLY|os.O_APPEND) }, "notexist", ""},
	{"mkdir", func(f afero.Fs) error { return f.Mkdir("d/n", 0o777) }, "ok", "d/ d/f=text d/n/ d/sub/ empty/ g=g"},
	{"mkdir exists", func(f afero.Fs) error { return f.Mkdir("d", 0o777) }, "exist", ""},
	{"mkdir on file", func(f afero.Fs) error { return f.Mkdir("g", 0o777) }, "exist", ""},
	{"mkdir root", func(f afero.Fs) error { return f.Mkdir(".", 0o777) }, "exist", ""},
	{"mkdir below missing", func(f afero.Fs) error { return f.Mkdir("x/y", 0o777) }, "notexist", ""},
	{"mkdir below file", func(f afero.Fs) error { return f.Mkdir("g/y", 0o777) }, "notdir", ""},
	{"mkdir outside", func(f afero.Fs) error { return f.Mkdir("../y", 0o777) }, "outside", ""},
	{"mkdirall", func(f afero.Fs) error { return f.MkdirAll("empty/a/b", 0o777) }, "ok", "d/ d/f=text d/sub/ empty/ empty/a/ empty/a/b/ g=g"},
	{"mkdirall exists", func(f afero.Fs) error { return f.MkdirAll("d/sub", 0o777) }, "ok", ""},
	{"mkdirall on file", func(f afero.Fs) error { return f.MkdirAll("g", 0o777) }, "exist", ""},
	{"mkdirall below file", func(f afero.Fs) error { return f.MkdirAll("g/a/b", 0o777) }, "notdir", ""},
	{"remove", func(f afero.Fs) error { return f.Remove("d/f") }, "ok", "d/ d/sub/ empty/ g=g"},
	{"remove dir", func(f afero.Fs) error { return f.Remove("empty") }, "ok", "d/ d/f=text d/sub/ g=g"},
	{"remove non-empty", func(f afero.Fs) error { return f.Remove("d") }, "notempty", ""},
	{"remove missing", func(f afero.Fs) error { return f.Remove("x") }, "notexist", ""},
	{"remove below file", func(f afero.Fs) error { return f.Remove("g/x") }, "notdir", ""},
	{"remove root", func(f afero.Fs) error { return f.Remove(".") }, "inval", ""},
	{"removeall", func(f afero.Fs) error { return f.RemoveAll("d") }, "ok", "empty/ g=g"},
	{"removeall file", func(f afero.Fs) error { return f.RemoveAll("g") }, "ok", "d/ d/f=text d/sub/ empty/"},
	{"removeall missing", func(f afero.Fs) error { return f.RemoveAll("x") }, "ok", ""},
	{"removeall below missing", func(f afero.Fs) error { return f.RemoveAll("x/y") }, "ok", ""},
	{"removeall below file", func(f afero.Fs) error { return f.RemoveAll("g/y") }, "notdir", ""},
	{"removeall root", func(f afero.Fs) error { return f.RemoveAll(".") }, "inval", ""},
	{"rename", func(f afero.Fs) error { return f.Rename("g", "d/n") }, "ok", "d/ d/f=text d/n=g d/sub/ empty/"},
	{"rename over", func(f afero.Fs) error { return f.Rename("g", "d/f") }, "ok", "d/ d/f=g d/sub/ empty/"},
	{"rename same", func(f afero.Fs) error { return f.Rename("g", "g") }, "ok", ""},
	{"rename missing", func(f afero.Fs) error { return f.Rename("x", "y") }, "notexist", ""},
	{"rename missing over dir", func(f afero.Fs) error { return f.Rename("x", "d") }, "notexist", ""},
	{"rename into missing", func(f afero.Fs) error { return f.Rename("g", "x/y") }, "notexist", ""},
	{"rename below file", func(f afero.Fs) error { return f.Rename("g", "d/f/x") }, "notdir", ""},
	{"rename file over dir", func(f afero.Fs) error { return f.Rename("g", "empty") }, "exist", ""},
	{"rename dir over file", func(f afero.Fs) error { return f.Rename("empty", "g") }, "notdir", ""},
	{"rename dir over empty dir", func(f afero.Fs) error { return f.Rename("d", "empty") }, "exist", ""},
	{"rename dir over non-empty dir", func(f afero.Fs) error { return f.Rename("empty", "d") }, "exist", ""},
	{"rename dir into itself", func(f afero.Fs) error { return f.Rename("d", "d/sub/x") }, "inval", ""},
	{"rename dir", func(f afero.Fs) error { return f.Rename("d", "empty/d") }, "ok", "empty/ empty/d/ empty/d/f=text empty/d/sub/ g=g"},
	{"rename outside", func(f afero.Fs) error { return f.Rename("g", "../g") }, "outside", ""},
	{"rename long", func(f afero.Fs) error { return f.Rename("g", long) }, "toolong", ""},
	{"chmod missing", func(f afero.Fs) error { return f.Chmod("x", 0o600) }, "notexist", ""},
	{"chtimes missing", func(f afero.Fs) error { return f.Chtimes("x", time.Now(), time.Now()) }, "notexist", ""},
	{"stat missing", func(f afero.Fs) error { _, err := f.Stat("x"); return err }, "notexist", ""},
	{"stat below file", func(f afero.Fs) error { _, err := f.Stat("g/x"); return err }, "notdir", ""},
	{"stat outside", func(f afero.Fs) error { _, err := f.Stat(".."); return err }, "outside", ""},
	{"link", func(f afero.Fs) error { return native(f).Link("g", "d/n") }, "ok", "d/ d/f=text d/n=g d/sub/ empty/ g=g"},
	{"link exists", func(f afero.Fs) error { return native(f).Link("g", "d/f") }, "exist", ""},
	{"link on dir", func(f afero.Fs) error { return native(f).Link("g", "empty") }, "exist", ""},
	{"link missing", func(f afero.Fs) error { return native(f).Link("x", "y") }, "notexist", ""},
	{"link into missing", func(f afero.Fs) error { return native(f).Link("g", "x/y") }, "notexist", ""},
	{"link of dir", func(f afero.Fs) error { return native(f).Link("d", "y") }, "perm", ""},
	{"link outside", func(f afero.Fs) error { return native(f).Link("g", "../y") }, "outside", ""},
	{"syncdir", func(f afero.Fs) error { return native(f).SyncDir("d") }, "ok", ""},
	{"syncdir missing", func(f afero.Fs) error { return native(f).SyncDir("x") }, "notexist", ""},
	{"syncdir of file", func(f afero.Fs) error { return native(f).SyncDir("g") }, "notdir", ""},
	{"folder", func(f afero.Fs) error { return folder(f, "d") }, "ok", ""},
	{"folder missing", func(f afero.Fs) error { return folder(f, "x") }, "notexist", ""},
	{"folder of file", func(f afero.Fs) error { return folder(f, "g") }, "notdir", ""},
	{"folder outside", func(f afero.Fs) error { return folder(f, "..") }, "outside", ""},
}

func native(fsys afero.Fs) vfs.FS { return vfs.Adapt(fsys) }

func folder(fsys afero.Fs, name string) error {
	folder, err := native(fsys).OpenFolder(name)
	if err == nil {
		err = folder.Close()
	}
	return err
}

func TestCalls(t *testing.T) {
	conform(t, func(t *testing.T, fsys afero.Fs) {
		for _, test := range callTests {
			if err := errors.Join(fsys.RemoveAll("d"), fsys.RemoveAll("empty"), fsys.RemoveAll("g")); err != nil {
				t.Fatal(err)
			}
			populate(t, fsys)
			err := test.call(fsys)
			if got := class(err); got != test.want {
				t.Errorf("%s: %v is %q, want %q", test.name, err, got, test.want)
			}
			want := test.tree
			if want == "" {
				want = populated
			}
			if got := tree(t, fsys); got != want {
				t.Errorf("%s: left\n%s, want\n%s", test.name, got, want)
			}
		}
	})
}
