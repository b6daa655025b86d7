package filestore_test

import (
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/spf13/afero"

	"github.com/mlruns/mlruns"
	"github.com/mlruns/mlruns/filestore"
	"github.com/mlruns/mlruns/internal/drive"
	"github.com/mlruns/mlruns/internal/proof"
	"github.com/mlruns/mlruns/internal/rootfs"
	"github.com/mlruns/mlruns/internal/vfs"
)

// client is a client of a file server. It remembers what a look told until the server is asked
// about that name. The server's clock goes in long steps, and is not this machine's: time passes
// only by pass.
type client struct {
	*rootfs.Fs
	tick   time.Duration
	ahead  time.Duration // of the server's clock
	mu     sync.Mutex
	mount  uint64 // is added to the number of the drive
	times  []clientTime
	memory map[string]vfs.Identity
	asked  int
	fresh  map[string]bool // what the server was asked about, by its path
	listed int
	// is told of each file before it is read, and of each folder by its path
	reading func(name string)
}

// clientTime is how much time had passed by a moment of the real clock that marks files.
type clientTime struct {
	since  time.Time
	passed time.Duration
}

func newClient(t *testing.T, dir string, tick, ahead time.Duration) *client {
	t.Helper()
	disk, err := rootfs.Open(dir, rootfs.Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = disk.Close() })
	c := &client{Fs: disk, tick: tick, ahead: ahead, memory: map[string]vfs.Identity{}, fresh: map[string]bool{}}
	c.pass(0)
	return c
}

