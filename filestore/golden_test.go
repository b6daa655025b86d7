package filestore_test

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"
)

// goldenRoot is where the golden stores lay when MLflow wrote them; nothing is there now.
const goldenRoot = "/golden-root/mlruns"

// goldenVersions are the MLflow versions that wrote the golden stores, see testdata/README.md.
var goldenVersions = []string{"1.8", "2.9", "3.11"}

// golden is one unpacked archive. It is shared by all tests and never changed.
type golden struct {
	version  string
	store    tree // mlruns/
	damaged  tree // damaged/mlruns/
	expected *expected
	raw      []byte // expected.json
	// readers has the answers that other versions gave on the same store, by version.
	readers map[string]*expected
	// one has the 42 single damages and what MLflow made of them.
	one []singleDamage
}

// tree is a directory in memory: paths relative to it. A folder has a nil content.
type tree map[string][]byte

var goldens sync.Map // version → func() (*golden, error)

// loadGolden unpacks an archive into memory, once for all tests.
func loadGolden(t *testing.T, version string) *golden {
	t.Helper()
	load, _ := goldens.LoadOrStore(version, sync.OnceValues(func() (*golden, error) { return readGolden(version) }))
	g, err := load.(func() (*golden, error))()
	if err != nil {
		t.Fatal(err)
	}
	return g
}

// eachGolden runs a test for every golden store, all at the same time: much of it is waiting for
// the disk.
func eachGolden(t *testing.T, test func(t *testing.T, g *golden)) {
	t.Helper()
	t.Parallel()
	for _, version := range goldenVersions {
		t.Run(version, func(t *testing.T) {
			t.Parallel()
			test(t, loadGolden(t, version))
		})
	}
}

func readGolden(version string) (*golden, error) {
	all, err := unpack(filepath.Join("..", "testdata", "golden", "mlflow-"+version+".tar.gz"))
	if err != nil {
		return nil, err
	}
	g := &golden{version: version, store: all.sub(version + "/mlruns"), damaged: all.sub(version + "/damaged/mlruns"), expected: &expected{}, raw: all[version+"/expected.json"], readers: map[string]*expected{}}
	if data, ok := all[version+"/expected-by-3.11.json"]; ok {
		g.readers["3.11"] = &expected{}
		err = decodeJSON(data, g.readers["3.11"])
	}
	return g, errors.Join(err,
		decodeJSON(g.raw, g.expected),
		decodeJSON(all[version+"/damaged/one-at-a-time.json"], &g.one))
}

// decodeJSON keeps numbers as they are written: 1 and 1.0 are not the same to MLflow.
func decodeJSON(data []byte, into any) error {
	d := json.NewDecoder(bytes.NewReader(data))
	d.UseNumber()
	return d.Decode(into)
}

func unpack(archive string) (tree, error) {
	f, err := os.Open(archive)
	if err != nil {
		return nil, err
	}
	defer func() { _ = f.Close() }()
	unzipped, err := gzip.NewReader(f)
	if err != nil {
		return nil, err
	}
	all := tree{}
	for r := tar.NewReader(unzipped); ; {
		h, err := r.Next()
		if errors.Is(err, io.EOF) {
			return all, nil
		}
		if err != nil {
			return nil, fmt.Errorf("%s: %w", archive, err)
		}
		switch h.Typeflag {
		case tar.TypeDir:
			all[path.Clean(h.Name)] = nil
		case tar.TypeReg:
			data, err := io.ReadAll(r)
			if err != nil {
				return nil, fmt.Errorf("%s: %s: %w", archive, h.Name, err)
			}
			all[path.Clean(h.Name)] = append([]byte{}, data...)
		default:
			return nil, fmt.Errorf("%s: %s: unexpected type %c", archive, h.Name, h.Typeflag)
		}
	}
}

// sub is the part of the tree below a folder.
func (t tree) sub(dir string) tree {
	part := tree{}
	for name, data := range t {
		if rest, ok := strings.CutPrefix(name, dir+"/"); ok {
			part[rest] = data
		}
	}
	return part
}

// files are the names of the files, sorted.
func (t tree) files() []string {
	var names []string
	for name, data := range t {
		if data != nil {
			names = append(names, name)
		}
	}
	slices.Sort(names)
	return names
}

// write puts the tree into a new folder of the test's and gives its path.
func (t tree) write(tb testing.TB) string {
	tb.Helper()
	dir := filepath.Join(tb.TempDir(), "mlruns")
	t.writeTo(tb, dir)
	return dir
}

// longAgo is when the files of a store on disk were written: nobody takes an empty one for
// half-written.
var longAgo = time.Date(2024, 6, 7, 8, 9, 10, 0, time.UTC)

func (t tree) writeTo(tb testing.TB, dir string) {
	tb.Helper()
	for _, name := range slices.Sorted(maps.Keys(t)) {
		target := filepath.Join(dir, filepath.FromSlash(name))
		var err error
		if t[name] == nil {
			err = os.MkdirAll(target, 0o777)
		} else if err = os.MkdirAll(filepath.Dir(target), 0o777); err == nil {
			err = errors.Join(os.WriteFile(target, t[name], 0o666), os.Chtimes(target, longAgo, longAgo))
		}
		if err != nil {
			tb.Fatal(err)
		}
	}
}

// TestGoldenArchives makes sure that the stores are what MLflow wrote, to the last file.
func TestGoldenArchives(t *testing.T) {
	eachGolden(t, func(t *testing.T, g *golden) {
		for name, want := range g.expected.Files {
			if sum := sha256.Sum256(g.store[name]); hex.EncodeToString(sum[:]) != want.SHA256 {
				t.Errorf("%s is not as MLflow wrote it", name)
			}
		}
		if got, want := len(g.store.files()), len(g.expected.Files); got != want {
			t.Errorf("%d files, want %d", got, want)
		}
	})
}

// readTree is the inverse of write. It fails on anything that is neither a folder nor a regular
// file.
func readTree(tb testing.TB, dir string) tree {
	tb.Helper()
	t := tree{}
	err := filepath.WalkDir(dir, func(name string, e os.DirEntry, err error) error {
		if err != nil || name == dir {
			return err
		}
		rel, err := filepath.Rel(dir, name)
		if err != nil {
			return err
		}
		switch rel = filepath.ToSlash(rel); {
		case e.IsDir():
			t[rel] = nil
		case e.Type().IsRegular():
			data, err := os.ReadFile(name)
			if err != nil {
				return err
			}
			t[rel] = append([]byte{}, data...)
		default:
			return fmt.Errorf("%s: neither a folder nor a regular file", rel)
		}
		return nil
	})
	if err != nil {
		tb.Fatal(err)
	}
	return t
}

// changes names what differs between two trees, as "+ name", "- name" and "~ name".
func changes(before, after tree) []string {
	var list []string
	for name, data := range before {
		now, ok := after[name]
		switch {
		case !ok:
			list = append(list, "- "+name)
		case (data == nil) != (now == nil) || !bytes.Equal(data, now):
			list = append(list, "~ "+name)
		}
	}
	for name := range after {
		if _, ok := before[name]; !ok {
			list = append(list, "+ "+name)
		}
	}
	slices.Sort(list)
	return list
}
