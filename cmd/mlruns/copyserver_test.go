package main

import (
	"net/http/httptest"
	"path/filepath"
	"strings"
	"testing"

	"github.com/mlruns/mlruns/filestore"
	"github.com/mlruns/mlruns/server"
)

// TestCopyToServer pushes a folder to a server, twice, and pulls it into another folder.
func TestCopyToServer(t *testing.T) {
	t.Parallel()
	root := t.TempDir()
	src := filepath.Join(root, "src")
	makeCopied(t, src)
	behind, err := filestore.Open(filepath.Join(root, "behind"))
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = behind.Close() }()
	s := httptest.NewServer(server.New(behind))
	defer s.Close()
	for _, c := range []struct{ from, to, want string }{
		{src, s.URL, "10 runs created, 0 united, 0 unchanged, 500 points, 60 files, 100.1 kB; 10 traces created"},
		{src, s.URL, "0 runs created, 0 united, 10 unchanged, 0 points, 0 files, 0 B; 0 traces created, 0 united, 10 unchanged"},
		{s.URL, filepath.Join(root, "pulled"), "10 runs created, 0 united, 0 unchanged, 500 points, 60 files, 100.1 kB; 10 traces created"},
		{s.URL, src, "0 runs created, 0 united, 10 unchanged, 0 points, 0 files, 0 B; 0 traces created, 0 united, 10 unchanged"},
	} {
		text, err := copying(root, c.from, c.to).CombinedOutput()
		if err != nil || !strings.Contains(string(text), c.want) {
			t.Errorf("copy %s %s: %v: %s, want %q", c.from, c.to, err, text, c.want)
		}
	}
	saysOf(t, filepath.Join(root, "pulled"))
}
