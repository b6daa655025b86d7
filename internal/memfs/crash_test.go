package memfs_test

import (
	"errors"
	"fmt"
	"maps"
	"math/rand/v2"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/mlruns/mlruns/internal/memfs"
)

// outcomes runs a scenario and collects every tree that a power cut after it can leave.
func outcomes(t *testing.T, scenario func(m *memfs.FS) error) map[string]int {
	t.Helper()
	m := memfs.New()
	if err := scenario(m); err != nil {
		t.Fatal(err)
	}
	before := tree(t, m)
	seen := map[string]int{}
	for seed := range uint64(400) {
		seen[tree(t, m.CrashClone(rand.New(rand.NewPCG(seed, 0))))]++
	}
	if after := tree(t, m); after != before {
		t.Errorf("CrashClone changed the original to %s, from %s", after, before)
	}
	return seen
}

func put2(m *memfs.FS, name, text string) error {
	f, err := m.Create(name)
	if err != nil {
		return err
	}
	_, err = f.WriteString(text)
	return errors.Join(err, f.Sync(), f.Close())
}

var crashTests = []struct {
	name string
	run  func(m *memfs.FS) error
	want []string // every outcome, and no other
}{
	{"all synced", func(m *memfs.FS) error {
		return errors.Join(m.Mkdir("d", 0o777), put2(m, "d/f", "text"), m.SyncDir("d"), m.SyncDir("."))
	}, []string{"d/ d/f=text"}},
	{"name not synced", func(m *memfs.FS) error {
		return put2(m, "f", "text")
	}, []string{"", "f=text"}},
	{"parent not synced", func(m *memfs.FS) error {
		return errors.Join(m.Mkdir("d", 0o777), put2(m, "d/f", "text"), m.SyncDir("d"))
	}, []string{"", "d/ d/f=text"}},
	{"data not synced", func(m *memfs.FS) error {
		return errors.Join(put(m, "f", "ab"), m.SyncDir("."))
	}, []string{"f=", "f=a", "f=ab", "f=a\x00", "f=\x00\x00"}},
	{"append not synced", func(m *memfs.FS) error {
		return errors.Join(put2(m, "f", "1"), m.SyncDir("."), add(m, "f", "2"), add(m, "f", "3"))
	}, []string{"f=1", "f=12", "f=123", "f=1\x003", "f=1\x00", "f=1\x00\x00", "f=12\x00"}},
	{"truncation not synced", func(m *memfs.FS) error {
		f, err := m.Create("f")
		if err != nil {
			return err
		}
		_, err = f.WriteString("abc")
		return errors.Join(err, f.Sync(), m.SyncDir("."), f.Truncate(1))
	}, []string{"f=a", "f=abc"}},
	{"handle syncs directory", func(m *memfs.FS) error {
		d, err := m.Open(".")
		if err != nil {
			return err
		}
		return errors.Join(put2(m, "f", "x"), d.Sync(), d.Close())
	}, []string{"f=x"}},
	{"replace without sync of the name", func(m *memfs.FS) error {
		return errors.Join(put2(m, "f", "old"), m.SyncDir("."), put2(m, "tmp", "new"), m.Rename("tmp", "f"))
	}, []string{"f=old", "f=old tmp=new", "f=new"}},
	{"replace", func(m *memfs.FS) error {
		return errors.Join(put2(m, "f", "old"), m.SyncDir("."), put2(m, "tmp", "new"), m.Rename("tmp", "f"), m.SyncDir("."))
	}, []string{"f=new"}},
	{"order in a directory", func(m *memfs.FS) error {
		return errors.Join(put2(m, "a", ""), put2(m, "b", ""), m.Remove("a"))
	}, []string{"", "a=", "a= b=", "b="}},
	{"a later name never without an earlier one", func(m *memfs.FS) error {
		return errors.Join(put2(m, "a", ""), put2(m, "b", ""), put2(m, "c", ""))
	}, []string{"", "a=", "a= b=", "a= b= c="}},
	{"remove not synced", func(m *memfs.FS) error {
		return errors.Join(put2(m, "f", "text"), m.SyncDir("."), m.Remove("f"))
	}, []string{"f=text", ""}},
	{"rename across directories is whole", func(m *memfs.FS) error {
		return errors.Join(m.Mkdir("a", 0o777), m.Mkdir("b", 0o777), put2(m, "a/f", "x"), m.SyncDir("a"), m.SyncDir("."), m.Rename("a/f", "b/f"))
	}, []string{"a/ a/f=x b/", "a/ b/ b/f=x"}},
	{"sync of one directory syncs the rename in the other", func(m *memfs.FS) error {
		return errors.Join(m.Mkdir("a", 0o777), m.Mkdir("b", 0o777), m.SyncDir("."), put2(m, "a/f", "x"), m.Rename("a/f", "b/f"), put2(m, "a/g", "y"), m.SyncDir("b"))
	}, []string{"a/ b/ b/f=x", "a/ a/g=y b/ b/f=x"}},
	{"link", func(m *memfs.FS) error {
		return errors.Join(put2(m, "tmp", "x"), m.Link("tmp", "f"), m.Remove("tmp"), m.SyncDir("."))
	}, []string{"f=x"}},
	{"link not synced", func(m *memfs.FS) error {
		return errors.Join(put2(m, "tmp", "x"), m.Link("tmp", "f"), m.Remove("tmp"))
	}, []string{"", "tmp=x", "f=x tmp=x", "f=x"}},
	{"sync all", func(m *memfs.FS) error {
		err := errors.Join(m.MkdirAll("a/b", 0o777), put(m, "a/b/f", "x"))
		m.SyncEverything()
		return err
	}, []string{"a/ a/b/ a/b/f=x"}},
}

