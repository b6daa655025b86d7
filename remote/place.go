package remote

import (
	"context"
	"net/url"
	"path"
	"strings"
	"sync"

	"github.com/mlruns/mlruns/internal/failure"
	"github.com/mlruns/mlruns/internal/validate"
)

// holder is what has artifacts: a run, a logged model, or a trace.
type holder struct{ runID, modelID, traceID string }

// place is where the artifacts of a holder are.
type place struct {
	holder
	// uri is the location that the server tells.
	uri string
	// proxied is the location as the server's own artifact calls have it, if it can be had by them.
	proxied   string
	isProxied bool
}

// places keeps where artifacts are, which does not change.
type places struct {
	mu   sync.Mutex
	kept map[holder]place
}

const mostPlaces = 4096

// locate asks where the artifacts of a holder are.
func (s *Store) locate(ctx context.Context, h holder) (at place, err error) {
	s.places.mu.Lock()
	at, ok := s.places.kept[h]
	s.places.mu.Unlock()
	if ok {
		return at, s.begin(ctx)
	}
	at.holder = h
	if at.uri, err = s.location(ctx, h); err != nil {
		return at, err
	}
	at.proxied, at.isProxied = s.proxyPath(at.uri)
	s.places.mu.Lock()
	defer s.places.mu.Unlock()
	if len(s.places.kept) >= mostPlaces || s.places.kept == nil {
		s.places.kept = map[holder]place{}
	}
	s.places.kept[h] = at
	return at, nil
}

// location asks for the location that the server tells of a holder.
func (s *Store) location(ctx context.Context, h holder) (string, error) {
	switch {
	case h.traceID != "":
		t, err := s.trace(ctx, h.traceID)
		if err != nil {
			return "", err
		}
		return t.ArtifactLocation, nil
	case h.modelID != "":
		m, err := s.loggedModel(ctx, h.modelID)
		if err != nil {
			return "", err
		}
		return m.ArtifactLocation, nil
	}
	run, err := s.run(ctx, h.runID)
	if err != nil {
		return "", err
	}
	return run.Info.ArtifactURI, nil
}

const artifactsPath = "/api/2.0/mlflow-artifacts/artifacts/"

// proxyPath gives the path of a location that this server sends and takes itself. One behind
// another host is not its: nothing, credentials above all, is sent there.
func (s *Store) proxyPath(uri string) (p string, ok bool) {
	if rest, ok := strings.CutPrefix(uri, s.base+artifactsPath); ok {
		return strings.Trim(rest, "/"), true
	}
	u, err := url.Parse(uri)
	if err != nil || u.Scheme != "mlflow-artifacts" {
		return "", false
	}
	if u.Host != "" {
		if own, err := url.Parse(s.base); err != nil || !strings.EqualFold(own.Host, u.Host) {
			return "", false
		}
	}
	return strings.Trim(u.Path, "/"), true
}

// file is the path of a file as the server's artifact calls have it.
func (p place) file(name string) string { return path.Join(p.proxied, name) }

// artifactURL is the address of a file or folder.
func (s *Store) artifactURL(p place, name string) string {
	parts := strings.Split(p.file(name), "/")
	for i := range parts {
		parts[i] = url.PathEscape(parts[i])
	}
	return s.base + artifactsPath + strings.Join(parts, "/")
}

// fileURL is the address from which a file is read.
func (s *Store) fileURL(p place, name string) string {
	switch {
	case p.isProxied:
		return s.artifactURL(p, name)
	case p.traceID != "":
		query := url.Values{"request_id": {p.traceID}, "trace_id": {p.traceID}}
		if attached, ok := strings.CutPrefix(name, attachments); ok {
			query.Set("path", attached)
		}
		return s.base + "/ajax-api/2.0/mlflow/get-trace-artifact?" + query.Encode()
	case p.modelID != "":
		return s.base + "/ajax-api/2.0/mlflow/logged-models/" + url.PathEscape(p.modelID) + "/artifacts/files?" + url.Values{"artifact_file_path": {name}}.Encode()
	}
	return s.base + "/get-artifact?" + url.Values{"run_id": {p.runID}, "run_uuid": {p.runID}, "path": {name}}.Encode()
}

// cleanPath gives the shortest form of an artifact path: "" is the top.
func cleanPath(p string) (string, error) {
	clean := path.Clean(p)
	if clean == "." {
		return "", nil
	}
	return clean, validate.ArtifactPath(clean)
}

func checkHolder(h holder) error {
	switch {
	case h.traceID != "":
		return validate.PlainName("trace_id", h.traceID)
	case h.modelID != "":
		return validate.PlainName("model_id", h.modelID)
	}
	return validate.RunID(h.runID)
}

// notHere is about artifacts that this server cannot write.
func (s *Store) notHere(p place, what string) error {
	return unsupported("the artifacts are at " + p.uri + ", and the server at " + s.base + " does not " + what + " there")
}

func fileNeedsName() error { return failure.Invalid("Invalid artifact path: ''. A file needs a name") }
