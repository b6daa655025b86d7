package remote_test

import (
	"flag"
	"strconv"
	"testing"
	"time"

	"net/http/httptest"

	"github.com/mlruns/mlruns"
	"github.com/mlruns/mlruns/filestore"
	"github.com/mlruns/mlruns/internal/memfs"
	"github.com/mlruns/mlruns/internal/proof"
	"github.com/mlruns/mlruns/internal/storetest"
	"github.com/mlruns/mlruns/remote"
	"github.com/mlruns/mlruns/server"
)

// The inner loop draws fewer sequences of calls than CI. -rapid.checks says otherwise.
func init() {
	if err := flag.Set("rapid.checks", strconv.Itoa(proof.Choose(15, 50, 50))); err != nil {
		panic(err)
	}
}

// TestModel draws calls and compares what they do with a model of a store.
func TestModel(t *testing.T) {
	storetest.RunModel(t, func() (mlruns.Store, func()) {
		folder, err := filestore.Open("/mlruns", filestore.WithFs(memfs.New()))
		if err != nil {
			t.Fatal(err)
		}
		s := httptest.NewServer(server.New(folder))
		store, err := remote.Open(t.Context(), s.URL, remote.WithRetries(5, time.Millisecond))
		if err != nil {
			t.Fatal(err)
		}
		return store, func() { store.Close(); s.Close(); folder.Close() }
	})
}
