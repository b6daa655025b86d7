package query

import (
	"context"
	"io/fs"
	"strings"
	"sync"

	"github.com/mlruns/mlruns"
	"github.com/mlruns/mlruns/filestore/internal/dir"
	"github.com/mlruns/mlruns/filestore/internal/index"
	"github.com/mlruns/mlruns/filestore/internal/records"
	"github.com/mlruns/mlruns/filestore/layout"
	"github.com/mlruns/mlruns/internal/vfs"
)

// rows reads what the index has of runs that were found, of each its cells; nil if there is none.
func (c *session) rows(found []candidate) []index.Packed {
	if c == nil || c.file == nil {
		return nil
	}
	type of struct {
		ids []string
		at  []int
	}
	experiments := map[string]*of{}
	for i, f := range found {
		e := experiments[f.ref.Experiment.Dir]
		if e == nil {
			e = &of{}
			experiments[f.ref.Experiment.Dir] = e
		}
		e.ids, e.at = append(e.ids, f.ref.ID), append(e.at, i)
	}
	rows := make([]index.Packed, len(found))
	for dir, e := range experiments {
		for i, packed := range c.part(dir).Rows(e.ids) {
			rows[e.at[i]] = packed
		}
	}
	return rows
}

// openFolders are the folders of experiments, each opened once.
type openFolders struct {
	tree *dir.Tree
	mu   sync.Mutex
	all  map[string]vfs.Folder
}

// of gives a folder, nil if it cannot be opened.
func (o *openFolders) of(e records.ExperimentRef) vfs.Folder {
	o.mu.Lock()
	defer o.mu.Unlock()
	f, ok := o.all[e.Dir]
	if !ok {
		f, _ = o.tree.Folder(e.Dir) // who reads it says why
		o.all[e.Dir] = f
	}
	return f
}

func (o *openFolders) close() {
	for _, f := range o.all {
		if f != nil {
			_ = f.Close()
		}
	}
}

// filler makes a run of what the index has of it, if all that it was made from looks as it did.
type filler struct {
	session *session
	folder  vfs.Folder // of the experiment
	ref     records.RunRef
	looked  uint64 // what of the session's columns was looked at just now
	looks   int64  // that the session has not counted
	run     *mlruns.Run
	flags   int64 // what is still to come is in them
	trusted bool
	folders []filledFolder
	inputs  []records.Link
}

// filledFolder is a folder of keys.
type filledFolder struct {
	name  string
	files int // how many it had, less those that are there
}

// of gives a folder of the run.
func (r *filler) of(name string) *filledFolder {
	for i := range r.folders {
		if r.folders[i].name == name {
			return &r.folders[i]
		}
	}
	r.folders = append(r.folders, filledFolder{name: name})
	return &r.folders[len(r.folders)-1]
}

// fill gives a run without opening its files, nil if it has to be read.
func (s *Searcher) fill(ctx context.Context, c *session, found candidate, folder vfs.Folder, cells []index.Cell) (*mlruns.Run, error) {
	if folder == nil || len(cells) == 0 || cells[0].Column != "" {
		return nil, nil
	}
	r := filler{session: c, folder: folder, ref: found.ref, looked: found.looked, run: emptyRun(cells), folders: make([]filledFolder, 0, 4)}
	whole := r.all(cells)
	c.looks.Add(r.looks)
	if !whole {
		return nil, ctx.Err()
	}
	if len(r.inputs) > 0 {
		in, err := join(ctx, r.inputs, r.ref.Experiment, s.datasets(c, folder))
		if err != nil {
			return nil, ctx.Err() // who reads it says why
		}
		r.run.Inputs = in
	}
	c.hits.Add(int64(len(cells)))
	records.NameByTag(r.run)
	return r.run, ctx.Err()
}

// emptyRun has room for the values of a row.
func emptyRun(cells []index.Cell) *mlruns.Run {
	metrics, params, tags := 0, 0, 0
	for _, c := range cells {
		if len(c.Value) == 0 {
			continue
		}
		switch {
		case c.Value[0] == cellMetric:
			metrics++
		case c.Value[0] == cellText && strings.HasPrefix(c.Column, layout.Tags):
			tags++
		case c.Value[0] == cellText:
			params++
		}
	}
	return &mlruns.Run{Data: mlruns.RunData{Metrics: make(map[string]mlruns.Metric, metrics), Params: make(map[string]string, params), Tags: make(map[string]string, tags)}}
}

