package filestore

import "github.com/mlruns/mlruns/filestore/internal/dir"

// Reader reads experiments and runs from their folders.
type Reader struct {
	tree *dir.Tree
}
