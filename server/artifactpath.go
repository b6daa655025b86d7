package server

import (
	"net/url"
	"path"
	"strings"

	"github.com/mlruns/mlruns/internal/failure"
)

// artifactsPath is what stands before the path of a file in a request.
const artifactsPath = "/mlflow-artifacts/artifacts/"

var errInvalidPath = failure.Invalid("Invalid path")

// place is a file or folder among the artifacts of a run, or of a logged model.
type place struct{ runID, modelID, file string }

// parsePlace reads <experiment>/<run>/artifacts/<path> and <experiment>/models/<model>/artifacts/…,
// the only shapes of which there are files here. So nothing can be listed but the artifacts of one
// run or model.
func parsePlace(p string) (at place, err error) {
	if !safePath(p) {
		return at, errInvalidPath
	}
	parts, ofModel := strings.Split(path.Clean(p), "/"), false
	if len(parts) > 1 && parts[1] == "models" {
		parts, ofModel = parts[1:], true
	}
	if len(parts) < 3 || parts[2] != "artifacts" || parts[1] == "traces" {
		return place{}, errInvalidPath
	}
	if at.runID = parts[1]; ofModel {
		at = place{modelID: parts[1]}
	}
	if at.file = strings.Join(parts[3:], "/"); !safePath(at.file) {
		return place{}, errInvalidPath
	}
	return at, nil
}

// spansOf reads <experiment>/traces/<trace>/artifacts/traces.json, the one file of a trace.
func spansOf(p string) (traceID string, ok bool) {
	parts := strings.Split(p, "/")
	if !safePath(p) || len(parts) != 5 || parts[1] != "traces" || parts[3] != "artifacts" || parts[4] != spansFile {
		return "", false
	}
	return parts[2], true
}

// safePath reports whether a path leads downwards, however often somebody decodes it. The store
// holds that by itself: this is to say so in MLflow's words, before anything is looked for.
func safePath(p string) bool {
	for range 4 {
		if !leadsDown(p) {
			return false
		}
		decoded, err := url.PathUnescape(p)
		if err != nil || decoded == p {
			return true
		}
		p = decoded
	}
	return false
}

func leadsDown(p string) bool {
	if strings.HasPrefix(p, "/") || strings.Contains(p, "//") || strings.ContainsAny(p, "\\\x00") || len(p) > 1 && p[1] == ':' {
		return false
	}
	for part := range strings.SplitSeq(p, "/") {
		if part == ".." {
			return false
		}
	}
	return true
}

// shortest is a path without ".", which clients write: "" is the top.
func shortest(p string) string {
	if p = path.Clean(p); p == "." {
		return ""
	}
	return p
}
