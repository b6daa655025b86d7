package dir

import (
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
