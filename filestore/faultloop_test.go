package filestore_test

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/spf13/afero"

	"github.com/mlruns/mlruns"
	"github.com/mlruns/mlruns/filestore"
	"github.com/mlruns/mlruns/internal/faultfs"
	"github.com/mlruns/mlruns/internal/memfs"
	"github.com/mlruns/mlruns/internal/proof"
	"github.com/mlruns/mlruns/internal/rootfs"
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

// faultPlaces are in memory and on the real disk, with what vfs.Native offers and without. At
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
	{"short write", func(i int) faultfs.Injector { return shortWrite(i) }, faultfs.ErrInjected, true},
	{"full disk", func(i int) faultfs.Injector { return faultfs.FullAfter(i * fullDiskStep) }, syscall.ENOSPC, false},
}

// stepOf thins the faults out where not all are asked for: of these operations every so many is
// failed.
func (p faultPlace) stepOf(often bool) int {
	switch {
	case p.some:
		return proof.Choose(211, 29, 29)
	case often:
		return proof.Choose(13, 1, 1)
	}
	return proof.Choose(37, 4, 1)
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

// shortWrite writes half of the i-th write.
func shortWrite(i int) faultfs.Injector {
	writes := -1
	return faultfs.FailMatching(func(op faultfs.Op) bool {
		if op.Kind == faultfs.Write {
			writes++
		}
		return op.Kind == faultfs.Write && writes == i
	}, faultfs.ErrShort)
}

// ground is a store before a write, and what it is after it.
type ground struct {
	mem         *memfs.FS
	warm        func(*faulty) error
	tree        tree
	before      map[string]any
	after       map[string]any
	treeAfter   tree
	quietBefore tree
}

func clockOfFaults() time.Time { return time.UnixMilli(1767323045678) }

// newGround does what comes before the write, and then the write in a copy.
func newGround(t *testing.T, op faultedOperation) *ground {
	t.Helper()
	mem := memfs.New()
	if op.warm != nil {
		mem = memfs.NewLocal()
	}
	f := newFaultyOn(t, mem, false, filestore.SyncMeta)
	if op.prepare != nil {
		f.must(op.prepare(f))
	}
	f.fs.SyncAll()
	g := &ground{mem: f.fs, warm: op.warm, tree: treeOf(t, f.fs)}
	f = g.faulty(t, faultPlace{}, filestore.SyncMeta)
	g.before, g.quietBefore = f.snapshot(), quiet(treeOf(t, f.base))
	done := g.faulty(t, faultPlace{}, filestore.SyncMeta)
	done.must(op.do(done))
	g.after, g.treeAfter = done.snapshot(), quiet(treeOf(t, done.base))
	return g
}

// faulty opens a copy of the store in a file system that fails when told so.
func (g *ground) faulty(t *testing.T, place faultPlace, sync filestore.Sync) *faulty {
	t.Helper()
	f := &faulty{T: t, ctx: t.Context(), fs: g.mem.CrashClone(nil), faults: &faults{}, close: func() {}}
	f.base = f.fs
	if place.disk {
		f.base, f.close = g.tree.onDisk(t, place.dir)
	}
	fsys := f.base
	if place.plain {
		fsys = faultfs.Plain(fsys)
	}
	f.store = openStore(t, "/mlruns", filestore.WithFs(faultfs.New(fsys, f.faults.inject)), filestore.WithSync(sync), filestore.WithMustExist(),
		filestore.WithClock(clockOfFaults))
	if g.warm != nil {
		f.must(g.warm(f))
	}
	return f
}

// onDisk writes the tree to a confined directory in a folder of the disk, which remove removes.
func (t tree) onDisk(tb testing.TB, in string) (fsys afero.Fs, remove func()) {
	tb.Helper()
	dir, err := os.MkdirTemp(in, "mlruns-fault-")
	if err != nil {
		tb.Fatal(err)
	}
	t.writeTo(tb, filepath.Join(dir, "mlruns"))
	root, err := rootfs.Open(dir, rootfs.Options{})
	if err != nil {
		tb.Fatal(err)
	}
	return root, func() {
		if err := errors.Join(root.Close(), os.RemoveAll(dir)); err != nil {
			tb.Error(err)
		}
	}
}

// treeOf is what lies in /mlruns.
func treeOf(tb testing.TB, fsys afero.Fs) tree {
	tb.Helper()
	t := tree{}
	err := afero.Walk(fsys, "mlruns", func(name string, info fs.FileInfo, err error) error {
		rel, isBelow := strings.CutPrefix(filepath.ToSlash(name), "mlruns/")
		switch {
		case err != nil || !isBelow:
			return err
		case info.IsDir():
			t[rel] = nil
			return nil
		}
		data, err := afero.ReadFile(fsys, name)
		t[rel] = append([]byte{}, data...)
		return err
	})
	if err != nil {
		tb.Fatal(err)
	}
	return t
}

// quiet leaves out what is private, locks and leftovers, and folders: one that is empty means
// nothing.
func quiet(t tree) tree {
	files := tree{}
	for name, data := range t {
		if data != nil && !isPrivate(name) {
			files[name] = data
		}
	}
	return files
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
							f.about = place.name + ", " + kind.name
							f.faults.arm(kind.at(i))
							err := op.do(f)
							f.faults.disarm()
							if f.faults.failed == 0 {
								f.must(err)
								f.close()
								break
							}
							injected.Add(int64(f.faults.failed))
							if place.disk && place.dir == "" {
								onDisk.Add(int64(f.faults.failed))
							}
							f.check(i, err, kind.cause, op, g)
							f.close()
						}
					}
				}
			}
		})
	}
}

