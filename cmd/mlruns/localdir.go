package main

import (
	"errors"
	"fmt"
	"path/filepath"
	"regexp"
	"strings"

	"github.com/mlruns/mlruns"
	"github.com/mlruns/mlruns/artifacts"
)

// Two letters at least: "C:" is a drive.
var uriScheme = regexp.MustCompile(`^[A-Za-z][A-Za-z0-9+.-]+:`)

// storeDir is the directory that --store names: a path as it stands, or a file: URI.
func storeDir(text string) (string, error) {
	if text == "" {
		return "", errors.New("the name of the directory is empty")
	}
	if uriScheme.MatchString(text) {
		return trackingDir(text)
	}
	return text, nil
}

// trackingDir is the directory that a tracking URI names, where %20 is a blank in a plain path too,
// as in MLflow.
func trackingDir(uri string) (string, error) {
	dir, err := artifacts.LocalPath(uri)
	switch {
	case errors.Is(err, mlruns.ErrUnsupported) || uri == "databricks":
		scheme, _, _ := strings.Cut(uri, ":") // the rest may hold a password
		return "", fmt.Errorf("the scheme %q is not supported: a store is a path, or a URI of the scheme file, http or https, such as http://localhost:5000", scheme)
	case err != nil:
		return "", err
	case dir == "":
		return "", fmt.Errorf("%q names no directory", uri)
	}
	return filepath.FromSlash(dir), nil
}
