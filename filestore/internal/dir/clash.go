package dir

import (
	"github.com/mlruns/mlruns/filestore/layout"
	"github.com/mlruns/mlruns/internal/failure"
)

// Disjoint refuses sorted keys of which one would have to be a file and a folder at once, as a and
// a/b.
func Disjoint(what string, keys []string) error {
	if len(keys) < 2 {
		return nil
	}
	have := make(map[string]bool, len(keys))
	for _, key := range keys {
		have[key] = true
	}
	for _, key := range keys {
		for dir := layout.Parent(key); dir != ""; dir = layout.Parent(dir) {
			if have[dir] {
				return clash(what, key, dir)
			}
		}
	}
	return nil
}

// clash is the refusal of a key because another key needs its file as a folder, or its folder as a
// file.
func clash(what, key, other string) error {
	return failure.Invalid("Invalid " + what + " name '" + key + "': there is a " + what + " named '" + other +
		"', and in a directory '" + shorter(key, other) + "' cannot be both a file and a folder")
}

func shorter(a, b string) string {
	if len(a) < len(b) {
		return a
	}
	return b
}
