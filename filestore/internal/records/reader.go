package records

import "github.com/mlruns/mlruns/filestore/internal/dir"

// Reader reads experiments and runs from the folders of a store. It takes no locks and finds
// nothing: a ref says where to look. What cannot be read goes to the caller's Problems.
type Reader struct {
	Tree *dir.Tree
}
