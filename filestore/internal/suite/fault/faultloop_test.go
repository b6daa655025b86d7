package fault

import (
	"errors"
	"io/fs"
	"os"
	"slices"
	"sync/atomic"
	"syscall"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/spf13/afero"

	"github.com/mlruns/mlruns"
	"github.com/mlruns/mlruns/filestore"
	"github.com/mlruns/mlruns/filestore/internal/filestoretest"
	"github.com/mlruns/mlruns/internal/faultfs"
	"github.com/mlruns/mlruns/internal/memfs"
	"github.com/mlruns/mlruns/internal/proof"
)

// faultPlace is where a write is failed, and through what.
type faultPlace struct {
	name        string
	disk, plain bool
	local       bool           // only what is done with kept handles
	sync        filestore.Sync // unless all are tried
	some        bool           // it costs most, so not all faults are made there
	dir         string         // for the disk's folders; "" is the usual place of temporary ones
}

// faultPlaces are in memory and on the real disk, with what vfs.FS has beside afero and without. At
// full length all faults are made also on a disk that the operating system has in memory; where
// there is none, on the other.
func faultPlaces() []faultPlace {
	info, err := os.Stat("/dev/shm")
	inMemory := proof.Full() && err == nil && info.IsDir()
	some := inMemory || !proof.Full()
	places := []faultPlace{
		{name: "memory", sync: filestore.SyncMeta},
		{name: "memory through afero alone", plain: true, sync: filestore.SyncAlways},
		{name: "disk", disk: true, sync: filestore.SyncMeta, some: some},
		{name: "disk through afero alone", disk: true, plain: true, sync: filestore.SyncAlways, some: some},
		{name: "kept handles", local: true, sync: filestore.SyncMeta},
		{name: "kept handles, always synced", local: true, sync: filestore.SyncAlways},
	}
	if inMemory {
		places = append(places, faultPlace{name: "disk in memory", disk: true, sync: filestore.SyncMeta, dir: "/dev/shm"},
			faultPlace{name: "disk in memory through afero alone", disk: true, plain: true, sync: filestore.SyncAlways, dir: "/dev/shm"})
	}
	return places
}

// faultKinds are what happens to the i-th operation, and of a full disk to the i-th byte.
var faultKinds = []struct {
	name  string
	at    func(i int) faultfs.Injector
	cause error
	often bool // every time in CI, in memory
}{
	{"EIO", func(i int) faultfs.Injector { return faultfs.FailAt(i, syscall.EIO) }, syscall.EIO, true},
	{"ENOSPC", func(i int) faultfs.Injector { return faultfs.FailAt(i, syscall.ENOSPC) }, syscall.ENOSPC, false},
	{"EACCES", func(i int) faultfs.Injector { return faultfs.FailAt(i, syscall.EACCES) }, syscall.EACCES, false},
	{"EXDEV", func(i int) faultfs.Injector { return moveAt(i, syscall.EXDEV) }, syscall.EXDEV, true},
	{"EBUSY", func(i int) faultfs.Injector { return moveAt(i, syscall.EBUSY) }, syscall.EBUSY, true},
	{"short write", func(i int) faultfs.Injector { return filestoretest.ShortWrite(i) }, faultfs.ErrInjected, true},
	{"full disk", func(i int) faultfs.Injector { return faultfs.FullAfter(i * fullDiskStep) }, syscall.ENOSPC, false},
}

// stepOf thins the faults out where not all are asked for: of these operations every so many is
// failed.
func (p faultPlace) stepOf(often bool) int {
	switch {
	case p.some:
		return proof.Choose(421, 29, 29)
	case often:
		return proof.Choose(29, 1, 1)
	}
	return proof.Choose(79, 4, 1)
}

const fullDiskStep = 29 // bytes; the places where a disk is full fall everywhere in what is written

// moveAt fails the i-th rename or link: a mount point, another file system, or one that does not
// move its folders.
func moveAt(i int, err error) faultfs.Injector {
	moves := -1
	return faultfs.FailMatching(func(op faultfs.Op) bool {
		move := op.Kind == faultfs.Rename || op.Kind == faultfs.Link
		if move {
			moves++
		}
		return move && moves == i
	}, err)
}

// ground is a store before a write, and what it is after it.
type ground struct {
	mem         *memfs.FS
	warm        func(*filestoretest.Faulty) error
	tree        filestoretest.Tree
	before      map[string]any
	after       map[string]any
	treeAfter   filestoretest.Tree
	quietBefore filestoretest.Tree
}

