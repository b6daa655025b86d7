package records

import (
	"github.com/mlruns/mlruns"
	"github.com/mlruns/mlruns/filestore/internal/dir"
	"github.com/mlruns/mlruns/internal/vfs"
)

// Reader reads experiments and runs from the folders of a store. It takes no locks and finds
// nothing: a ref says where to look. What cannot be read goes to the caller's Problems.
type Reader struct {
	Tree *dir.Tree
	// Note is told of each file that Run has read, see vfs.Noting, and before of the run's folder
	// as of ""; nil: nobody is.
	Note func(name string, id vfs.Identity)
}

// readIn opens a folder, has read read it, and gives the problems that read met.
func (r *Reader) readIn(dir string, read func(vfs.Folder, *Problems) error) ([]mlruns.Problem, error) {
	f, err := r.Tree.Folder(dir)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	p := &Problems{}
	err = read(f, p)
	return p.Sorted(), err
}
