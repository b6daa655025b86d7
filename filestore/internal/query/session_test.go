package query

import (
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/mlruns/mlruns/internal/rootfs"
)

// TestFreshIsNotKept looks at files by their age: one that could still change without looking
// otherwise is not kept, nor one whose time has no nanoseconds.
func TestFreshIsNotKept(t *testing.T) {
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "f"), []byte("x"), 0o666); err != nil {
		t.Fatal(err)
	}
	root, err := rootfs.Open(dir, rootfs.Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer root.Close()
	folder, err := root.OpenFolder(".")
	if err != nil {
		t.Fatal(err)
	}
	defer folder.Close()
	id, err := folder.Look("f")
	if err != nil || id.Changed == 0 {
		t.Skipf("a look does not tell the time of change here (%v)", err)
	}
	if !finelyTimed(id.Changed) {
		t.Skip("the clock of this file system is coarse")
	}
	changed := time.Unix(0, id.Changed)
	for after, want := range map[time.Duration]bool{-time.Hour: false, 0: false, 15 * time.Millisecond: false, 25 * time.Millisecond: true, time.Hour: true} {
		c := &session{began: changed.Add(after), device: id.Device}
		if at, err := c.look(folder, "f", 0); err != nil || at.stamp == 0 || at.kept != want {
			t.Errorf("a search that began %v after the change: %+v, %v; want kept %v", after, at, err, want)
		}
	}
	c := &session{began: changed.Add(time.Hour), device: id.Device + 1}
	if at, _ := c.look(folder, "f", 0); at.stamp != 0 {
		t.Error("a file of another device is told by its look")
	}
	c.device--
	if at, _ := c.look(folder, "f", os.ModeDir); at.stamp != 0 {
		t.Error("a file is taken for a folder")
	}
	if finelyTimed(1_600_000_000_000_000_000) || !finelyTimed(1_600_000_000_123_456_789) {
		t.Error("a clock of whole seconds is relied on")
	}
}

// TestClockWasSet finds out that the clock of the system differs from one that goes on.
func TestClockWasSet(t *testing.T) {
	now := time.Now()
	if c := (&session{began: now, wall: now.Round(0)}); c.clockWasSet() {
		t.Error("the clock was not set")
	}
	for _, by := range []time.Duration{time.Hour, -time.Hour} {
		if c := (&session{began: now, wall: now.Add(by).Round(0)}); !c.clockWasSet() {
			t.Errorf("the clock was set by %v", by)
		}
	}
}
