package index

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"testing"
	"time"
)

// settle waits until no buffer is waiting, so that the next is not left out.
func settle(d *Draft) {
	for d.spill != nil && len(d.spill.full) > 0 {
		time.Sleep(10 * time.Microsecond)
	}
}

// scattered gives each of n rows once, in no order.
func scattered(n int, put func(name string)) {
	for i := range n {
		put(fmt.Sprintf("%032x", (i*7919)%n))
	}
}

// live is how many bytes are in use.
func live() uint64 {
	var m runtime.MemStats
	runtime.GC()
	runtime.ReadMemStats(&m)
	return m.HeapAlloc
}

// sampled is how many bytes were in use at most, each time that some more was written.
type sampled struct{ left, most int }

func (s *sampled) Write(p []byte) (int, error) {
	if s.left -= len(p); s.left < 0 {
		s.left = 1 << 20
		s.most = max(s.most, int(live()))
	}
	return len(p), nil
}

// TestMemoryOfDraft makes indexes of eight times as many rows in about the same memory.
func TestMemoryOfDraft(t *testing.T) {
	most := func(n int) int {
		before, path := int(live()), filepath.Join(t.TempDir(), "x.index")
		draft, at := NewDraft(path), &sampled{}
		defer draft.Discard()
		scattered(n, func(name string) {
			value := make([]byte, 80)
			draft.Put("p", name, true, []Cell{{"a", 1, value}, {"b", 2, value}})
			settle(draft)
		})
		at.most = int(live())
		w := &writer{to: at, at: headerSize}
		if err := w.parts(testOwner, nil, draft); err != nil {
			t.Fatal(err)
		}
		if size := 200 * n; w.at < uint64(size) {
			t.Fatalf("the index of %d rows has %d bytes, want %d at least", n, w.at, size)
		}
		return at.most - before
	}
	few, many := most(15_000), most(120_000)
	t.Logf("%d kB for 15,000 rows, %d for 120,000", few>>10, many>>10)
	if many > 2*few {
		t.Errorf("an index of 120,000 rows takes %d bytes of memory, one of 15,000 takes %d", many, few)
	}
}

// TestSpillHasNoName leaves nothing beside an index if the program is killed: not even while a
// search goes on, where files can do without a name, and nothing after it elsewhere.
func TestSpillHasNoName(t *testing.T) {
	for name, end := range map[string]func(*Draft) error{
		"written":   func(d *Draft) error { return Write(d.path, testOwner, nil, d) },
		"discarded": func(d *Draft) error { d.Discard(); return nil },
	} {
		dir := filepath.Join(t.TempDir(), "indexes")
		draft := NewDraft(filepath.Join(dir, "x.index"))
		draft.limit = 1 << 10
		scattered(100, func(name string) {
			draft.Put("p", name, true, []Cell{{"a", 1, make([]byte, 80)}})
			settle(draft)
		})
		if _, err := draft.spill.finish(); err != nil {
			t.Fatal(err)
		}
		file := draft.spill.file
		if entries, err := os.ReadDir(dir); err != nil || runtime.GOOS != "windows" && len(entries) > 0 {
			t.Errorf("%s: while it is filled the directory has %v (%v)", name, entries, err)
		}
		if err := end(draft); err != nil {
			t.Fatal(err)
		}
		draft.Discard() // again
		if err := file.Close(); !errors.Is(err, os.ErrClosed) {
			t.Errorf("%s: the file is left open: %v", name, err)
		}
		entries, err := os.ReadDir(dir)
		if err != nil || len(entries) > 1 || len(entries) == 1 && (name == "discarded" || entries[0].Name() != "x.index") {
			t.Errorf("%s: then the directory has %v (%v)", name, entries, err)
		}
	}
}

// TestDamagedSpill changes each byte of a draft's file, and cuts it everywhere: of that no index is
// made.
func TestDamagedSpill(t *testing.T) {
	damage := map[string]func(f *os.File, data []byte, i int) error{
		"changed": func(f *os.File, data []byte, i int) error {
			_, err := f.WriteAt([]byte{data[i] ^ 1}, int64(i))
			return err
		},
		"cut": func(f *os.File, _ []byte, i int) error { return f.Truncate(int64(i)) },
	}
	for name, change := range damage {
		for i, size := 0, 1; i < size; i++ {
			path := filepath.Join(t.TempDir(), "x.index")
			draft := NewDraft(path)
			draft.limit = 1
			for _, row := range []string{"row2", "row1"} {
				draft.Put("p", row, false, []Cell{{"a", 1, []byte("one")}, {"b", 2, nil}})
			}
			if _, err := draft.spill.finish(); err != nil {
				t.Fatal(err)
			}
			data, err := io.ReadAll(io.NewSectionReader(draft.spill.file, 0, 1<<20))
			if err != nil {
				t.Fatal(err)
			}
			if size = len(data); i == 0 && size < 2*(4+4+2*10) {
				t.Fatalf("the file has %d bytes", size)
			}
			if err := change(draft.spill.file, data, i); err != nil {
				t.Fatal(err)
			}
			if err := Write(path, testOwner, nil, draft); err == nil {
				t.Errorf("%s at %d: an index is made of it", name, i)
			}
			if _, err := os.Stat(path); !errors.Is(err, fs.ErrNotExist) {
				t.Errorf("%s at %d: %v", name, i, err)
			}
		}
	}
}

