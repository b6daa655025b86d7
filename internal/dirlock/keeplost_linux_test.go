package dirlock

import (
	"testing"

	"github.com/mlruns/mlruns/internal/rootfs"
)

// TestKeptLockIsLost takes the handle of a kept lock away, as a file server does that was away: the
// Kept is of no more use, and the lock is had anew.
func TestKeptLockIsLost(t *testing.T) {
	fsys, err := rootfs.Open(t.TempDir(), rootfs.Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = fsys.Close() })
	l := New(fsys, Required, Options{})
	k, err := l.Keep(t.Context(), "lock")
	if err != nil || k == nil {
		t.Fatal(k, err)
	}
	if err := k.Unlock(); err != nil {
		t.Fatal(err)
	}
	if err := k.file.Close(); err != nil {
		t.Fatal(err)
	}
	if ok, err := k.Lock(t.Context()); ok || err != nil {
		t.Errorf("Lock = %v, %v; want false and no error", ok, err)
	}
	_ = k.Close()
	again, err := l.Keep(t.Context(), "lock")
	if err != nil || again == nil {
		t.Fatal(again, err)
	}
	if err := again.Unlock(); err != nil {
		t.Error(err)
	}
	_ = again.Close()
}
