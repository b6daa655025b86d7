//go:build interop

package remote

import (
	"archive/tar"
	"compress/gzip"
	"errors"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/mlruns/mlruns/filestore"
)

// goldens are the archives of stores that MLflow wrote, by the version that did.
func goldens(t *testing.T) map[string]string {
	t.Helper()
	found, err := filepath.Glob("../../testdata/*/mlflow-*.tar.gz")
	if err != nil || len(found) == 0 {
		t.Fatalf("there are no golden stores: %v", err)
	}
	archives := map[string]string{}
	for _, archive := range found {
		version := strings.TrimSuffix(strings.TrimPrefix(filepath.Base(archive), "mlflow-"), ".tar.gz")
		archives[version] = archive
	}
	return archives
}

// unpack gives the folder of the store in an archive.
func unpack(t *testing.T, version, archive string) string {
	t.Helper()
	dir := t.TempDir()
	must := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	f, err := os.Open(archive)
	must(err)
	defer f.Close()
	z, err := gzip.NewReader(f)
	must(err)
	for all := tar.NewReader(z); ; {
		h, err := all.Next()
		if errors.Is(err, io.EOF) {
			return filepath.Join(dir, version, "mlruns")
		}
		must(err)
		name := filepath.Join(dir, filepath.FromSlash(h.Name))
		if h.Typeflag == tar.TypeDir {
			must(os.MkdirAll(name, 0o777))
			continue
		}
		must(os.MkdirAll(filepath.Dir(name), 0o777))
		content, err := io.ReadAll(all)
		must(err)
		must(os.WriteFile(name, content, 0o666))
	}
}

func openFolder(t *testing.T, dir string, options ...filestore.Option) *filestore.Store {
	t.Helper()
	s, err := filestore.Open(dir, options...)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Close() })
	return s
}
