package filestore

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"iter"
	"maps"
	"slices"
	"strings"

	"github.com/mlruns/mlruns"
	"github.com/mlruns/mlruns/filestore/layout"
	"github.com/mlruns/mlruns/internal/atomicfile"
)

// Verify implements mlruns.Verifier. It reads every meta.yaml, value and point; artifacts, logged models and traces are not looked into.
// What a process is writing at the moment can appear as a leftover.
func (s *Store) Verify(ctx context.Context) iter.Seq2[mlruns.Problem, error] {
	return func(yield func(mlruns.Problem, error) bool) {
		p := &problems{}
		err := s.verify(ctx, p)
		for _, problem := range p.sorted() {
			if !yield(problem, nil) {
				return
			}
		}
		if err != nil {
			yield(mlruns.Problem{}, fail("verify", "", err))
		}
	}
}

func (s *Store) verify(ctx context.Context, p *problems) error {
	if err := s.begin(ctx); err != nil {
		return err
	}
	s.verifyPrivate(p)
	refs, err := s.experimentRefs(mlruns.ViewAll, p)
	if err != nil {
		return err
	}
	seen := experimentsSeen{names: map[string]string{}, ids: map[string]bool{}}
	for _, ref := range refs {
		e, err := s.listed(ctx, ref, p, s.readExperiment)
		if ended(ctx, err) {
			return ctx.Err()
		}
		if err == nil {
			seen.add(e, ref, p)
		}
		if err := s.verifyExperiment(ctx, ref, e.Tags, p); err != nil {
			return err
		}
	}
	return nil
}

// verifyPrivate reports what interrupted writes left in the private folder.
func (s *Store) verifyPrivate(p *problems) {
	entries, err := s.tree.entries(layout.Private)
	if err != nil && !isMissing(err) {
		p.add(problemOf(mlruns.ProblemUnreadable, layout.Private, err))
	}
	for _, e := range entries {
		p.add(leftover(layout.Join(layout.Private, e.Name)))
	}
}

func leftover(path string) mlruns.Problem {
	return mlruns.Problem{Kind: mlruns.ProblemLeftover, Path: path, Repairable: true, Reason: "an interrupted write left it, or one is under way"}
}

// experimentsSeen finds names and ids that stand twice in the store.
type experimentsSeen struct {
	names map[string]string
	ids   map[string]bool
}

func (x experimentsSeen) add(e mlruns.Experiment, ref experimentRef, p *problems) {
	if x.ids[e.ID] {
		p.add(mlruns.Problem{Kind: mlruns.ProblemDuplicate, Path: ref.dir, Reason: "an active experiment has the same id"})
	}
	x.ids[e.ID] = true
	if first, ok := x.names[e.Name]; ok {
		p.add(mlruns.Problem{Kind: mlruns.ProblemDuplicate, Path: layout.Join(ref.dir, layout.Meta),
			Reason: fmt.Sprintf("the experiment %s has the same name %q", first, e.Name)})
		return
	}
	x.names[e.Name] = e.ID
}

func (s *Store) verifyExperiment(ctx context.Context, ref experimentRef, tags map[string]string, p *problems) error {
	verifyKeys(layout.Join(ref.dir, layout.Tags), slices.Collect(maps.Keys(tags)), p)
	s.verifyTemps(ref.dir, p)
	refs, err := s.runRefs(ref, p)
	if err != nil {
		if !isMissing(err) { // not deleted or restored since the listing
			p.add(problemOf(mlruns.ProblemUnreadable, ref.dir, err))
		}
		return ctx.Err()
	}
	for _, run := range refs {
		if err := s.verifyRun(ctx, run, p); err != nil {
			return err
		}
	}
	return nil
}

func (s *Store) verifyRun(ctx context.Context, ref runRef, p *problems) error {
	run, err := s.readRun(ctx, ref)
	switch {
	case ended(ctx, err):
		return ctx.Err()
	case errors.Is(err, fs.ErrNotExist):
		p.add(mlruns.Problem{Kind: mlruns.ProblemMissingMeta, Path: ref.dir, Reason: "a folder without a meta.yaml"})
	case err != nil:
		p.add(problemOf(mlruns.ProblemUnreadableMeta, layout.Join(ref.dir, layout.Meta), err))
	default:
		for _, problem := range run.Problems {
			p.add(problem)
		}
		s.verifyFolders(ref, p)
		verifyKeys(layout.Join(ref.dir, layout.Metrics), slices.Collect(maps.Keys(run.Data.Metrics)), p)
		verifyKeys(layout.Join(ref.dir, layout.Params), slices.Collect(maps.Keys(run.Data.Params)), p)
		verifyKeys(layout.Join(ref.dir, layout.Tags), slices.Collect(maps.Keys(run.Data.Tags)), p)
	}
	s.verifyTemps(ref.dir, p)
	return nil
}

// verifyFolders reports the folders without which MLflow ≥ 3.8 does not find a run; git and some sync tools drop them when they are empty.
func (s *Store) verifyFolders(ref runRef, p *problems) {
	for _, name := range [...]string{layout.Metrics, layout.Params, layout.Artifacts} {
		if path := layout.Join(ref.dir, name); !s.tree.isDir(path) {
			p.add(mlruns.Problem{Kind: mlruns.ProblemMissingFolder, Path: path, Repairable: true, Reason: "the folder is missing, and MLflow ≥ 3.8 does not find the run without it"})
		}
	}
}

func (s *Store) verifyTemps(dir string, p *problems) {
	entries, err := s.tree.entries(dir)
	if err != nil && !isMissing(err) {
		p.add(problemOf(mlruns.ProblemUnreadable, dir, err))
	}
	for _, e := range entries {
		if atomicfile.IsTemp(e.Name) {
			p.add(leftover(layout.Join(dir, e.Name)))
		}
	}
}

// verifyKeys reports keys that some platform cannot hold, and keys that a file system which folds case would merge.
func verifyKeys(dir string, keys []string, p *problems) {
	slices.Sort(keys)
	folded := make(map[string]string, len(keys))
	for _, key := range keys {
		path := layout.Join(dir, key)
		if why := layout.Portable(key); why != "" {
			p.add(mlruns.Problem{Kind: mlruns.ProblemNotPortable, Path: path, Reason: why})
		}
		lower := strings.ToLower(key)
		if other, ok := folded[lower]; ok {
			p.add(mlruns.Problem{Kind: mlruns.ProblemNotPortable, Path: path, Reason: fmt.Sprintf("a file system that folds case merges it with %q", other)})
		}
		folded[lower] = key
	}
}
