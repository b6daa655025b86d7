//go:build !linux

package rootfs

import (
	"os"

	"github.com/mlruns/mlruns/internal/drive"
	"github.com/mlruns/mlruns/internal/vfs"
)

// lookDir is nothing here: without cheap looks there is no Looker.
type lookDir struct{}

func (*lookDir) open(*os.Root) error { return nil }

func (*lookDir) close() error { return nil }

var _ vfs.Placed = (*Fs)(nil)

// Drive implements Placed.
func (f *Fs) Drive() drive.Drive { return f.withTargets(drive.At(f.base.path())) }
