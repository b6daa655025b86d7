package rootfs

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/mlruns/mlruns/internal/drive"
)

// target is a directory that names may lead into: the base, or a link target.
type target struct {
	root *os.Root
	dir  string // absolute, as it was given
	real string // the same without symbolic links
	info fs.FileInfo
}

// place is a name in a target.
type place struct {
	*target
	name string
}

func openTarget(dir string) (*target, error) {
	abs, err := filepath.Abs(dir)
	if err != nil {
		return nil, err
	}
	// os.OpenRoot would wait at a named pipe.
	info, err := os.Stat(abs)
	if err != nil {
		return nil, err
	}
	if !info.IsDir() {
		return nil, notDir(dir)
	}
	realDir, err := filepath.EvalSymlinks(abs)
	if err != nil {
		return nil, err
	}
	root, err := os.OpenRoot(realDir)
	if err != nil {
		return nil, err
	}
	if info, err = root.Stat("."); err != nil {
		return nil, errors.Join(err, root.Close())
	}
	return &target{root: root, dir: abs, real: realDir, info: info}, nil
}

// withTargets is the drive of the directory with those that links may lead to.
func (f *Fs) withTargets(d drive.Drive) drive.Drive {
	for _, t := range f.targets {
		d = d.With(t.dir, drive.At(t.real))
	}
	return d
}

// path is where the directory is now, as far as that can be known.
func (t *target) path() string {
	if info, err := os.Stat(t.real); err == nil && os.SameFile(info, t.info) {
		return t.real
	}
	if moved, ok := currentPath(t.root); ok {
		return moved
	}
	return t.real
}
