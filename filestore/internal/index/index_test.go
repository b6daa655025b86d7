package index

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"math/rand/v2"
	"os"
	"path/filepath"
	"reflect"
	"runtime"
	"slices"
	"strings"
	"testing"
	"time"
)

var testOwner = []byte("the owner")

// model is what an index should hold.
type model map[string]map[string]map[string]Cell

func (m model) put(part, row string, whole bool, cells []Cell) {
	if m[part] == nil {
		m[part] = map[string]map[string]Cell{}
	}
	old := m[part][row]
	now := map[string]Cell{}
	if !whole {
		for name, c := range old {
			now[name] = c
		}
	}
	for _, c := range cells {
		now[c.Column] = c
	}
	m[part][row] = now
}

// randomCells have one value for each state.
func randomCells(rng *rand.Rand) []Cell {
	var cells []Cell
	for i := range 6 {
		if rng.IntN(2) == 0 {
			continue
		}
		stamp := Stamp(1 + rng.IntN(3))
		cells = append(cells, Cell{fmt.Sprintf("metrics/m%d", i), stamp, []byte(strings.Repeat("x", 7*int(stamp)%5))})
	}
	return cells
}

// read gives all of a file through both ways of reading it.
func read(t *testing.T, f *File, want model) {
	t.Helper()
	for part, rows := range want {
		var names []string
		for row := range rows {
			names = append(names, row)
		}
		whole := f.Part(part).Rows(names)
		cursor := f.Part(part).Cursor()
		for i, row := range names {
			cells, whole := rows[row], whole[i].Cells(nil)
			cursor.Find(row)
			for i := range 7 {
				name := fmt.Sprintf("metrics/m%d", i)
				got, ok := cellOf(f.Part(part), row, name)
				wanted, has := cells[name]
				if ok != has || ok && !same(got, wanted) {
					t.Fatalf("%s %s %s: %v %v, want %v %v", part, row, name, got, ok, wanted, has)
				}
				if again, found := cursor.Cell(name); found != ok || found && (!same(again, got) || cursor.Name() != row) {
					t.Fatalf("%s %s %s: %v %v by a cursor at %s, want %v %v", part, row, name, again, found, cursor.Name(), got, ok)
				}
			}
			if len(whole) != len(cells) {
				t.Fatalf("%s %s: %d cells read whole, want %d", part, row, len(whole), len(cells))
			}
			for _, c := range whole {
				if !same(c, cells[c.Column]) {
					t.Fatalf("%s %s: %v read whole, want %v", part, row, c, cells[c.Column])
				}
			}
		}
		slices.Sort(names)
		for _, row := range append(names, "nothing") {
			if cursor.Find(row); (cursor.Name() == row) == (row == "nothing") {
				t.Fatalf("%s: asked for %s after the one before it, the cursor is at %q", part, row, cursor.Name())
			}
		}
	}
}

func same(a, b Cell) bool {
	return a.Column == b.Column && a.Stamp == b.Stamp && string(a.Value) == string(b.Value)
}

// TestIndexHolds writes random cells over and over, and reads them by both ways.
func TestIndexHolds(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 2))
	path := filepath.Join(t.TempDir(), "dir", "x.index")
	want := model{}
	var old *File
	for range 6 {
		draft, fresh := NewDraft(path), map[string]bool{}
		draft.limit = 1 << (11 + rng.IntN(9)) // that of most goes to a file
		for range rng.IntN(3000) {
			part, row, whole, cells := fmt.Sprint("part", rng.IntN(3)), fmt.Sprintf("row%05d", rng.IntN(6000)), rng.IntN(4) == 0, randomCells(rng)
			want.put(part, row, whole, cells)
			draft.Put(part, row, whole, append([]Cell(nil), cells...))
			settle(draft)
			fresh[part+row] = fresh[part+row] || len(cells) > 0
		}
		if rng.IntN(3) == 0 && want["part1"] != nil {
			var left []string
			for row := range want["part1"] {
				if rng.IntN(5) > 0 || fresh["part1"+row] {
					left = append(left, row)
				} else {
					delete(want["part1"], row)
				}
			}
			draft.Listed("part1", left, 0)
		}
		if err := Write(path, testOwner, old, draft); err != nil {
			t.Fatal(err)
		}
		if err := old.Close(); err != nil {
			t.Fatal(err)
		}
		var err error
		if old, err = Open(path, testOwner); err != nil {
			t.Fatal(err)
		}
		read(t, old, want)
	}
	if err := old.Close(); err != nil {
		t.Fatal(err)
	}
	if entries, err := os.ReadDir(filepath.Dir(path)); err != nil || len(entries) != 1 {
		t.Errorf("the directory has %v (%v), want one file", entries, err)
	}
}

