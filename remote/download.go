package remote

import (
	"bytes"
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"hash"
	"io"
	"io/fs"
	"net/http"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"unicode"

	"github.com/mlruns/mlruns"
	"github.com/mlruns/mlruns/internal/failure"
	"github.com/mlruns/mlruns/internal/validate"
)

// openFile opens a file for reading.
func (s *Store) openFile(ctx context.Context, h holder, artifactPath string) (*fileReader, error) {
	clean, err := cleanPath(artifactPath)
	if err != nil {
		return nil, err
	}
	at, err := s.checkAndLocate(ctx, h)
	if err != nil {
		return nil, err
	}
	if clean == "" {
		return nil, noArtifact(artifactPath)
	}
	if at.isProxied, err = s.sendsFile(ctx, at, clean); err != nil {
		return nil, err
	}
	f, err := s.openURL(ctx, s.fileURL(at, clean), artifactPath)
	answered := (*failure.Reason)(nil)
	if err == nil || !errors.As(err, &answered) || errors.Is(err, mlruns.ErrNotFound) || ctx.Err() != nil {
		return f, err
	}
	// MLflow 2 says of a file that is not there that it failed, or that it is no file.
	siblings, failed := s.list(ctx, h, path.Dir(clean))
	if failed == nil && !slices.ContainsFunc(siblings, func(f mlruns.FileInfo) bool { return f.Path == clean && !f.IsDir }) {
		return nil, noArtifact(artifactPath)
	}
	return nil, err
}

// sendsFile reports whether the server's artifact calls send a file of a place. Those of MLflow
// before 3 fail where its name is not ASCII; the other call for a run's files does not.
func (s *Store) sendsFile(ctx context.Context, at place, name string) (bool, error) {
	ascii := strings.IndexFunc(path.Base(name), func(r rune) bool { return r > unicode.MaxASCII }) < 0
	if !at.isProxied || at.runID == "" || ascii {
		return at.isProxied, nil
	}
	err := s.needsMLflow3(ctx, "the file")
	if errors.Is(err, mlruns.ErrUnsupported) {
		return false, nil
	}
	return true, err
}

func (s *Store) openURL(ctx context.Context, target, name string) (*fileReader, error) {
	f := &fileReader{ctx: ctx, store: s, target: target, name: name, tries: s.newTries(reads)}
	if err := f.open(); err != nil {
		return nil, err
	}
	return f, nil
}

func noArtifact(name string) error {
	return &failure.Reason{Kind: mlruns.ErrNotFound, Code: failure.CodeNotFound, Text: "No such artifact: '" + name + "'"}
}

// fileReader reads a file, and goes on where it was when the connection is cut.
type fileReader struct {
	ctx    context.Context
	store  *Store
	target string
	name   string
	tries  *tries
	body   *response
	offset int64
	// version tells whether the file is still the one that was begun, if the server says so.
	version string
	// sum is of what was read of a file without a version: what is skipped must be that.
	sum hash.Hash
}

// open asks for the file from the offset on, until an answer comes.
func (f *fileReader) open() error {
	for {
		if err := f.tries.next(f.ctx); err != nil {
			return err
		}
		done, err := f.tries.judge(f.ctx, f.ask())
		if done {
			return err
		}
	}
}

func (f *fileReader) ask() error {
	header := http.Header{"Accept-Encoding": {"identity"}}
	if f.offset > 0 {
		header.Set("Range", fmt.Sprintf("bytes=%d-", f.offset))
	}
	res, err := f.store.roundTrip(f.ctx, http.MethodGet, f.target, header, nil, 0)
	if err != nil {
		return &lost{err}
	}
	if err = f.take(res); err != nil {
		_ = res.Close()
		return err
	}
	f.body = res
	return nil
}

// take looks at an answer, and skips what was read already.
func (f *fileReader) take(res *response) error {
	switch res.StatusCode {
	case http.StatusOK:
	case http.StatusPartialContent:
		if begin, _, _ := strings.Cut(strings.TrimPrefix(res.Header.Get("Content-Range"), "bytes "), "-"); begin != strconv.FormatInt(f.offset, 10) {
			return &strangeAnswer{fmt.Errorf("%s sent another part of %s than was asked for", f.store.base, f.name)}
		}
	case http.StatusRequestedRangeNotSatisfiable:
		return f.changed()
	case http.StatusNotFound:
		return noArtifact(f.name)
	default:
		return f.store.refused(call{path: "the file " + f.name}, res)
	}
	version := res.Header.Get("Etag")
	if version == "" {
		version = res.Header.Get("Last-Modified")
	}
	if f.offset == 0 {
		if f.version, f.sum = version, nil; version == "" {
			f.sum = sha256.New()
		}
		return nil
	}
	if version != f.version {
		return f.changed()
	}
	if res.StatusCode == http.StatusOK {
		return f.skip(res.Body)
	}
	return nil
}

