package query

import (
	"io/fs"
	"slices"
	"strings"

	"github.com/mlruns/mlruns"
	"github.com/mlruns/mlruns/filestore/internal/index"
	"github.com/mlruns/mlruns/filestore/internal/records"
	"github.com/mlruns/mlruns/filestore/layout"
	"github.com/mlruns/mlruns/internal/vfs"
	"github.com/mlruns/mlruns/search"
)

// cachedRun is what the index has of the run that a runRecord is about. The zero one has nothing,
// and keeps nothing.
type cachedRun struct {
	session *session
	row     *index.Cursor
	through string // the way from a run's folder to its meta.yaml, see throughFolders
	// what the index has of meta.yaml, as long as the texts of it are not needed
	info    []byte
	columns []string     // what the query can ask for, meta.yaml first
	looked  uint64       // those of the columns that a look found to be as the index has them
	fresh   []index.Cell // for the next index
	renewed bool         // meta.yaml is not as the index has it
	trusted bool         // no file is looked at
	// what is kept will be trusted: no look will tell that it was read where another file is
	trusting bool
	folders  verdict
	served   standing // what the row is of, as far as that is told
	asked    []string // its folders that the server was asked about
	looks    int64    // that the session has not counted

	reading vfs.Folder // the experiment's, which tells note
	read    string     // the file that was read last
	was     seen       // and what it was then
}

// note is told of a file that was read.
func (c *cachedRun) note(name string, id vfs.Identity) {
	c.read, c.was = name, c.session.judge(id, 0)
}

// untold stands for a file that is read without having been looked at.
var untold = seen{kept: true}

// told gives what a file was that has been read. A look that came before may have met another: a
// folder on the way can have changed places with one in which no file has changed.
func (r *runRecord) told(name string) seen {
	c := &r.cached
	if c.read == name && c.was.stamp != 0 {
		return c.was
	}
	return c.session.lookAfter(r.experiment, name)
}

// verdict is whether the folders of a run's values are folders, and no links, in the folder of the
// run: only then a look at a file below them tells what opening it would.
type verdict uint8

const (
	unasked verdict = iota
	folders
	doubtful
)

// reset forgets the run before.
func (c *cachedRun) reset() {
	c.info, c.looked, c.fresh, c.renewed, c.trusted, c.trusting, c.folders, c.served, c.asked = nil, 0, c.fresh[:0], false, false, false, unasked, standing{}, c.asked[:0]
}

// commit keeps what was read of the run.
func (c *cachedRun) commit(ref records.RunRef) {
	if c.session != nil && c.session.index.Served {
		c.commitServed(ref)
	} else if len(c.fresh) > 0 && (!c.trusting && !c.trusted || c.isSteady(ref)) {
		c.session.draft.Put(ref.Experiment.Dir, ref.ID, c.renewed, c.fresh)
	}
}

// lookIn is session.lookIn. The looks are counted when all runs have been gone through.
func (c *cachedRun) lookIn(f vfs.Folder, folder, name string, kind fs.FileMode) (seen, error) {
	c.looks++
	return c.session.lookUncounted(f, folder, name, kind)
}

// isSteady reports whether no folder of what was read changed places with another meanwhile.
func (c *cachedRun) isSteady(ref records.RunRef) bool {
	last := "none"
	for _, cell := range c.fresh {
		folder := cell.Column[:max(0, strings.LastIndexByte(cell.Column, '/'))]
		if folder != last && !c.session.steady(c.reading, layout.Join(ref.ID, folder)+"/") {
			return false
		}
		last = folder
	}
	return true
}

// hit gives the value that the index has of a column, in the state that was seen.
func (c *cachedRun) hit(column string, at seen) ([]byte, bool) {
	cell, ok := c.row.Cell(column)
	if !ok || at.stamp == 0 || cell.Stamp != at.stamp {
		return nil, false
	}
	return c.believe(cell, at), true
}

// believe gives the value of a cell in the state that was seen.
func (c *cachedRun) believe(cell index.Cell, at seen) []byte {
	c.looked |= maskOf(c.columns, cell.Column)
	if c.renewed && at.kept { // the row will have nothing that it had before
		c.keep(cell.Column, at, cell.Value)
	}
	return cell.Value
}

// maskOf has the bit of a column in a set of them, none if it is not one of the first 64.
func maskOf(columns []string, column string) uint64 {
	return 1 << uint(slices.Index(columns, column)) // of -1 it is more than there are bits
}

func (c *cachedRun) keep(column string, at seen, value []byte) {
	if value != nil && at.kept {
		c.fresh = append(c.fresh, index.Cell{Column: column, Stamp: at.stamp, Value: value})
	}
}

// readInfo gives what the run's meta.yaml says, as records.Reader.ListedRun does.
func (r *runRecord) readInfo(ref records.RunRef) (mlruns.RunInfo, error) {
	c := &r.cached
	c.reset()
	if c.session == nil || ref.Linked {
		c.folders = doubtful
		r.opened.Add(1)
		return r.search.records.ListedRun(r.ctx, r.experiment, ref, r.problems)
	}
	cell, known := c.row.Cell(layout.Meta)
	if c.session.index.Served {
		return r.readServed(ref, cell, known)
	}
	at := untold
	if known {
		at = r.lookAtMeta(ref, cell.Stamp)
	}
	if known && at.stamp != 0 && at.stamp == cell.Stamp {
		value := c.believe(cell, at)
		if info, _, ok := unpackNumbers(value, ref); ok {
			r.hits++
			c.trusted = c.session.index.TrustEnded && info.Status.Ended()
			c.info, c.served.meta = value, at.stamp
			return info, nil
		}
	}
	c.renewed = true
	r.opened.Add(1)
	info, err := r.search.records.ListedRun(r.ctx, c.reading, ref, r.problems)
	if err == nil {
		at = r.told(layout.Join(ref.ID, layout.Meta))
		c.keep(layout.Meta, at, packInfo(info, ref))
		c.served.meta, c.trusting = at.stamp, c.session.index.TrustEnded && info.Status.Ended()
	}
	return info, err
}