// smallIndex is one of a few rows, with all it holds.
func smallIndex(t testing.TB) ([]byte, model) {
	rng := rand.New(rand.NewPCG(3, 4))
	path := filepath.Join(t.TempDir(), "x.index")
	want, draft := model{}, NewDraft(path)
	for range 6 {
		part, row, cells := fmt.Sprint("part", rng.IntN(2)), fmt.Sprint("row", rng.IntN(6)), randomCells(rng)
		want.put(part, row, false, cells)
		draft.Put(part, row, false, append([]Cell(nil), cells...))
	}
	if err := Write(path, testOwner, nil, draft); err != nil {
		t.Fatal(err)
	}
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return data, want
}

// mostly reads what can be read and wants it to be nothing else than what was written.
func mostly(t *testing.T, what string, data []byte, want model) (found int) {
	t.Helper()
	f, err := parse(readerAt(data), int64(len(data)), testOwner)
	if err != nil {
		return 0
	}
	for _, e := range f.parts {
		p := f.Part(e.name)
		for _, g := range p.groups {
			rows, err := g.all()
			if err != nil {
				continue
			}
			for _, row := range rows {
				for _, c := range row.Cells {
					if !same(c, want[e.name][row.Name][c.Column]) {
						t.Fatalf("%s: %s %s has %v, want %v", what, e.name, row.Name, c, want[e.name][row.Name][c.Column])
					}
					found++
				}
			}
		}
		for row, cells := range want[e.name] {
			for _, c := range p.Rows([]string{row})[0].Cells(nil) {
				if !same(c, cells[c.Column]) {
					t.Fatalf("%s: %s %s read whole has %v, want %v", what, e.name, row, c, cells[c.Column])
				}
			}
			for name, cell := range cells {
				if c, ok := cellOf(p, row, name); ok && !same(c, cell) {
					t.Fatalf("%s: %s %s has %v, want %v", what, e.name, row, c, cell)
				}
			}
		}
	}
	return found
}

// TestDamagedIndex changes each byte and each bit of an index, cuts it everywhere, and swaps it
// with another: what can still be read is what was written.
func TestDamagedIndex(t *testing.T) {
	data, want := smallIndex(t)
	all := mostly(t, "whole", data, want)
	if all == 0 {
		t.Fatal("nothing is read of a whole index")
	}
	for i := range data {
		for _, flip := range []byte{1, 0x80, 0xff} {
			damaged := bytes.Clone(data)
			damaged[i] ^= flip
			if n := mostly(t, fmt.Sprintf("byte %d", i), damaged, want); n == all {
				t.Errorf("byte %d: all is read", i)
			}
		}
		if n := mostly(t, fmt.Sprintf("cut at %d", i), data[:i], want); n > 0 {
			t.Errorf("cut at %d: %d cells are read", i, n)
		}
	}
	other, _ := smallIndex(t)
	for at := headerSize; at+16 < len(data); at += 16 { // parts of another file of the same content
		mixed := bytes.Clone(data)
		copy(mixed[at:at+16], other[at:])
		mostly(t, fmt.Sprintf("mixed at %d", at), mixed, want)
	}
	path := filepath.Join(t.TempDir(), "x.index")
	if err := os.WriteFile(path, data, 0o600); err != nil {
		t.Fatal(err)
	}
	if f, err := Open(path, []byte("another")); err == nil {
		_ = f.Close()
		t.Error("the index of another owner is opened")
	}
	if err := os.Chmod(path, 0o666); err != nil {
		t.Fatal(err)
	}
	if f, err := Open(path, testOwner); err == nil && isOwnMatters {
		_ = f.Close()
		t.Error("an index that others may write is opened")
	}
}