// check judges what a write left behind whose i-th operation failed.
func (f *faulty) check(i int, err, cause error, op faultedOperation, g *ground) {
	f.Helper()
	// that is what gc and relocate make of a problem
	if err != nil && !errors.Is(err, cause) && !errors.Is(err, errFault) {
		f.Errorf("%s: fault %d, %v: error %v does not wrap %v", f.about, i, f.faults.hit, err, cause)
	}
	f.verify(op.allow)
	got, now := f.snapshot(), quiet(treeOf(f.T, f.base))
	f.readsStrictly(got)
	undone, done := same(got, g.before), same(got, g.after)
	switch {
	case err == nil && !done:
		f.Errorf("%s: fault %d, %v: the write succeeded but has no effect:\n%s", f.about, i, f.faults.hit, cmp.Diff(g.after, got, likeness...))
	case errors.Is(err, mlruns.ErrNotDurable) && !done:
		f.Errorf("%s: fault %d, %v: %v, but the effect does not stand:\n%s", f.about, i, f.faults.hit, err, cmp.Diff(g.after, got, likeness...))
	case err != nil && !errors.Is(err, mlruns.ErrNotDurable) && !undone && !op.steps && !(op.tidies && done):
		f.Errorf("%s: fault %d, %v: %v, but the store has changed:\n%s", f.about, i, f.faults.hit, err, cmp.Diff(g.before, got, likeness...))
	}
	f.checkTree(i, err, op, g, now)
	if err == nil {
		return
	}
	retry := op.do(f)
	switch {
	case retry == nil && (op.again == nil || op.steps || !done || undone):
	case op.again != nil && done && errors.Is(retry, op.again):
	default:
		f.Errorf("%s: fault %d, %v: the retry gave %v", f.about, i, f.faults.hit, retry)
	}
	got = f.snapshot()
	f.readsStrictly(got)
	if errors.Is(err, mlruns.ErrNotDurable) {
		f.verify(mlruns.ProblemDuplicateLine) // an append was done twice
		return
	}
	f.verify("")
	if diff := cmp.Diff(g.after, got, likeness...); diff != "" {
		f.Errorf("%s: fault %d, %v: after the retry (-want +got):\n%s", f.about, i, f.faults.hit, diff)
	}
	if diff := changes(g.treeAfter, quiet(treeOf(f.T, f.base))); diff != nil {
		f.Errorf("%s: fault %d, %v: files after the retry: %v", f.about, i, f.faults.hit, diff)
	}
}

