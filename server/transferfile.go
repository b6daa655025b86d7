package server

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"mime"
	"net/http"
	"path"
	"slices"
	"strings"
	"time"

	"github.com/mlruns/mlruns/internal/failure"
)

// receiveArtifact stores the body of a request as a file, whole or not at all: the store
// sees a body that was cut off as a failed read.
func (s *server) receiveArtifact(r *http.Request, at place) error {
	body := &bodyReader{Reader: r.Body}
	err := s.write(r.Context(), at, body)
	tooLarge := (*http.MaxBytesError)(nil)
	switch {
	case err == nil:
		return nil
	case errors.As(body.err, &tooLarge):
		return failure.Invalid("Artifact size is too large. Max size is 10MB.")
	case body.err != nil:
		return &refusal{http.StatusBadRequest, codeBadRequest, "The file has not arrived whole: " + body.err.Error()}
	}
	return err
}

// bodyReader keeps what made reading fail: that is the sender's failure and not the store's.
type bodyReader struct {
	io.Reader
	err error
}

func (b *bodyReader) Read(p []byte) (int, error) {
	n, err := b.Reader.Read(p)
	if err != nil && !errors.Is(err, io.EOF) {
		b.err = err
	}
	return n, err
}

// sendArtifact sends a file, or the part of it that is asked for. The header makes a
// browser save it and never show it as a page of this server: what a file is, a stranger may have
// chosen.
func (s *server) sendArtifact(w http.ResponseWriter, r *http.Request, at place) error {
	content, err := s.open(r.Context(), at)
	if err != nil {
		return err
	}
	defer func() { _ = content.Close() }()
	h := w.Header()
	artifactHeader(h, at.file)
	modified := time.Time{}
	if f, ok := content.(interface{ Stat() (fs.FileInfo, error) }); ok {
		info, err := f.Stat()
		if err != nil {
			return err
		}
		modified = info.ModTime()
		h.Set("ETag", fmt.Sprintf(`"%x-%x"`, modified.UnixNano(), info.Size()))
	}
	if f, ok := content.(io.ReadSeeker); ok {
		http.ServeContent(w, r, "", modified, f)
		return nil
	}
	if _, err := io.Copy(w, content); err != nil {
		panic(http.ErrAbortHandler) // so that nobody takes a part for the whole
	}
	return nil
}

// artifactHeader tells of a file and keeps it from being a page.
func artifactHeader(h http.Header, file string) {
	h.Set("Content-Type", artifactType(file))
	h.Set("Content-Disposition", disposition(path.Base(file)))
	h.Set("Content-Security-Policy", "sandbox; default-src 'none'")
	h.Set("Cache-Control", "no-store")
}

// disposition makes a browser save a file under its name.
func disposition(name string) string {
	if d := mime.FormatMediaType("attachment", map[string]string{"filename": name}); d != "" {
		return d
	}
	return "attachment"
}

// artifactTypes are the types by which the page chooses how to draw a file. All that people edit is
// text, as in MLflow: also what a browser would run.
var artifactTypes = map[string]string{
	".html": "text/html", ".svg": "image/svg+xml", ".pdf": "application/pdf",
	".png": "image/png", ".jpg": "image/jpeg", ".jpeg": "image/jpeg", ".gif": "image/gif", ".webp": "image/webp", ".mp4": "video/mp4", ".wav": "audio/wav", ".mp3": "audio/mpeg",
}

var textNames = []string{
	".txt", ".log", ".err", ".cfg", ".conf", ".cnf", ".cf", ".ini", ".properties", ".prop", ".hocon", ".toml", ".yaml", ".yml", ".xml", ".json", ".js", ".py", ".py3", ".csv", ".tsv", ".md",
	".rst", ".ipynb", "MLmodel", "MLproject", "mlproject",
}

func artifactType(file string) string {
	name := path.Base(file)
	ext := strings.ToLower(path.Ext(name))
	switch kind := artifactTypes[ext]; {
	case kind != "":
		return kind
	case slices.Contains(textNames, ext), slices.Contains(textNames, name):
		return "text/plain"
	}
	return "application/octet-stream"
}
