package query

import (
	"context"
	"io/fs"
	"sync"

	"github.com/mlruns/mlruns"
	"github.com/mlruns/mlruns/filestore/internal/index"
	"github.com/mlruns/mlruns/filestore/internal/records"
	"github.com/mlruns/mlruns/filestore/layout"
	"github.com/mlruns/mlruns/internal/validate"
	"github.com/mlruns/mlruns/internal/vfs"
)

// The index has of a run's inputs, and of its outputs, what the meta.yaml of each link says. The
// stamp of the cell is of the folder that they are in, which tells the names, and of each of these
// files. Data sets are apart: many runs have the same.

// lookAtLinks looks at each link in a folder that was seen.
func (c *session) lookAtLinks(f vfs.Folder, folder string, at seen, links []records.Link) seen {
	for _, l := range links {
		meta, _ := c.look(f, folder+"/"+l.Name+"/"+layout.Meta, 0)
		if at.stamp == 0 || meta.stamp == 0 || l.Symbolic {
			return seen{}
		}
		at = at.and(meta)
	}
	return at
}

// lookUpInputs looks for the run's inputs in the index. Where they are not found they are to be
// read, and may be kept with how their folder was seen.
func (r *runRecord) lookUpInputs() (links []records.Link, found bool, folder seen) {
	c := &r.cached
	if c.session == nil || r.ref.Linked || c.session.index.Served && !c.served.known() {
		return nil, false, seen{}
	}
	cell, ok := c.row.Cell(layout.Inputs)
	if c.trusted {
		if flags, known := c.flags(); known && flags&runInputs == 0 {
			return nil, true, seen{}
		}
		if ok {
			links, found = unpackLinks(cell.Value)
			return links, found, seen{}
		}
	}
	name := r.ref.ID + "/" + layout.Inputs
	folder, err := c.session.look(r.experiment, name, fs.ModeDir)
	if vfs.IsGone(err) {
		return nil, true, folder
	}
	if ok && folder.stamp != 0 {
		if links, ok = unpackLinks(cell.Value); ok {
			if _, found = c.hit(layout.Inputs, c.session.lookAtLinks(r.experiment, name, folder, links)); found {
				r.hits++
			}
		}
	}
	return links, found, folder
}

func (r *runRecord) keepInputs(folder seen, links []records.Link) {
	name := r.ref.ID + "/" + layout.Inputs
	at := r.cached.session.lookAtLinks(r.experiment, name, folder, links)
	at.kept = at.kept && r.cached.session.steady(r.experiment, name)
	r.cached.keep(layout.Inputs, at, packLinks(links))
}

// join gives the inputs that links lead to.
func join(ctx context.Context, links []records.Link, e records.ExperimentRef, dataset records.DatasetReader) (mlruns.Inputs, error) {
	var in records.JoinedInputs
	for _, l := range links {
		if err := in.Add(ctx, e, l, dataset); err != nil {
			return mlruns.Inputs{}, err
		}
	}
	return in.Inputs, nil
}

// datasetsOf is where the index has the data sets of an experiment. No experiment's folder has the
// name.
func datasetsOf(e records.ExperimentRef) string { return layout.Join(e.Dir, layout.Datasets) }

// cachedDatasets are the data sets of an experiment in one search, each looked at once.
type cachedDatasets struct {
	once  sync.Once
	plain bool // their folder is one, and no link
	mu    sync.Mutex
	row   *index.Cursor
	all   map[string]*cachedDataset
}

type cachedDataset struct {
	once  sync.Once
	value mlruns.Dataset
	ok    bool
}

// datasets is records.Reader.Dataset for an experiment whose folder is open. With an index what
// several runs have is read once, and what looks as it did is not read.
func (s *Searcher) datasets(c *session, f vfs.Folder) records.DatasetReader {
	if c == nil || f == nil {
		return s.records.Dataset
	}
	return func(ctx context.Context, e records.ExperimentRef, id string) (mlruns.Dataset, error) {
		if validate.RunID(id) == nil { // else it could lead elsewhere
			if d := c.dataset(ctx, f, e, id); d.ok {
				return d.value, nil
			}
		}
		return s.records.Dataset(ctx, e, id) // which says what is wrong
	}
}

func (c *session) dataset(ctx context.Context, f vfs.Folder, e records.ExperimentRef, id string) *cachedDataset {
	c.mu.Lock()
	of := c.datasets[e.Dir]
	if of == nil {
		of = &cachedDatasets{all: map[string]*cachedDataset{}}
		c.datasets[e.Dir] = of
	}
	c.mu.Unlock()
	of.once.Do(func() {
		at, _ := c.look(f, layout.Datasets, fs.ModeDir)
		of.row, of.plain = c.part(datasetsOf(e)).Cursor(), at.stamp != 0
	})
	of.mu.Lock()
	d := of.all[id]
	if d == nil {
		d = &cachedDataset{}
		of.all[id] = d
	}
	of.mu.Unlock()
	if of.plain {
		d.once.Do(func() {
			d.value, d.ok = c.readDataset(ctx, f, e, id, of)
			v := d.value
			size := int64(datasetSize + len(v.Name) + len(v.Digest) + len(v.SourceType) + len(v.Source) + len(v.Schema) + len(v.Profile))
			if c.shared.Add(size) > maxShared {
				c.shared.Add(-size)
				of.mu.Lock()
				defer of.mu.Unlock()
				delete(of.all, id)
			}
		})
	}
	return d
}

const (
	// maxShared is how many bytes of data sets a search remembers.
	maxShared = 16 << 20
	// datasetSize is what one takes beside its texts.
	datasetSize = 512
)

// find gives what the index has of a data set.
func (d *cachedDatasets) find(id string) (index.Cell, bool) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.row.Find(id)
	return d.row.Cell(layout.Meta)
}

func (c *session) readDataset(ctx context.Context, f vfs.Folder, e records.ExperimentRef, id string, of *cachedDatasets) (mlruns.Dataset, bool) {
	folder := layout.Join(layout.Datasets, id)
	if at, _ := c.look(f, folder, fs.ModeDir); at.stamp == 0 {
		return mlruns.Dataset{}, false
	}
	at, _ := c.look(f, layout.Join(folder, layout.Meta), 0)
	if cell, ok := of.find(id); ok && at.stamp != 0 && cell.Stamp == at.stamp {
		if d, ok := unpackDataset(cell.Value); ok {
			c.hits.Add(1)
			return d, true
		}
	}
	in, err := f.OpenFolder(folder)
	if err != nil {
		return mlruns.Dataset{}, false
	}
	defer in.Close()
	was := c.noting(in, layout.Meta)
	c.opened.Add(1)
	d, err := records.DatasetIn(ctx, was)
	if err == nil && at.kept && !c.index.Served {
		if at = was.told(f, layout.Join(folder, layout.Meta)); at.kept {
			c.draft.Put(datasetsOf(e), id, true, []index.Cell{{Column: layout.Meta, Stamp: at.stamp, Value: packDataset(d)}})
		}
	}
	return d, err == nil
}
