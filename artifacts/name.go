package artifacts

import (
	"fmt"
	"path"
	"runtime"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/mlruns/mlruns"
	"github.com/mlruns/mlruns/internal/atomicfile"
)

var errInvalidPath = mlruns.Invalid("Invalid path")

// readable checks an artifact path for reading and gives its shortest form, "." for the top. Nothing in it is decoded.
func readable(p string) (string, error) { return readableOn(p, runtime.GOOS) }

func readableOn(p, goos string) (string, error) {
	if strings.HasPrefix(p, "/") || strings.Contains(p, "\x00") || !utf8.ValidString(p) || slices.Contains(strings.Split(p, "/"), "..") {
		return "", errInvalidPath
	}
	clean := path.Clean(p)
	if goos == "windows" && clean != "." {
		for part := range strings.SplitSeq(clean, "/") {
			if !windowsName(part) {
				return "", errInvalidPath
			}
		}
	}
	return clean, nil
}

// maxDepth is the most parts that an artifact path can have; no program can open a path of many more.
const maxDepth = 128

// writable checks an artifact path for writing, "" included, as MLflow does, and then for what the platform cannot hold.
func writable(p string) error { return writableOn(p, runtime.GOOS) }

func writableOn(p, goos string) error {
	if err := mlruns.ValidateArtifactPath(p); err != nil {
		return err
	}
	if strings.Contains(p, "\x00") {
		return errInvalidPath
	}
	if n := strings.Count(p, "/") + 1; n > maxDepth {
		return mlruns.Invalid(fmt.Sprintf("Invalid artifact path: '%.80s…' has %d parts, more than %d", p, n, maxDepth))
	}
	for part := range strings.SplitSeq(p, "/") {
		if atomicfile.IsTemp(part) {
			return mlruns.Invalid(fmt.Sprintf("Invalid artifact path: '%s'. The name '%s' is kept for temporary files", p, part))
		}
		if goos == "windows" && !windowsName(part) {
			return mlruns.Invalid(fmt.Sprintf("Invalid artifact path: '%s'. Windows cannot hold the name '%s'", p, part))
		}
	}
	return nil
}

// windowsName reports whether Windows keeps a name as it stands, and as that of a file.
func windowsName(name string) bool {
	if strings.ContainsAny(name, `<>:"|?*\`) || strings.ContainsFunc(name, func(r rune) bool { return r < ' ' }) {
		return false
	}
	if strings.HasSuffix(name, ".") || strings.HasSuffix(name, " ") {
		return false
	}
	stem, _, _ := strings.Cut(strings.ToUpper(name), ".")
	switch stem = strings.TrimRight(stem, " "); stem {
	case "CON", "PRN", "AUX", "NUL", "CONIN$", "CONOUT$":
		return false
	}
	port, ok := strings.CutPrefix(stem, "COM")
	if !ok {
		port, ok = strings.CutPrefix(stem, "LPT")
	}
	return !ok || utf8.RuneCountInString(port) != 1 || !strings.Contains("0123456789¹²³", port)
}
