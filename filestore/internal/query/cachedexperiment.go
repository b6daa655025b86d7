package query

import (
	"cmp"
	"context"
	"encoding/binary"
	"io/fs"
	"slices"
	"sync"
	"sync/atomic"

	"github.com/mlruns/mlruns"
	"github.com/mlruns/mlruns/filestore/internal/index"
	"github.com/mlruns/mlruns/filestore/internal/records"
	"github.com/mlruns/mlruns/filestore/layout"
	"github.com/mlruns/mlruns/internal/vfs"
)

// cachedExperiments lists the experiments, and reads them without their tags, from the index where
// the folder or the meta.yaml looks as it did. The index has those of the root in a part without a
// name, and those of the trash in one of the trash's name: no experiment's folder has these. It is
// for several goroutines, and one call.
type cachedExperiments struct {
	searcher *Searcher
	session  *session // nil: all are read
	active   listedExperiments
	deleted  listedExperiments
	spared   atomic.Int64 // files that the filter did not open
}

// listedExperiments are those of the root or of the trash, as they were listed last.
type listedExperiments struct {
	part    *index.Part
	known   bool     // they are the rows of the part
	ids     []string // sorted
	links   map[string]bool
	cursors sync.Pool
}

// fewExperiments are read as soon as an index is opened.
const fewExperiments = 16

// experiments begins a call.
func (s *Searcher) experiments() *cachedExperiments {
	c := s.start()
	if c != nil && c.index.Served {
		c = nil
	}
	// the trash is no experiment, and a folder has two names more than folders in it; some file
	// systems count none
	if c != nil && c.folders > 1 && c.folders <= fewExperiments+3 {
		c = nil
	}
	return s.experimentsIn(c.open())
}

func (s *Searcher) experimentsIn(c *session) *cachedExperiments {
	return &cachedExperiments{searcher: s, session: c, active: listedExperiments{part: c.part("")}, deleted: listedExperiments{part: c.part(layout.Trash)}}
}

func (x *cachedExperiments) in(trashed bool) (*listedExperiments, string) {
	if trashed {
		return &x.deleted, layout.Trash
	}
	return &x.active, ""
}

// list is locate.Locator.ListExperimentIDs. A folder that looks as it did is not listed again: what
// comes, goes or gets another name changes it.
func (x *cachedExperiments) list(root vfs.Folder, trashed bool, p *records.Problems) ([]string, error) {
	if x.session == nil {
		return x.searcher.find.ListExperimentIDs(trashed, p)
	}
	l, dir := x.in(trashed)
	at, _ := x.session.look(root, cmp.Or(dir, "."), fs.ModeDir)
	if rows, ok := l.part.Listed(at.stamp); ok {
		l.ids, l.links, l.known = l.part.Names(rows), nil, true
		return slices.Clip(l.ids), nil
	}
	own := &records.Problems{}
	var err error
	l.ids, l.links, err = x.searcher.find.ListExperiments(trashed, own)
	l.known = false
	passOn(own, p)
	if err == nil {
		x.session.list(dir, listing{l.ids, stateOf(at, l.links == nil, own.List)})
	}
	return slices.Clip(l.ids), err
}

// isFolder reports whether an experiment was listed as a folder; row is at that of its id. A look
// at a file behind a link would tell of what lies elsewhere, so what is behind one is read, which
// refuses it.
func (l *listedExperiments) isFolder(id string, row *index.Cursor) bool {
	if l.known {
		return row.Name() != ""
	}
	_, ok := slices.BinarySearch(l.ids, id)
	return ok && !l.links[id]
}

// passOn tells problems, and reports whether there are none.
func passOn(own, to *records.Problems) bool {
	for _, problem := range own.List {
		to.Add(problem)
	}
	return len(own.List) == 0
}

// cachedExperiment is what the index has of an experiment that was listed as a folder.
type cachedExperiment struct {
	session *session
	root    vfs.Folder
	ref     records.ExperimentRef
	row     *index.Cursor
}

// of has use ask the index for an experiment, if it can be asked.
func (x *cachedExperiments) of(root vfs.Folder, ref records.ExperimentRef, use func(cachedExperiment)) {
	if x.session == nil {
		return
	}
	l, _ := x.in(ref.Trashed)
	row, ok := l.cursors.Get().(*index.Cursor)
	if !ok {
		row = l.part.Cursor()
	}
	defer l.cursors.Put(row)
	if row.Find(ref.ID); l.isFolder(ref.ID, row) {
		use(cachedExperiment{x.session, root, ref, row})
	}
}