// pass lets time pass.
func (c *client) pass(d time.Duration) {
	// all that is written has an older mark now
	for from := vfs.Clock(); vfs.Clock().Sub(from) < 8*time.Millisecond; {
		time.Sleep(2 * time.Millisecond)
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	passed := d
	if n := len(c.times); n > 0 {
		passed += c.times[n-1].passed
	}
	c.times = append(c.times, clientTime{vfs.Clock(), passed})
}

// running is the client's own clock.
func (c *client) running() time.Duration {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.times[len(c.times)-1].passed
}

// mark gives a file the time that the server has marked it with.
func (c *client) mark(id vfs.Identity, err error) (vfs.Identity, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	at := time.Duration(0)
	for _, e := range c.times {
		if e.since.After(time.Unix(0, id.Changed)) {
			break
		}
		at = e.passed
	}
	at += time.Hour + c.ahead
	id.Changed = time.Unix(1_700_000_000, 123).Add(at - at%c.tick).UnixNano()
	id.Device += c.mount
	return id, err
}

func (c *client) Identify(name string, changed bool) (vfs.Identity, error) {
	return c.mark(c.Fs.Identify(name, changed))
}

func (c *client) Local() bool { return false }

func (c *client) Served() bool { return true }

func (c *client) Drive() drive.Drive {
	return drive.Drive{Kind: "nfs4", Excludes: true, Served: true, Asked: true}
}

func (c *client) OpenFolder(name string) (vfs.Folder, error) {
	if c.reading != nil {
		c.reading(name)
	}
	f, err := c.Fs.OpenFolder(name)
	return clientFolder{f, c, vfs.Clean(name)}, err
}

type clientFolder struct {
	vfs.Folder
	c    *client
	name string
}

func (f clientFolder) Look(folder, name string) (vfs.Identity, error) {
	if name == "." { // a handle leads to no other folder
		return f.c.mark(f.Folder.Look(folder, name))
	}
	at := filepath.Join(f.name, folder, name)
	f.c.mu.Lock()
	id, ok := f.c.memory[at]
	f.c.mu.Unlock()
	if ok {
		return id, nil
	}
	return f.ask(folder, name)
}

func (f clientFolder) FreshLook(folder, name string) (vfs.Identity, error) {
	f.c.mu.Lock()
	f.c.asked++
	f.c.fresh[filepath.Join(f.name, folder, name)] = true
	f.c.mu.Unlock()
	return f.ask(folder, name)
}

func (f clientFolder) ask(folder, name string) (vfs.Identity, error) {
	id, err := f.c.mark(f.Folder.Look(folder, name))
	f.c.mu.Lock()
	defer f.c.mu.Unlock()
	if err == nil {
		f.c.memory[filepath.Join(f.name, folder, name)] = id
	}
	return id, err
}

func (f clientFolder) Entries() ([]vfs.Entry, error) {
	f.c.mu.Lock()
	f.c.listed++
	f.c.mu.Unlock()
	return f.Folder.Entries()
}

func (f clientFolder) OpenFolder(name string) (vfs.Folder, error) {
	sub, err := f.Folder.OpenFolder(name)
	return clientFolder{sub, f.c, filepath.Join(f.name, name)}, err
}

func (f clientFolder) told(name string) {
	if f.c.reading != nil {
		f.c.reading(filepath.Join(f.name, name))
	}
}

func (f clientFolder) ReadFile(name string, buf []byte) ([]byte, error) {
	f.told(name)
	return f.Folder.ReadFile(name, buf)
}

func (f clientFolder) ReadSmall(name string, buf []byte, limit int64) ([]byte, error) {
	f.told(name)
	return f.Folder.ReadSmall(name, buf, limit)
}

func (f clientFolder) ReadListed(name string, buf []byte, limit int64) ([]byte, error) {
	f.told(name)
	return f.Folder.ReadListed(name, buf, limit)
}

func (f clientFolder) Open(name string) (afero.File, error) {
	f.told(name)
	return f.Folder.Open(name)
}

// newServedTwins are a store that a client reads by its index, and the same on the server.
func newServedTwins(t *testing.T, dir string, tick, ahead time.Duration) (*twins, *client) {
	t.Helper()
	c := newClient(t, filepath.Dir(dir), tick, ahead)
	w := &twins{t: t, dir: dir, indexes: filepath.Join(t.TempDir(), "indexes"), mode: filestore.IndexTrustEnded}
	var err error
	if w.plain, err = filestore.Open(filepath.Base(dir), filestore.WithFs(c.Fs), filestore.WithReadOnly(), filestore.WithIndex(filestore.IndexNone)); err != nil {
		t.Fatal(err)
	}
	if w.indexed, err = filestore.Open(filepath.Base(dir), filestore.WithFs(c), filestore.WithReadOnly(), filestore.WithIndex(w.mode), filestore.WithIndexDir(w.indexes)); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _, _ = w.indexed.Close(), w.plain.Close() })
	if w.indexed.IndexMode() != filestore.IndexTrustEnded {
		t.Fatalf("the mode is %v on %+v", w.indexed.IndexMode(), w.indexed.Drive())
	}
	filestore.SetRunning(w.indexed, c.running)
	return w, c
}

// settle searches all until all that can be kept is.
func (w *twins) settle(c *client) {
	w.t.Helper()
	for range 2 {
		w.ask(mlruns.RunQuery{View: mlruns.ViewAll, MaxResults: mlruns.MaxResultsLimit})
		filestore.WaitForIndex(w.indexed)
		c.pass(1100 * time.Millisecond)
	}
}

// TestTrustEndedOnServer asks random queries of a server's files, whose clock is another and goes
// in steps of most of a second, while others edit runs as long as they go on, end, go on again and
// end again: what changes no run that has ended is seen at once, however the time passes.
func TestTrustEndedOnServer(t *testing.T) {
	t.Parallel()
	rng := proof.Rand(t)
	dir := filepath.Join(t.TempDir(), "mlruns")
	randomStore(t, rng, dir)
	tick := pick(rng, []time.Duration{10 * time.Millisecond, 900 * time.Millisecond})
	w, c := newServedTwins(t, dir, tick, pick(rng, []time.Duration{0, 300 * 24 * time.Hour, -300 * 24 * time.Hour}))
	w.settle(c)
	ending, going := editsOfRuns()
	for range proof.Choose(10, 200, 1500) {
		run := pick(rng, runFolders(t, dir))
		for range 1 + rng.IntN(3) { // a run that is edited is often edited again, within one tick
			list := ending
			if goesOn(run) {
				list = going
			}
			_ = pick(rng, list).do(t, rng, run, t.TempDir())
			if rng.IntN(3) > 0 {
				w.ask(randomQuery(rng))
			}
			if rng.IntN(3) == 0 {
				filestore.WaitForIndex(w.indexed)
				c.pass(pick(rng, []time.Duration{20 * time.Millisecond, 400 * time.Millisecond, 1100 * time.Millisecond}))
			}
		}
		w.askAll(rng, randomQuery(rng))
	}
	t.Logf("tick %v: %d queries had the same answer, the index had something of %d", tick, w.asked, w.answered)
	if w.answered == 0 {
		t.Error("the index had nothing of any answer")
	}
}

