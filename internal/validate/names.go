// Package validate checks the arguments of a store's calls by MLflow's rules and refuses them in
// MLflow 3.11's words. What it gives is a *failure.Reason that is an ErrInvalid, or nil.
package validate

import (
	"fmt"
	"path"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/mlruns/mlruns"
	"github.com/mlruns/mlruns/internal/failure"
	"github.com/mlruns/mlruns/internal/pyfmt"
)

// RunID checks a run id: a letter or digit, then at most 255 word characters and dashes.
func RunID(id string) error {
	if !validID(id, 256) {
		return failure.Invalid(fmt.Sprintf("Invalid value %s for parameter 'run_id' supplied.", pyfmt.JSON(id)))
	}
	return nil
}

// ExperimentID checks an experiment id: a letter or digit, then at most 63 word characters
// and dashes.
func ExperimentID(id string) error {
	if !validID(id, 64) {
		return failure.Invalid(fmt.Sprintf("Invalid experiment ID: '%s'", id))
	}
	return nil
}

// validID is MLflow's rule without the newline that Python's $ lets pass.
func validID(id string, limit int) bool {
	n := 0
	for i, r := range id {
		letter := r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9'
		if i == 0 && !letter || !letter && r != '-' && !wordRune(r) {
			return false
		}
		n++
	}
	return n > 0 && n <= limit
}

// wordRune is Python's \w.
func wordRune(r rune) bool {
	return r == '_' || r != utf8.RuneError && (unicode.IsLetter(r) || unicode.IsNumber(r))
}

// ExperimentName checks an experiment's name: not empty, UTF-8, at most
// mlruns.MaxExperimentNameLength.
func ExperimentName(name string) error {
	if name == "" {
		return failure.Invalid("Invalid experiment name: ''")
	}
	if err := Text("name", name); err != nil {
		return err
	}
	return length("name", name, mlruns.MaxExperimentNameLength)
}

// ArtifactLocation checks an experiment's artifact location, "" included.
func ArtifactLocation(location string) error {
	if err := Text("artifact_location", location); err != nil {
		return err
	}
	if strings.HasPrefix(location, "runs:") {
		return failure.Invalid("Artifact location cannot be a runs:/ URI. Given: '" + location + "'")
	}
	if utf8.RuneCountInString(location) > mlruns.MaxArtifactLocationLength {
		return failure.Invalid(fmt.Sprintf("Invalid artifact path length. The length of the artifact path cannot be greater than %d characters. "+
			"To configure this limit, please set the MLFLOW_ARTIFACT_LOCATION_MAX_LENGTH environment variable.", mlruns.MaxArtifactLocationLength))
	}
	return nil
}

// Key checks the key of a metric, param or tag; field is how messages call it. The rule is
// MLflow's on POSIX: word characters, / . - space and colon, and the key as a path must be in its
// shortest form and lead downwards.
func Key(field, key string) error {
	for _, r := range key {
		if !wordRune(r) && !strings.ContainsRune("/.- :", r) {
			return failure.Invalid(fmt.Sprintf("Invalid value %s for parameter '%s' supplied: Names may only contain alphanumerics, underscores (_), dashes (-), "+
				"periods (.), spaces ( ), colon(:) and slashes (/).", pyfmt.JSON(key), field))
		}
	}
	if resolved := normalize(key); resolved != key || resolved == "." || strings.HasPrefix(resolved, "..") || strings.HasPrefix(resolved, "/") {
		return failure.Invalid(fmt.Sprintf("Invalid value %s for parameter '%s' supplied: %s", pyfmt.JSON(key), field, ambiguousPath(resolved)))
	}
	return nil
}

// ArtifactPath checks an artifact path for writing, "" included: relative, in its shortest
// form, never upwards.
func ArtifactPath(p string) error {
	if p == "" {
		return nil
	}
	if err := Text("path", p); err != nil {
		return err
	}
	if resolved := normalize(p); resolved != p || resolved == "." || strings.HasPrefix(resolved, "..") || strings.HasPrefix(resolved, "/") {
		return &failure.Reason{Kind: failure.ErrInvalid, Code: failure.CodeInternal, Text: fmt.Sprintf("Invalid artifact path: '%s'. %s", p, ambiguousPath(resolved))}
	}
	return nil
}

func ambiguousPath(resolved string) string {
	return "Names may be treated as files in certain cases, and must not resolve to other names when treated as such. This name would resolve to '" + resolved + "'"
}

// normalize is Python's posixpath.normpath, which keeps exactly two leading slashes.
func normalize(p string) string {
	clean := path.Clean(p)
	if strings.HasPrefix(p, "//") && !strings.HasPrefix(p, "///") {
		return "/" + clean
	}
	return clean
}

func length(what, text string, limit int) error {
	if len(text) > limit && utf8.RuneCountInString(text) > limit {
		return failure.Invalid(fmt.Sprintf("'%s' exceeds the maximum length of %d characters", what, limit))
	}
	return nil
}

// Text checks that a text is UTF-8; field is how messages call it.
func Text(field, text string) error {
	if !utf8.ValidString(text) {
		return failure.Invalid(fmt.Sprintf("Invalid value %s for parameter '%s' supplied: the text is not valid UTF-8", pyfmt.JSON(text), field))
	}
	return nil
}
