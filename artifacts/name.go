package artifacts

import (
	"fmt"
	"path"
	"runtime"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/mlruns/mlruns/internal/atomicfile"
	"github.com/mlruns/mlruns/internal/failure"
	"github.com/mlruns/mlruns/internal/filename"
	"github.com/mlruns/mlruns/internal/validate"
)

var errInvalidPath = failure.Invalid("Invalid path")

// readable checks an artifact path for reading and gives its shortest form, "." for the top.
// Nothing in it is decoded.
func readable(p string) (string, error) { return readableOn(p, runtime.GOOS) }

func readableOn(p, goos string) (string, error) {
	if strings.HasPrefix(p, "/") || strings.Contains(p, "\x00") || !utf8.ValidString(p) || slices.Contains(strings.Split(p, "/"), "..") {
		return "", errInvalidPath
	}
	clean := path.Clean(p)
	if goos == "windows" && clean != "." && filename.CheckPath(goos, clean) != nil {
		return "", errInvalidPath
	}
	return clean, nil
}

// writable checks an artifact path for writing, "" included, as MLflow does, and then for what the
// platform cannot hold.
func writable(p string) error { return writableOn(p, runtime.GOOS) }

func writableOn(p, goos string) error {
	if err := validate.ArtifactPath(p); err != nil {
		return err
	}
	if strings.Contains(p, "\x00") {
		return errInvalidPath
	}
	if n := strings.Count(p, "/") + 1; n > filename.MaxDepth {
		return failure.Invalid(fmt.Sprintf("Invalid artifact path: '%.80s…' has %d parts, more than %d", p, n, filename.MaxDepth))
	}
	for part := range strings.SplitSeq(p, "/") {
		if atomicfile.IsTemp(part) {
			return failure.Invalid(fmt.Sprintf("Invalid artifact path: '%s'. The name '%s' is kept for temporary files", p, part))
		}
	}
	if err := filename.CheckPath(goos, p); err != nil {
		return failure.Invalid(fmt.Sprintf("Invalid artifact path: '%s': %v", p, err))
	}
	return nil
}