// TestIndexRemovedInUse reads on from a file that was replaced and removed.
func TestIndexRemovedInUse(t *testing.T) {
	data, want := smallIndex(t)
	path := filepath.Join(t.TempDir(), "x.index")
	if err := os.WriteFile(path, data, 0o600); err != nil {
		t.Fatal(err)
	}
	f, err := Open(path, testOwner)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	if err := os.Remove(path); err != nil {
		t.Skip(err)
	}
	read(t, f, want)
}

// TestOverlay keeps the value that says more of one state.
func TestOverlay(t *testing.T) {
	old := []Cell{{"a", 1, []byte("old")}, {"b", 1, []byte("longer")}, {"c", 1, []byte("x")}}
	fresh := []Cell{{"a", 2, []byte("new")}, {"b", 1, []byte("short")}, {"d", 1, nil}}
	for whole, want := range map[bool][]Cell{
		false: {fresh[0], old[1], old[2], fresh[2]},
		true:  {fresh[0], old[1], fresh[2]},
	} {
		if got := overlay(old, fresh, whole); !reflect.DeepEqual(got, want) {
			t.Errorf("whole %v: %v, want %v", whole, got, want)
		}
	}
}

// TestUseIsTold keeps an index that is used before one that was made later: once a day its time is
// that of its use.
func TestUseIsTold(t *testing.T) {
	path := filepath.Join(t.TempDir(), "used.index")
	owner := []byte("me")
	d := NewDraft(path)
	d.Put("p", "r", true, []Cell{{Column: "c", Stamp: 1, Value: []byte("v")}})
	if err := Write(path, owner, nil, d); err != nil {
		t.Fatal(err)
	}
	for _, tc := range []struct {
		age  time.Duration
		told bool
	}{{time.Hour, false}, {used + time.Hour, true}} {
		made := time.Now().Add(-tc.age).Truncate(time.Second)
		if err := os.Chtimes(path, made, made); err != nil {
			t.Fatal(err)
		}
		f, err := Open(path, owner)
		if err != nil {
			t.Fatal(err)
		}
		if err := f.Close(); err != nil {
			t.Fatal(err)
		}
		info, err := os.Stat(path)
		if err != nil {
			t.Fatal(err)
		}
		if told := !info.ModTime().Equal(made); told != tc.told {
			t.Errorf("used after %v: its time was moved: %v, want %v", tc.age, told, tc.told)
		}
	}
}

// TestTidy removes the oldest indexes beyond the bound, and what writers left.
func TestTidy(t *testing.T) {
	dir := t.TempDir()
	fill := func(name string, size int64, age int) {
		path := filepath.Join(dir, name)
		f, err := os.Create(path)
		if err != nil {
			t.Fatal(err)
		}
		if err := f.Truncate(size); err != nil {
			t.Skip(err)
		}
		if err := f.Close(); err != nil {
			t.Fatal(err)
		}
		at := testTime(age)
		if err := os.Chtimes(path, at, at); err != nil {
			t.Fatal(err)
		}
	}
	fill("own.index", 400<<20, 9)
	fill("old.index", 400<<20, 8)
	fill("new.index", 400<<20, 1)
	fill("new-1", 1, 5)
	fill("new-2", 1, 0)
	left := []string{"foreign", "new-2", "new.index", "own.index"}
	if runtime.GOOS == "linux" {
		fill("new-3", 1, 0) // somebody makes it
		f, err := os.Open(filepath.Join(dir, "new-3"))
		if err != nil {
			t.Fatal(err)
		}
		defer func() { _ = f.Close() }()
		claim(f)
		left[1] = "new-3"
	}
	fill("foreign", 900<<20, 9)
	Tidy(filepath.Join(dir, "own.index"))
	entries, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, e := range entries {
		names = append(names, e.Name())
	}
	if !reflect.DeepEqual(names, left) {
		t.Errorf("left: %v, want %v", names, left)
	}
}

// TestTidyManySmall bounds how many indexes there are: a program that has a store in a new
// directory each time leaves one for each.
func TestTidyManySmall(t *testing.T) {
	dir := t.TempDir()
	for i := range maxFiles + 20 {
		name := filepath.Join(dir, fmt.Sprintf("%04d.index", i))
		at := time.Now().Add(time.Duration(i-2000) * time.Second)
		if err := errors.Join(os.WriteFile(name, nil, 0o600), os.Chtimes(name, at, at)); err != nil {
			t.Fatal(err)
		}
	}
	Tidy(filepath.Join(dir, "0001.index"))
	entries, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	if len(entries) != maxFiles || entries[0].Name() != "0001.index" || entries[1].Name() != "0021.index" {
		t.Errorf("left: %d, the oldest %v", len(entries), entries[:2])
	}
}

