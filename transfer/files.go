package transfer

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"maps"
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
}

// run copies what the destination lacks. It writes files that differ only where the source is
// preferred.
func (c *filesCopy) run(ctx context.Context, it *Item) error {
	copied := map[string]int64{}
	c.seen = map[string]int64{}
	err := c.from.walk(ctx, c.fromID, "", func(file mlruns.FileInfo) error {
		if c.only != "" && file.Path != c.only {
			return nil
		}
		c.seen[file.Path] = file.Size
		size, there := c.there[file.Path]
		if there {
			same, err := c.same(ctx, file, size, it)
			if same || err != nil {
				return err
			}
		}
		if c.again {
			it.refuse("artifacts/"+file.Path, notTaken)
			return nil
		}
		it.Files++
		it.Bytes += file.Size
		if c.dryRun {
			return nil
		}
		err := c.copy(ctx, file)
		// its name, or its size, as a rule
		if errors.Is(err, mlruns.ErrInvalid) || errors.Is(err, mlruns.ErrUnsupported) {
			it.Files--
			it.Bytes -= file.Size
			it.refuse("artifacts/"+file.Path, mlruns.MessageOf(err))
			return nil
		}
		copied[file.Path] = file.Size
		return err
	})
	if err != nil || c.deep || len(copied) == 0 {
		return err
	}
	there, err := c.to.sizes(ctx, c.toID)
	for _, name := range slices.Sorted(maps.Keys(copied)) {
		switch got, ok := there[name]; {
		case err != nil:
		case !ok: // a server that decodes names has it under another
			it.refuse("artifacts/"+name, "the destination does not have it under this name")
		case got != copied[name]:
			err = fmt.Errorf("%w: artifact %s has %d bytes, not %d", errReadBack, name, got, copied[name])
		}
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
		return false, err
	}
	destination, err := c.to.sum(ctx, c.toID, file.Path)
	if err != nil || source == destination {
		return true, err
	}
	return !it.differ(c.prefer, true, field, "sha256 "+source, "sha256 "+destination), nil
}

func (c *filesCopy) copy(ctx context.Context, file mlruns.FileInfo) error {
	r, err := c.from.open(ctx, c.fromID, file.Path)
	if err != nil {
		return err
	}
	h := sha256.New()
	err = c.to.write(ctx, c.toID, file.Path, io.TeeReader(r, h))
	if closeErr := r.Close(); err == nil {
		err = closeErr
	}
	if err != nil || !c.deep {
		return err
	}
	written, err := c.to.sum(ctx, c.toID, file.Path)
	if err == nil && written != hex.EncodeToString(h.Sum(nil)) {
		err = fmt.Errorf("%w: artifact %s", errReadBack, file.Path)
	}
	return err
}
