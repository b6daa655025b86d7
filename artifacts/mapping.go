package artifacts

import (
	"path"
	"path/filepath"
	"strings"

	"github.com/mlruns/mlruns/internal/failure"
)

// Mapping is the caller's word that what was recorded at From or below it is in the local directory
// Dir. From is
//
//   - a scheme, with or without a host and the beginning of a path: "mlflow-artifacts:",
//     "s3://bucket/prefix". Without a host it is for every host;
//   - a path or file URI of any system: "/old/mlruns", `C:\old`, "file://server/share", "." for all
//     relative paths.
//
// Escapes in From are decoded, as in what is compared with it.
type Mapping struct{ From, Dir string }

// Check refuses a mapping without a place on one of its sides as mlruns.ErrInvalid.
func (m Mapping) Check() error {
	switch {
	case m.From == "":
		return failure.Invalid("Invalid artifact mapping: the location that is mapped is empty")
	case m.Dir == "":
		return failure.Invalid("Invalid artifact mapping: there is no directory for '" + m.From + "'")
	}
	return nil
}

// below gives the path from Dir to a location, with slashes, if the location is mapped.
func (m Mapping) below(location string) (string, bool) {
	if from, ok := RecordedPath(m.From); ok {
		p, ok := RecordedPath(location)
		if !ok {
			return "", false
		}
		return inDir(Below(from, p))
	}
	from, u := split(m.From), split(location)
	if from.scheme != u.scheme || from.host != "" && !strings.EqualFold(from.host, u.host) {
		return "", false
	}
	return inDir(Below(path.Clean("/"+unescape(from.path)), path.Clean("/"+unescape(u.path))))
}

// inDir gives the path from a directory to what is below it, "." for the directory itself, if this
// system can hold it.
func inDir(rel string, ok bool) (string, bool) {
	rel = path.Clean(rel)
	return rel, ok && filepath.IsLocal(filepath.FromSlash(rel))
}

// Mapped gives the first mapping that a location is below, and the path from its directory. False
// if there is none.
func Mapped(mappings []Mapping, location string) (dir, rel string, ok bool) {
	for _, m := range mappings {
		if rel, ok := m.below(location); ok {
			return m.Dir, rel, true
		}
	}
	return "", "", false
}
