package validate

import (
	"errors"
	"io/fs"
	"os"

	"github.com/mlruns/mlruns/internal/failure"
)

// Destination wants a local folder, to download artifacts to. One that is not there is ErrNotFound,
// in MLflow's words.
func Destination(dir string) error {
	info, err := os.Stat(dir)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return &failure.Reason{Kind: failure.ErrNotFound, Code: failure.CodeNotFound, Cause: err,
			Text: "The destination path for downloaded artifacts does not exist! Destination path: " + dir}
	case err != nil:
		return err
	case !info.IsDir():
		return failure.Invalid("The destination path for downloaded artifacts must be a directory! Destination path: " + dir)
	}
	return nil
}
