package wire

import "github.com/mlruns/mlruns"

// File is an artifact. A folder has no size.
type File struct {
	Path  string `json:"path"`
	IsDir bool   `json:"is_dir"`
	Size  *Int   `json:"file_size,omitempty"`
}

// ArtifactList is what artifacts/list answers.
type ArtifactList struct {
	Root  string `json:"root_uri"`
	Files []File `json:"files"`
}

// NewArtifactList gives the shape of a folder of artifacts below the location root.
func NewArtifactList(root string, files []mlruns.FileInfo) ArtifactList {
	list := make([]File, 0, len(files))
	for _, f := range files {
		file := File{Path: f.Path, IsDir: f.IsDir}
		if !f.IsDir {
			size := Int(f.Size)
			file.Size = &size
		}
		list = append(list, file)
	}
	return ArtifactList{root, list}
}
