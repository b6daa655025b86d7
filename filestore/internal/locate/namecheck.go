package locate

import (
	"context"
	"errors"
	"fmt"
	"path"
	"strings"
	"sync"

	"github.com/mlruns/mlruns"
	"github.com/mlruns/mlruns/filestore/internal/codec"
	"github.com/mlruns/mlruns/filestore/internal/records"
	"github.com/mlruns/mlruns/filestore/layout"
	"github.com/mlruns/mlruns/internal/failure"
	"github.com/mlruns/mlruns/internal/vfs"
)

// NameCheck looks for the name of an experiment and remembers what it could not look at: a name is
// not free because the file that has it is another user's, on a disk that fails, or behind a link
// that is not followed. A meta.yaml that was read and makes no sense has no name until it is
// mended, and keeps nobody from working.
type NameCheck struct {
	read   ExperimentReader
	mu     sync.Mutex // several experiments are read at once
	unseen error
}

// Read reads an experiment.
func (c *NameCheck) Read(ctx context.Context, root vfs.Folder, ref records.ExperimentRef, p *records.Problems) (mlruns.Experiment, error) {
	e, err := c.read(ctx, root, ref, p)
	if err == nil {
		return e, nil
	}
	var d *codec.Damage
	var m *codec.Mismatch
	if vfs.IsMissing(err) || errors.As(err, &d) || errors.As(err, &m) || errors.Is(err, vfs.ErrNotRegular) {
		return e, err
	}
	c.miss(layout.Join(ref.Dir, layout.Meta), err)
	return e, err
}

// Listing are the problems of the listing that the check goes through. A link that is not followed
// is missed where it has a name that MLflow gives to experiments: what else lies there under a link
// is hardly one.
func (c *NameCheck) Listing() *records.Problems {
	return &records.Problems{Report: func(p mlruns.Problem) {
		if p.Kind == mlruns.ProblemUnreadable && strings.Trim(path.Base(p.Path), "0123456789") == "" {
			c.miss(p.Path, &failure.Reason{Kind: mlruns.ErrOutside, Text: p.Reason})
		}
	}}
}

func (c *NameCheck) miss(what string, err error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.unseen == nil {
		c.unseen = fmt.Errorf("%s: %w", what, err)
	}
}

// Last is the error of a check that found no such name.
func (c *NameCheck) Last(name string) error {
	if c.unseen == nil {
		return nil
	}
	return fmt.Errorf("whether there is an experiment named '%s' is not known, for one cannot be read: %w", name, c.unseen)
}

// NameFree refuses a name that any experiment has. The caller holds the root lock.
func (l *Locator) NameFree(ctx context.Context, name string) error {
	taken, err := l.ByName(ctx, name, nil, nil, records.WithoutTags)
	if err != nil || taken == nil {
		return err
	}
	return failure.ExperimentTaken(name, taken.Stage == mlruns.StageDeleted)
}

// NameFreeToRestore refuses to restore an experiment whose name an active one has by now: MLflow
// 2.0 … 2.14 let that happen. The caller holds the root lock.
func (l *Locator) NameFreeToRestore(ctx context.Context, restored mlruns.Experiment) error {
	check := NameCheck{read: records.WithoutTags}
	for e, err := range l.Experiments(ctx, mlruns.ViewActive, check.Listing(), nil, check.Read) {
		if err != nil {
			return err
		}
		if e.Name == restored.Name {
			return failure.ExperimentTaken(e.Name, e.Stage == mlruns.StageDeleted)
		}
	}
	return check.Last(restored.Name)
}
