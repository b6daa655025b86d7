package remote

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net/http"
	"net/url"
	"os"
	"path"
	"path/filepath"
	"strings"

	"github.com/mlruns/mlruns"
	"github.com/mlruns/mlruns/internal/failure"
	"github.com/mlruns/mlruns/internal/validate"
)

// maxPosted is what MLflow's server takes for artifacts that it does not send itself.
const maxPosted = 10 << 20

// maxKept is how much of a content that cannot be read again is kept to be sent again.
const maxKept = 1 << 20

// content is what is to be stored as a file.
type content struct {
	io.Reader
	// again goes back to the beginning, nil if that cannot be done.
	again func() error
	size  int64 // -1 if not known
	err   error // why reading failed
}

func (c *content) Read(p []byte) (int, error) {
	n, err := c.Reader.Read(p)
	if err != nil && !errors.Is(err, io.EOF) {
		c.err = err
	}
	return n, err
}

// newContent finds out whether r can be read again. What is short is kept.
func newContent(r io.Reader) (*content, error) {
	if seeker, ok := r.(io.Seeker); ok {
		if begin, err := seeker.Seek(0, io.SeekCurrent); err == nil {
			if end, err := seeker.Seek(0, io.SeekEnd); err == nil {
				again := func() error { _, err := seeker.Seek(begin, io.SeekStart); return err }
				return &content{Reader: r, again: again, size: max(0, end-begin)}, nil
			}
		}
	}
	kept, err := io.ReadAll(io.LimitReader(r, maxKept+1))
	if err != nil {
		return nil, err
	}
	if len(kept) <= maxKept {
		whole := bytes.NewReader(kept)
		return &content{Reader: whole, again: func() error { _, err := whole.Seek(0, io.SeekStart); return err }, size: int64(len(kept))}, nil
	}
	return &content{Reader: io.MultiReader(bytes.NewReader(kept), r), size: -1}, nil
}

// writeFile stores what r gives as a file.
func (s *Store) writeFile(ctx context.Context, h holder, artifactPath string, r io.Reader) error {
	if artifactPath == "" {
		return fileNeedsName()
	}
	if err := validate.ArtifactPath(artifactPath); err != nil {
		return err
	}
	at, err := s.checkAndLocate(ctx, h)
	if err != nil {
		return err
	}
	c, err := newContent(r)
	if err != nil {
		return err
	}
	method, target := http.MethodPut, s.artifactURL(at, artifactPath)
	if !at.isProxied {
		if h.runID == "" || c.size < 0 || c.size > maxPosted {
			return s.notHere(at, fmt.Sprintf("store files of more than %d MB, or of unknown size, or of logged models and traces", maxPosted>>20))
		}
		method, target = http.MethodPost, s.base+"/ajax-api/2.0/mlflow/upload-artifact?"+url.Values{"run_uuid": {h.runID}, "path": {artifactPath}}.Encode()
	}
	t := s.newTries(repeats)
	if c.again == nil {
		t.most = 0
	}
	for {
		if err := t.next(ctx); err != nil {
			return err
		}
		if c.again != nil {
			if err := c.again(); err != nil {
				return err
			}
		}
		done, err := t.judge(ctx, s.sendFile(ctx, method, target, artifactPath, c))
		if c.err != nil {
			return c.err
		}
		if done {
			return err
		}
	}
}

func (s *Store) sendFile(ctx context.Context, method, target, name string, c *content) error {
	header := http.Header{"Content-Type": {"application/octet-stream"}}
	var body io.Reader = c
	if c.size == 0 {
		body = http.NoBody
	}
	res, err := s.roundTrip(ctx, method, target, header, body, c.size)
	if err != nil {
		return &lost{err}
	}
	defer func() { _ = res.Close() }()
	request := call{path: "the file " + name}
	if res.StatusCode != http.StatusOK && res.StatusCode != http.StatusCreated && res.StatusCode != http.StatusNoContent {
		err := s.refused(request, res)
		if r := (*refused)(nil); errors.As(err, &r) && !r.spoken && errors.Is(r.reason, mlruns.ErrUnsupported) {
			r.reason = &failure.Reason{Kind: mlruns.ErrUnsupported, Text: "The server at " + s.base + " takes no files"}
		}
		return err
	}
	return s.isObject(request, res.Body)
}

// logFile copies a file, or a folder under its own name, into a folder of artifacts.
func (s *Store) logFile(ctx context.Context, h holder, localPath, artifactPath string) error {
	if err := validate.ArtifactPath(artifactPath); err != nil {
		return err
	}
	info, err := os.Stat(localPath)
	if err != nil {
		return err
	}
	abs, err := filepath.Abs(localPath) // "." has a name too
	if err != nil {
		return err
	}
	to := path.Join(artifactPath, filepath.Base(abs))
	if info.IsDir() {
		return s.logBelow(ctx, h, abs, to)
	}
	return s.logOne(ctx, h, abs, to)
}

// logFolder copies what is in a folder into a folder of artifacts.
func (s *Store) logFolder(ctx context.Context, h holder, localDir, artifactPath string) error {
	if err := validate.ArtifactPath(artifactPath); err != nil {
		return err
	}
	info, err := os.Stat(localDir)
	if err != nil {
		return err
	}
	if !info.IsDir() {
		return failure.Invalid(fmt.Sprintf("'%s' is not a directory", localDir))
	}
	return s.logBelow(ctx, h, localDir, artifactPath)
}

// logBelow copies a folder: of links to files the content. Links to folders are left out, as they
// can form circles.
func (s *Store) logBelow(ctx context.Context, h holder, localDir, to string) error {
	if _, err := s.checkAndLocate(ctx, h); err != nil {
		return err
	}
	return filepath.WalkDir(localDir, func(name string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		rel, err := filepath.Rel(localDir, name)
		if err != nil {
			return err
		}
		p := path.Join(to, filepath.ToSlash(rel))
		if d.Type()&fs.ModeSymlink != 0 {
			info, err := os.Stat(name)
			if err != nil {
				return err
			}
			if info.IsDir() {
				s.tell(nil, []mlruns.Problem{{Kind: mlruns.ProblemLeftOut, Path: p, Reason: "a link to a folder is not followed"}})
				return nil
			}
		}
		return s.logOne(ctx, h, name, p)
	})
}

func (s *Store) logOne(ctx context.Context, h holder, name, p string) error {
	info, err := os.Stat(name)
	if err != nil {
		return err
	}
	if !info.Mode().IsRegular() {
		// Opening a named pipe would wait for its writer.
		return failure.Invalid(fmt.Sprintf("'%s' is not a regular file", name))
	}
	if strings.Contains(p, `\`) {
		return failure.Invalid(fmt.Sprintf("Invalid artifact path: '%s'", p))
	}
	f, err := os.Open(name)
	if err != nil {
		return err
	}
	defer func() { _ = f.Close() }()
	return s.writeFile(ctx, h, p, f)
}
