package dir

import (
	"errors"
	"io"
	"path"

	"github.com/mlruns/mlruns/filestore/layout"
)

// ReadFile reads a small file whole.
func (t *Tree) ReadFile(name string) ([]byte, error) {
	f, err := t.Folder(layout.Parent(name))
	if err != nil {
		return nil, err
	}
	defer f.Close()
	return f.ReadFile(path.Base(name), nil)
}

// ReadAll reads a file whole, of whatever size.
func (t *Tree) ReadAll(name string) ([]byte, error) {
	f, err := t.FS.Open(t.Path(name))
	if err != nil {
		return nil, err
	}
	data, err := io.ReadAll(f)
	return data, errors.Join(err, f.Close())
}
