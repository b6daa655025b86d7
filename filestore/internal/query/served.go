package query

import (
	"encoding/binary"
	"io/fs"
	"slices"
	"strings"
	"time"

	"github.com/mlruns/mlruns"
	"github.com/mlruns/mlruns/filestore/internal/index"
	"github.com/mlruns/mlruns/filestore/internal/records"
	"github.com/mlruns/mlruns/filestore/layout"
	"github.com/mlruns/mlruns/internal/vfs"
)

// standing is the state in which the meta.yaml and the folder of a run that has ended were seen on
// a drive whose files are a server's.
//
// The server marks changes by a clock that this machine cannot compare with its own. But it had
// come to a mark when the mark was seen. So what is written to the file more than one of its ticks
// after that has another mark, whatever the two clocks say. A run is sighted by one search, which
// keeps the state and the time of this machine's own clock. A search that meets the same state
// later than apart keeps what it reads of the run, unless the state is another when it has read.
// It asks the server each time, and has no value from what this machine remembers.
type standing struct{ meta, folder index.Stamp }

// apart is more than a tick of any server's clock that is relied on, see finelyTimed.
const apart = time.Second

// known reports whether what is read of the run may be kept.
func (s standing) known() bool { return s != standing{} }

// stands looks at a run. It is not known where it cannot be told.
func (c *session) stands(experiment vfs.Folder, id string) standing {
	folder, _ := c.look(experiment, id, fs.ModeDir)
	meta, _ := c.lookIn(experiment, id, layout.Meta, 0)
	if !folder.kept || !meta.kept {
		return standing{}
	}
	return standing{meta.stamp, folder.stamp}
}

// readServed is readInfo for the files of a server. What goes on is read as if there were no index.
func (r *runRecord) readServed(ref records.RunRef, cell index.Cell, known bool) (mlruns.RunInfo, error) {
	c := &r.cached
	whole, _ := c.row.Cell("")
	if info, _, ok := unpackNumbers(cell.Value, ref); known && ok && info.Status.Ended() {
		at, _ := c.session.lookIn(r.experiment, ref.ID, layout.Meta, 0)
		if at.stamp != 0 && at.stamp == cell.Stamp {
			r.hits++
			c.served, c.trusted, c.info = standing{at.stamp, whole.Stamp}, true, c.believe(cell, at)
			return info, nil
		}
	}
	c.folders = doubtful
	r.opened.Add(1)
	age, sighted := c.session.index.Start.since(cell.Value)
	from := r.experiment
	if age >= apart {
		from = c.reading
	}
	info, err := r.search.records.ListedRun(r.ctx, from, ref, r.problems)
	if err != nil || !info.Status.Ended() || sighted && age < apart {
		return info, err
	}
	if sighted {
		at := r.told(layout.Join(ref.ID, layout.Meta))
		if sighted = at.kept && at.stamp == cell.Stamp; sighted {
			c.folders, c.renewed, c.served = unasked, true, standing{at.stamp, whole.Stamp}
			c.keep(layout.Meta, at, packInfo(info, ref))
			c.keep("", seen{stamp: whole.Stamp, kept: true}, packFlags(0))
		}
	}
	if !sighted {
		c.sight(ref)
	}
	return info, nil
}

// from is the folder to read values from that are perhaps kept.
func (r *runRecord) from() vfs.Folder {
	if c := &r.cached; c.session == nil || !c.session.index.Served || c.served.known() {
		return c.reading
	}
	return r.experiment
}

// askServer asks about each folder above a value's file, so that its name leads where it does
// there.
func (r *runRecord) askServer(column string) {
	for i, b := range []byte(column) {
		if b == '/' && !slices.Contains(r.cached.asked, column[:i]) {
			r.cached.asked = append(r.cached.asked, strings.Clone(column[:i]))
			// who reads says why
			_, _ = r.cached.session.lookIn(r.experiment, r.ref.ID, column[:i], fs.ModeDir)
		}
	}
}

// sight keeps in which state a run was seen, and when.
func (c *cachedRun) sight(ref records.RunRef) {
	at := c.session.stands(c.reading, ref.ID)
	if !at.known() {
		return
	}
	c.session.draft.Put(ref.Experiment.Dir, ref.ID, true, []index.Cell{
		{Stamp: at.folder, Value: packFlags(0)}, {Column: layout.Meta, Stamp: at.meta, Value: c.session.index.Start.sighting()}})
	c.session.sighted.Add(2)
}

// commitServed keeps what was read of a run that is still in the state that it was sighted in.
func (c *cachedRun) commitServed(ref records.RunRef) {
	switch {
	case len(c.fresh) == 0:
	case c.session.stands(c.reading, ref.ID) == c.served:
		c.session.draft.Put(ref.Experiment.Dir, ref.ID, c.renewed, c.fresh)
	default:
		c.sight(ref)
	}
}

// sighting is the value of a cell that says when something was seen.
func (s Start) sighting() []byte {
	v := binary.LittleEndian.AppendUint64([]byte{cellSighting}, s.ID)
	return binary.AppendVarint(v, int64(s.Running()))
}

// since tells how long ago a sighting was. One before the system was started is none: no clock has
// gone on since.
func (s Start) since(sighting []byte) (age time.Duration, ok bool) {
	u := unpack(sighting, cellSighting)
	if len(u.rest) < 8 || binary.LittleEndian.Uint64(u.rest) != s.ID {
		return 0, false
	}
	u.rest = u.rest[8:]
	at := u.number()
	return s.Running() - time.Duration(at), u.whole()
}
