package filestore

import (
	"context"
	"errors"
	"fmt"
	"sync"

	"github.com/mlruns/mlruns"
	"github.com/mlruns/mlruns/filestore/internal/codec"
	"github.com/mlruns/mlruns/filestore/layout"
	"github.com/mlruns/mlruns/internal/rootfs"
)

// nameCheck looks for the name of an experiment and remembers what it could not look at: a name is not free because the file that has it is another user's,
// or on a disk that fails. A meta.yaml that was read and makes no sense has no name until it is mended, and keeps nobody from working.
type nameCheck struct {
	mu     sync.Mutex // several experiments are read at once
	unseen error
}

// read is readUntagged.
func (c *nameCheck) read(ctx context.Context, root rootfs.Folder, ref experimentRef, p *problems) (mlruns.Experiment, error) {
	e, err := readUntagged(ctx, root, ref, p)
	var d *codec.Damage
	var m *codec.Mismatch
	if err == nil || isMissing(err) || errors.As(err, &d) || errors.As(err, &m) || errors.Is(err, rootfs.ErrNotRegular) || errors.Is(err, rootfs.ErrOutside) {
		return e, err
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.unseen == nil {
		c.unseen = fmt.Errorf("%s: %w", layout.Join(ref.dir, layout.Meta), err)
	}
	return e, err
}

// last is the error of a check that found no such name.
func (c *nameCheck) last(name string) error {
	if c.unseen == nil {
		return nil
	}
	return fmt.Errorf("whether there is an experiment named '%s' is not known, for one cannot be read: %w", name, c.unseen)
}