// meta gives what the meta.yaml says if it looks as it did.
func (c cachedExperiment) meta() (e mlruns.Experiment, at seen, found bool) {
	at, _ = c.session.lookIn(c.root, c.ref.Dir, layout.Meta, 0)
	if cell, ok := c.row.Cell(layout.Meta); ok && at.stamp != 0 && cell.Stamp == at.stamp {
		if e, found = unpackExperiment(cell.Value, c.ref); found {
			c.session.hits.Add(1)
		}
	}
	return e, at, found
}

// keep keeps what was read and looks as it was seen.
func (x *cachedExperiments) keep(ref records.ExperimentRef, column string, at seen, value []byte) {
	if at.kept && value != nil {
		_, dir := x.in(ref.Trashed)
		x.session.draft.Put(dir, ref.ID, false, []index.Cell{{Column: column, Stamp: at.stamp, Value: value}})
	}
}

// read is records.WithoutTags.
func (x *cachedExperiments) read(ctx context.Context, root vfs.Folder, ref records.ExperimentRef, p *records.Problems) (e mlruns.Experiment, err error) {
	if x.session == nil {
		return records.WithoutTags(ctx, root, ref, p)
	}
	var at seen
	var found bool
	x.of(root, ref, func(c cachedExperiment) { e, at, found = c.meta() })
	if found {
		x.spared.Add(1)
		return e, nil
	}
	own := &records.Problems{}
	meta := layout.Join(ref.Dir, layout.Meta)
	was := x.session.noting(root, meta)
	e, err = records.WithoutTags(ctx, was, ref, own)
	if none := passOn(own, p); err == nil && none && at.kept {
		x.keep(ref, layout.Meta, was.told(root, meta), packExperiment(e, ref))
	}
	return e, err
}

// report adds to what a search tells of itself what it had of the index.
func (x *cachedExperiments) report(scan *mlruns.Scan) {
	x.session.report(scan)
	scan.Opened -= int(x.spared.Load())
}

func (x *cachedExperiments) end() { x.session.end() }

// packExperiment packs what a meta.yaml says; nil if that cannot be done.
func packExperiment(e mlruns.Experiment, ref records.ExperimentRef) []byte {
	v := packTime(packTime([]byte{cellExperiment}, e.Created), e.Updated)
	v = binary.AppendVarint(v, int64(len(e.Name)))
	v = append(append(v, e.Name...), e.ArtifactLocation...)
	again, ok := unpackExperiment(v, ref)
	if !ok || e.Tags != nil || again.ID != e.ID || again.Name != e.Name || again.ArtifactLocation != e.ArtifactLocation || again.Stage != e.Stage ||
		again.Created != e.Created || again.Updated != e.Updated {
		return nil
	}
	return v
}

func unpackExperiment(value []byte, ref records.ExperimentRef) (mlruns.Experiment, bool) {
	u := unpack(value, cellExperiment)
	e := mlruns.Experiment{ID: ref.ID, Stage: ref.Stage(), Created: u.time(), Updated: u.time()}
	name := u.size()
	if u.broken {
		return e, false
	}
	text := string(u.rest)
	e.Name, e.ArtifactLocation = text[:name], text[name:]
	return e, true
}

// isOfAnother reports whether what is packed has another name.
func isOfAnother(value []byte, name string) bool {
	u := unpack(value, cellExperiment)
	_, _ = u.time(), u.time()
	size := u.size()
	return !u.broken && string(u.rest[:size]) != name
}

// ExperimentByName is locate.Locator.ByName. The tags are there if the index has them.
func (s *Searcher) ExperimentByName(ctx context.Context, name string) (*mlruns.Experiment, error) {
	x := s.experiments()
	defer x.end()
	e, err := s.find.ByName(ctx, name, x.list, x.sifter(ctx, name), x.read)
	if err != nil || e == nil || x.session == nil {
		return e, err
	}
	root, err := s.tree.Folder("")
	if err != nil {
		return nil, err
	}
	defer root.Close()
	ref := records.NewExperimentRef(e.ID, e.Stage == mlruns.StageDeleted)
	whole, err := x.readWithTags(ctx, root, ref, s.find.ProblemsFor(nil))
	if err != nil {
		return e, records.CallError(ctx, err) // who reads it says why
	}
	return &whole, nil
}
