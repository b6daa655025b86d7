package powercut

import (
	"io/fs"
	"maps"
	"math/rand/v2"
	"path"
	"slices"
	"testing"

	"github.com/spf13/afero"

	"github.com/mlruns/mlruns/filestore"
	"github.com/mlruns/mlruns/filestore/internal/filestoretest"
	"github.com/mlruns/mlruns/internal/faultfs"
	"github.com/mlruns/mlruns/internal/memfs"
	"github.com/mlruns/mlruns/internal/proof"
)

// upkeepIn is a store in memory whose disk does as the hook says.
func upkeepIn(t *testing.T, mem *memfs.FS, level filestore.Sync, hook faultfs.Injector) filestoretest.MaintenancePlace {
	t.Helper()
	sub, err := fs.Sub(afero.NewIOFS(mem), "mlruns")
	filestoretest.Must(t, err)
	s, err := filestore.Open("/mlruns", filestore.WithFs(faultfs.New(mem, hook)), filestore.WithSync(level), filestore.WithMustExist())
	filestoretest.Must(t, err)
	return filestoretest.MaintenancePlace{Store: s, Files: sub, Aged: func() { filestoretest.Age(mem) }}
}

// TestUpkeepPowerCuts cuts the power before the changes that GC, Relocate and Repair make to the
// disk. What was yielded stands, at both levels.
func TestUpkeepPowerCuts(t *testing.T) {
	every, outcomes := proof.Choose(37, 9, 1), proof.Choose(1, 1, 4)
	for _, call := range filestoretest.MaintenanceCalls {
		for _, level := range []string{"SyncMeta", "SyncAlways"} {
			t.Run(call.Name+"/"+level, func(t *testing.T) {
				t.Parallel()
				rng := proof.Rand(t)
				disk := memfs.New()
				files := filestoretest.NeedsMaintenance(t, call, 1)
				// The newline that a whole line lacked may come to the disk as a NUL. Then the
				// line, which was no point before, is kept among the originals only.
				files["e1/other/metrics/loss"] = []byte(filestoretest.LossBefore)
				for _, name := range slices.Sorted(maps.Keys(files)) {
					if files[name] == nil {
						filestoretest.Must(t, disk.MkdirAll("/mlruns/"+name, 0o777))
					} else {
						filestoretest.Must(t, disk.MkdirAll(path.Dir("/mlruns/"+name), 0o777), afero.WriteFile(disk, "/mlruns/"+name, files[name], 0o666))
					}
				}
				filestoretest.Age(disk)
				disk.SyncEverything()
				quiet := func(faultfs.Op) error { return nil }
				g := filestoretest.NewMaintenance(t, call, func() filestoretest.MaintenancePlace {
					return upkeepIn(t, disk.CrashClone(nil), syncLevels[level], quiet)
				})
				changes, cuts, seed := rng.IntN(every), 0, rng.Uint64()>>16
				var said []string
				mem := disk.CrashClone(nil)
				cut := func() {
					for range outcomes {
						clone := mem.CrashClone(rand.New(rand.NewPCG(seed, uint64(cuts))))
						cuts++
						filestoretest.Age(clone)
						p := upkeepIn(t, clone, syncLevels[level], quiet)
						for _, wrong := range g.Judge(t, p, said) {
							t.Errorf("seed %d, cut %d: %s", seed, cuts, wrong)
						}
						g.Finish(t, p)
						filestoretest.Must(t, p.Store.Close())
					}
				}
				p := upkeepIn(t, mem, syncLevels[level], func(op faultfs.Op) error {
					if op.Kind.Mutates() || op.Kind == faultfs.Sync || op.Kind == faultfs.SyncDir {
						if changes++; changes%every == 0 && !t.Failed() {
							cut()
						}
					}
					return nil
				})
				for done, err := range call.Do(t.Context(), p.Store) {
					filestoretest.Must(t, err)
					said = append(said, done)
				}
				cut()
				filestoretest.Must(t, p.Store.Close())
				t.Logf("%d power cuts, at every change of %d or %d apart; %d times something was done before; seed %d", cuts, changes, every, len(said), seed)
			})
		}
	}
}