// TestServedIndex asks the server once for each run that has ended, opens no file of it and lists
// the experiment; with runs that go on it does as without an index.
func TestServedIndex(t *testing.T) {
	t.Parallel()
	dir, run := endedStore(t, 40, "3")
	for i := 30; i < 40; i++ {
		if err := place(filepath.Join(run(i), "meta.yaml"), endedMeta(i, "1")); err != nil {
			t.Fatal(err)
		}
	}
	w, c := newServedTwins(t, dir, 10*time.Millisecond, 0)
	q := mlruns.RunQuery{Filter: "params.p = 'x' AND metrics.m = 3"}
	w.settle(c)
	for _, tc := range []struct {
		q             mlruns.RunQuery
		opened, asked int
	}{
		{q, 30, 30},
		{mlruns.RunQuery{}, 10, 30},
		{mlruns.RunQuery{Filter: "attributes.status = 'FINISHED'"}, 10, 30},
	} {
		c.asked, c.listed = 0, 0
		_, scan := answerOf(w.indexed, tc.q)
		if scan.Opened != tc.opened || c.asked != tc.asked || c.listed == 0 {
			t.Errorf("%q: %d files opened, the server asked %d times, %d listings; want %d, %d and at least one: %+v", tc.q.Filter, scan.Opened, c.asked, c.listed, tc.opened, tc.asked, scan)
		}
		w.ask(tc.q)
	}
}

// TestServedIndexIsNotFresh rewrites a run that has ended in place, twice within one tick of the
// server's clock, with a search between the two: whatever was kept before that, and whenever.
func TestServedIndexIsNotFresh(t *testing.T) {
	t.Parallel()
	const soon, later = 20 * time.Millisecond, 1100 * time.Millisecond
	for name, tc := range map[string]struct {
		asked []time.Duration // what passes before each search
		then  time.Duration   // and before the first edit
	}{
		"at once":           {[]time.Duration{0, 0}, 0},
		"sighted long ago":  {[]time.Duration{0}, later},
		"sighted just now":  {[]time.Duration{later}, soon},
		"believed long ago": {[]time.Duration{0, later, later}, later},
		"believed just now": {[]time.Duration{0, later}, soon},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			dir, run := endedStore(t, 20, "3")
			w, c := newServedTwins(t, dir, 900*time.Millisecond, 0)
			ask := func() {
				t.Helper()
				w.ask(mlruns.RunQuery{Filter: "attributes.status = 'FAILED' AND params.p = 'x'"})
				filestore.WaitForIndex(w.indexed)
			}
			for range 2 {
				for _, d := range tc.asked {
					c.pass(d)
					ask()
				}
				c.pass(tc.then)
				for _, status := range []string{"4", "3", "4"} {
					for i := range 20 {
						if err := rewrite(filepath.Join(run(i), "meta.yaml"), endedMeta(i, status), true); err != nil {
							t.Fatal(err)
						}
					}
					ask()
					ask()
				}
			}
		})
	}
}

