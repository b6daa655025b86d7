package server

import (
	"net/http"
	"path"

	"github.com/mlruns/mlruns"
	"github.com/mlruns/mlruns/internal/failure"
	"github.com/mlruns/mlruns/internal/wire"
)

// listArtifacts lists a folder of a run, with paths that begin at its artifacts.
func (s *server) listArtifacts(c *call) (any, error) {
	id, folder := c.RunID(), c.Text("path")
	if err := c.Err(); err != nil {
		return nil, err
	}
	if !safePath(folder) {
		return nil, errInvalidPath
	}
	list, err := s.list(c.ctx, place{runID: id, file: shortest(folder)})
	if err != nil {
		return nil, err
	}
	run, err := s.store.Run(c.ctx, id)
	if err != nil {
		return nil, err
	}
	return wire.NewArtifactList(s.runLocation(run.Info), list), nil
}

// fileList is what mlflow-artifacts/artifacts answers.
type fileList struct {
	Files []wire.File `json:"files,omitempty"`
}

// listProxied lists a folder of a run, with bare names. A folder that is missing is empty.
func (s *server) listProxied(c *call) (any, error) {
	at, err := parsePlace(c.Text("path"))
	if c.Err() != nil || err != nil {
		return nil, errInvalidPath
	}
	list, err := s.list(c.ctx, at)
	if err != nil {
		return nil, err
	}
	named := make([]mlruns.FileInfo, len(list))
	for i, f := range list {
		named[i] = f
		named[i].Path = path.Base(f.Path)
	}
	return fileList{wire.NewArtifactList("", named).Files}, nil
}

func (s *server) deleteProxied(c *call) (any, error) {
	at, err := parsePlace(c.rest)
	if err != nil {
		return nil, err
	}
	return empty{}, s.remove(c.ctx, at)
}

// getProxied sends the file that a client asks for by its location.
func (s *server) getProxied(w http.ResponseWriter, r *http.Request, rest string) {
	at, err := parsePlace(rest)
	if err == nil {
		err = s.sendArtifact(w, r, at)
	}
	if err != nil {
		s.refuse(w, r, err)
	}
}

// getArtifact sends the file that the page asks for by run and path.
func (s *server) getArtifact(w http.ResponseWriter, r *http.Request, _ string) {
	q := wire.ParseQuery(r.URL.Query())
	id, file := q.RunID(), q.RequiredText("path")
	err := q.Err()
	if err == nil && !safePath(file) {
		err = errInvalidPath
	}
	if err == nil {
		err = s.sendArtifact(w, r, place{runID: id, file: shortest(file)})
	}
	if err != nil {
		s.refuse(w, r, err)
	}
}

// getVersionArtifact is about a model version, of which there are none; that a path is bad is said
// first, as MLflow does.
func (s *server) getVersionArtifact(w http.ResponseWriter, r *http.Request, _ string) {
	if !safePath(r.URL.Query().Get("path")) {
		s.refuse(w, r, errInvalidPath)
		return
	}
	s.refuse(w, r, s.noRegistry())
}

// putProxied stores the body of a request as a file.
func (s *server) putProxied(w http.ResponseWriter, r *http.Request, rest string) {
	at, err := parsePlace(rest)
	if err == nil && at.file == "" {
		err = errInvalidPath
	}
	if err == nil {
		err = s.receiveArtifact(r, at)
	}
	if err != nil {
		s.refuse(w, r, err)
		return
	}
	sendJSON(w, http.StatusOK, empty{})
}

// maxNote is the size of what upload-artifact takes, MLflow's.
const maxNote = 10 << 20

// uploadArtifact stores a small file that the page sends, such as a picture of a note.
func (s *server) uploadArtifact(w http.ResponseWriter, r *http.Request, _ string) {
	q := wire.ParseQuery(r.URL.Query())
	id, file := q.Text("run_uuid"), q.Text("path")
	err := q.Err()
	switch {
	case err != nil:
	case id == "":
		err = failure.Invalid("Request must specify run_uuid.")
	case file == "":
		err = failure.Invalid("Request must specify path.")
	case !safePath(file):
		err = errInvalidPath
	case r.ContentLength > maxNote:
		err = failure.Invalid("Artifact size is too large. Max size is 10MB.")
	case r.ContentLength == 0:
		err = failure.Invalid("Request must specify data.")
	default:
		r.Body = http.MaxBytesReader(w, r.Body, maxNote)
		err = s.receiveArtifact(r, place{runID: id, file: shortest(file)})
	}
	if err != nil {
		s.refuse(w, r, err)
		return
	}
	sendJSON(w, http.StatusOK, empty{})
}
