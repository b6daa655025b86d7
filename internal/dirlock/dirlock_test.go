package dirlock_test

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/spf13/afero"

	"github.com/mlruns/mlruns/internal/dirlock"
	"github.com/mlruns/mlruns/internal/rootfs"
	"github.com/mlruns/mlruns/internal/vfs"
)

const lockName = "0/.mlruns.lock"

func open(t testing.TB, dir string, opts rootfs.Options) *rootfs.Fs {
	t.Helper()
	fsys, err := rootfs.Open(dir, opts)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = fsys.Close() })
	return fsys
}

// newDir makes a directory with a folder "0".
func newDir(t testing.TB) string {
	t.Helper()
	dir := t.TempDir()
	if err := os.Mkdir(filepath.Join(dir, "0"), 0o777); err != nil {
		t.Fatal(err)
	}
	return dir
}

func lock(t testing.TB, l *dirlock.Locker) func() {
	t.Helper()
	unlock, err := l.Lock(t.Context(), lockName)
	if err != nil {
		t.Fatalf("Lock: %v", err)
	}
	return func() {
		t.Helper()
		if err := unlock(); err != nil {
			t.Errorf("unlock: %v", err)
		}
	}
}

// add1 is a read-modify-write that loses counts unless it is alone.
func add1(path string) error {
	data, err := os.ReadFile(path)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	n, _ := strconv.Atoi(string(data))
	return os.WriteFile(path, []byte(strconv.Itoa(n+1)), 0o666)
}

func wantCount(t *testing.T, path string, want int) {
	t.Helper()
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if got := string(data); got != strconv.Itoa(want) {
		t.Errorf("counter = %s, want %d", got, want)
	}
}

const (
	childEnv    = "MLRUNS_DIRLOCK_CHILD"
	childRounds = 50
)

func TestMain(m *testing.M) {
	if dir := os.Getenv(childEnv); dir != "" {
		if err := child(dir); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		return
	}
	os.Exit(m.Run())
}

func child(dir string) error {
	fsys, err := rootfs.Open(dir, rootfs.Options{})
	if err != nil {
		return err
	}
	l := dirlock.New(fsys, dirlock.Required, dirlock.Options{Timeout: time.Minute})
	for range childRounds {
		unlock, err := l.Lock(context.Background(), lockName)
		if err != nil {
			return err
		}
		if err = errors.Join(add1(filepath.Join(dir, "n")), unlock()); err != nil {
			return err
		}
	}
	return nil
}

func TestProcessesExclude(t *testing.T) {
	dir := newDir(t)
	const processes = 4
	var cmds []*exec.Cmd
	for range processes {
		cmd := exec.Command(os.Args[0])
		cmd.Env = append(os.Environ(), childEnv+"="+dir)
		cmd.Stderr = os.Stderr
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		cmds = append(cmds, cmd)
	}
	for _, cmd := range cmds {
		if err := cmd.Wait(); err != nil {
			t.Errorf("child: %v", err)
		}
	}
	wantCount(t, filepath.Join(dir, "n"), processes*childRounds)
}

// Two stores of one directory, one reached through a symbolic link, and several goroutines on each.
func TestGoroutinesExclude(t *testing.T) {
	for mode, name := range map[dirlock.Mode]string{dirlock.Required: "Required", dirlock.BestEffort: "BestEffort", dirlock.None: "None"} {
		t.Run(name, func(t *testing.T) {
			dir := newDir(t)
			alias := filepath.Join(t.TempDir(), "alias")
			if err := os.Symlink(dir, alias); err != nil {
				t.Skip(err)
			}
			exclude(t, []*dirlock.Locker{
				dirlock.New(open(t, dir, rootfs.Options{}), mode, dirlock.Options{}),
				dirlock.New(open(t, alias, rootfs.Options{}), mode, dirlock.Options{}),
			})
			_, err := os.Stat(filepath.Join(dir, filepath.FromSlash(lockName)))
			if made := err == nil; made != (mode != dirlock.None) {
				t.Errorf("lock file made = %v in mode %s", made, name)
			}
		})
	}
}

func TestMemoryExcludes(t *testing.T) {
	mem := vfs.Adapt(afero.NewMemMapFs())
	exclude(t, []*dirlock.Locker{
		dirlock.New(mem, dirlock.Required, dirlock.Options{}),
		dirlock.New(mem, dirlock.None, dirlock.Options{}),
	})
}

func exclude(t *testing.T, lockers []*dirlock.Locker) {
	t.Helper()
	const rounds = 50
	n := 0 // the race detector watches it
	var wg sync.WaitGroup
	for i := range 4 {
		wg.Go(func() {
			for range rounds {
				unlock, err := lockers[i%len(lockers)].Lock(t.Context(), lockName)
				if err != nil {
					t.Errorf("Lock: %v", err)
					return
				}
				n++
				if err := unlock(); err != nil {
					t.Errorf("unlock: %v", err)
				}
			}
		})
	}
	wg.Wait()
	if n != 4*rounds {
		t.Errorf("count = %d, want %d", n, 4*rounds)
	}
}