// TestServedIndexReadsDatasets rewrites a data set within one tick of the server's clock, and the
// runs that used it, so that the index is made each time.
func TestServedIndexReadsDatasets(t *testing.T) {
	t.Parallel()
	dir, run := endedStore(t, 20, "3")
	withInputs(t, dir, run, 20, 2)
	w, _ := newServedTwins(t, dir, 900*time.Millisecond, 0)
	for i, digest := range []string{"7", "8", "7", "8"} {
		for n := range 20 { // of another size each time
			meta := endedMeta(n, "3") + strings.Repeat("#", i) + "\n"
			if err := rewrite(filepath.Join(run(n), "meta.yaml"), meta, false); err != nil {
				t.Fatal(err)
			}
		}
		if err := rewrite(filepath.Join(dir, "0", "datasets", "d0", "meta.yaml"), datasetMeta("ds", digest), true); err != nil {
			t.Fatal(err)
		}
		for _, q := range []mlruns.RunQuery{{Filter: "dataset.digest = '7'"}, {}} {
			w.ask(q)
			filestore.WaitForIndex(w.indexed)
		}
	}
}

// TestServedIndexWhileEdited edits a run that was sighted while a search reads it: before one of
// its files, or its folder, is opened the folder of its params changes places with another's, and
// back after the search.
func TestServedIndexWhileEdited(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		q  mlruns.RunQuery
		at string
	}{
		"while it is filtered":    {mlruns.RunQuery{Filter: "params.p = 'x'"}, "/params/p"},
		"before it is read whole": {mlruns.RunQuery{}, ""},
		"while it is read whole":  {mlruns.RunQuery{}, "/params/p"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			dir, run := endedStore(t, 20, "3")
			if err := place(filepath.Join(run(1), "params", "p"), "z"); err != nil {
				t.Fatal(err)
			}
			w, c := newServedTwins(t, dir, 10*time.Millisecond, 0)
			w.ask(tc.q)
			filestore.WaitForIndex(w.indexed)
			c.pass(1100 * time.Millisecond)
			change := func() {
				if err := swap(filepath.Join(run(0), "params"), filepath.Join(run(1), "params"), filepath.Dir(dir)); err != nil {
					t.Error(err)
				}
			}
			var once sync.Once
			done := false
			c.reading = func(name string) {
				if strings.HasSuffix(name, filepath.Base(run(0))+tc.at) {
					once.Do(change)
					done = true
				}
			}
			answerOf(w.indexed, tc.q)
			filestore.WaitForIndex(w.indexed)
			if c.reading = nil; !done {
				t.Fatal("nothing was edited")
			}
			change()
			for range 3 {
				w.ask(tc.q)
				w.ask(mlruns.RunQuery{Filter: "params.p = 'z'"})
				filestore.WaitForIndex(w.indexed)
				c.pass(1100 * time.Millisecond)
			}
		})
	}
}

// TestIndexModeOnServer uses an index of a server's files only where ended is asked for, and says
// why it does not.
func TestIndexModeOnServer(t *testing.T) {
	t.Parallel()
	dir, _ := endedStore(t, 1, "3")
	for mode, why := range map[filestore.IndexMode]string{
		filestore.IndexNone:       "",
		filestore.IndexChecked:    "what a look at a file tells cannot be relied on on nfs4; --index ended",
		filestore.IndexTrustEnded: "",
	} {
		store, err := filestore.Open(filepath.Base(dir), filestore.WithFs(newClient(t, filepath.Dir(dir), time.Millisecond, 0)), filestore.WithReadOnly(),
			filestore.WithIndex(mode), filestore.WithIndexDir(filepath.Join(t.TempDir(), "indexes")))
		if err != nil {
			t.Fatal(err)
		}
		want := mode
		if mode == filestore.IndexChecked {
			want = filestore.IndexNone
		}
		if info := store.IndexInfo(); store.IndexMode() != want || info.Mode != want || !strings.HasPrefix(info.Why, why) || (info.Why == "") != (why == "") {
			t.Errorf("%v: %v, %+v", mode, store.IndexMode(), info)
		}
		if err := store.Close(); err != nil {
			t.Fatal(err)
		}
	}
}
