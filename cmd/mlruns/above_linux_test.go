package main

import (
	"strings"
	"testing"

	"golang.org/x/sys/unix"
)

// TestLookUpwardEndsAtAMount stays on the file system of the current folder.
func TestLookUpwardEndsAtAMount(t *testing.T) {
	top, below := storeAbove(t)
	if err := unix.Mount("tmpfs", below, "tmpfs", 0, "size=64k"); err != nil {
		t.Skipf("no right to mount: %v", err)
	}
	defer func() {
		if err := unix.Unmount(below, unix.MNT_DETACH); err != nil {
			t.Error(err)
		}
	}()
	want := top + "/a lies on another file system)"
	if got := lookUpward(t, below); !strings.HasPrefix(got, "mlruns: there is no store: ") || !strings.Contains(got, want) {
		t.Errorf("%s, want no store, as %q", got, want)
	}
}
