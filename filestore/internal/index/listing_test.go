package index

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"testing"
)

// TestListedRows keeps which rows a listing gave, those without a cell among them, through changes
// of a few rows here and there.
func TestListedRows(t *testing.T) {
	path := filepath.Join(t.TempDir(), "x.index")
	var old *File
	var names []string
	value := map[string]string{}
	write := func(draft *Draft) *Part {
		t.Helper()
		if err := Write(path, testOwner, old, draft); err != nil {
			t.Fatal(err)
		}
		_ = old.Close()
		var err error
		if old, err = Open(path, testOwner); err != nil {
			t.Fatal(err)
		}
		for _, name := range names {
			c, ok := cellOf(old.Part("p"), name, "c")
			if want, has := value[name]; ok != has || string(c.Value) != want {
				t.Fatalf("%s: %q, %v; want %q, %v", name, c.Value, ok, want, has)
			}
		}
		return old.Part("p")
	}
	put := func(draft *Draft, name, text string) {
		value[name] = text
		draft.Put("p", name, false, []Cell{{"c", 1, []byte(text)}})
	}
	listed := func(p *Part, state Stamp) (all []string) {
		t.Helper()
		rows, ok := p.Listed(state)
		if !ok {
			return nil
		}
		cursor := p.Cursor()
		for g, n := range rows {
			for i := range n {
				cursor.Go(g, i)
				all = append(all, cursor.Name())
			}
		}
		return all
	}
	draft := NewDraft(path)
	for i := range 3000 {
		name := fmt.Sprintf("row%05d", 2*i)
		names = append(names, name)
		if i%7 > 0 {
			put(draft, name, name)
		}
	}
	draft.Listed("p", slices.Clone(names), 5)
	p := write(draft)
	if got := listed(p, 5); !slices.Equal(got, names) {
		t.Fatalf("%d rows are listed, want %d", len(got), len(names))
	}
	if listed(p, 6) != nil || listed(p, 0) != nil || listed(nil, 5) != nil {
		t.Error("the rows are those of a listing that there was not")
	}
	for round := range 6 {
		draft = NewDraft(path)
		at := 100 + 431*round
		put(draft, names[at], fmt.Sprint("changed longer than it was ", round))
		if round%2 == 1 { // one comes, some go, and elsewhere one changes
			put(draft, names[2900], fmt.Sprint("changed too ", round))
			for _, gone := range names[at+1 : at+3] {
				delete(value, gone)
			}
			names = slices.Insert(slices.Delete(names, at+1, at+3), at+1, names[at]+"x")
			draft.Listed("p", slices.Clone(names), Stamp(7+round))
			if got := listed(write(draft), Stamp(7+round)); !slices.Equal(got, names) {
				t.Fatalf("round %d: %d rows are listed, want %d", round, len(got), len(names))
			}
			continue
		}
		state := old.Part("p").listing
		if got := listed(write(draft), state); !slices.Equal(got, names) {
			t.Fatalf("round %d: %d rows are still listed, want %d", round, len(got), len(names))
		}
	}
	// a group that lost its last rows
	draft = NewDraft(path)
	names = names[:len(names)-2]
	draft.Listed("p", slices.Clone(names), 99)
	if got := listed(write(draft), 99); !slices.Equal(got, names) {
		t.Fatalf("%d rows are listed, want %d", len(got), len(names))
	}
	for i, g := range old.Part("p").groups {
		if n, err := g.count(); err != nil || n > maxRows || n < few && i < len(old.Part("p").groups)-1 {
			t.Errorf("group %d has %d rows (%v)", i, n, err)
		}
	}
	draft = NewDraft(path)
	names = append(names, "row0001")
	put(draft, "row0001", "nobody has listed it")
	if got := listed(write(draft), 99); got != nil {
		t.Error("a row that came without a listing is one of a listing")
	}
	_ = old.Close()
}

