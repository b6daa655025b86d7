//go:build !linux

package rootfs

import (
	"os"

	"github.com/spf13/afero"

	"github.com/mlruns/mlruns/internal/drive"
	"github.com/mlruns/mlruns/internal/vfs"
)

// lookDir is nothing here.
type lookDir struct{}

func (*lookDir) open(*os.Root) error { return nil }

func (*lookDir) close() error { return nil }

// Drive implements vfs.FS.
func (f *Fs) Drive() drive.Drive { return f.withTargets(drive.At(f.base.path())) }

// Local is false: to identify a file takes as much as to open it.
func (f *Fs) Local() bool { return false }

// Served implements vfs.FS.
func (f *Fs) Served() bool { return false }

// FreshFile implements vfs.FS.
func (f *Fs) FreshFile(file afero.File) (vfs.Identity, error) { return f.IdentifyFile(file, true) }

// FreshFolder implements vfs.FS.
func (f *Fs) FreshFolder(string) error { return nil }

// Identify tells the kind and the size of a file only.
func (f *Fs) Identify(name string, _ bool) (vfs.Identity, error) {
	return vfs.IdentityOf(f.Lstat(name))
}

// IdentifyFile is Identify of an open file.
func (f *Fs) IdentifyFile(file afero.File, _ bool) (vfs.Identity, error) {
	return vfs.IdentityOf(file.Stat())
}
