package remote_test

import (
	"testing"

	"github.com/mlruns/mlruns"
	"github.com/mlruns/mlruns/filestore"
	"github.com/mlruns/mlruns/internal/storetest"
)

// folders are the stores behind the server.
var folders = []struct {
	name string
	make func(*testing.T) *filestore.Store
}{{"memory", inMemory}, {"disk", onDisk}}

func TestConformance(t *testing.T) {
	for _, f := range folders {
		t.Run(f.name, func(t *testing.T) {
			t.Parallel()
			storetest.Run(t, func(t *testing.T) mlruns.Store {
				folder := f.make(t)
				return verified{open(t, serveOnly(t, folder)), folder}
			})
		})
	}
}

func TestConformanceShared(t *testing.T) {
	for _, f := range folders {
		t.Run(f.name, func(t *testing.T) {
			t.Parallel()
			storetest.RunShared(t, func(t *testing.T) func() mlruns.Store {
				folder := f.make(t)
				uri := serveOnly(t, folder)
				return func() mlruns.Store { return verified{open(t, uri), folder} }
			})
		})
	}
}