// skip reads up to the offset.
func (f *fileReader) skip(body io.Reader) error {
	again := sha256.New()
	n, err := io.CopyN(again, body, f.offset)
	switch {
	case n < f.offset && errors.Is(err, io.EOF):
		return f.changed()
	case err != nil:
		return &lost{err}
	case f.sum != nil && !bytes.Equal(again.Sum(nil), f.sum.Sum(nil)):
		return f.changed()
	}
	return nil
}

func (f *fileReader) changed() error {
	return &failure.Reason{Kind: mlruns.ErrCorrupt, Text: "the file " + f.name + " was changed while it was read"}
}

// Read implements io.Reader.
func (f *fileReader) Read(p []byte) (int, error) {
	if f.body == nil {
		return 0, fs.ErrClosed
	}
	for {
		n, err := f.body.Body.Read(p)
		if n > 0 {
			f.offset += int64(n)
			if f.sum != nil {
				_, _ = f.sum.Write(p[:n])
			}
			f.tries = f.store.newTries(reads)
			f.tries.n = 1 // the one that goes on
			return n, nil
		}
		if err == nil {
			continue
		}
		if errors.Is(err, io.EOF) {
			return 0, io.EOF
		}
		_ = f.body.Close()
		done, err := f.tries.judge(f.ctx, &lost{err})
		if !done {
			err = f.open()
		}
		if err != nil {
			return 0, &mlruns.Error{Op: "read artifact", ID: f.name, Err: err}
		}
	}
}

// Close implements io.Closer.
func (f *fileReader) Close() error {
	if f.body == nil {
		return fs.ErrClosed
	}
	_ = f.body.Close() // what is left of it is not wanted
	f.body = nil
	return nil
}

// download copies a file or folder to below a local folder.
func (s *Store) download(ctx context.Context, h holder, artifactPath, localDir string) (string, error) {
	clean, err := cleanPath(artifactPath)
	if err != nil {
		return "", err
	}
	if localDir, err = filepath.Abs(localDir); err != nil {
		return "", err
	}
	if err := validate.Destination(localDir); err != nil {
		return "", err
	}
	root, err := os.OpenRoot(localDir)
	if err != nil {
		return "", err
	}
	defer func() { _ = root.Close() }()
	d := downloader{s, h, root}
	files, err := s.list(ctx, h, clean)
	switch {
	case err != nil:
	case len(files) > 0 || clean == "":
		err = d.folder(ctx, clean, files)
	default:
		err = d.fileOrEmpty(ctx, clean)
	}
	if err != nil {
		return "", err
	}
	return filepath.Join(localDir, filepath.FromSlash(clean)), nil
}

// downloader writes to a folder, and nowhere else, whatever the server calls its files.
type downloader struct {
	store  *Store
	holder holder
	to     *os.Root
}

func (d downloader) folder(ctx context.Context, folder string, files []mlruns.FileInfo) error {
	if err := d.makeFolder(folder); err != nil {
		return err
	}
	for _, f := range files {
		if !f.IsDir {
			if err := d.file(ctx, f.Path); err != nil {
				return err
			}
			continue
		}
		below, err := d.store.list(ctx, d.holder, f.Path)
		if err != nil {
			return err
		}
		if err := d.folder(ctx, f.Path, below); err != nil {
			return err
		}
	}
	return nil
}

// fileOrEmpty is for what has nothing below it: a file, an empty folder, or nothing.
func (d downloader) fileOrEmpty(ctx context.Context, p string) error {
	siblings, err := d.store.list(ctx, d.holder, path.Dir(p))
	if err != nil {
		return err
	}
	for _, f := range siblings {
		if f.Path == p && f.IsDir {
			return d.makeFolder(p)
		}
	}
	return d.file(ctx, p)
}

func (d downloader) makeFolder(p string) error {
	if p == "" || p == "." {
		return nil
	}
	if !filepath.IsLocal(filepath.FromSlash(p)) {
		return unholdable(p)
	}
	return d.to.MkdirAll(filepath.FromSlash(p), 0o777)
}

func unholdable(p string) error {
	return failure.Invalid(fmt.Sprintf("the artifact %q has a name that a file cannot have here", p))
}

func (d downloader) file(ctx context.Context, p string) (err error) {
	if err := d.makeFolder(path.Dir(p)); err != nil {
		return err
	}
	name := filepath.FromSlash(p)
	if !filepath.IsLocal(name) {
		return unholdable(p)
	}
	src, err := d.store.openFile(ctx, d.holder, p)
	if err != nil {
		return err
	}
	defer func() { _ = src.Close() }()
	temp := filepath.Join(filepath.Dir(name), ".mlruns-download-"+newID())
	f, err := d.to.OpenFile(temp, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o666)
	if err != nil {
		return err
	}
	_, err = io.Copy(f, src)
	if err = errors.Join(err, f.Close()); err == nil {
		err = d.to.Rename(temp, name)
	}
	if err != nil {
		_ = d.to.Remove(temp) // the failure before is the one to tell
	}
	return err
}
