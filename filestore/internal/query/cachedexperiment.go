package query

import (
	"context"
	"encoding/binary"
	"io/fs"
	"sync"
	"sync/atomic"

	"github.com/mlruns/mlruns"
	"github.com/mlruns/mlruns/filestore/internal/index"
	"github.com/mlruns/mlruns/filestore/internal/records"
	"github.com/mlruns/mlruns/filestore/layout"
	"github.com/mlruns/mlruns/internal/vfs"
)

// experimentsPart is where the index has the experiments. No experiment's folder has the name.
const experimentsPart = ""

// cachedExperiments reads experiments without their tags, from the index if their meta.yaml looks
// as it did. It is for several goroutines, and one call.
type cachedExperiments struct {
	searcher *Searcher
	few      int64 // so many are read without asking the index
	begin    sync.Once
	session  *session // nil as long as it has not begun
	part     *index.Part
	plain    map[string]bool // the folders of experiments that are folders, and no links
	seen     atomic.Int64
}

// fewExperiments are read as soon as an index is opened.
const fewExperiments = 16

// see counts an experiment, and reports whether the index is asked for it.
func (x *cachedExperiments) see(dir string) bool {
	if n := x.seen.Add(1); x.searcher.index == nil || n <= x.few {
		return false
	}
	x.begin.Do(func() {
		if x.session = x.searcher.begin(); x.session != nil {
			x.part, x.plain = x.session.part(experimentsPart), x.searcher.plainFolders()
		}
	})
	return x.session != nil && x.plain[dir]
}

// plainFolders are the folders in the root and in the trash. A look at a file behind a link would
// tell of what lies elsewhere, so what is behind one is read, which refuses it.
func (s *Searcher) plainFolders() map[string]bool {
	plain := map[string]bool{}
	list := func(dir string) {
		entries, err := s.tree.Entries(dir)
		if err != nil {
			return
		}
		for _, e := range entries {
			if e.Type == fs.ModeDir {
				plain[layout.Join(dir, e.Name)] = true
			}
		}
	}
	list("")
	if plain[layout.Trash] {
		list(layout.Trash)
	}
	return plain
}

// read is records.WithoutTags.
func (x *cachedExperiments) read(ctx context.Context, root vfs.Folder, ref records.ExperimentRef, p *records.Problems) (mlruns.Experiment, error) {
	if !x.see(ref.Dir) {
		return records.WithoutTags(ctx, root, ref, p)
	}
	at, _ := x.session.look(root, layout.Join(ref.Dir, layout.Meta), 0)
	if cell, ok := x.part.Find(ref.Dir).Cell(layout.Meta); ok && at.stamp != 0 && cell.Stamp == at.stamp {
		if e, ok := unpackExperiment(cell.Value, ref); ok {
			x.session.hits.Add(1)
			return e, nil
		}
	}
	own := &records.Problems{}
	e, err := records.WithoutTags(ctx, root, ref, own)
	for _, problem := range own.List {
		p.Add(problem)
	}
	if value := packExperiment(e, ref); err == nil && len(own.List) == 0 && at.kept && value != nil {
		x.session.draft.Put(experimentsPart, ref.Dir, true, []index.Cell{{Column: layout.Meta, Stamp: at.stamp, Value: value}})
	}
	return e, err
}

// report adds to what a search tells of itself what it had of the index.
func (x *cachedExperiments) report(scan *mlruns.Scan) {
	x.session.report(scan)
	scan.Opened -= scan.Indexed
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

// ExperimentByName is locate.Locator.ByName.
func (s *Searcher) ExperimentByName(ctx context.Context, name string) (*mlruns.Experiment, error) {
	x := &cachedExperiments{searcher: s, few: fewExperiments}
	defer x.end()
	return s.find.ByName(ctx, name, x.read)
}
