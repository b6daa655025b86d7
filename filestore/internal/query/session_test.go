package query

import (
	"errors"
	"fmt"
	"io/fs"
	"math"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/mlruns/mlruns"
	"github.com/mlruns/mlruns/filestore/internal/index"
	"github.com/mlruns/mlruns/filestore/internal/records"
	"github.com/mlruns/mlruns/internal/vfs"
	"github.com/mlruns/mlruns/search"
)

// looked is a folder in which all looks the same.
type looked struct {
	vfs.Folder
	vfs.Identity
}

func (f looked) Look(string, string) (vfs.Identity, error) { return f.Identity, nil }

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
		c := &session{index: &Index{}, began: began, device: file.Device}
		if at, err := c.look(looked{Identity: id}, "f", 0); err != nil || (at.stamp != 0) != tc.told || at.kept != tc.kept {
			t.Errorf("%s: %+v, %v; want told %v, kept %v", name, at, err, tc.told, tc.kept)
		}
	}
}

// TestNothingIsLeftOfSearch ends a search that read more than memory is for, of which no index is
// made as another is being made: who waits for the index waits until the file of it is gone.
func TestNothingIsLeftOfSearch(t *testing.T) {
	path := filepath.Join(t.TempDir(), "x.index")
	s, now := &Searcher{}, time.Now()
	c := &session{searcher: s, index: &Index{Path: path}, draft: index.NewDraft(path), began: now, wall: now.Round(0)}
	for i := 0; !c.draft.Spilled(); i++ {
		c.draft.Put("0", fmt.Sprint(i), true, []index.Cell{{Column: "params/p", Stamp: 1, Value: make([]byte, 8000)}})
	}
	s.writing.Store(true)
	c.end()
	s.Close()
	if c.draft.Spilled() {
		t.Error("the file is kept")
	}
	if _, err := os.Stat(path); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("an index is made: %v", err)
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
		c := &session{index: &Index{}, began: time.Now(), device: id.Device}
		at, err := c.look(looked{Identity: id}, "f", 0)
		if other, ok := seen[at.stamp]; ok || err != nil {
			t.Errorf("a change of %s and one of %s have one stamp (%v)", name, other, err)
		}
		seen[at.stamp] = name
	}
}