// TestCanKeep says where no index can be kept before anything is read for one, and makes nothing.
func TestCanKeep(t *testing.T) {
	if !isOwnMatters {
		t.Skip("there are no owners on Windows")
	}
	dir := t.TempDir()
	make := func(name string, mode os.FileMode) string {
		path := filepath.Join(dir, name)
		if err := errors.Join(os.Mkdir(path, 0o700), os.Chmod(path, mode)); err != nil {
			t.Fatal(err)
		}
		return path
	}
	file := filepath.Join(dir, "file")
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	for at, want := range map[string]bool{
		make("own", 0o700):                         true,
		filepath.Join(dir, "missing"):              true,
		filepath.Join(dir, "missing", "and below"): true,
		make("shared", 0o777):                      false,
		file:                                       false,
		filepath.Join(file, "below"):               false,
	} {
		if err := CanKeep(filepath.Join(at, "x.index")); (err == nil) != want {
			t.Errorf("%s: %v, want %v", at, err, want)
		}
	}
	if entries, err := os.ReadDir(dir); err != nil || len(entries) != 3 {
		t.Errorf("%v, %v; want what was there", entries, err)
	}
	if os.Geteuid() != 0 {
		locked := make("locked", 0o500)
		if err := CanKeep(filepath.Join(locked, "x.index")); runtime.GOOS == "linux" && !errors.Is(err, fs.ErrPermission) {
			t.Errorf("in a directory that is read-only: %v", err)
		}
		return
	}
	home := make("home", 0o755)
	if err := os.Chown(home, 12345, 12345); err != nil {
		t.Skip(err)
	}
	if CanKeep(filepath.Join(home, ".cache", "mlruns", "x.index")) == nil || CanKeep(filepath.Join(home, "x.index")) == nil {
		t.Error("root may keep an index in the home of another")
	}
}

// FuzzParse reads any bytes as an index: it never fails otherwise than by saying so.
func FuzzParse(f *testing.F) {
	data, _ := smallIndex(f)
	f.Add(data)
	f.Add(data[:headerSize])
	f.Fuzz(func(t *testing.T, data []byte) {
		resum(data)
		file, err := parse(readerAt(data), int64(len(data)), testOwner)
		if err != nil {
			return
		}
		for _, e := range file.parts {
			p := file.Part(e.name)
			for _, g := range p.groups {
				rows, _ := g.all()
				for _, row := range rows {
					for _, c := range row.Cells {
						_, _ = cellOf(p, row.Name, c.Column)
					}
				}
			}
			_, _ = cellOf(p, "row1", "metrics/m1")
		}
	})
}

// TestBlocksOfOnePlace swaps two columns of one size: their checksums say where they belong.
func TestBlocksOfOnePlace(t *testing.T) {
	path := filepath.Join(t.TempDir(), "x.index")
	draft := NewDraft(path)
	draft.Put("part", "row", false, []Cell{{"a", 1, []byte("one")}, {"b", 1, []byte("two")}})
	if err := Write(path, testOwner, nil, draft); err != nil {
		t.Fatal(err)
	}
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	f, err := parse(readerAt(data), int64(len(data)), testOwner)
	if err != nil {
		t.Fatal(err)
	}
	if c, ok := cellOf(f.Part("part"), "row", "a"); !ok || string(c.Value) != "one" {
		t.Fatalf("before: %v, %v", c, ok)
	}
	a, b := f.Part("part").groups[0].list[0], f.Part("part").groups[0].list[1]
	swapped := bytes.Clone(data)
	copy(swapped[a.offset:a.offset+a.size], data[b.offset:])
	copy(swapped[b.offset:b.offset+b.size], data[a.offset:])
	if f, err = parse(readerAt(swapped), int64(len(data)), testOwner); err != nil {
		t.Fatal(err)
	}
	if c, ok := cellOf(f.Part("part"), "row", "a"); ok {
		t.Errorf("a column is read in the place of another: %v", c)
	}
}