// newGround does what comes before the write, and then the write in a copy.
func newGround(t *testing.T, op faultedOperation) *ground {
	t.Helper()
	mem := filestoretest.Memory()
	if op.warm != nil {
		mem = memfs.NewLocal()
	}
	f := filestoretest.NewFaultyOn(t, mem, false, filestore.SyncMeta)
	if op.prepare != nil {
		f.Must(op.prepare(f))
	}
	f.FS.SyncEverything()
	g := &ground{mem: f.FS, warm: op.warm, tree: filestoretest.TreeOf(t, f.FS)}
	f = g.faulty(t, faultPlace{}, filestore.SyncMeta)
	g.before, g.quietBefore = f.Snapshot(), filestoretest.Quiet(filestoretest.TreeOf(t, f.Base))
	done := g.faulty(t, faultPlace{}, filestore.SyncMeta)
	done.Must(op.do(done))
	g.after, g.treeAfter = done.Snapshot(), filestoretest.Quiet(filestoretest.TreeOf(t, done.Base))
	f.Close()
	done.Close()
	return g
}

// faulty opens a copy of the store in a file system that fails when told so.
func (g *ground) faulty(t *testing.T, place faultPlace, sync filestore.Sync) *filestoretest.Faulty {
	t.Helper()
	f := &filestoretest.Faulty{T: t, Ctx: t.Context(), FS: g.mem.CrashClone(nil), Faults: &filestoretest.Faults{}, Close: func() {}}
	f.Base = f.FS
	if place.disk {
		f.Base, f.Close = g.tree.OnDisk(t, place.dir)
	}
	fsys := f.Base
	if place.plain {
		fsys = faultfs.Plain(fsys)
	}
	// Closed by Close, not by the end of the test: that would keep ten thousand copies in memory.
	store, err := filestore.Open("/mlruns", filestore.WithFs(faultfs.New(fsys, f.Faults.Inject)), filestore.WithSync(sync), filestore.WithMustExist(),
		filestore.WithClock(filestoretest.ClockOfFaults))
	f.Must(err)
	f.Store = store
	giveBack := f.Close
	f.Close = func() {
		f.Must(errors.Join(store.DropIndex(), store.Close()))
		giveBack()
	}
	if g.warm != nil {
		f.Must(g.warm(f))
	}
	filestoretest.Warm(t, store)
	return f
}

// TestEveryFault fails each operation of the file system in turn, until the write succeeds.
func TestEveryFault(t *testing.T) {
	var injected, onDisk atomic.Int64
	t.Cleanup(func() {
		t.Logf("%d faults were injected into %d writes, %d of them on the disk that is not in memory", injected.Load(), len(faultedOperations), onDisk.Load())
	})
	for _, op := range faultedOperations {
		t.Run(op.name, func(t *testing.T) {
			t.Parallel()
			rng := proof.Rand(t)
			g := newGround(t, op)
			for _, place := range faultPlaces() {
				if place.local != (op.warm != nil) {
					continue
				}
				syncs := []filestore.Sync{place.sync}
				if proof.Full() {
					syncs = []filestore.Sync{filestore.SyncNever, filestore.SyncMeta, filestore.SyncAlways}
				}
				for _, kind := range faultKinds {
					step := place.stepOf(kind.often)
					for _, sync := range syncs {
						for i := rng.IntN(step); !t.Failed(); i += step {
							f := g.faulty(t, place, sync)
							f.About = place.name + ", " + kind.name
							f.Faults.Arm(kind.at(i))
							err := op.do(f)
							f.Faults.Disarm()
							if f.Faults.Failed == 0 {
								f.Must(err)
								f.Close()
								break
							}
							injected.Add(int64(f.Faults.Failed))
							if place.disk && place.dir == "" {
								onDisk.Add(int64(f.Faults.Failed))
							}
							checkFaulted(f, i, err, kind.cause, op, g)
							f.Close()
						}
					}
				}
			}
		})
	}
}

// checkFaulted judges what a write left behind whose i-th operation failed.
func checkFaulted(f *filestoretest.Faulty, i int, err, cause error, op faultedOperation, g *ground) {
	f.Helper()
	// that is what gc and relocate make of a problem
	if err != nil && !errors.Is(err, cause) && !errors.Is(err, filestoretest.ErrFault) {
		f.Errorf("%s: fault %d, %v: error %v does not wrap %v", f.About, i, f.Faults.Hit, err, cause)
	}
	f.Verify(op.allow)
	got, now := f.Snapshot(), filestoretest.Quiet(filestoretest.TreeOf(f.T, f.Base))
	f.ReadsStrictly(got)
	undone, done := filestoretest.SameAnswers(got, g.before), filestoretest.SameAnswers(got, g.after)
	switch {
	case err == nil && !done:
		f.Errorf("%s: fault %d, %v: the write succeeded but has no effect:\n%s", f.About, i, f.Faults.Hit, cmp.Diff(g.after, got, filestoretest.Alike...))
	case errors.Is(err, mlruns.ErrNotDurable) && !done:
		f.Errorf("%s: fault %d, %v: %v, but the effect does not stand:\n%s", f.About, i, f.Faults.Hit, err, cmp.Diff(g.after, got, filestoretest.Alike...))
	case err != nil && !errors.Is(err, mlruns.ErrNotDurable) && !undone && !op.steps && !(op.tidies && done):
		f.Errorf("%s: fault %d, %v: %v, but the store has changed:\n%s", f.About, i, f.Faults.Hit, err, cmp.Diff(g.before, got, filestoretest.Alike...))
	}
	checkTree(f, i, err, op, g, now)
	if err == nil {
		return
	}
	retry := op.do(f)
	switch {
	case retry == nil && (op.again == nil || op.steps || !done || undone):
	case op.again != nil && done && errors.Is(retry, op.again):
	default:
		f.Errorf("%s: fault %d, %v: the retry gave %v", f.About, i, f.Faults.Hit, retry)
	}
	got = f.Snapshot()
	f.ReadsStrictly(got)
	if errors.Is(err, mlruns.ErrNotDurable) {
		f.Verify(mlruns.ProblemDuplicateLine) // an append was done twice
		return
	}
	f.Verify("")
	if diff := cmp.Diff(g.after, got, filestoretest.Alike...); diff != "" {
		f.Errorf("%s: fault %d, %v: after the retry (-want +got):\n%s", f.About, i, f.Faults.Hit, diff)
	}
	if diff := filestoretest.Changes(g.treeAfter, filestoretest.Quiet(filestoretest.TreeOf(f.T, f.Base))); diff != nil {
		f.Errorf("%s: fault %d, %v: files after the retry: %v", f.About, i, f.Faults.Hit, diff)
	}
}