// TestStampsOfStarts keeps what changed since the system was started for that start: the next one
// may follow a power cut, which left the file with its time and without its content.
func TestStampsOfStarts(t *testing.T) {
	started := time.Unix(1_700_000_000, 0)
	before, after := &Index{Start: Start{At: started, ID: 7}}, &Index{Start: Start{At: started.Add(time.Hour), ID: 8}}
	for name, tc := range map[string]struct {
		changed time.Time
		same    bool
	}{
		"changed before both":                {started.Add(-1), true},
		"changed with the first":             {started, false},
		"changed between them":               {started.Add(30 * time.Minute), false},
		"its time is after the second start": {started.Add(2 * time.Hour), false},
	} {
		id := vfs.Identity{Device: 1, Inode: 2, Size: 3, Changed: tc.changed.UnixNano()}
		if got := before.stamp(id) == after.stamp(id); got != tc.same {
			t.Errorf("%s: one stamp in both: %v, want %v", name, got, tc.same)
		}
		if again := (&Index{Start: before.Start}).stamp(id); again != before.stamp(id) {
			t.Errorf("%s: two stamps with one start", name)
		}
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

// TestFillWantsAllFiles makes no run of a row that has more or fewer values than its folders had
// files.
func TestFillWantsAllFiles(t *testing.T) {
	c := &session{began: time.Now(), device: 1, index: &Index{}}
	folder := looked{Identity: vfs.Identity{Device: 1, Inode: 2, Changed: 1, Mode: fs.ModeDir}}
	at, err := c.look(folder, ".", fs.ModeDir)
	if err != nil {
		t.Fatal(err)
	}
	folder.Mode = 0
	file, err := c.look(folder, "f", 0)
	if err != nil {
		t.Fatal(err)
	}
	ref := records.NewRunRef(records.NewExperimentRef("0", false), "a")
	info := mlruns.RunInfo{ID: "a", ExperimentID: "0", Stage: mlruns.StageActive, Status: mlruns.StatusFinished}
	for files, want := range map[int]bool{0: false, 1: true, 2: false} {
		r := filler{session: c, folder: byName{folder}, ref: ref, run: &mlruns.Run{Data: mlruns.RunData{Params: map[string]string{}}}}
		got := r.all([]index.Cell{{Stamp: at.stamp, Value: packFlags(runWhole)}, {Column: "meta.yaml", Stamp: file.stamp, Value: packInfo(info, ref)},
			{Column: "params", Stamp: at.stamp, Value: packFolder(files)}, {Column: "params/p", Stamp: file.stamp, Value: packText("x")}})
		if got != want {
			t.Errorf("a folder of %d files and a value in it: %v, want %v", files, got, want)
		}
	}
}

// byName is the folder of an experiment with the run "a", in which "params" is a folder.
type byName struct{ looked }

func (f byName) Look(folder, name string) (vfs.Identity, error) {
	if name = vfs.Below(folder, name); name == "a" || name == "a/params" {
		f.Mode = fs.ModeDir
	}
	return f.looked.Look("", name)
}

// TestPackedComesBack packs what a run can have.
func TestPackedComesBack(t *testing.T) {
	ref := records.NewRunRef(records.NewExperimentRef("7", false), "a")
	for _, info := range []mlruns.RunInfo{
		{Stage: mlruns.StageActive, Status: mlruns.StatusRunning},
		{Stage: mlruns.StageDeleted, Status: mlruns.StatusKilled, Name: "n", User: "ü", ArtifactURI: "file:///x", Start: time.UnixMilli(0).UTC(), End: time.UnixMilli(-1).UTC(), Deleted: time.UnixMilli(1 << 50).UTC()},
	} {
		info.ID, info.ExperimentID = "a", "7"
		if got, ok := unpackInfo(packInfo(info, ref), ref); !ok || got != info {
			t.Errorf("%+v, %v; want %+v", got, ok, info)
		}
		info.Start = time.UnixMicro(5)
		if packed := packInfo(info, ref); packed != nil {
			t.Errorf("a time between two milliseconds is packed")
		}
	}
	for _, m := range []measured{
		{latest: mlruns.Metric{Value: math.Inf(-1), Time: time.UnixMilli(0).UTC(), Step: -5}},
		{latest: mlruns.Metric{Value: 0.1, Time: time.UnixMilli(-9).UTC(), DatasetName: "d", DatasetDigest: "e"}, history: true, summary: search.Summary{Latest: 1, Min: 2, Max: 3, Mean: 4, First: 5, Count: 6}},
	} {
		if got, ok := unpackMetric(packMetric(m)); !ok || got != m {
			t.Errorf("%+v, %v; want %+v", got, ok, m)
		}
	}
	for _, value := range [][]byte{nil, {cellMetric}, {cellInfo, 9}, {cellInfo}, packText("x"), {cellFolder}, {cellRun, 0x80}} {
		if _, ok := unpackMetric(value); ok {
			t.Errorf("%v is unpacked as a metric", value)
		}
		if _, ok := unpackInfo(value, ref); ok {
			t.Errorf("%v is unpacked as an info", value)
		}
	}
}

// TestSightings tells how long ago something was seen, by the clock that saw it.
func TestSightings(t *testing.T) {
	now := time.Hour
	start := Start{ID: 7, Running: func() time.Duration { return now }}
	seen := start.sighting()
	now += 5 * time.Second
	if age, ok := start.since(seen); !ok || age != 5*time.Second {
		t.Errorf("seen %v ago (%v), want 5 s", age, ok)
	}
	other := Start{ID: 8, Running: func() time.Duration { return 10 * time.Hour }}
	for name, s := range map[string][]byte{"of another start": other.sighting(), "cut": seen[:len(seen)-1], "longer": append(seen[:len(seen):len(seen)], 0), "nothing": nil, "a text": packText("123456789")} {
		if age, ok := start.since(s); ok {
			t.Errorf("%s: seen %v ago", name, age)
		}
	}
}
