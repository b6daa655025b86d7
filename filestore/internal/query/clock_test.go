package query

import (
	"encoding/binary"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/mlruns/mlruns/filestore/internal/index"
	"github.com/mlruns/mlruns/internal/proof"
	"github.com/mlruns/mlruns/internal/vfs"
)

// clocked is a file in a file system whose clock goes in steps, stands still for a while, and is
// set now and then. Its size is always the same.
type clocked struct {
	vfs.Folder
	rng         *rand.Rand
	passed, set time.Duration // since the beginning, and by how much the clock was set
	stands      time.Duration // the clock since, if it does
	content     int
	changed     int64
}

// step is how the clock goes where the kernel's has 100 Hz.
const step = 10 * time.Millisecond

func (f *clocked) now() time.Time { return time.Unix(1_700_000_000, 0).Add(f.passed + f.set) }

// clock is vfs.Clock.
func (f *clocked) clock() time.Time {
	if f.stands > 0 {
		return f.now().Add(f.stands - f.passed)
	}
	return f.now().Add(-f.passed % step)
}

func (f *clocked) write() {
	f.content++
	f.changed = f.clock().UnixNano()
}

func (f *clocked) Look(string, string) (vfs.Identity, error) {
	return vfs.Identity{Device: 1, Inode: 2, Size: 3, Changed: f.changed}, nil
}

// meanwhile lets some time pass, in which the file may be written.
func (f *clocked) meanwhile(most time.Duration) {
	for range f.rng.IntN(3) {
		f.passed += time.Duration(f.rng.Int64N(int64(most)))
		if f.rng.IntN(2) == 0 {
			f.write()
		}
	}
}

// search looks, believes what is kept, or reads and keeps it. It reports whether it believed what
// the file had not at any time during the search.
func (f *clocked) search(kept *index.Cell, rash bool) (believed, wrong bool) {
	c := &session{index: &Index{}, device: 1, began: f.clock()}
	first := f.content
	f.meanwhile(step)
	at, _ := c.look(f, "f", 0)
	if kept.Stamp != 0 && kept.Stamp == at.stamp {
		is := int(binary.LittleEndian.Uint32(kept.Value))
		return true, is < first || is > f.content
	}
	f.meanwhile(step)
	read := f.content
	if at.kept || rash {
		// small
		*kept = index.Cell{Stamp: at.stamp, Value: binary.LittleEndian.AppendUint32(nil, uint32(read))} //nolint:gosec
	}
	return false, false
}

// TestClocksThatJump has a file written by somebody whose clock goes in steps, stands still, is
// another machine's or is set to anything between the searches, at any moment before, during and
// after them.
func TestClocksThatJump(t *testing.T) {
	rng := proof.Rand(t)
	believed, caught := 0, 0
	for _, rash := range []bool{false, true} {
		for range proof.Choose(300, 3000, 30000) {
			f := &clocked{rng: rng}
			f.set = time.Duration(rng.Int64N(int64(time.Hour)))
			f.write()
			kept := index.Cell{}
			for range 60 {
				f.meanwhile([]time.Duration{step, 5 * step}[rng.IntN(2)])
				if rng.IntN(6) == 0 {
					f.set += time.Duration(rng.Int64N(2*int64(time.Hour)) - int64(time.Hour))
				}
				if rng.IntN(6) == 0 { // a processor is taken away, or comes back
					f.stands = f.passed * time.Duration(rng.IntN(2))
				}
				if rng.IntN(6) == 0 { // by a little more or less than a step
					f.set += time.Duration(rng.Int64N(6*int64(step)) - 3*int64(step))
				}
				hit, wrong := f.search(&kept, rash)
				switch {
				case wrong && !rash:
					t.Fatal("a value of before was believed")
				case wrong:
					caught++
				case hit && !rash:
					believed++
				}
			}
		}
	}
	if believed == 0 || caught == 0 {
		t.Errorf("%d values were believed; %d wrong ones would be, were none too fresh: want some of each", believed, caught)
	}
}
