package powercut

import (
	"context"
	"math/rand/v2"
	"os"
	"strings"
	"syscall"
	"testing"

	"github.com/spf13/afero"

	"github.com/mlruns/mlruns/filestore"
	"github.com/mlruns/mlruns/filestore/internal/filestoretest"
	"github.com/mlruns/mlruns/internal/faultfs"
	"github.com/mlruns/mlruns/internal/memfs"
	"github.com/mlruns/mlruns/internal/proof"
	"github.com/mlruns/mlruns/internal/vfs"
)

// togetherCut imports runs at once and cuts the power before changes of the disk, every so many. It
// gives what was wrong after the first cut that shows it.
func togetherCut(ctx context.Context, level filestore.Sync, seed uint64, every int, over func(native) afero.Fs) (wrong []string, cuts, syncs int) {
	mem := memfs.New()
	g := filestoretest.Together{Runs: 24}
	changes, armed := int(seed)%every, false //nolint:gosec // it is small
	cut := func() {
		ended := g.Ended()
		clone := mem.CrashClone(rand.New(rand.NewPCG(seed, uint64(cuts)))) //nolint:gosec // counted from 0
		cuts++
		filestoretest.Age(clone)
		s, err := filestore.Open("/mlruns", filestore.WithFs(clone), filestore.WithMustExist(), filestore.WithIndex(filestore.IndexNone))
		if err != nil {
			wrong = []string{err.Error()}
			return
		}
		wrong = g.Judge(ctx, s, ended)
		_ = s.Close()
	}
	var fsys afero.Fs = faultfs.New(mem, func(op faultfs.Op) error {
		if op.Kind == faultfs.SyncVolume {
			syncs++
		}
		if armed && wrong == nil && (op.Kind.Mutates() || op.Kind == faultfs.Sync || op.Kind == faultfs.SyncDir || op.Kind == faultfs.SyncVolume) {
			if changes++; changes%every == 0 {
				cut()
			}
		}
		return nil
	})
	if over != nil {
		fsys = over(fsys.(native))
	}
	s, err := filestore.Open("/mlruns", filestore.WithFs(fsys), filestore.WithSync(level), filestore.WithIndex(filestore.IndexNone))
	if err != nil {
		return []string{err.Error()}, cuts, syncs
	}
	defer s.Close()
	mem.SyncEverything() // the empty store is not what is asked for
	armed = true
	if err := g.Do(ctx, s); err != nil {
		return []string{err.Error()}, cuts, syncs
	}
	for what, err := range g.Ended() {
		if err != nil {
			wrong = append(wrong, what+": "+err.Error())
		}
	}
	if wrong == nil {
		cut()
	}
	return wrong, cuts, syncs
}

// TestPowerCutsOfManyImports cuts the power while many runs are imported at once: one that is there
// is whole, and what had ended is there.
func TestPowerCutsOfManyImports(t *testing.T) {
	every := proof.Choose(12, 4, 1)
	for _, level := range []string{"SyncMeta", "SyncAlways"} {
		t.Run(level, func(t *testing.T) {
			t.Parallel()
			seed := rand.Uint64() >> 16
			wrong, cuts, syncs := togetherCut(t.Context(), syncLevels[level], seed, every, nil)
			if wrong != nil {
				t.Errorf("seed %d, power cut %d:\n%s", seed, cuts, strings.Join(wrong, "\n"))
			}
			if syncs == 0 {
				t.Error("nothing was made durable together")
			}
			t.Logf("%d power cuts, %d syncs of all", cuts, syncs)
		})
	}
}

// withoutVolumeSync makes nothing durable that is to be made so together.
type (
	withoutVolumeSync struct{ native }
	unsyncedVolume    struct{ vfs.Volume }
)

func (m withoutVolumeSync) OpenVolume(folder string) (vfs.Volume, error) {
	v, err := m.native.OpenVolume(folder)
	return unsyncedVolume{v}, err
}

func (unsyncedVolume) Sync() error { return nil }

// TestMutantWithoutVolumeSync looks how many power cuts it takes to catch a store that makes many
// imports durable without the sync.
func TestMutantWithoutVolumeSync(t *testing.T) {
	t.Parallel()
	first := rand.Uint64() >> 16
	for n := first; n < first+20; n++ {
		wrong, cuts, _ := togetherCut(t.Context(), filestore.SyncMeta, n, 20, func(fsys native) afero.Fs { return withoutVolumeSync{fsys} })
		if wrong != nil {
			t.Logf("caught by power cut %d of import %d: %.200s", cuts, n-first+1, wrong[0])
			return
		}
	}
	t.Errorf("not caught in 20 imports; seeds from %d", first)
}

// TestPowerCutsOffTheVolume is TestPowerCutsOfManyImports where nothing, or only what is renamed
// elsewhere in the end, lies on the file system that is synced for all: each import makes durable
// what it writes.
func TestPowerCutsOffTheVolume(t *testing.T) {
	for _, c := range []struct {
		name string
		over func(native) afero.Fs
	}{
		{"the store", func(fsys native) afero.Fs { return heldNowhere{fsys} }},
		{"experiments and artifacts", func(fsys native) afero.Fs { return mounted{withoutVolumeSync{fsys}} }},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			seed := rand.Uint64() >> 16
			wrong, cuts, _ := togetherCut(t.Context(), filestore.SyncMeta, seed, proof.Choose(30, 10, 1), c.over)
			if wrong != nil {
				t.Errorf("seed %d, power cut %d:\n%s", seed, cuts, strings.Join(wrong, "\n"))
			}
		})
	}
}

// heldNowhere is a file system none of whose folders is known to lie on the volume.
type (
	heldNowhere struct{ native }
	otherVolume struct{ unsyncedVolume }
)

func (m heldNowhere) OpenVolume(folder string) (vfs.Volume, error) {
	v, err := m.native.OpenVolume(folder)
	return otherVolume{unsyncedVolume{v}}, err
}

func (otherVolume) Holds(string) bool { return false }

// mounted has experiments, and the artifacts of each run, on disks of their own.
type mounted struct{ withoutVolumeSync }

func (m mounted) Rename(from, to string) error {
	if disk(from) != disk(to) && strings.Count(to, "/") > 2 { // the experiment is made in place
		return &os.LinkError{Op: "rename", Old: from, New: to, Err: syscall.EXDEV}
	}
	return m.withoutVolumeSync.Rename(from, to)
}

func disk(name string) string {
	if run, _, ok := strings.Cut(name, "/artifacts/"); ok {
		return run
	}
	experiment, _, _ := strings.Cut(strings.TrimPrefix(name, "/mlruns/"), "/")
	return experiment
}
