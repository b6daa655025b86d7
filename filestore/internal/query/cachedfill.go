package query

import (
	"context"
	"io/fs"
	"path"
	"strings"

	"github.com/mlruns/mlruns"
	"github.com/mlruns/mlruns/filestore/internal/index"
	"github.com/mlruns/mlruns/filestore/internal/records"
	"github.com/mlruns/mlruns/filestore/layout"
	"github.com/mlruns/mlruns/internal/vfs"
)

// rows reads what the index has of runs that were found, by the paths of the runs.
func (c *session) rows(found []candidate) map[string][]index.Cell {
	if c == nil || c.file == nil {
		return nil
	}
	ids := map[string][]string{}
	for _, f := range found {
		ids[f.ref.Experiment.Dir] = append(ids[f.ref.Experiment.Dir], f.ref.ID)
	}
	rows := map[string][]index.Cell{}
	for dir, of := range ids {
		for id, cells := range c.part(dir).Rows(of) {
			rows[layout.Run(dir, id)] = cells
		}
	}
	return rows
}

// filler makes a run of what the index has of it, if all that it was made from looks as it did.
type filler struct {
	session *session
	folder  vfs.Folder
	ref     records.RunRef
	run     *mlruns.Run
	flags   int64
	trusted bool
	// how many files each folder had, less those that are there
	files map[string]int
}

// fill gives a run without opening its files, nil if it has to be read. Its inputs and outputs, if
// it has any, are always read.
func (s *Searcher) fill(ctx context.Context, c *session, ref records.RunRef, cells []index.Cell) (*mlruns.Run, error) {
	if len(cells) == 0 || cells[0].Column != "" {
		return nil, nil
	}
	f, err := s.tree.Folder(ref.Dir)
	if err != nil {
		return nil, nil //nolint:nilerr // who reads it says so
	}
	defer f.Close()
	r := filler{session: c, folder: f, ref: ref, files: map[string]int{}, run: &mlruns.Run{Data: mlruns.RunData{
		Metrics: map[string]mlruns.Metric{}, Params: map[string]string{}, Tags: map[string]string{}}}}
	if !r.all(cells) {
		return nil, ctx.Err()
	}
	c.hits.Add(int64(len(cells)))
	p := &records.Problems{}
	if r.flags&runInputs != 0 {
		if r.run.Inputs, err = s.records.Inputs(ctx, f, ref, p); err != nil {
			return nil, err
		}
	}
	if r.flags&runOutputs != 0 {
		if r.run.Outputs, err = records.ReadOutputs(ctx, f, ref, p); err != nil {
			return nil, err
		}
	}
	records.NameByTag(r.run)
	r.run.Problems = p.Sorted()
	return r.run, ctx.Err()
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
	for _, files := range r.files {
		if files != 0 {
			return false
		}
	}
	return true
}

func (r *filler) info(cell index.Cell) bool {
	at, _ := r.session.look(r.folder, layout.Meta, 0)
	if at.stamp == 0 || at.stamp != cell.Stamp {
		return false
	}
	info, ok := unpackInfo(cell.Value, r.ref)
	r.run.Info = info
	r.trusted = r.session.index.TrustEnded && info.Status.Ended()
	return ok
}

// take takes one cell. It is false if the run has to be read.
func (r *filler) take(cell index.Cell) (ok bool) {
	name, kind := cell.Column, fs.FileMode(0)
	if len(cell.Value) == 0 {
		return false
	}
	switch cell.Value[0] {
	case cellRun:
		name, kind = ".", fs.ModeDir
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
		r.files[cell.Column] += files
	}
	if !r.trusted {
		at, err := r.session.look(r.folder, name, kind)
		if vfs.IsGone(err) && kind == 0 {
			return true // its folder will tell whether it had to be there
		}
		if at.stamp == 0 || at.stamp != cell.Stamp {
			return false
		}
	}
	return kind == fs.ModeDir || r.value(cell)
}

func (r *filler) value(cell index.Cell) (ok bool) {
	r.files[path.Dir(cell.Column)]--
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