// all takes the cells of a row, which has the run's meta.yaml.
func (r *filler) all(cells []index.Cell) bool {
	info := false
	for _, cell := range cells {
		if cell.Column == layout.Meta {
			info = r.info(cell)
		}
	}
	if !info {
		return false
	}
	for _, cell := range cells {
		if cell.Column != layout.Meta && !r.take(cell) {
			return false
		}
	}
	for _, f := range r.folders {
		if f.files != 0 {
			return false
		}
	}
	return r.flags&(runInputs|runOutputs) == 0
}

func (r *filler) info(cell index.Cell) bool {
	if len(cell.Value) == 0 || cell.Value[0] != cellInfo {
		return false
	}
	if !r.wasLookedAt(layout.Meta) {
		if at, _ := r.look(layout.Meta, 0); at.stamp == 0 || at.stamp != cell.Stamp {
			return false
		}
	}
	info, ok := unpackInfo(cell.Value, r.ref)
	r.run.Info = info
	r.trusted = r.session.index.TrustEnded && info.Status.Ended()
	return ok
}

func (r *filler) wasLookedAt(column string) bool {
	return r.looked&maskOf(r.session.columns, column) != 0
}

func (r *filler) look(column string, kind fs.FileMode) (seen, error) {
	r.looks++
	if column == "" {
		return r.session.lookUncounted(r.folder, "", r.ref.ID, kind)
	}
	return r.session.lookUncounted(r.folder, r.ref.ID, column, kind)
}

// take takes one cell. It is false if the run has to be read.
func (r *filler) take(cell index.Cell) (ok bool) {
	kind := fs.FileMode(0)
	if len(cell.Value) == 0 {
		return false
	}
	switch cell.Value[0] {
	case cellRun:
		kind = fs.ModeDir
		r.flags, ok = unpackFlags(cell.Value)
		if !ok || r.flags&runWhole == 0 {
			return false
		}
	case cellFolder:
		kind = fs.ModeDir
		files, ok := unpackFolder(cell.Value)
		if !ok {
			return false
		}
		r.of(cell.Column).files += files
	case cellLinks:
		return r.links(cell)
	}
	if !r.trusted && !r.wasLookedAt(cell.Column) {
		at, err := r.look(cell.Column, kind)
		if vfs.IsGone(err) && kind == 0 {
			return true // its folder will tell whether it had to be there
		}
		if at.stamp == 0 || at.stamp != cell.Stamp {
			return false
		}
	}
	return kind == fs.ModeDir || r.value(cell)
}

// links takes the inputs or the outputs. The flags, which come before them, say whether there are
// any.
func (r *filler) links(cell index.Cell) bool {
	flag := folderFlags[cell.Column]
	if r.flags&flag == 0 {
		return true
	}
	r.flags &^= flag
	links, ok := unpackLinks(cell.Value)
	if ok && !r.trusted && !r.wasLookedAt(cell.Column) {
		folder, _ := r.look(cell.Column, fs.ModeDir)
		at := r.session.lookAtLinks(r.folder, r.ref.ID+"/"+cell.Column, folder, links)
		ok = at.stamp != 0 && at.stamp == cell.Stamp
	}
	if flag == runInputs {
		r.inputs = links
	} else {
		r.run.Outputs = records.OutputsOf(links)
	}
	return ok
}

func (r *filler) value(cell index.Cell) (ok bool) {
	r.of(cell.Column[:max(strings.LastIndexByte(cell.Column, '/'), 0)]).files--
	sub, key, _ := strings.Cut(cell.Column, "/")
	switch sub {
	case layout.Metrics:
		m, known := unpackMetric(cell.Value)
		m.latest.Key = key
		r.run.Data.Metrics[key] = m.latest
		return known
	case layout.Params:
		r.run.Data.Params[key], ok = unpackText(cell.Value)
	case layout.Tags:
		r.run.Data.Tags[key], ok = unpackText(cell.Value)
	}
	return ok
}
