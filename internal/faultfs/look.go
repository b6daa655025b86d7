package faultfs

import (
	"github.com/spf13/afero"

	"github.com/mlruns/mlruns/internal/vfs"
)

// lookingFs is a nativeFs over a file system that is a vfs.Looker. A look is a Stat.
type lookingFs struct {
	*nativeFs
	looker vfs.Looker
}

var (
	_ Fs         = (*lookingFs)(nil)
	_ vfs.Native = (*lookingFs)(nil)
	_ vfs.Looker = (*lookingFs)(nil)
)

// Local is no operation: it touches nothing.
func (l *lookingFs) Local() bool { return l.looker.Local() }

func (l *lookingFs) Look(name string, changed bool) (vfs.Identity, error) {
	if err := l.tape.fail(Stat, name); err != nil {
		return vfs.Identity{}, err
	}
	return l.looker.Look(name, changed)
}

func (l *lookingFs) LookAt(f afero.File, changed bool) (vfs.Identity, error) {
	if err := l.tape.fail(Stat, f.Name()); err != nil {
		return vfs.Identity{}, err
	}
	if own, ok := f.(*file); ok {
		f = own.File
	}
	return l.looker.LookAt(f, changed)
}
