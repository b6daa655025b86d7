package powercut

import (
	"context"
	"fmt"
	"io/fs"
	"math/rand/v2"
	"path"
	"slices"
	"strings"
	"testing"

	"github.com/spf13/afero"

	"github.com/mlruns/mlruns"
	"github.com/mlruns/mlruns/filestore"
	"github.com/mlruns/mlruns/filestore/internal/filestoretest"
	"github.com/mlruns/mlruns/filestore/layout"
	"github.com/mlruns/mlruns/internal/faultfs"
	"github.com/mlruns/mlruns/internal/memfs"
	"github.com/mlruns/mlruns/internal/proof"
)

const (
	stepsOfWorkload = 40
	cutsOfWorkload  = 8
)

// powerCuts does random workloads on a file system that loses its power at random moments, and
// judges what is left.
type powerCuts struct {
	level filestore.Sync
	local string
	// over lies between the store and the disk; nil is nothing.
	over func(faultfs.Fs) afero.Fs
	// What was seen.
	cuts, within int
	kinds        map[string]bool
}

// workload does one with a seed and gives what was wrong after a power cut, at the first that shows
// it.
func (p *powerCuts) workload(ctx context.Context, seed uint64) (wrong []string) {
	mem := filestoretest.Memory()
	rng := rand.New(rand.NewPCG(seed, 1))
	w := filestoretest.NewWorkload(seed, "w", p.local)
	w.Promised.Level = p.level
	w.Favour = filestoretest.StepKinds[seed%uint64(len(filestoretest.StepKinds))].Name
	var under *filestoretest.Step
	countdown := -1 // changes of the disk until the next cut; below 0 none is due
	hook := func(op faultfs.Op) error {
		if !op.Kind.Mutates() && op.Kind != faultfs.Sync && op.Kind != faultfs.SyncDir && op.Kind != faultfs.SyncVolume {
			return nil // a cut before it is one after the change before
		}
		if countdown--; countdown == -1 && wrong == nil {
			w.Promised.Touch(*under)
			wrong = p.cut(ctx, p.lose(ctx, mem, rng), w, under)
		}
		return nil
	}
	var fsys afero.Fs = faultfs.New(mem, hook)
	if p.over != nil {
		fsys = p.over(fsys.(faultfs.Fs))
	}
	s, err := filestore.Open("/mlruns", filestore.WithFs(fsys), filestore.WithSync(p.level))
	if err != nil {
		return []string{err.Error()}
	}
	defer s.Close()
	mem.SyncEverything() // the empty store is not what is asked for
	at := make([]bool, stepsOfWorkload)
	for range cutsOfWorkload {
		at[rng.IntN(stepsOfWorkload)] = true
	}
	for i := 0; i < stepsOfWorkload && wrong == nil; i++ {
		now := w.Next()
		under = &now
		if at[i] || now.Kind == w.Favour && rng.IntN(3) == 0 {
			countdown = rng.IntN([]int{3, 8, 20}[rng.IntN(3)])
		}
		err := now.Do(ctx, s)
		if err != nil {
			return append(wrong, fmt.Sprintf("%s: %v", now.Kind, err))
		}
		w.Acknowledge(now)
		if countdown >= 0 && wrong == nil { // the step is over already
			countdown = -1
			wrong = p.cut(ctx, p.lose(ctx, mem, rng), w, nil)
		}
	}
	return wrong
}

// lose gives what a power cut leaves. Where the tests run with an index, one has just been made of
// what is in the file system and lost by the cut.
func (p *powerCuts) lose(ctx context.Context, mem *memfs.FS, rng *rand.Rand) *memfs.FS {
	if s, err := filestore.Open("/mlruns", filestore.WithFs(mem), filestore.WithReadOnly()); err == nil {
		if s.IndexMode() != filestore.IndexNone {
			_ = s.RebuildIndex(ctx, nil)
		}
		_ = s.Close()
	}
	return mem.CrashClone(rng)
}

// cut judges a store that lost its power.
func (p *powerCuts) cut(ctx context.Context, disk *memfs.FS, w *filestoretest.Workload, under *filestoretest.Step) (wrong []string) {
	p.cuts++
	during := "after a step"
	if under != nil {
		p.within++
		p.kinds[under.Kind] = true
		during = "during " + under.Kind
	}
	defer func() {
		for i := range wrong {
			wrong[i] = during + ": " + wrong[i]
		}
	}()
	filestoretest.Age(disk)
	s, err := filestore.Open("/mlruns", filestore.WithFs(disk), filestore.WithMustExist())
	if err != nil {
		return []string{err.Error()}
	}
	defer s.Close()
	said, err := filestoretest.FactsOf(ctx, s)
	if err != nil {
		return []string{err.Error()}
	}
	problems := map[string]mlruns.ProblemKind{}
	for problem, err := range s.Verify(ctx, mlruns.VerifyQuery{}) {
		if err != nil {
			return []string{err.Error()}
		}
		problems[problem.Path] = problem.Kind
		if !p.expected(problem, w, under) {
			wrong = append(wrong, "Verify: "+problem.String())
		}
	}
	wrong = append(wrong, unnamed(disk, said, problems)...)
	if p.level == filestore.SyncNever {
		return wrong
	}
	wrong = append(wrong, w.Judge(said, under)...)
	return append(wrong, p.strictly(disk, w, under)...)
}

