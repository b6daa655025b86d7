package faultfs

import (
	"github.com/spf13/afero"

	"github.com/mlruns/mlruns/internal/rootfs"
)

// lookingFs is a nativeFs over a file system that is a rootfs.Looker. A look is a Stat.
type lookingFs struct {
	*nativeFs
	looker rootfs.Looker
}

var (
	_ Fs            = (*lookingFs)(nil)
	_ rootfs.Native = (*lookingFs)(nil)
	_ rootfs.Looker = (*lookingFs)(nil)
)

// Local is no operation: it touches nothing.
func (l *lookingFs) Local() bool { return l.looker.Local() }

func (l *lookingFs) Look(name string, changed bool) (rootfs.Sight, error) {
	if err := l.tape.fail(Stat, name); err != nil {
		return rootfs.Sight{}, err
	}
	return l.looker.Look(name, changed)
}

func (l *lookingFs) LookAt(f afero.File, changed bool) (rootfs.Sight, error) {
	if err := l.tape.fail(Stat, f.Name()); err != nil {
		return rootfs.Sight{}, err
	}
	if own, ok := f.(*file); ok {
		f = own.File
	}
	return l.looker.LookAt(f, changed)
}
