package query

import (
	"context"
	"errors"
	"io/fs"
	"os"
	"strings"

	"github.com/mlruns/mlruns"
	"github.com/mlruns/mlruns/filestore/internal/dir"
	"github.com/mlruns/mlruns/filestore/internal/index"
	"github.com/mlruns/mlruns/filestore/internal/records"
	"github.com/mlruns/mlruns/filestore/layout"
)

// maxPasses bounds how often all runs are gone through to make an index of a store that is too
// large for one draft.
const maxPasses = 64

// Rebuild makes an index anew, of all runs that can be in one. each is told of each run.
func (s *Searcher) Rebuild(ctx context.Context, each func()) error {
	if at := s.Index(); at != nil && at.Unwritable != nil {
		return at.Unwritable
	}
	if err := s.Drop(); err != nil {
		return err
	}
	s.failed.Store(0) // who asks for it tries again
	for pass := range maxPasses {
		if pass > 0 && s.Index().Served {
			if err := dir.Sleep(ctx, apart); err != nil {
				return err
			}
		}
		c := s.begin()
		if c == nil {
			return nil
		}
		if err := s.rebuildExperiments(ctx, c); err != nil {
			c.giveUp()
			return err
		}
		err := s.eachOf(ctx, mlruns.RunQuery{View: mlruns.ViewAll}, c, func(*mlruns.Run, error) bool {
			each()
			return true
		})
		if fresh := c.draft.Cells(); err != nil || fresh == 0 || pass > 0 && fresh <= int(c.sighted.Load()) {
			c.giveUp()
			return err
		}
		if err := c.write(); err != nil {
			return err
		}
		each = func() {}
	}
	return nil
}

// giveUp ends a session without making an index.
func (c *session) giveUp() {
	_ = c.file.Close()
	c.draft.Discard()
}

func (s *Searcher) rebuildExperiments(ctx context.Context, c *session) error {
	if c.index.Served {
		return nil
	}
	x := s.experimentsIn(c)
	for _, err := range s.find.Experiments(ctx, mlruns.ViewAll, &records.Problems{}, x.list, x.readWithTags) {
		if err != nil {
			return err
		}
	}
	return nil
}

// Drop removes the index, when one that is being made is there.
func (s *Searcher) Drop() error {
	at := s.Index()
	if at == nil {
		return nil
	}
	s.writers.Wait()
	if err := os.Remove(at.Path); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	return nil
}

// Indexed tells how many runs the index has, and how many bytes; nothing if there is none that can
// be used.
func (s *Searcher) Indexed() (runs int, bytes int64) {
	at := s.Index()
	if at == nil {
		return 0, 0
	}
	f, err := index.Open(at.Path, at.Owner)
	if err != nil {
		return 0, 0
	}
	defer func() { _ = f.Close() }()
	return f.Size(func(part string) bool {
		return part != "" && part != layout.Trash && !strings.HasSuffix(part, "/"+layout.Datasets)
	})
}
