package dir

import (
	"runtime"

	"github.com/mlruns/mlruns/internal/failure"
	"github.com/mlruns/mlruns/internal/filename"
)

// Holdable refuses what this platform's file systems cannot hold.
func Holdable(field, key string) error {
	if err := filename.CheckPath(runtime.GOOS, key); err != nil {
		return failure.Invalid(invalidName(field, key, err.Error()))
	}
	return nil
}

func invalidName(field, key, why string) string {
	return "Invalid value '" + key + "' for parameter '" + field + "' supplied: " + why
}
