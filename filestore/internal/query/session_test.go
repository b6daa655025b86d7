package query

import (
	"io/fs"
	"testing"
	"time"

	"github.com/mlruns/mlruns/internal/vfs"
)

// looked is a folder in which all looks the same.
type looked struct {
	vfs.Folder
	vfs.Identity
}

func (f looked) Look(string) (vfs.Identity, error) { return f.Identity, nil }

// TestFreshIsNotKept looks at files by their age: one that could still change without looking
// otherwise is not kept, nor one whose time is of a coarse clock, nor what lies elsewhere.
func TestFreshIsNotKept(t *testing.T) {
	began := time.Unix(1_600_000_000, 123_456_789)
	file := vfs.Identity{Device: 1, Inode: 2, Size: 3}
	for name, tc := range map[string]struct {
		age    time.Duration
		change func(*vfs.Identity)
		told   bool
		kept   bool
	}{
		"old":                    {age: time.Hour, told: true, kept: true},
		"older than a tick":      {age: 25 * time.Millisecond, told: true, kept: true},
		"within a tick":          {age: 15 * time.Millisecond, told: true},
		"just now":               {told: true},
		"in the future":          {age: -time.Hour, told: true},
		"of a coarse clock":      {age: time.Hour, told: true, change: func(i *vfs.Identity) { i.Changed -= i.Changed % 1e6 }},
		"on another device":      {age: time.Hour, change: func(i *vfs.Identity) { i.Device++ }},
		"a link":                 {age: time.Hour, change: func(i *vfs.Identity) { i.Mode = fs.ModeSymlink }},
		"without time of change": {age: time.Hour, change: func(i *vfs.Identity) { i.Changed = 0 }},
	} {
		id := file
		id.Changed = began.Add(-tc.age).UnixNano()
		if tc.change != nil {
			tc.change(&id)
		}
		c := &session{began: began, device: file.Device}
		if at, err := c.look(looked{Identity: id}, "f", 0); err != nil || (at.stamp != 0) != tc.told || at.kept != tc.kept {
			t.Errorf("%s: %+v, %v; want told %v, kept %v", name, at, err, tc.told, tc.kept)
		}
	}
}

// TestStampTellsStates gives each property of a file its part in the stamp.
func TestStampTellsStates(t *testing.T) {
	base := vfs.Identity{Device: 1, Inode: 2, Size: 3, Changed: 4}
	seen := map[any]string{}
	for name, change := range map[string]func(*vfs.Identity){
		"nothing": func(*vfs.Identity) {},
		"inode":   func(i *vfs.Identity) { i.Inode++ },
		"size":    func(i *vfs.Identity) { i.Size++ },
		"time":    func(i *vfs.Identity) { i.Changed++ },
		"device":  func(i *vfs.Identity) { i.Device++ },
	} {
		id := base
		change(&id)
		c := &session{began: time.Now(), device: id.Device}
		at, err := c.look(looked{Identity: id}, "f", 0)
		if other, ok := seen[at.stamp]; ok || err != nil {
			t.Errorf("a change of %s and one of %s have one stamp (%v)", name, other, err)
		}
		seen[at.stamp] = name
	}
}

// TestClockWasSet finds out that the time of day differs from a clock that only goes on.
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
