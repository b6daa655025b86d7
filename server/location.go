package server

import (
	"strings"

	"github.com/mlruns/mlruns"
	"github.com/mlruns/mlruns/internal/failure"
)

// proxyScheme is that of locations which a client reads and writes through the server.
const proxyScheme = "mlflow-artifacts:"

// runLocation is where a client is told to find the artifacts of a run. What lies in the store, or
// on this machine, it reaches through the server: to write to a path of its own machine would lose
// the files without a word. What is recorded on disk stays as it is.
func (s *server) runLocation(i mlruns.RunInfo) string {
	folder := "/" + i.ExperimentID + "/" + i.ID + "/artifacts"
	if !s.proxied(i.ArtifactURI) {
		return s.here(i.ArtifactURI, folder)
	}
	return proxyScheme + folder
}

// experimentLocation is the same for an experiment.
func (s *server) experimentLocation(e mlruns.Experiment) string {
	if !s.proxied(e.ArtifactLocation) {
		return s.here(e.ArtifactLocation, "/"+e.ID)
	}
	return proxyScheme + "/" + e.ID
}

// here is the folder of the store that a recorded location names, wherever that location leads, if
// clients are told so. Any other location stays as it is.
func (s *server) here(recorded, folder string) string {
	if scheme := schemeOf(recorded); s.options.local && (scheme == "" || scheme == "file") && strings.HasSuffix(recorded, folder) {
		return s.store.URI() + folder
	}
	return recorded
}

func (s *server) proxied(uri string) bool {
	if s.options.direct || s.files == nil {
		return false
	}
	switch scheme := schemeOf(uri); scheme {
	case "", "file", "mlflow-artifacts":
		return true
	}
	return false
}

// schemeOf is "" for a path. One letter is a drive of Windows.
func schemeOf(uri string) string {
	scheme, _, found := strings.Cut(uri, ":")
	if !found || len(scheme) < 2 || strings.ContainsAny(scheme, `/\`) {
		return ""
	}
	return strings.ToLower(scheme)
}

// locationToRecord gives the artifact location that an experiment gets. Who asks over the network
// is not to choose a place of this machine: it is the store's own, or below it. What is elsewhere,
// a bucket, the client reaches itself. With direct artifacts any place is recorded, for nothing is
// written here.
func (s *server) locationToRecord(wanted string) (string, error) {
	switch {
	case wanted == "" || s.options.direct:
		return wanted, nil
	case schemeOf(wanted) == "mlflow-artifacts":
		return "", nil // through the server is where they are already
	case s.belowStore(wanted) || !s.proxied(wanted) && s.files != nil:
		return wanted, nil
	}
	return "", failure.Invalid("Invalid artifact location: '" + wanted + "'. This server keeps artifacts itself: leave the location out, or have the server started with --artifacts direct")
}

func (s *server) belowStore(location string) bool {
	root := strings.TrimSuffix(s.store.URI(), "/") + "/"
	rest, ok := strings.CutPrefix(location, root)
	return ok && rest != "" && !strings.ContainsAny(rest, `%\?#`) && safePath(rest)
}
