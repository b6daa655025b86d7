package query

import (
	"io/fs"
	"sync"
	"sync/atomic"
	"time"

	"github.com/mlruns/mlruns"
	"github.com/mlruns/mlruns/filestore/internal/index"
	"github.com/mlruns/mlruns/internal/vfs"
)

// Index is where the index of a store is, and how it is used.
type Index struct {
	Path  string
	Owner []byte // what an index must have been made by, and for
	Start Start
	// TrustEnded believes the values of runs that have ended, and looks at their meta.yaml only.
	TrustEnded bool
	// Served says that the files are a server's: see standing. TrustEnded is set.
	Served bool
	// Unwritable is why it cannot be made anew, nil if it can.
	Unwritable error
}

// Start is when the system that caches the files was started, and a number that no other start has.
//
// A power cut may leave a file with the time of change of a write whose content is lost. So what
// has changed since the start is kept for that start only; after the next it is read once more,
// from the disk.
type Start struct {
	At time.Time
	ID uint64
	// Running is how long ago it was, by a clock that nobody sets.
	Running func() time.Duration
}

// session is the index in one search: what it has, and what is kept for the next. A nil *session is
// none.
//
// A cell is believed if its file looks as it did: the same file, of the same size and the same time
// of change, which no program can set. So it is kept only if any later change makes it look
// otherwise: the time of change must lie before the search began, by more than the clock of a file
// system ticks. Whatever was read during the search, before or after the look, was then read in
// that state or in one whose look will never be seen again.
type session struct {
	searcher *Searcher
	index    *Index
	file     *index.File
	draft    *index.Draft
	began    time.Time
	wall     time.Time // the time of day when it began
	device   uint64
	folders  uint64 // how many names the root has
	listed   map[string]listing
	columns  []string // that the query can ask for, meta.yaml first
	looks    atomic.Int64
	hits     atomic.Int64
	opened   atomic.Int64 // data sets
	sighted  atomic.Int64 // cells of runs that were sighted, see standing
	mu       sync.Mutex
	datasets map[string]*cachedDatasets // by the experiments' folders
	shared   atomic.Int64               // bytes of them
}

// begin opens the index for a search, nil if there is none here.
func (s *Searcher) begin() *session {
	return s.start().open()
}

// start is begin without opening the index.
func (s *Searcher) start() *session {
	at := s.Index()
	if at == nil {
		return nil
	}
	now := vfs.Clock()
	c := &session{searcher: s, index: at, began: now, wall: now.Round(0), listed: map[string]listing{}, datasets: map[string]*cachedDatasets{}}
	root, err := s.tree.Folder("")
	if err != nil {
		return nil
	}
	defer root.Close()
	id, err := root.Look("", ".")
	if err != nil || id.Changed == 0 {
		return nil
	}
	c.device, c.folders = id.Device, id.Links
	if at.Unwritable == nil && now.Sub(time.Unix(0, s.failed.Load())) > retry {
		c.draft = index.NewDraft(at.Path)
	}
	return c
}

// retry is how long no index is made after that failed: the disk may be full, and each search would
// do the work for nothing.
const retry = time.Minute

// open opens the index. Where there is none, and none can be made, it gives nil.
func (c *session) open() *session {
	if c == nil {
		return nil
	}
	if file, err := index.Open(c.index.Path, c.index.Owner); err == nil {
		c.file = file
	} else if c.draft == nil {
		return nil
	}
	return c
}

// seen is what a look told.
type seen struct {
	stamp index.Stamp // 0: nothing can be told by it
	kept  bool        // what is read now may be kept with it
	// how many names the file has; a folder has two, and one in each folder in it, if it counts
	// them
	links uint64
}

// and is what looks at two files told together.
func (s seen) and(other seen) seen {
	return seen{stamp: index.StampOf(uint64(s.stamp), uint64(other.stamp)), kept: s.kept && other.kept}
}

// look looks at a file or a folder, whichever it should be. What lies on another device, and what
// is of another kind, cannot be told.
func (c *session) look(f vfs.Folder, name string, kind fs.FileMode) (seen, error) {
	return c.lookIn(f, "", name, kind)
}

// lookIn is look at a name in a folder below f.
func (c *session) lookIn(f vfs.Folder, folder, name string, kind fs.FileMode) (seen, error) {
	c.looks.Add(1)
	return c.lookUncounted(f, folder, name, kind)
}

// lookUncounted is lookIn of who counts by himself: a number that two threads count on costs each
// look as much as a tenth of it.
func (c *session) lookUncounted(f vfs.Folder, folder, name string, kind fs.FileMode) (seen, error) {
	var id vfs.Identity
	var err error
	if c.index.Served {
		id, err = f.FreshLook(folder, name)
	} else {
		id, err = f.Look(folder, name)
	}
	if err != nil {
		return seen{}, err
	}
	return c.judge(id, kind), nil
}

// steady reports whether the way to a file was the same since the search began: no folder on it is
// a link, or has changed, or changed places with another.
func (c *session) steady(f vfs.Folder, name string) bool {
	for i, b := range []byte(name) {
		if b == '/' {
			if at, _ := c.look(f, name[:i], fs.ModeDir); !at.kept {
				return false
			}
		}
	}
	return true
}

