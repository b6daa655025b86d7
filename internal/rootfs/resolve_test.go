package rootfs

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/mlruns/mlruns/internal/vfs"
)

// An absolute link to a place in the directory is followed for reading: it stays inside.
func TestReadThroughLinkBackIn(t *testing.T) {
	store, scratch, _ := tree(t)
	top := filepath.Dir(store)
	alias := filepath.Join(top, "alias")
	symlink(t, store, alias)
	for name, to := range map[string]string{
		"file": filepath.Join(store, "0", "meta.yaml"), "folder": filepath.Join(store, "0"), "root": store, "slashes": store + "//0///meta.yaml",
		"twice": filepath.Join(store, "1", "file"), "outback": "../../store/0/meta.yaml", "above": "../../" + filepath.Base(top) + "/store/0/meta.yaml",
		"dotdot": store + "/0/indir/../meta.yaml", "alias": filepath.Join(alias, "0", "meta.yaml"), "nowhere": filepath.Join(store, "0", "none"),
		"out": filepath.Join(top, "secret", "s"), "lookalike": store + "-secret/s", "climbs": store + "/../secret/s", "back": store + "/../store/0/meta.yaml",
		"through": store + "/0/rel", "self": filepath.Join(store, "1", "self"), "scratch": filepath.Join(scratch, "deep", "a"),
	} {
		if err := os.MkdirAll(filepath.Join(store, "1"), 0o777); err != nil {
			t.Fatal(err)
		}
		symlink(t, to, filepath.Join(store, "1", name))
	}
	for _, c := range []struct{ dir, name, want, says string }{
		{store, "1/file", "in", ""}, {store, "1/folder/meta.yaml", "in", ""}, {store, "1/root/0/meta.yaml", "in", ""}, {store, "1/slashes", "in", ""}, {store, "1/twice", "in", ""},
		{store, "1/root/1/root/1/file", "in", ""}, {store, "1/outback", "in", ""}, {store, "1/dotdot", "", "leads nowhere"}, {store, "1/back", "in", ""},
		{alias, "1/file", "in", ""}, {alias, "1/alias", "in", ""}, {alias, "1/folder/in2", "in", ""},
		{store, "1/alias", "", "a symbolic link that leads to '" + filepath.Join(alias, "0", "meta.yaml") + "', which is no path below '" + store + "'"},
		{store, "1/above", "", "a symbolic link that leads outside"}, {store, "1/nowhere", "", "leads nowhere"},
		{store, "1/out", "", "a symbolic link that leads to '" + filepath.Join(top, "secret", "s") + "', which is no path below '" + store + "'"},
		{store, "1/lookalike", "", "which is no path below"}, {store, "1/climbs", "", "a symbolic link that leads to"},
		{store, "1/through", "", "the symbolic link '0/rel' leads outside of the directory, to '../../secret/s'"}, {store, "1/self", "", "too many levels"},
		{store, "1/scratch", "", "no path below"}, {store, "1/folder/rel", "", "the symbolic link '0/rel' leads outside of the directory"},
	} {
		t.Run(fmt.Sprint(filepath.Base(c.dir), "/", c.name), func(t *testing.T) {
			fsys := mustOpen(t, c.dir, Options{})
			folder, base := filepath.Split(c.name)
			inner := mustFolder(t, fsys, folder)
			_, statErr := fsys.Stat(c.name)
			got, err := read(fsys, c.name)
			data, folderErr := inner.ReadFile(base, nil)
			for _, err := range []error{statErr, err, folderErr} {
				if c.want != "" && err != nil || c.want == "" && (err == nil || !strings.Contains(err.Error(), c.says)) {
					t.Errorf("error %v, want %q", err, c.says)
				}
			}
			if got != c.want || string(data) != c.want {
				t.Errorf("read %q, in its folder %q; want %q", got, data, c.want)
			}
		})
	}
}

