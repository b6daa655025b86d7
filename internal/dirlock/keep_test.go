package dirlock_test

import (
	"errors"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/spf13/afero"

	"github.com/mlruns/mlruns/internal/dirlock"
	"github.com/mlruns/mlruns/internal/memfs"
	"github.com/mlruns/mlruns/internal/rootfs"
	"github.com/mlruns/mlruns/internal/vfs"
)

// keep takes a lock that is kept, and frees it.
func keep(t *testing.T, fsys vfs.FS, opts dirlock.Options) *dirlock.Kept {
	t.Helper()
	k, err := dirlock.New(fsys, dirlock.Required, opts).Keep(t.Context(), lockName)
	if err != nil {
		t.Fatal(err)
	}
	if k == nil {
		t.Skip("no lock is kept on this system")
	}
	if err := k.Unlock(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = k.Close() })
	return k
}

// TestKeptExcludes has a lock that is kept, and one that is not, of two file systems on one
// directory.
func TestKeptExcludes(t *testing.T) {
	dir := newDir(t)
	opts := dirlock.Options{Timeout: 20 * time.Millisecond}
	k := keep(t, open(t, dir, rootfs.Options{}), opts)
	other := dirlock.New(open(t, dir, rootfs.Options{}), dirlock.Required, opts)

	unlock, err := other.Lock(t.Context(), lockName)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := k.Lock(t.Context()); !errors.Is(err, dirlock.ErrBusy) {
		t.Errorf("Kept.Lock beside Lock: %v", err)
	}
	if err := unlock(); err != nil {
		t.Fatal(err)
	}
	if ok, err := k.Lock(t.Context()); !ok || err != nil {
		t.Fatalf("Kept.Lock: %v, %v", ok, err)
	}
	if _, err := other.Lock(t.Context(), lockName); !errors.Is(err, dirlock.ErrBusy) {
		t.Errorf("Lock beside Kept.Lock: %v", err)
	}
	if _, err := other.Keep(t.Context(), lockName); !errors.Is(err, dirlock.ErrBusy) {
		t.Errorf("Keep beside Kept.Lock: %v", err)
	}
	if err := k.Unlock(); err != nil {
		t.Fatal(err)
	}
	if unlock, err = other.Lock(t.Context(), lockName); err != nil {
		t.Fatal(err)
	}
	if err := unlock(); err != nil {
		t.Fatal(err)
	}
}

// TestKeptFileChanged changes the lock file while the lock is free.
func TestKeptFileChanged(t *testing.T) {
	for name, change := range map[string]func(lock string) error{
		"removed": os.Remove,
		"renamed": func(lock string) error { return os.Rename(lock, lock+".old") },
		"replaced": func(lock string) error {
			return errors.Join(os.WriteFile(lock+".new", nil, 0o666), os.Rename(lock+".new", lock))
		},
	} {
		t.Run(name, func(t *testing.T) {
			dir := newDir(t)
			fsys := open(t, dir, rootfs.Options{})
			k := keep(t, fsys, dirlock.Options{})
			if ok, err := k.Lock(t.Context()); !ok || err != nil {
				t.Fatalf("before: %v, %v", ok, err)
			}
			if err := errors.Join(k.Unlock(), change(filepath.Join(dir, filepath.FromSlash(lockName)))); err != nil {
				t.Fatal(err)
			}
			if ok, err := k.Lock(t.Context()); ok || err != nil {
				t.Fatalf("after: %v, %v", ok, err)
			}
			// Nothing is held by the failure.
			unlock, err := dirlock.New(fsys, dirlock.Required, dirlock.Options{Timeout: time.Second}).Lock(t.Context(), lockName)
			if err != nil {
				t.Fatal(err)
			}
			if err := unlock(); err != nil {
				t.Fatal(err)
			}
		})
	}
}

// stepping is a file system whose clock steps 10 ms at a time.
type stepping struct{ *memfs.FS }

func (s stepping) IdentifyFile(f afero.File, changed bool) (vfs.Identity, error) {
	identity, err := s.FS.IdentifyFile(f, changed)
	identity.Changed -= identity.Changed % int64(10*time.Millisecond)
	return identity, err
}

// TestKeptFileRenamedAtOnce renames the lock file in the step of the clock in which it was made, so
// that it looks as before.
func TestKeptFileRenamedAtOnce(t *testing.T) {
	for range 20 {
		fsys := stepping{memfs.NewLocal()}
		if err := fsys.Mkdir("0", 0o777); err != nil {
			t.Fatal(err)
		}
		k := keep(t, fsys, dirlock.Options{})
		if err := fsys.Rename(lockName, "0/old"); err != nil {
			t.Fatal(err)
		}
		if ok, err := k.Lock(t.Context()); ok || err != nil {
			t.Fatalf("Kept.Lock: %v, %v", ok, err)
		}
	}
}
