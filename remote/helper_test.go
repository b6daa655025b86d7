package remote_test

import (
	"context"
	"net/http/httptest"
	"path/filepath"
	"testing"
	"time"

	"github.com/mlruns/mlruns"
	"github.com/mlruns/mlruns/filestore"
	"github.com/mlruns/mlruns/internal/memfs"
	"github.com/mlruns/mlruns/remote"
	"github.com/mlruns/mlruns/server"
)

// serve starts a server over a new store, which must be whole at the end, and gives its URI.
func serve(t *testing.T, store *filestore.Store) string {
	t.Helper()
	uri := serveOnly(t, store)
	t.Cleanup(func() {
		for p, err := range store.Verify(context.WithoutCancel(t.Context()), mlruns.VerifyQuery{}) {
			if err != nil {
				t.Fatal(err)
			}
			t.Errorf("the store behind the server has a problem: %v", p)
		}
	})
	return uri
}

func serveOnly(t *testing.T, store *filestore.Store) string {
	t.Helper()
	s := httptest.NewServer(server.New(store))
	t.Cleanup(func() {
		s.Close()
		if err := store.Close(); err != nil {
			t.Error(err)
		}
	})
	return s.URL
}

// verified is a remote store whose folder can be verified.
type verified struct {
	*remote.Store
	mlruns.Verifier
}

func inMemory(t *testing.T) *filestore.Store {
	t.Helper()
	return openFolder(t, "/mlruns", filestore.WithFs(memfs.New()))
}

func onDisk(t *testing.T) *filestore.Store {
	t.Helper()
	return openFolder(t, filepath.Join(t.TempDir(), "mlruns"))
}

func openFolder(t *testing.T, dir string, opts ...filestore.Option) *filestore.Store {
	t.Helper()
	store, err := filestore.Open(dir, opts...)
	if err != nil {
		t.Fatal(err)
	}
	return store
}

// open opens the store behind a URI, with short waits between tries.
func open(t *testing.T, uri string, opts ...remote.Option) *remote.Store {
	t.Helper()
	s, err := remote.Open(t.Context(), uri, append([]remote.Option{remote.WithRetries(5, time.Millisecond)}, opts...)...)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = s.Close() })
	return s
}

var someTime = time.UnixMilli(1700000000123).UTC()
