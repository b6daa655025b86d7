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

// place is a file or folder among the artifacts of a run, a logged model or a trace.
type place struct{ runID, modelID, traceID, file string }

// parsePlace reads <experiment>/<run>/artifacts/<path>, <experiment>/models/<model>/artifacts/… and
// <experiment>/traces/<trace>/artifacts/…, the only shapes of which there are files here. So
// nothing can be listed but the artifacts of one run, model or trace.
func parsePlace(p string) (at place, err error) {
	if !safePath(p) {
		return at, errInvalidPath
	}
	parts, of := strings.Split(path.Clean(p), "/"), ""
	if len(parts) > 1 && (parts[1] == "models" || parts[1] == "traces") {
		parts, of = parts[1:], parts[1]
	}
	if len(parts) < 3 || parts[2] != "artifacts" {
		return place{}, errInvalidPath
	}
	switch of {
	case "models":
		at.modelID = parts[1]
	case "traces":
		at.traceID = parts[1]
	default:
		at.runID = parts[1]
	}
	if at.file = strings.Join(parts[3:], "/"); !safePath(at.file) {
		return place{}, errInvalidPath
	}
	return at, nil
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
