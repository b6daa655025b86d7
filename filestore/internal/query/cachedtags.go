package query

import (
	"context"
	"io/fs"
	"slices"
	"strings"

	"github.com/mlruns/mlruns"
	"github.com/mlruns/mlruns/filestore/internal/index"
	"github.com/mlruns/mlruns/filestore/internal/records"
	"github.com/mlruns/mlruns/filestore/layout"
	"github.com/mlruns/mlruns/internal/vfs"
)

// The index has all tags of an experiment in one cell: who asks for one reads them all. Its stamp
// is of their files and of the folders that these are in.

// lookAtTags looks at each.
func (c *session) lookAtTags(root vfs.Folder, dir string, cells []index.Cell) (at seen) {
	at.kept = true
	for _, cell := range cells {
		kind := fs.FileMode(0)
		if cell.Value[0] == cellFolder {
			kind = fs.ModeDir
		}
		told, _ := c.look(root, dir+"/"+cell.Column, kind)
		if told.stamp == 0 {
			return seen{}
		}
		at = at.and(told)
	}
	return at
}

// tags gives the tags if they look as they did, or there are none.
func (c cachedExperiment) tags() (tags map[string]string, found bool) {
	if cell, ok := c.row.Cell(layout.Tags); ok {
		cells, ok := unpackCells(cell.Value)
		if at := c.session.lookAtTags(c.root, c.ref.Dir, cells); ok && at.stamp != 0 && at.stamp == cell.Stamp {
			tags = map[string]string{}
			for _, cell := range cells {
				if key, ok := strings.CutPrefix(cell.Column, layout.Tags+"/"); ok && cell.Value[0] == cellText {
					tags[key], _ = unpackText(cell.Value)
				}
			}
			c.session.hits.Add(int64(len(tags)))
			return tags, true
		}
		return nil, false
	}
	if _, err := c.session.look(c.root, layout.Join(c.ref.Dir, layout.Tags), fs.ModeDir); !vfs.IsGone(err) {
		return nil, false
	}
	at, _ := c.session.look(c.root, c.ref.Dir, fs.ModeDir) // else all of it has gone
	return map[string]string{}, at.stamp != 0
}

// keepTags keeps the tags of an experiment that were read without a problem.
func (x *cachedExperiments) keepTags(root vfs.Folder, ref records.ExperimentRef, tags map[string]string) {
	x.of(root, ref, func(cachedExperiment) {
		k := newKeeper(x.session, records.RunRef{ID: ref.Dir}, root)
		if !k.values(&mlruns.Run{Data: mlruns.RunData{Tags: tags}}) || !k.keyFolders(layout.Tags) || len(k.cells) == 0 {
			return
		}
		slices.SortFunc(k.cells, func(a, b index.Cell) int { return strings.Compare(a.Column, b.Column) })
		at := x.session.lookAtTags(root, ref.Dir, k.cells)
		at.kept = at.kept && x.session.steady(root, layout.Join(ref.Dir, layout.Tags))
		x.keep(ref, layout.Tags, at, packCells(k.cells))
	})
}

// readWithTags is records.WithTags.
func (x *cachedExperiments) readWithTags(ctx context.Context, root vfs.Folder, ref records.ExperimentRef, p *records.Problems) (e mlruns.Experiment, err error) {
	if x.session == nil {
		return records.WithTags(ctx, root, ref, p)
	}
	var at seen
	var found bool
	x.of(root, ref, func(c cachedExperiment) {
		if e, at, found = c.meta(); found {
			e.Tags, found = c.tags()
		}
	})
	if found {
		x.spared.Add(int64(1 + len(e.Tags)))
		return e, nil
	}
	own := &records.Problems{}
	meta := layout.Join(ref.Dir, layout.Meta)
	was := x.session.noting(root, meta)
	e, err = records.WithTags(ctx, was, ref, own)
	if none := passOn(own, p); err == nil && none {
		x.keepTags(root, ref, e.Tags)
		if at.kept {
			plain := e
			plain.Tags = nil
			x.keep(ref, layout.Meta, was.told(root, meta), packExperiment(plain, ref))
		}
	}
	return e, err
}

// readTags reads the tags of an experiment whose folder is open.
func (x *cachedExperiments) readTags(ctx context.Context, root, f vfs.Folder, ref records.ExperimentRef, p *records.Problems) (map[string]string, error) {
	if x.session == nil {
		return records.ReadValues(ctx, f, ref.Dir, layout.Tags, p)
	}
	own := &records.Problems{}
	tags, err := records.ReadValues(ctx, f, ref.Dir, layout.Tags, own)
	if none := passOn(own, p); err == nil && none {
		x.keepTags(root, ref, tags)
	}
	return tags, err
}