// Nothing is changed through a link that has an absolute path, and the error does not call it a way
// out.
func TestWriteThroughLinkBackIn(t *testing.T) {
	store, _, _ := tree(t)
	symlink(t, filepath.Join(store, "0"), filepath.Join(store, "back"))
	fsys := mustOpen(t, store, Options{})
	errs := map[string]error{
		"Mkdir": fsys.Mkdir("back/new", 0o777), "MkdirAll": fsys.MkdirAll("back/new/deep", 0o777), "Remove": fsys.Remove("back/meta.yaml"), "RemoveAll": fsys.RemoveAll("back/meta.yaml"),
		"Rename": fsys.Rename("back/meta.yaml", "moved"), "Rename to": fsys.Rename("0/meta.yaml", "back/moved"), "Link": fsys.Link("0/meta.yaml", "back/two"),
		"Symlink": fsys.Symlink("x", "back/x"), "Chtimes": fsys.Chtimes("back/meta.yaml", time.Now(), time.Now()),
	}
	for call, f := range calls {
		if call == "Create" || call == "Append" || call == "Chmod" {
			errs[call] = f(fsys, "0/selfabs")
			errs[call+" below"] = f(fsys, "back/meta.yaml")
		}
	}
	for call, err := range errs {
		if !errors.Is(err, vfs.ErrOutside) || !strings.Contains(err.Error(), "for reading only") {
			t.Errorf("%s = %v, want ErrOutside that says that the link is for reading", call, err)
		}
	}
	if got, err := read(fsys, "0/meta.yaml"); got != "in" || err != nil {
		t.Errorf("the file holds %q, %v", got, err)
	}
}

// After the directory was moved its links to the old path lead nowhere else, and those to the new
// one lead into it.
func TestLinkBackIntoMovedBase(t *testing.T) {
	if runtime.GOOS == "windows" {
		t.Skip("an open directory cannot be renamed")
	}
	store, _, _ := tree(t)
	fsys := mustOpen(t, store, Options{})
	moved := store + "-moved"
	if err := os.Rename(store, moved); err != nil {
		t.Fatal(err)
	}
	write(t, filepath.Join(store, "0", "meta.yaml"), "another's")
	symlink(t, filepath.Join(moved, "0", "meta.yaml"), filepath.Join(moved, "0", "now"))
	for _, name := range []string{"0/selfabs", "0/now"} {
		if got, err := read(fsys, name); err == nil && got != "in" {
			t.Errorf("%s holds %q", name, got)
		}
	}
	if got, err := read(fsys, "0/now"); runtime.GOOS == "linux" && (got != "in" || err != nil) {
		t.Errorf("0/now holds %q, %v", got, err)
	}
}

// What an absolute link leads to is swapped for a link that leads out between the look and the
// call.
func TestSwapBehindLinkBackIn(t *testing.T) {
	store, scratch, _ := tree(t)
	write(t, filepath.Join(store, "real", "s"), "in")
	symlink(t, "../secret", filepath.Join(store, "evil"))
	symlink(t, filepath.Join(store, "cur", "s"), filepath.Join(store, "0", "swapped"))
	symlink(t, filepath.Join(store, "cur"), filepath.Join(store, "0", "swappedDir"))
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
	for _, opts := range []Options{{}, {LinkTargets: []string{scratch}}} {
		fsys := mustOpen(t, store, opts)
		for range 1000 {
			for _, name := range []string{"0/swapped", "0/swappedDir/s"} {
				if got, err := read(fsys, name); err == nil && got != "in" {
					t.Fatalf("read %q from outside", got)
				}
			}
		}
	}
	close(stop)
	wg.Wait()
}

func TestFollow(t *testing.T) {
	store, scratch, _ := tree(t)
	fsys := mustOpen(t, store, Options{LinkTargets: []string{scratch}})
	for name, want := range map[string]string{
		".": ".", "0": "0", "0/none/x": "0/none/x", "0/in2": "0/meta.yaml", "0/indir/indir": "0", "0/selfabs": "0/meta.yaml", "0/dangling": "0/nowhere",
		"0/scratch/deep/a": filepath.Join(scratch, "deep", "a"), "0/relscratch": scratch, "0/newfile": filepath.Join(scratch, "new"), "0/abs": "", "0/rel": "", "0/scratch/back": "", "../store": "", "0/loop": "",
	} {
		got, away, err := fsys.Follow(name)
		if got != want || (err != nil) != (want == "") || away != filepath.IsAbs(want) {
			t.Errorf("Follow(%s) = %q, %v, %v; want %q", name, got, away, err, want)
		}
	}
}