// checkTree judges the files: those of before, byte for byte, or those of after; of a write in
// steps each is one or the other.
func (f *faulty) checkTree(i int, err error, op faultedOperation, g *ground, now tree) {
	f.Helper()
	fromBefore, fromAfter := changes(g.quietBefore, now), changes(g.treeAfter, now)
	switch {
	case err == nil || errors.Is(err, mlruns.ErrNotDurable):
		if fromAfter != nil {
			f.Errorf("%s: fault %d, %v: %v, but the files are not those of after: %v", f.about, i, f.faults.hit, err, fromAfter)
		}
	case op.tidies && fromAfter == nil:
	case !op.steps && fromBefore != nil:
		f.Errorf("%s: fault %d, %v: %v, but files have changed: %v", f.about, i, f.faults.hit, err, fromBefore)
	case op.steps:
		for _, change := range fromBefore {
			if slices.Contains(fromAfter, change) {
				f.Errorf("%s: fault %d, %v: a file that is neither old nor new: %s", f.about, i, f.faults.hit, change)
			}
		}
	}
}

// readsStrictly fails the test unless every version of MLflow reads all that the store answers,
// which is in a snapshot.
func (f *faulty) readsStrictly(got map[string]any) {
	f.Helper()
	sub, err := fs.Sub(afero.NewIOFS(f.base), "mlruns")
	f.must(err)
	s, err := readStrictly(sub, true)
	if err != nil {
		f.Errorf("%s: %v: a reader with MLflow's rules: %v", f.about, f.faults.hit, err)
	}
	for key := range got {
		what, id, _ := strings.Cut(key, " ")
		if what == "run" && s.runs[id] == nil || what == "experiment" && s.experiments[id] == nil {
			f.Errorf("%s: %v: a reader with MLflow's rules does not find the %s", f.about, f.faults.hit, key)
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
			step := proof.Choose(7, 1, 1)
			for i := rng.IntN(step); !t.Failed(); i += step {
				f := &faulty{T: t, ctx: t.Context(), faults: &faults{}, base: memfs.New(), close: func() {}, about: place.name + ", " + kind.name}
				if place.disk {
					f.base, f.close = tree{}.onDisk(t, place.dir)
				}
				fsys := f.base
				if place.plain {
					fsys = faultfs.Plain(fsys)
				}
				fsys = faultfs.New(fsys, f.faults.inject)
				open := func() (s *filestore.Store, err error) {
					return filestore.Open("/mlruns", filestore.WithFs(fsys), filestore.WithSync(place.sync), filestore.WithClock(clockOfFaults))
				}
				f.faults.arm(kind.at(i))
				s, err := open()
				f.faults.disarm()
				if f.faults.failed == 0 {
					f.must(errors.Join(err, s.Close()))
					f.close()
					break
				}
				injected += f.faults.failed
				if err != nil && !errors.Is(err, kind.cause) {
					t.Errorf("%s: fault %d, %v: error %v does not wrap %v", f.about, i, f.faults.hit, err, kind.cause)
				}
				if err == nil {
					f.must(s.Close())
				}
				f.store, err = open()
				f.must(err)
				f.verify("")
				e, err := f.store.Experiment(f.ctx, mlruns.DefaultExperimentID)
				f.must(err)
				sub, err := fs.Sub(afero.NewIOFS(f.base), "mlruns")
				f.must(err)
				strict, err := readStrictly(sub, true)
				if err != nil || e.Name != "Default" || len(strict.experiments) != 1 || strict.experiments["0"].name != "Default" {
					t.Errorf("%s: fault %d, %v: after opening again: %+v, MLflow's rules: %v", f.about, i, f.faults.hit, e, err)
				}
				f.must(f.store.Close())
				f.close()
			}
		}
	}
	t.Logf("%d faults were injected into the making of a store", injected)
}