// lookAfter looks at a file that was read, where the reading did not tell what it was. It is not to
// be kept if perhaps another was read.
func (c *session) lookAfter(f vfs.Folder, name string) seen {
	at, _ := c.look(f, name, 0)
	at.kept = at.kept && c.steady(f, name)
	return at
}

// noting is a folder of which one file is read once.
type noting struct {
	vfs.Folder
	session *session
	was     seen // what the file was then; nothing if the reading did not tell
}

func (c *session) noting(f vfs.Folder, name string) *noting {
	n := &noting{session: c}
	n.Folder = vfs.Noting(f, func(read string, id vfs.Identity) {
		if read == name {
			n.was = c.judge(id, 0)
		}
	})
	return n
}

// told gives what the file was that has been read; from another folder it has another name.
func (n *noting) told(from vfs.Folder, name string) seen {
	if n.was.stamp != 0 {
		return n.was
	}
	return n.session.lookAfter(from, name)
}

// judge gives what is told by a look, or by a file that was open.
func (c *session) judge(id vfs.Identity, kind fs.FileMode) seen {
	if id.Mode != kind || id.Device != c.device || id.Changed == 0 {
		return seen{}
	}
	if c.index.Served {
		return seen{c.index.stamp(id), finelyTimed(id.Changed), id.Links}
	}
	return seen{c.index.stamp(id), id.Stable(c.began) && finelyTimed(id.Changed), id.Links}
}

// stamp stands for the state that a file was seen in.
func (i *Index) stamp(id vfs.Identity) index.Stamp {
	if i.Served { // this machine's number of the drive is another when it is mounted again
		//nolint:gosec // only compared
		return index.StampOf(id.Inode, uint64(id.Size), uint64(id.Changed), uint64(id.Mode))
	}
	start := uint64(0)
	if !i.Start.At.After(time.Unix(0, id.Changed)) {
		start = i.Start.ID
	}
	//nolint:gosec // only compared
	return index.StampOf(id.Device, id.Inode, uint64(id.Size), uint64(id.Changed), uint64(id.Mode), start)
}

// finelyTimed reports whether a time in nanoseconds is of a clock that counts them. One that counts
// whole seconds is not relied on: two changes, and a clock that was set back, have one second soon.
func finelyTimed(changed int64) bool { return changed%int64(time.Millisecond) != 0 }

// listing is what the listing of a folder gave.
type listing struct {
	names []string
	state index.Stamp // of the folder; 0: others can have come and gone without its being changed
}

// list notes which runs an experiment has, or which experiments the root or the trash.
func (c *session) list(dir string, l listing) {
	if c != nil {
		c.listed[dir] = l
	}
}

// asksFor notes what the query can ask for.
func (c *session) asksFor(columns []string) {
	if c != nil {
		c.columns = columns
	}
}

// count counts what was taken from the index, and looks that were not counted yet.
func (c *session) count(hits, looks int64) {
	if c != nil {
		c.hits.Add(hits)
		c.looks.Add(looks)
	}
}

func (c *session) part(dir string) *index.Part {
	if c == nil {
		return nil
	}
	return c.file.Part(dir)
}

const (
	// leastCells are worth an index: fewer are read as quickly as it is opened.
	leastCells = 64
	// leastServed are worth one where each file is several calls of a server.
	leastServed = 16
	// freshShare is the part of all that a search read anew for which the index is made again.
	freshShare = 20
	// jump is by how much a clock that is set differs from one that goes on.
	jump = 5 * time.Millisecond
)

// end closes the index, and makes the next one if enough was read for it. Nobody waits for that but
// Close. Of several at once one is made.
func (c *session) end() {
	if c == nil {
		return
	}
	fresh, least := int64(c.draft.Cells()), int64(leastCells)
	if c.index.Served {
		least = leastServed
	}
	if fresh < least || fresh*freshShare < fresh+c.hits.Load() || c.clockWasSet() || !c.searcher.writing.CompareAndSwap(false, true) {
		if c.draft.Spilled() {
			c.searcher.writers.Go(c.giveUp)
		} else {
			_ = c.file.Close()
		}
		return
	}
	c.searcher.writers.Go(func() {
		defer c.searcher.writing.Store(false)
		if c.write() != nil {
			c.searcher.failed.Store(time.Now().UnixNano())
		}
	})
}

func (c *session) write() error {
	for dir, l := range c.listed {
		c.draft.Listed(dir, l.names, l.state)
	}
	err := index.Write(c.index.Path, c.index.Owner, c.file, c.draft)
	_ = c.file.Close()
	if err == nil {
		index.Tidy(c.index.Path)
	}
	return err
}

// clockWasSet reports whether the clock was set while the search went on: what was written
// meanwhile may then look older than the search.
func (c *session) clockWasSet() bool {
	now := time.Now()
	lead := now.Round(0).Sub(c.wall) - now.Sub(c.began)
	return lead > jump || lead < -jump
}

// read is how many data sets were read by now.
func (c *session) read() int64 {
	if c == nil {
		return 0
	}
	return c.opened.Load()
}

// report adds to what a search tells of itself what it had of the index.
func (c *session) report(scan *mlruns.Scan) {
	if c != nil {
		scan.Looked, scan.Indexed = int(c.looks.Load()), int(c.hits.Load())
	}
}
