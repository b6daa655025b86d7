package main

import (
	"bytes"
	"net/http/httptest"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/mlruns/mlruns/filestore"
	"github.com/mlruns/mlruns/server"
)

// The same program trains on a folder and on a server, and all runs come home.
func TestOutgrow(t *testing.T) {
	dir := t.TempDir()
	behind, err := filestore.Open(filepath.Join(dir, "server"))
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = behind.Close() }()
	s := httptest.NewServer(server.New(behind))
	defer s.Close()
	var out bytes.Buffer
	if err := outgrow(t.Context(), &out, filepath.Join(dir, "mlruns"), s.URL, filepath.Join(dir, "back")); err != nil {
		t.Fatal(err)
	}
	lines := strings.Split(strings.TrimSpace(out.String()), "\n")
	slices.Sort(lines)
	if want := []string{"pulled: large, 10 points", "pulled: small, 10 points", "pushed: small, 10 points"}; !slices.Equal(lines, want) {
		t.Errorf("%q, want %q", lines, want)
	}
}
