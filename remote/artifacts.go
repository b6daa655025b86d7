package remote

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"path"
	"slices"
	"strings"

	"github.com/mlruns/mlruns"
	"github.com/mlruns/mlruns/internal/failure"
	"github.com/mlruns/mlruns/internal/validate"
	"github.com/mlruns/mlruns/internal/wire"
)

var _ mlruns.ArtifactStore = (*Store)(nil)

// LogArtifact implements mlruns.ArtifactStore.
func (s *Store) LogArtifact(ctx context.Context, runID, localPath, artifactPath string) error {
	return fail("log artifact", runID, s.logFile(ctx, holder{runID: runID}, localPath, artifactPath))
}

// LogArtifacts implements mlruns.ArtifactStore. Empty folders are left out: there is no call that
// makes one.
func (s *Store) LogArtifacts(ctx context.Context, runID, localDir, artifactPath string) error {
	return fail("log artifacts", runID, s.logFolder(ctx, holder{runID: runID}, localDir, artifactPath))
}

// WriteArtifact implements mlruns.ArtifactStore. What r gives is sent as it comes. If r can seek,
// or gives at most a megabyte, a request that failed is sent again; otherwise the error is
// mlruns.ErrUnconfirmed, and who has the content may call again.
func (s *Store) WriteArtifact(ctx context.Context, runID, artifactPath string, r io.Reader) error {
	return fail("write artifact", runID, s.writeFile(ctx, holder{runID: runID}, artifactPath, r))
}

// Artifacts implements mlruns.ArtifactStore.
func (s *Store) Artifacts(ctx context.Context, runID, artifactPath string) ([]mlruns.FileInfo, error) {
	list, err := s.list(ctx, holder{runID: runID}, artifactPath)
	return list, fail("list artifacts", runID, err)
}

// OpenArtifact implements mlruns.ArtifactStore. A transfer that is cut goes on where it was, unless
// the file has changed: mlruns.ErrCorrupt. The context bounds reading too.
func (s *Store) OpenArtifact(ctx context.Context, runID, artifactPath string) (io.ReadCloser, error) {
	file, err := s.openFile(ctx, holder{runID: runID}, artifactPath)
	if err != nil {
		return nil, fail("open artifact", runID, err)
	}
	return file, nil
}

// DownloadArtifacts implements mlruns.ArtifactStore. Each file appears whole or not at all.
func (s *Store) DownloadArtifacts(ctx context.Context, runID, artifactPath, localDir string) (string, error) {
	to, err := s.download(ctx, holder{runID: runID}, artifactPath, localDir)
	return to, fail("download artifacts", runID, err)
}

// DeleteArtifacts implements mlruns.ArtifactStore.
func (s *Store) DeleteArtifacts(ctx context.Context, runID, artifactPath string) error {
	return fail("delete artifacts", runID, s.deleteFiles(ctx, holder{runID: runID}, artifactPath))
}

// ArtifactRoot implements mlruns.ArtifactStore. Artifacts that the server sends itself have a URI
// that begins with mlflow-artifacts:.
func (s *Store) ArtifactRoot(ctx context.Context, runID string) (string, error) {
	at, err := s.checkAndLocate(ctx, holder{runID: runID})
	return at.uri, fail("artifact root", runID, err)
}

func (s *Store) checkAndLocate(ctx context.Context, h holder) (place, error) {
	if err := checkHolder(h); err != nil {
		return place{}, err
	}
	return s.locate(ctx, h)
}

// list gives what is directly in a folder, by name.
func (s *Store) list(ctx context.Context, h holder, artifactPath string) ([]mlruns.FileInfo, error) {
	folder, err := cleanPath(artifactPath)
	if err = firstOf(err, checkHolder(h)); err != nil {
		return nil, err
	}
	if h.traceID != "" {
		return s.listProxied(ctx, h, folder)
	}
	c := call{method: http.MethodGet, path: "2.0/mlflow/artifacts/list", query: url.Values{"run_id": {h.runID}, "run_uuid": {h.runID}}}
	name := "path"
	if h.modelID != "" {
		name = "artifact_directory_path"
		c = call{method: http.MethodGet, path: "2.0/mlflow/logged-models/" + url.PathEscape(h.modelID) + "/artifacts/directories", query: url.Values{},
			title: "2.0/mlflow/logged-models/{}/artifacts/directories", since: "3.0"}
	}
	if folder != "" {
		c.query.Set(name, folder)
	}
	var files []mlruns.FileInfo
	for {
		var answer struct {
			wire.ArtifactList
			Next string `json:"next_page_token"`
		}
		if _, err := s.ask(ctx, c, &answer); err != nil {
			return nil, err
		}
		for _, f := range answer.Files {
			info, err := fileInfo(folder, f)
			if err != nil {
				return nil, err
			}
			files = append(files, info)
		}
		if answer.Next == "" || len(answer.Files) == 0 {
			break
		}
		c.query.Set("page_token", answer.Next)
	}
	slices.SortFunc(files, func(a, b mlruns.FileInfo) int { return strings.Compare(a.Path, b.Path) })
	return files, nil
}

// listProxied lists a folder by the server's own artifact call: there is none that lists those of a
// trace.
func (s *Store) listProxied(ctx context.Context, h holder, folder string) ([]mlruns.FileInfo, error) {
	at, err := s.locate(ctx, h)
	if err != nil {
		return nil, err
	}
	if !at.isProxied {
		return nil, s.notHere(at, "list files")
	}
	var answer wire.ArtifactList
	if err := s.get(ctx, "2.0/mlflow-artifacts/artifacts", url.Values{"path": {at.file(folder)}}, &answer); err != nil {
		if errors.Is(err, mlruns.ErrNotFound) {
			err = nil
		}
		return nil, err
	}
	files := make([]mlruns.FileInfo, 0, len(answer.Files))
	for _, f := range answer.Files {
		f.Path = path.Join(folder, f.Path)
		info, err := fileInfo(folder, f)
		if err != nil {
			return nil, err
		}
		files = append(files, info)
	}
	slices.SortFunc(files, func(a, b mlruns.FileInfo) int { return strings.Compare(a.Path, b.Path) })
	return files, nil
}

// fileInfo takes a file that a server lists. One that does not lie in the folder is not followed.
func fileInfo(folder string, f wire.File) (mlruns.FileInfo, error) {
	if f.Path == "" || validate.ArtifactPath(f.Path) != nil || strings.TrimPrefix(path.Dir(f.Path), ".") != folder {
		return mlruns.FileInfo{}, &failure.Reason{Kind: mlruns.ErrCorrupt, Text: fmt.Sprintf("the server lists %q in the folder %q, where it cannot be", f.Path, folder)}
	}
	info := mlruns.FileInfo{Path: f.Path, IsDir: f.IsDir}
	if f.Size != nil && !f.IsDir {
		info.Size = int64(*f.Size)
	}
	return info, nil
}

func (s *Store) deleteFiles(ctx context.Context, h holder, artifactPath string) error {
	clean, err := cleanPath(artifactPath)
	if err != nil {
		return err
	}
	at, err := s.checkAndLocate(ctx, h)
	if err != nil {
		return err
	}
	if !at.isProxied {
		return s.notHere(at, "delete files")
	}
	c := call{method: http.MethodDelete, path: strings.TrimPrefix(s.artifactURL(at, clean), s.base+"/api/"), title: "2.0/mlflow-artifacts/artifacts", effect: repeats, since: "2.0"}
	if _, err = s.ask(ctx, c, nil); errors.Is(err, mlruns.ErrNotFound) {
		return nil
	}
	return err
}
