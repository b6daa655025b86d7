package transfer

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"maps"
	"path"
	"slices"

	"github.com/mlruns/mlruns"
)

// files is the part of a store that holds files of runs, or of models.
type files struct {
	list  func(ctx context.Context, id, path string) ([]mlruns.FileInfo, error)
	open  func(ctx context.Context, id, path string) (io.ReadCloser, error)
	write func(ctx context.Context, id, path string, r io.Reader) error
}

// runFiles gives the files of runs; nil where a store has none.
func runFiles(s mlruns.Store) *files {
	a, ok := s.(mlruns.ArtifactStore)
	if !ok {
		return nil
	}
	return &files{a.Artifacts, a.OpenArtifact, a.WriteArtifact}
}

// walk calls each for the files below a folder, in the order in which they are listed.
func (f *files) walk(ctx context.Context, id, folder string, each func(mlruns.FileInfo) error) error {
	list, err := f.list(ctx, id, folder)
	if err != nil {
		return err
	}
	for _, file := range list {
		if file.IsDir {
			err = f.walk(ctx, id, file.Path, each)
		} else {
			err = each(file)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// sizes gives the sizes of all files of a run.
func (f *files) sizes(ctx context.Context, id string) (map[string]int64, error) {
	sizes := map[string]int64{}
	err := f.walk(ctx, id, "", func(file mlruns.FileInfo) error {
		sizes[file.Path] = file.Size
		return nil
	})
	return sizes, err
}

// size gives the size of a file, if it is there.
func (f *files) size(ctx context.Context, id, name string) (size int64, there bool, err error) {
	folder := path.Dir(name)
	if folder == "." {
		folder = ""
	}
	list, err := f.list(ctx, id, folder)
	for _, file := range list {
		if file.Path == name && !file.IsDir {
			return file.Size, true, err
		}
	}
	return 0, false, err
}

// sum is the digest of a file.
func (f *files) sum(ctx context.Context, id, path string) (string, error) {
	r, err := f.open(ctx, id, path)
	if err != nil {
		return "", err
	}
	h := sha256.New()
	_, err = io.Copy(h, r)
	if closeErr := r.Close(); err == nil {
		err = closeErr
	}
	return hex.EncodeToString(h.Sum(nil)), err
}

// filesCopy copies the files of one run.
type filesCopy struct {
	from, to     *files
	fromID, toID string
	there        map[string]int64 // what the destination has
	deep         bool             // files of one size are compared by their digests, and read back
	prefer       Prefer
	dryRun       bool
	again        bool             // what is lacking was refused before
	only         string           // "", or the one file that is copied
	seen         map[string]int64 // the source's, once they were gone through
	copied       map[string]int64
	unread       notRead
}

// run copies what the destination lacks. It writes files that differ only where the source is
// preferred. What cannot be read of the source is left out, and told by unread.
func (c *filesCopy) run(ctx context.Context, it *Item) error {
	c.copied, c.seen, c.unread = map[string]int64{}, map[string]int64{}, notRead{}
	err := c.folder(ctx, "", it)
	if err != nil || c.deep || len(c.copied) == 0 {
		return err
	}
	there, err := c.to.sizes(ctx, c.toID)
	for _, name := range slices.Sorted(maps.Keys(c.copied)) {
		switch got, ok := there[name]; {
		case err != nil:
		case !ok: // a server that decodes names has it under another
			it.Files--
			it.Bytes -= c.copied[name]
			it.refuse("artifacts/"+name, "the destination does not have it under this name")
		case got != c.copied[name]:
			err = fmt.Errorf("%w: artifact %s has %d bytes, not %d", errReadBack, name, got, c.copied[name])
		}
	}
	return err
}

func (c *filesCopy) folder(ctx context.Context, folder string, it *Item) error {
	list, err := c.from.list(ctx, c.fromID, folder)
	if err != nil {
		return c.unreadable(ctx, folder, err)
	}
	for _, file := range list {
		switch {
		case file.IsDir:
			err = c.folder(ctx, file.Path, it)
		case c.only == "" || file.Path == c.only:
			err = c.file(ctx, file, it)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// file copies a file if the destination lacks it.
func (c *filesCopy) file(ctx context.Context, file mlruns.FileInfo, it *Item) error {
	c.seen[file.Path] = file.Size
	if size, there := c.there[file.Path]; there {
		if done, err := c.same(ctx, file, size, it); done || err != nil {
			return err
		}
	}
	if c.again {
		it.refuse("artifacts/"+file.Path, notTaken)
		return nil
	}
	if c.dryRun {
		it.Files++
		it.Bytes += file.Size
		return nil
	}
	n, done, err := c.copy(ctx, file)
	switch {
	case done:
		c.copied[file.Path], c.seen[file.Path] = n, n
		it.Files++
		it.Bytes += n
	// its name, or its size, as a rule
	case errors.Is(err, mlruns.ErrInvalid) || errors.Is(err, mlruns.ErrUnsupported):
		it.refuse("artifacts/"+file.Path, mlruns.MessageOf(err))
		return nil
	}
	return err
}

// same reports whether a file that is on both sides is to be left as it is there.
func (c *filesCopy) same(ctx context.Context, file mlruns.FileInfo, size int64, it *Item) (bool, error) {
	field := "artifacts/" + file.Path
	if size != file.Size {
		return !it.differ(c.prefer, true, field, fmt.Sprintf("%d bytes", file.Size), fmt.Sprintf("%d bytes", size)), nil
	}
	if !c.deep {
		return true, nil
	}
	source, err := c.from.sum(ctx, c.fromID, file.Path)
	if err != nil {
		return true, c.unreadable(ctx, file.Path, err)
	}
	destination, err := c.to.sum(ctx, c.toID, file.Path)
	if err != nil || source == destination {
		return true, err
	}
	return !it.differ(c.prefer, true, field, "sha256 "+source, "sha256 "+destination), nil
}

// copy writes a file, and tells how many bytes it has. done is false where it was not written, for
// it could not be read for instance.
func (c *filesCopy) copy(ctx context.Context, file mlruns.FileInfo) (n int64, done bool, err error) {
	f, err := c.from.open(ctx, c.fromID, file.Path)
	if err != nil {
		return 0, false, c.unreadable(ctx, file.Path, err)
	}
	h := sha256.New()
	r := &reading{Reader: f, whole: func(n int64) error { return c.isWhole(ctx, file, n) }}
	err = c.to.write(ctx, c.toID, file.Path, io.TeeReader(r, h))
	closeErr := f.Close()
	switch {
	case r.err != nil:
		return 0, false, c.unreadable(ctx, file.Path, r.err)
	case err != nil:
		return 0, false, err
	case closeErr != nil || !c.deep:
		return r.n, true, closeErr
	}
	written, err := c.to.sum(ctx, c.toID, file.Path)
	if err == nil && written != hex.EncodeToString(h.Sum(nil)) {
		err = fmt.Errorf("%w: artifact %s", errReadBack, file.Path)
	}
	return r.n, true, err
}
