package main

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"os"
	"path/filepath"

	"github.com/mlruns/mlruns"
	"github.com/mlruns/mlruns/internal/dirlock"
	"github.com/mlruns/mlruns/internal/rootfs"
	"github.com/mlruns/mlruns/remote"
)

// pushedTo is a server that this user's copies from one source go to. A server cannot tell that
// another copy is under way, and two would make each run twice. So the copies of a user take turns,
// by a lock file in the user's cache directory; where that cannot be had, nobody waits.
type pushedTo struct {
	*remote.Store
	source string
}

var _ mlruns.CopyLocker = pushedTo{}

// LockCopies implements mlruns.CopyLocker.
func (p pushedTo) LockCopies(ctx context.Context) (unlock func() error, err error) {
	none := func() error { return nil }
	dir, err := os.UserCacheDir()
	if err != nil || !filepath.IsAbs(dir) {
		return none, nil
	}
	dir = filepath.Join(dir, "mlruns", "copies")
	if os.MkdirAll(dir, 0o700) != nil {
		return none, nil
	}
	fsys, err := rootfs.Open(dir, rootfs.Options{})
	if err != nil {
		return none, nil
	}
	defer func() { _ = fsys.Close() }()
	sum := sha256.Sum256([]byte(p.source + "\n" + p.URI()))
	name := hex.EncodeToString(sum[:16]) + ".lock"
	free, err := dirlock.New(fsys, dirlock.BestEffort, dirlock.Options{}).Lock(ctx, name)
	switch {
	case err == nil:
		// Whoever waits for the file finds that it is gone, and begins again.
		return func() error {
			_ = os.Remove(filepath.Join(dir, name))
			return free()
		}, nil
	case ctx.Err() != nil || errors.Is(err, dirlock.ErrBusy):
		return nil, err
	}
	return none, nil
}

func (a *app) tellOfTurn() {
	if !a.json {
		a.note("another copy to the same place is under way; waiting for its end")
	}
}