// TestDamagedColumn tells nothing of a group of which a column cannot be read: what a row lacks may
// be there.
func TestDamagedColumn(t *testing.T) {
	path := filepath.Join(t.TempDir(), "x.index")
	draft := NewDraft(path)
	large := bytes.Repeat([]byte("x"), maxValue)
	for i := range 300 {
		draft.Put("p", fmt.Sprint("row", 1000+i), false, []Cell{{"a", 1, []byte("one")}, {"b", 1, large}})
	}
	var names []string
	for i := range 300 {
		names = append(names, fmt.Sprint("row", 1000+i))
	}
	draft.Listed("p", names, 5)
	if err := Write(path, testOwner, nil, draft); err != nil {
		t.Fatal(err)
	}
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	data[len(data)/4] ^= 1
	f, err := parse(readerAt(data), int64(len(data)), testOwner)
	if err != nil {
		t.Fatal(err)
	}
	cursor := f.Part("p").Cursor()
	cursor.Find("row1050")
	if c, ok := cursor.Cell("a"); !ok || string(c.Value) != "one" {
		t.Fatalf("before: %v, %v", c, ok)
	}
	if _, ok := cursor.Cell("b"); ok {
		t.Fatal("the damaged column is read")
	}
	if c, ok := cursor.Cell("a"); ok {
		t.Errorf("after: %v", c)
	}
	draft = NewDraft(path)
	draft.Put("q", "row", false, []Cell{{"a", 1, []byte("one")}})
	if err := Write(path, testOwner, f, draft); err != nil {
		t.Fatal(err)
	}
	if f, err = Open(path, testOwner); err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	if c, ok := cellOf(f.Part("p"), "row1050", "b"); ok {
		t.Errorf("what was damaged has a new checksum: %d bytes", len(c.Value))
	}
	if rows, ok := f.Part("p").Listed(5); ok {
		t.Errorf("groups of %v rows are all that were listed", rows)
	}
}

// TestListedNone forgets that a listing gave no rows when one comes without a listing.
func TestListedNone(t *testing.T) {
	path := filepath.Join(t.TempDir(), "x.index")
	var old *File
	for _, tc := range []struct {
		fill func(*Draft)
		ok   bool
	}{
		{func(d *Draft) { d.Listed("p", nil, 5) }, true},
		{func(d *Draft) { d.Put("other", "row", false, []Cell{{"c", 1, nil}}) }, true},
		{func(d *Draft) { d.Put("p", "row", false, []Cell{{"c", 1, nil}}) }, false},
	} {
		draft := NewDraft(path)
		tc.fill(draft)
		if err := Write(path, testOwner, old, draft); err != nil {
			t.Fatal(err)
		}
		_ = old.Close()
		var err error
		if old, err = Open(path, testOwner); err != nil {
			t.Fatal(err)
		}
		if rows, ok := old.Part("p").Listed(5); ok != tc.ok {
			t.Errorf("listed: %v %v, want %v", rows, ok, tc.ok)
		}
	}
	_ = old.Close()
}

// TestRowsThatWent leaves out what was read of rows that a listing has no more, wherever they come,
// and nothing of the parts after them.
func TestRowsThatWent(t *testing.T) {
	path := filepath.Join(t.TempDir(), "x.index")
	for _, limit := range []int{maxBuffer, 1} {
		draft := NewDraft(path)
		draft.limit = limit
		for _, part := range []string{"p", "q", "r"} {
			for _, row := range []string{"a", "b", "c", "d", "e"} {
				draft.Put(part, row, false, []Cell{{"c", 1, []byte(row)}})
				settle(draft)
			}
		}
		draft.Listed("p", []string{"d", "b"}, 5)
		draft.Listed("q", nil, 5)
		if err := Write(path, testOwner, nil, draft); err != nil {
			t.Fatal(err)
		}
		f, err := Open(path, testOwner)
		if err != nil {
			t.Fatal(err)
		}
		for part, want := range map[string]string{"p": "bd", "q": "", "r": "abcde"} {
			got := ""
			for _, row := range []string{"a", "b", "c", "d", "e"} {
				if c, ok := cellOf(f.Part(part), row, "c"); ok {
					got += string(c.Value)
				}
			}
			if got != want {
				t.Errorf("%s has %s, want %s", part, got, want)
			}
		}
		_ = f.Close()
	}
}
