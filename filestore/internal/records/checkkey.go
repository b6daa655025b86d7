package records

import (
	"github.com/mlruns/mlruns/filestore/internal/dir"
	"github.com/mlruns/mlruns/internal/failure"
)

// CheckKey refuses keys that this platform cannot hold, and those that belong to desktops and
// sync tools: a reader would take the file for theirs.
func CheckKey(field, key string) error {
	if IsForeignKey(key) {
		return failure.Invalid("Invalid value '" + key + "' for parameter '" + field + "' supplied: desktops and sync tools use such a name for files of their own")
	}
	return dir.Holdable(field, key)
}