func add(m *memfs.FS, name, text string) error {
	f, err := m.OpenFile(name, os.O_WRONLY|os.O_APPEND, 0)
	if err != nil {
		return err
	}
	_, err = f.WriteString(text)
	return errors.Join(err, f.Close())
}

func TestCrashClone(t *testing.T) {
	for _, test := range crashTests {
		seen := outcomes(t, test.run)
		got := slices.Sorted(maps.Keys(seen))
		slices.Sort(test.want)
		if !slices.Equal(got, test.want) {
			t.Errorf("%s: outcomes\n%q, want\n%q", test.name, got, test.want)
		}
	}
}

// A clone that keeps nothing unsynced is the least that any clone has.
func TestCrashCloneNil(t *testing.T) {
	m := memfs.New()
	if err := errors.Join(put2(m, "f", "1"), m.SyncDir("."), add(m, "f", "2"), put2(m, "g", "x")); err != nil {
		t.Fatal(err)
	}
	c := m.CrashClone(nil)
	if got, want := tree(t, c), "f=1"; got != want {
		t.Errorf("clone = %q, want %q", got, want)
	}
	if err := put(c, "f", "other"); err != nil {
		t.Fatal(err)
	}
	if got, want := tree(t, m), "f=12 g=x"; got != want {
		t.Errorf("writing to the clone made the original %q, want %q", got, want)
	}
	if got, want := tree(t, c.CrashClone(nil)), "f=1"; got != want {
		t.Errorf("clone of the clone = %q, want %q", got, want)
	}
}

// Hard links stay links of one file.
func TestCrashCloneLinks(t *testing.T) {
	m := memfs.New()
	if err := errors.Join(put2(m, "a", "x"), m.Link("a", "b"), m.SyncDir(".")); err != nil {
		t.Fatal(err)
	}
	c := m.CrashClone(nil)
	if err := add(c, "a", "y"); err != nil {
		t.Fatal(err)
	}
	if got := tree(t, c); got != "a=xy b=xy" {
		t.Errorf("clone = %q, want two names of one file", got)
	}
}

// A random scenario: whatever was synced is there exactly, whatever was not comes in order.
func TestCrashCloneRandom(t *testing.T) {
	for seed := range uint64(200) {
		rng := rand.New(rand.NewPCG(seed, 1))
		m := memfs.New()
		if err := errors.Join(put2(m, "log", ""), m.SyncDir(".")); err != nil {
			t.Fatal(err)
		}
		synced, text := "", ""
		for i := range 30 {
			line := fmt.Sprintf("line %d\n", i)
			f, err := m.OpenFile("log", os.O_WRONLY|os.O_APPEND, 0)
			if err != nil {
				t.Fatal(err)
			}
			_, err = f.WriteString(line)
			text += line
			if rng.IntN(4) == 0 {
				err = errors.Join(err, f.Sync())
				synced = text
			}
			if err = errors.Join(err, f.Close()); err != nil {
				t.Fatal(err)
			}
			got := get(m.CrashClone(rng), "log")
			if !strings.HasPrefix(got, synced) || len(got) > len(text) {
				t.Fatalf("seed %d: after the crash %q, want it to begin with %q and be no longer than %q", seed, got, synced, text)
			}
			for j, c := range []byte(got) {
				if c != 0 && c != text[j] {
					t.Fatalf("seed %d: byte %d is %q, which was never written there", seed, j, c)
				}
			}
		}
	}
}