// expected reports whether the level lets Verify find a problem.
func (p *powerCuts) expected(problem mlruns.Problem, w *filestoretest.Workload, under *filestoretest.Step) bool {
	damagedValue := slices.Contains([]mlruns.ProblemKind{mlruns.ProblemUnterminated, mlruns.ProblemMalformed, mlruns.ProblemEmpty, mlruns.ProblemUnreadable}, problem.Kind)
	switch {
	case problem.Kind == mlruns.ProblemLeftover || p.level == filestore.SyncNever:
		return true
	case under != nil && problem.Kind == mlruns.ProblemStage:
		return under.Kind == "delete experiment" || under.Kind == "restore experiment"
	case !damagedValue:
		return false
	}
	run, value, _ := strings.Cut(strings.TrimPrefix(problem.Path, ".trash/"), "/metrics/")
	key := "r/" + path.Base(run) + "/metric/" + value
	if under != nil && under.To[key] != "" && problem.Kind != mlruns.ProblemEmpty {
		return true // a line that was being appended
	}
	return w.Promised.Weak[key]
}

// unnamed lists what is damaged and not named by Verify: a metric file that does not end with a
// whole line, a folder of an experiment or run that is not listed.
func unnamed(disk *memfs.FS, said filestoretest.Facts, problems map[string]mlruns.ProblemKind) (wrong []string) {
	err := fs.WalkDir(afero.NewIOFS(disk), "mlruns", func(name string, e fs.DirEntry, err error) error {
		rel := strings.TrimPrefix(name, "mlruns/")
		if err != nil || strings.HasPrefix(rel, ".mlruns") {
			return err
		}
		named := problems[rel] != "" || problems[rel+"/meta.yaml"] != ""
		parts := strings.Split(strings.TrimPrefix(rel, ".trash/"), "/")
		switch {
		case e.IsDir() && len(parts) == 1 && rel != ".trash" && rel != "mlruns":
			if said["e/"+parts[0]+"/stage"] == "" && !named {
				wrong = append(wrong, "the experiment "+rel+" is neither listed nor reported")
			}
		case e.IsDir() && len(parts) == 2 && !layout.ReservedInExperiment(parts[1]):
			if said["r/"+parts[1]+"/stage"] == "" && !named && problems[path.Dir(rel)+"/meta.yaml"] == "" && problems[path.Dir(rel)] == "" {
				wrong = append(wrong, "the run "+rel+" is neither listed nor reported")
			}
		case !e.IsDir() && len(parts) > 3 && parts[2] == "metrics":
			data, err := afero.ReadFile(disk, name)
			if err != nil {
				return err
			}
			if !strings.HasSuffix(string(data), "\n") && !named && said["r/"+parts[1]+"/stage"] != "" {
				wrong = append(wrong, fmt.Sprintf("%s ends with half a line, %.40q, and is not reported", rel, data))
			}
		}
		return nil
	})
	if err != nil {
		wrong = append(wrong, err.Error())
	}
	return wrong
}

// strictly lists what a reader with MLflow's rules does not read, of all that the level promises.
func (p *powerCuts) strictly(disk *memfs.FS, w *filestoretest.Workload, under *filestoretest.Step) (wrong []string) {
	sub, err := fs.Sub(afero.NewIOFS(disk), "mlruns")
	if err != nil {
		return []string{err.Error()}
	}
	strict, err := filestoretest.ReadStrictly(sub, true)
	for _, r := range w.Runs {
		appending := under != nil && under.Run == r // its last line may be torn
		if (r.Ended || p.level == filestore.SyncAlways) && !appending && strict.Runs[r.ID] == nil {
			wrong = append(wrong, fmt.Sprintf("a reader with MLflow's rules does not read the run %s: %v", r.ID, err))
		}
	}
	for _, e := range w.Experiments {
		if strict.Experiments[e.ID] == nil {
			wrong = append(wrong, fmt.Sprintf("a reader with MLflow's rules does not read the experiment %s: %v", e.ID, err))
		}
	}
	return wrong
}

var syncLevels = map[string]filestore.Sync{"SyncAlways": filestore.SyncAlways, "SyncMeta": filestore.SyncMeta, "SyncNever": filestore.SyncNever}

// TestPowerCuts cuts the power at random moments of random workloads and holds each level to its
// row in the documentation of Sync.
func TestPowerCuts(t *testing.T) {
	cuts := proof.Choose(40, 200, 2000)
	for name, level := range syncLevels {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			all := len(filestoretest.StepKinds)
			if level == filestore.SyncNever {
				// nothing is synced there, and "delete artifacts" is one change: the removal of a
				// file
				all--
			}
			kinds := proof.Choose(1, all-8, all) // some are short, and seldom met
			first := rand.Uint64() >> 16
			p := &powerCuts{level: level, local: t.TempDir(), kinds: map[string]bool{}}
			n := uint64(0)
			for ; p.cuts < cuts || len(p.kinds) < kinds && p.cuts < 8*cuts; n++ {
				if wrong := p.workload(t.Context(), first+n); wrong != nil {
					t.Fatalf("seed %d, after %d power cuts:\n%s", first+n, p.cuts, strings.Join(wrong, "\n"))
				}
			}
			if len(p.kinds) < kinds {
				t.Errorf("power cuts fell into %d kinds of steps, want %d: %v", len(p.kinds), kinds, p.kinds)
			}
			t.Logf("%d power cuts, %d of them within a step, of %d kinds, in %d workloads of %d steps; seeds from %d", p.cuts, p.within, len(p.kinds), n, stepsOfWorkload, first)
		})
	}
}