// throughFolders is the way to a run's meta.yaml through the folders of those values that a query
// asks for and back, "" if it asks for none. A look that comes by it to the same file as one by the
// plain way has met them as folders in the run's folder: behind a link that leads elsewhere is no
// way back, unless the file has a second name there.
func throughFolders(needs search.Needs) string {
	through := ""
	for _, of := range [...]struct {
		sub   string
		asked bool
	}{
		{layout.Metrics, len(needs.Metrics) > 0},
		{layout.Params, len(needs.Params) > 0},
		// a run without a name asks for a tag
		{layout.Tags, len(needs.Tags) > 0 || slices.Contains(needs.Attributes, search.RunName)},
	} {
		if of.asked {
			through += of.sub + "/../"
		}
	}
	if through != "" {
		through += layout.Meta
	}
	return through
}

// lookAtMeta looks at the run's meta.yaml and, if that is in the state that is known, at the
// folders of its values at once.
func (r *runRecord) lookAtMeta(ref records.RunRef, known index.Stamp) seen {
	c := &r.cached
	var through seen
	if c.through != "" && !c.session.index.TrustEnded {
		through, _ = c.lookIn(r.experiment, ref.ID, c.through, 0)
		if through.links == 1 && through.stamp == known {
			c.folders = folders
			return through
		}
	}
	at, _ := c.lookIn(r.experiment, ref.ID, layout.Meta, 0)
	if through.links == 1 && at.stamp == through.stamp {
		c.folders = folders
	}
	return at
}

// lookUp looks for a value in the index. column is the path of its file from the run's folder.
// Where it is not found, and not missing either, it is to be read, and may be kept with what was
// seen.
func (r *runRecord) lookUp(column string) (value []byte, found, missing bool, at seen) {
	c := &r.cached
	if c.folders == doubtful {
		return nil, false, false, seen{}
	}
	if c.trusted {
		if cell, ok := c.row.Cell(column); ok {
			return cell.Value, true, false, seen{}
		}
		if _, whole := c.flags(); whole {
			return nil, false, true, seen{}
		}
	}
	if c.session.index.Served {
		r.askServer(column)
		return nil, false, false, untold
	}
	if c.renewed {
		if _, ok := c.row.Cell(column); !ok {
			return nil, false, false, untold
		}
	}
	if !r.areFolders() || !r.areBelow(column) {
		return nil, false, false, seen{}
	}
	at, err := c.lookIn(r.experiment, r.ref.ID, column, 0)
	if vfs.IsGone(err) {
		return nil, false, true, seen{}
	}
	value, found = c.hit(column, at)
	return value, found, false, at
}

// keepRead keeps a value that was read. at is what lookUp has seen.
func (r *runRecord) keepRead(column string, at seen, value []byte) {
	if at.kept {
		r.cached.keep(column, r.told(layout.Join(r.ref.ID, column)), value)
	}
}

// flags tell what the run's folder has, if the row has all of the run.
func (c *cachedRun) flags() (flags int64, whole bool) {
	if cell, ok := c.row.Cell(""); ok {
		flags, ok = unpackFlags(cell.Value)
		return flags, ok && flags&runWhole != 0
	}
	return 0, false
}

// areFolders answers for metrics, params and tags at once, and once for each run.
func (r *runRecord) areFolders() bool {
	c := &r.cached
	if c.folders == unasked {
		c.folders = doubtful
		at, _ := c.lookIn(r.experiment, "", r.ref.ID, fs.ModeDir)
		switch cell, ok := c.row.Cell(""); {
		case ok && at.stamp != 0 && cell.Stamp == at.stamp:
			c.folders = folders
			if c.renewed { // and so the row will not have all of the run
				c.keep("", at, packFlags(0))
			}
		case r.checkFolders(at):
			c.folders = folders
		}
	}
	return c.folders == folders
}

// checkFolders looks at each, and keeps that they were folders when the run's folder was as it was
// seen.
func (r *runRecord) checkFolders(at seen) bool {
	if at.stamp == 0 {
		return false
	}
	for _, sub := range [...]string{layout.Metrics, layout.Params, layout.Tags} {
		told, err := r.cached.lookIn(r.experiment, r.ref.ID, sub, fs.ModeDir)
		if told.stamp == 0 && !vfs.IsGone(err) {
			return false
		}
	}
	r.cached.keep("", at, packFlags(0))
	return true
}

// areBelow looks at the folders of a key with slashes.
func (r *runRecord) areBelow(column string) bool {
	from := strings.IndexByte(column, '/') + 1
	for {
		i := strings.IndexByte(column[from:], '/')
		if i < 0 {
			return true
		}
		from += i + 1
		if told, err := r.cached.lookIn(r.experiment, r.ref.ID, column[:from-1], fs.ModeDir); told.stamp == 0 {
			return vfs.IsGone(err) // and then the file is missing too
		}
	}
}
