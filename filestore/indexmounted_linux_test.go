package filestore_test

import (
	"errors"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/mlruns/mlruns"
	"github.com/mlruns/mlruns/filestore/internal/filestoretest"
	"github.com/mlruns/mlruns/internal/proof"
)

func init() {
	tasks["index under mounts"] = indexUnderMounts
}

// TestIndexUnderMounts mounts folders and other disks in a store and over one, and two stores at
// one path in turn, in a process of its own.
func TestIndexUnderMounts(t *testing.T) {
	t.Parallel()
	cmd := exec.CommandContext(t.Context(), os.Args[0], "-test.run=^TestTask$", "-test.count=1")
	cmd.Env = append(os.Environ(), filestoretest.EnvTask+"=index under mounts", filestoretest.EnvDir+"="+t.TempDir(), filestoretest.EnvID+"=0")
	cmd.SysProcAttr = ownMounts()
	out, err := cmd.CombinedOutput()
	if errors.Is(err, syscall.EPERM) || errors.Is(err, syscall.EACCES) || strings.Contains(string(out), cannot) {
		t.Skipf("%v %s", err, out)
	}
	if err != nil {
		t.Errorf("%v\n%s", err, out)
	}
}

func indexUnderMounts(t *testing.T, dir string) {
	if !mount("", "/", "", syscall.MS_PRIVATE|syscall.MS_REC, "") {
		return
	}
	rng := proof.Rand(t)
	store, other, second := filepath.Join(dir, "mlruns"), filepath.Join(dir, "other"), filepath.Join(dir, "second")
	randomStore(t, rng, store)
	randomStore(t, rng, other)
	filestoretest.Must(t, os.Mkdir(second, 0o777))
	w := newTwins(t, store)
	asked := func(w *twins) {
		t.Helper()
		for range proof.Choose(4, 10, 40) {
			w.askAll(rng, randomQuery(rng))
		}
		w.ask(mlruns.RunQuery{View: mlruns.ViewAll})
	}
	w.warm()
	for _, below := range proof.Sample(t, []string{"params", "metrics", "tags", "tags/t", ".", ".."}) {
		run, foreign := pick(rng, runFolders(t, store)), pick(rng, runFolders(t, other))
		filestoretest.Must(t, os.MkdirAll(filepath.Join(run, "tags", "t"), 0o777), os.MkdirAll(filepath.Join(foreign, below), 0o777), os.MkdirAll(filepath.Join(run, below), 0o777))
		w.warm()
		for _, kind := range []string{"", "tmpfs"} {
			over := filepath.Join(run, below)
			if kind == "" && !mount(filepath.Join(foreign, below), over, "", syscall.MS_BIND, "") || kind != "" && !mount("none", over, kind, 0, "") {
				return
			}
			if kind != "" {
				filestoretest.Must(t, copyOver(filepath.Join(foreign, below), over))
			}
			asked(w)
			if rng.IntN(2) == 0 {
				w.warm() // what is kept of under the mount is not to be believed after it
			}
			filestoretest.Must(t, syscall.Unmount(over, syscall.MNT_DETACH))
			asked(w)
		}
	}
	inTurn(t, rng, []string{store, other}, second, asked)
}

// inTurn has two stores at one path in turn, and writes to them by their own paths.
func inTurn(t *testing.T, rng *rand.Rand, stores []string, at string, asked func(*twins)) {
	t.Helper()
	if !mount(stores[0], at, "", syscall.MS_BIND, "") {
		return
	}
	w := newTwins(t, at)
	for i := range proof.Choose(2, 6, 6) {
		w.warm()
		asked(w)
		filestoretest.Must(t, syscall.Unmount(at, syscall.MNT_DETACH))
		run := pick(rng, runFolders(t, stores[(i+1)%2]))
		filestoretest.Must(t, place(filepath.Join(run, "params", "p1"), pick(rng, someTexts)))
		if !mount(stores[(i+1)%2], at, "", syscall.MS_BIND, "") {
			return
		}
		w.reopen()
		asked(w)
	}
}