// checkTree judges the files: those of before, byte for byte, or those of after; of a write in
// steps each is one or the other.
func checkTree(f *filestoretest.Faulty, i int, err error, op faultedOperation, g *ground, now filestoretest.Tree) {
	f.Helper()
	fromBefore, fromAfter := filestoretest.Changes(g.quietBefore, now), filestoretest.Changes(g.treeAfter, now)
	switch {
	case err == nil || errors.Is(err, mlruns.ErrNotDurable):
		if fromAfter != nil {
			f.Errorf("%s: fault %d, %v: %v, but the files are not those of after: %v", f.About, i, f.Faults.Hit, err, fromAfter)
		}
	case op.tidies && fromAfter == nil:
	case !op.steps && fromBefore != nil:
		f.Errorf("%s: fault %d, %v: %v, but files have changed: %v", f.About, i, f.Faults.Hit, err, fromBefore)
	case op.steps:
		for _, change := range fromBefore {
			if slices.Contains(fromAfter, change) {
				f.Errorf("%s: fault %d, %v: a file that is neither old nor new: %s", f.About, i, f.Faults.Hit, change)
			}
		}
	}
}

// TestEveryFaultOfOpen fails each operation of making a store.
func TestEveryFaultOfOpen(t *testing.T) {
	t.Parallel()
	rng := proof.Rand(t)
	var injected int
	for _, place := range faultPlaces() {
		for _, kind := range faultKinds {
			step := proof.Choose(13, 1, 1)
			for i := rng.IntN(step); !t.Failed(); i += step {
				f := &filestoretest.Faulty{T: t, Ctx: t.Context(), Faults: &filestoretest.Faults{}, Base: memfs.New(), Close: func() {}, About: place.name + ", " + kind.name}
				if place.disk {
					f.Base, f.Close = filestoretest.Tree{}.OnDisk(t, place.dir)
				}
				fsys := f.Base
				if place.plain {
					fsys = faultfs.Plain(fsys)
				}
				fsys = faultfs.New(fsys, f.Faults.Inject)
				open := func() (s *filestore.Store, err error) {
					return filestore.Open("/mlruns", filestore.WithFs(fsys), filestore.WithSync(place.sync), filestore.WithClock(filestoretest.ClockOfFaults))
				}
				f.Faults.Arm(kind.at(i))
				s, err := open()
				f.Faults.Disarm()
				if f.Faults.Failed == 0 {
					f.Must(errors.Join(err, s.Close()))
					f.Close()
					break
				}
				injected += f.Faults.Failed
				if err != nil && !errors.Is(err, kind.cause) {
					t.Errorf("%s: fault %d, %v: error %v does not wrap %v", f.About, i, f.Faults.Hit, err, kind.cause)
				}
				if err == nil {
					f.Must(s.Close())
				}
				f.Store, err = open()
				f.Must(err)
				f.Verify("")
				e, err := f.Store.Experiment(f.Ctx, mlruns.DefaultExperimentID)
				f.Must(err)
				sub, err := fs.Sub(afero.NewIOFS(f.Base), "mlruns")
				f.Must(err)
				strict, err := filestoretest.ReadStrictly(sub, true)
				if err != nil || e.Name != "Default" || len(strict.Experiments) != 1 || strict.Experiments["0"].Name != "Default" {
					t.Errorf("%s: fault %d, %v: after opening again: %+v, MLflow's rules: %v", f.About, i, f.Faults.Hit, e, err)
				}
				f.Must(f.Store.Close())
				f.Close()
			}
		}
	}
	t.Logf("%d faults were injected into the making of a store", injected)
}