// Other file systems over the disk lock by the path of the handle they give.
func TestOtherFileSystemsOfTheDisk(t *testing.T) {
	dir := newDir(t)
	based := dirlock.New(vfs.Adapt(afero.NewBasePathFs(afero.NewOsFs(), dir)), dirlock.Required, dirlock.Options{Timeout: 30 * time.Millisecond})
	rooted := dirlock.New(open(t, dir, rootfs.Options{}), dirlock.Required, dirlock.Options{})
	defer lock(t, rooted)()
	if _, err := based.Lock(t.Context(), lockName); !errors.Is(err, dirlock.ErrBusy) {
		t.Errorf("Lock through BasePathFs = %v, want ErrBusy", err)
	}
}

func TestLockFile(t *testing.T) {
	dir := newDir(t)
	l := dirlock.New(open(t, dir, rootfs.Options{}), dirlock.Required, dirlock.Options{})
	lock(t, l)()
	path := filepath.Join(dir, filepath.FromSlash(lockName))
	info, err := os.Stat(path)
	if err != nil {
		t.Fatalf("the lock file is gone after unlock: %v", err)
	}
	if info.Size() != 0 || info.Mode().Perm()&0o600 != 0o600 {
		t.Errorf("lock file: size %d, mode %v; want 0 and rw", info.Size(), info.Mode())
	}
	lock(t, l)()
}

func TestUnlockTwice(t *testing.T) {
	l := dirlock.New(open(t, newDir(t), rootfs.Options{}), dirlock.Required, dirlock.Options{Timeout: 20 * time.Millisecond})
	first, err := l.Lock(t.Context(), lockName)
	if err != nil {
		t.Fatal(err)
	}
	if err := errors.Join(first(), first()); err != nil {
		t.Errorf("unlock twice: %v", err)
	}
	defer lock(t, l)()
	if err := first(); err != nil {
		t.Errorf("unlock again: %v", err)
	}
	if _, err := l.Lock(t.Context(), lockName); !errors.Is(err, dirlock.ErrBusy) {
		t.Errorf("Lock after a stale unlock = %v, want ErrBusy", err)
	}
}

func TestBusy(t *testing.T) {
	dir := newDir(t)
	held := dirlock.New(open(t, dir, rootfs.Options{}), dirlock.Required, dirlock.Options{})
	defer lock(t, held)()
	l := dirlock.New(open(t, dir, rootfs.Options{}), dirlock.Required, dirlock.Options{Timeout: 30 * time.Millisecond})
	_, err := l.Lock(t.Context(), lockName)
	if !errors.Is(err, dirlock.ErrBusy) || !strings.Contains(err.Error(), lockName) {
		t.Errorf("Lock with a timeout = %v, want ErrBusy naming %s", err, lockName)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 30*time.Millisecond)
	defer cancel()
	if _, err = held.Lock(ctx, lockName); !errors.Is(err, dirlock.ErrBusy) || !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("Lock with a deadline = %v, want ErrBusy and DeadlineExceeded", err)
	}
}

func TestCancel(t *testing.T) {
	l := dirlock.New(open(t, newDir(t), rootfs.Options{}), dirlock.Required, dirlock.Options{})
	unlock := lock(t, l)
	ctx, cancel := context.WithCancel(t.Context())
	time.AfterFunc(20*time.Millisecond, cancel)
	if _, err := l.Lock(ctx, lockName); !errors.Is(err, context.Canceled) || errors.Is(err, dirlock.ErrBusy) {
		t.Errorf("Lock cancelled while waiting = %v, want Canceled", err)
	}
	unlock()
	if _, err := l.Lock(ctx, lockName); !errors.Is(err, context.Canceled) {
		t.Errorf("Lock cancelled before = %v, want Canceled", err)
	}
	lock(t, l)()
}

func TestGone(t *testing.T) {
	l := dirlock.New(open(t, t.TempDir(), rootfs.Options{}), dirlock.Required, dirlock.Options{})
	if _, err := l.Lock(t.Context(), lockName); !errors.Is(err, dirlock.ErrGone) {
		t.Errorf("Lock in a missing folder = %v, want ErrGone", err)
	}
}

func TestReadOnly(t *testing.T) {
	dir := newDir(t)
	l := dirlock.New(open(t, dir, rootfs.Options{ReadOnly: true}), dirlock.BestEffort, dirlock.Options{})
	if _, err := l.Lock(t.Context(), lockName); !errors.Is(err, vfs.ErrReadOnly) || !errors.Is(err, fs.ErrPermission) {
		t.Errorf("Lock = %v, want ErrReadOnly", err)
	}
}

func BenchmarkLock(b *testing.B) {
	for mode, name := range map[dirlock.Mode]string{dirlock.Required: "file", dirlock.None: "process"} {
		b.Run(name, func(b *testing.B) {
			l := dirlock.New(open(b, newDir(b), rootfs.Options{}), mode, dirlock.Options{})
			b.ReportAllocs()
			for b.Loop() {
				unlock, err := l.Lock(b.Context(), lockName)
				if err != nil {
					b.Fatal(err)
				}
				if err = unlock(); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
