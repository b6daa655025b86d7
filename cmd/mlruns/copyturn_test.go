package main

import (
	"bufio"
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/mlruns/mlruns"
	"github.com/mlruns/mlruns/filestore"
	"github.com/mlruns/mlruns/remote"
)

// Pushes of one user from one source to one server take turns, and leave nothing in the cache
// directory; others do not wait for them.
func TestPushesTakeTurns(t *testing.T) {
	cache := t.TempDir()
	for _, name := range []string{"HOME", "XDG_CACHE_HOME", "LocalAppData"} {
		t.Setenv(name, cache)
	}
	ctx := t.Context()
	server, err := remote.Open(ctx, "http://127.0.0.1:1")
	if err != nil {
		t.Fatal(err)
	}
	one, same, other := pushedTo{server, "file:///a"}, pushedTo{server, "file:///a"}, pushedTo{server, "file:///b"}
	unlock, err := one.LockCopies(ctx)
	if err != nil {
		t.Fatal(err)
	}
	short, cancel := context.WithTimeout(ctx, 20*time.Millisecond)
	defer cancel()
	if _, err := same.LockCopies(short); !errors.Is(err, mlruns.ErrBusy) {
		t.Errorf("the same copy: %v", err)
	}
	if free, err := other.LockCopies(ctx); err != nil || free() != nil {
		t.Errorf("another copy: %v", err)
	}
	if err := unlock(); err != nil {
		t.Error(err)
	}
	if free, err := same.LockCopies(ctx); err != nil || free() != nil {
		t.Errorf("when its turn has come: %v", err)
	}
	_ = filepath.WalkDir(cache, func(path string, d os.DirEntry, err error) error {
		if strings.HasSuffix(path, ".lock") {
			t.Errorf("%s is left", path)
		}
		return err
	})
}

// Who watches a copy through a pipe sees each line when it is done, not when the copy ends.
func TestWatchTellsAtOnce(t *testing.T) {
	t.Parallel()
	root := t.TempDir()
	src := filepath.Join(root, "src")
	s, err := filestore.Open(src)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := s.CreateRun(t.Context(), mlruns.RunSpec{ID: "run", Name: "n"}); err != nil {
		t.Fatal(err)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	cmd := copying(root, src, filepath.Join(root, "dst"), "--watch", "--every", "1h")
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	line, err := bufio.NewReader(out).ReadString('\n')
	if err != nil || !strings.HasPrefix(line, "created  run") {
		t.Errorf("%q, %v", line, err)
	}
	_ = cmd.Process.Kill()
	_ = cmd.Wait()
}
