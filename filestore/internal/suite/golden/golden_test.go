package golden

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
	"os"
	"path"
	"sync"
	"testing"

	"github.com/mlruns/mlruns/filestore/internal/filestoretest"
)

// goldenRoot is where the golden stores lay when MLflow wrote them; nothing is there now.
const goldenRoot = "/golden-root/mlruns"

// goldenVersions are the MLflow versions that wrote the golden stores, see testdata/README.md.
var goldenVersions = []string{"1.8", "2.9", "3.11"}

// golden is one unpacked archive. It is shared by all tests and never changed.
type golden struct {
	version  string
	store    filestoretest.Tree // mlruns/
	damaged  filestoretest.Tree // damaged/mlruns/
	expected *expected
	raw      []byte // expected.json
	// readers has the answers that other versions gave on the same store, by version.
	readers map[string]*expected
	// one has the 42 single damages and what MLflow made of them.
	one []singleDamage
}

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
	all, err := unpack(filestoretest.InModule("testdata", "golden", "mlflow-"+version+".tar.gz"))
	if err != nil {
		return nil, err
	}
	g := &golden{version: version, store: all.Sub(version + "/mlruns"), damaged: all.Sub(version + "/damaged/mlruns"), expected: &expected{}, raw: all[version+"/expected.json"], readers: map[string]*expected{}}
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

func unpack(archive string) (filestoretest.Tree, error) {
	f, err := os.Open(archive)
	if err != nil {
		return nil, err
	}
	defer func() { _ = f.Close() }()
	unzipped, err := gzip.NewReader(f)
	if err != nil {
		return nil, err
	}
	all := filestoretest.Tree{}
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

// TestGoldenArchives makes sure that the stores are what MLflow wrote, to the last file.
func TestGoldenArchives(t *testing.T) {
	eachGolden(t, func(t *testing.T, g *golden) {
		for name, want := range g.expected.Files {
			if sum := sha256.Sum256(g.store[name]); hex.EncodeToString(sum[:]) != want.SHA256 {
				t.Errorf("%s is not as MLflow wrote it", name)
			}
		}
		if got, want := len(g.store.Files()), len(g.expected.Files); got != want {
			t.Errorf("%d files, want %d", got, want)
		}
	})
}
