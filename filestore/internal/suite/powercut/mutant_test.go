package powercut

import (
	"context"
	"fmt"
	"io/fs"
	"math/rand/v2"
	"os"
	"runtime"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/spf13/afero"

	"github.com/mlruns/mlruns"
	"github.com/mlruns/mlruns/filestore"
	"github.com/mlruns/mlruns/filestore/internal/filestoretest"
	"github.com/mlruns/mlruns/internal/faultfs"
	"github.com/mlruns/mlruns/internal/memfs"
	"github.com/mlruns/mlruns/internal/vfs"
)

// The proofs are worth what they find. Each mutant below is a store without one thing that makes it
// safe, taken away by the file system under it.

// native is a file system with both of its sides.
type native interface {
	faultfs.Fs
	vfs.FS
}

// withoutRename replaces a file in place, piece by piece, and syncs it.
type withoutRename struct{ native }

func (m withoutRename) Rename(oldname, newname string) error {
	info, err := m.Stat(oldname)
	if err != nil || info.IsDir() {
		return m.native.Rename(oldname, newname)
	}
	data, err := afero.ReadFile(m.native, oldname)
	if err != nil {
		return err
	}
	to, err := m.OpenFile(newname, os.O_WRONLY|os.O_CREATE|os.O_TRUNC, 0o666)
	if err != nil {
		return err
	}
	for piece := range slices.Chunk(data, max(len(data)/8, 1)) {
		if err == nil {
			_, err = to.Write(piece)
		}
	}
	if err == nil {
		err = to.Sync()
	}
	if closeErr := to.Close(); err == nil {
		err = closeErr
	}
	if err == nil {
		err = m.Remove(oldname)
	}
	return err
}

// withoutFileSync makes no content of a file durable, withoutFolderSync no name.
type (
	withoutFileSync   struct{ native }
	withoutFolderSync struct{ native }
	unsynced          struct{ afero.File }
)

func (unsynced) Sync() error { return nil }

func (m withoutFileSync) OpenFile(name string, flag int, perm fs.FileMode) (afero.File, error) {
	f, err := m.native.OpenFile(name, flag, perm)
	if err != nil {
		return nil, err
	}
	return unsynced{f}, nil
}

func (m withoutFileSync) Open(name string) (afero.File, error) {
	return m.OpenFile(name, os.O_RDONLY, 0)
}

func (m withoutFolderSync) SyncDir(string) error { return nil }

// TestMutantsLosePower looks how many power cuts it takes to catch a store that replaces in place
// or does not sync.
func TestMutantsLosePower(t *testing.T) {
	const limit = 200
	for name, over := range map[string]func(faultfs.Fs) afero.Fs{
		"without the rename":      func(fsys faultfs.Fs) afero.Fs { return withoutRename{fsys.(native)} },
		"without sync of files":   func(fsys faultfs.Fs) afero.Fs { return withoutFileSync{fsys.(native)} },
		"without sync of folders": func(fsys faultfs.Fs) afero.Fs { return withoutFolderSync{fsys.(native)} },
	} {
		for level, sync := range syncLevels {
			if sync == filestore.SyncNever {
				continue // promises nothing that they could break
			}
			t.Run(name+"/"+level, func(t *testing.T) {
				t.Parallel()
				first := rand.Uint64() >> 16
				p := &powerCuts{level: sync, local: t.TempDir(), over: over, kinds: map[string]bool{}}
				for n := first; p.cuts < limit; n++ {
					if wrong := p.workload(t.Context(), n); wrong != nil {
						t.Logf("a store %s, %s: caught by power cut %d: %.200s", name, level, p.cuts, wrong[0])
						return
					}
				}
				t.Errorf("not caught by %d power cuts; seeds from %d", p.cuts, first)
			})
		}
	}
}

// twoWriters lets two stores of one disk write to one run, and to one experiment's name, at once.
// What they disagree about is what is wrong.
func twoWriters(ctx context.Context, seed uint64, share bool) (wrong []string) {
	mem := memfs.New()
	// A writer may lose the processor between any two operations.
	hook := func(op faultfs.Op) error {
		if (uint64(op.Index)+seed)%3 == 0 {
			runtime.Gosched()
		}
		return nil
	}
	one := faultfs.New(mem, hook)
	two := one
	if !share {
		two = faultfs.New(mem, hook) // the locks of two file systems do not meet
	}
	const records = 5
	var stores [2]*filestore.Store
	for i, fsys := range []afero.Fs{one, two} {
		s, err := filestore.Open("/mlruns", filestore.WithFs(fsys))
		if err != nil {
			return []string{err.Error()}
		}
		defer s.Close()
		stores[i] = s
	}
	if _, err := stores[0].CreateRun(ctx, mlruns.RunSpec{ID: "run"}); err != nil {
		return []string{err.Error()}
	}
	ids, errs := make([]string, 2), make([]error, 2)
	var wg sync.WaitGroup
	for i, s := range stores {
		wg.Go(func() {
			e, err := mlruns.NewClient(s).GetOrCreateExperiment(ctx, "one")
			if err == nil {
				ids[i] = e.ID
			}
			for n := 0; n < records && err == nil; n++ {
				err = s.RecordLoggedModel(ctx, "run", mlruns.ModelRecord{ArtifactPath: fmt.Sprintf("m%d-%d", i, n)})
			}
			errs[i] = err
		})
	}
	wg.Wait()
	for _, err := range errs {
		if err != nil {
			wrong = append(wrong, err.Error())
		}
	}
	if ids[0] != ids[1] {
		wrong = append(wrong, fmt.Sprintf("the experiment has the ids %q", ids))
	}
	said, err := filestoretest.FactsOf(ctx, stores[0])
	if err != nil {
		return append(wrong, err.Error())
	}
	if n := strings.Count(said["r/run/tag/"+mlruns.TagModelHistory], "\n"); n != 2*records {
		wrong = append(wrong, fmt.Sprintf("%d models of %d are recorded", n, 2*records))
	}
	return wrong
}

// TestMutantWithoutLock looks how many runs of two writers it takes to catch stores whose locks do
// not meet.
func TestMutantWithoutLock(t *testing.T) {
	t.Parallel()
	const limit = 200
	for seed := range uint64(limit) {
		if wrong := twoWriters(t.Context(), seed, true); wrong != nil {
			t.Fatalf("two writers with one lock, run %d: %v", seed, wrong)
		}
	}
	for seed := range uint64(limit) {
		if wrong := twoWriters(t.Context(), seed, false); wrong != nil {
			t.Logf("two writers without a lock: caught by run %d: %s", seed+1, wrong[0])
			return
		}
	}
	t.Errorf("not caught by %d runs", limit)
}
