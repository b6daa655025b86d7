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

// splitArtifact reads <experiment>/<run>/artifacts/<path>, the only shape of which there are files
// here. So nothing can be listed but the artifacts of one run.
func splitArtifact(p string) (runID, file string, err error) {
	if !safePath(p) {
		return "", "", errInvalidPath
	}
	parts := strings.SplitN(strings.TrimSuffix(p, "/"), "/", 4)
	if len(parts) < 3 || parts[2] != "artifacts" || parts[1] == "models" || parts[1] == "traces" {
		return "", "", errInvalidPath
	}
	if len(parts) == 4 {
		file = parts[3]
	}
	if !safePath(file) {
		return "", "", errInvalidPath
	}
	return parts[1], file, nil
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
	if strings.HasPrefix(p, "/") || strings.ContainsAny(p, "\\\x00") || len(p) > 1 && p[1] == ':' {
		return false
	}
	for part := range strings.SplitSeq(p, "/") {
		if part == ".." {
			return false
		}
	}
	return p == "" || path.Clean(p) == strings.TrimSuffix(p, "/")
}