// TestSpillThatFails keeps nobody waiting who has more, and gives no index.
func TestSpillThatFails(t *testing.T) {
	file := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	full := func(draft *Draft) { // as on a full disk each write fails
		var err error
		draft.spill = newSpill(draft.path)
		if draft.spill.file, err = os.Open(file); err != nil {
			t.Fatal(err)
		}
	}
	for name, tc := range map[string]struct {
		path  string
		set   func(*Draft)
		value int
	}{
		"it cannot be made": {filepath.Join(file, "x.index"), func(*Draft) {}, 80},
		"the disk is full":  {filepath.Join(t.TempDir(), "x.index"), full, 80},
		"of large rows":     {filepath.Join(t.TempDir(), "x.index"), full, maxValue},
	} {
		draft := NewDraft(tc.path)
		draft.limit = 1 << 10
		tc.set(draft)
		scattered(1000, func(name string) {
			draft.Put("p", name, true, []Cell{{"a", 1, make([]byte, tc.value)}})
			settle(draft)
		})
		if n := draft.Cells(); n == 1000 {
			t.Errorf("%s: all rows are taken", name)
		}
		if err := Write(tc.path, testOwner, nil, draft); err == nil {
			t.Errorf("%s: an index is written", name)
		}
		if _, err := os.Stat(tc.path); err == nil {
			t.Errorf("%s: there is an index", name)
		}
	}
}

// TestSpillWithName removes a file that could not do without a name.
func TestSpillWithName(t *testing.T) {
	f, err := os.CreateTemp(t.TempDir(), temporary)
	if err != nil {
		t.Fatal(err)
	}
	(&spill{file: f, name: f.Name()}).remove()
	if _, err := os.Stat(f.Name()); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("it is left: %v", err)
	}
}

// TestDraftTakes nothing that no index may have, nothing after what was too much, and nothing once
// it is discarded.
func TestDraftTakes(t *testing.T) {
	draft := NewDraft(filepath.Join(t.TempDir(), "x.index"))
	put := func(cells ...Cell) int {
		before := draft.Cells()
		draft.Put("p", "row", false, cells)
		return draft.Cells() - before
	}
	longest := Cell{"a", 1, make([]byte, maxValue)}
	for name, n := range map[string]int{
		"a cell":               1 - put(longest),
		"a cell of no state":   put(Cell{"a", 0, nil}),
		"a value too long":     put(Cell{"a", 1, make([]byte, maxValue+1)}),
		"too many cells":       put(slices.Repeat([]Cell{{"a", 1, nil}}, maxCells+1)...),
		"one of them too long": put(Cell{"b", 1, nil}, Cell{"a", 1, make([]byte, maxValue+1)}),
	} {
		if n != 0 {
			t.Errorf("%s: %d cells more or less than what may be taken", name, n)
		}
	}
	draft.bytes = maxDraft - maxValue
	if put(longest) != 0 || put(Cell{"b", 1, nil}) != 0 {
		t.Error("more is taken than an index may have, or something after that")
	}
	draft = NewDraft(draft.path)
	draft.Discard()
	if put(longest) != 0 {
		t.Error("something is taken after the end")
	}
}

// TestSpillBehind leaves out what comes while buffers wait, and all that comes later: of a row that
// is another now nothing older may stay.
func TestSpillBehind(t *testing.T) {
	path := filepath.Join(t.TempDir(), "x.index")
	draft := NewDraft(path)
	draft.limit = 1
	stuck := make(chan fullBuffer) // nobody takes anything out of it
	draft.spill = &spill{path: path, full: stuck, done: make(chan struct{})}
	draft.Put("p", "row1", false, []Cell{{"a", 1, nil}})
	draft.Put("p", "row2", false, []Cell{{"a", 1, nil}})
	if n := draft.Cells(); n != 1 {
		t.Errorf("%d cells are kept, want 1", n)
	}
	go draft.spill.writeAll()
	if err := Write(path, testOwner, nil, draft); err != nil {
		t.Fatal(err)
	}
	f, err := Open(path, testOwner)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = f.Close() }()
	for row, want := range map[string]bool{"row1": true, "row2": false} {
		if _, ok := cellOf(f.Part("p"), row, "a"); ok != want {
			t.Errorf("%s: %v", row, ok)
		}
	}
}
