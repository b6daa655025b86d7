package filestore

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/mlruns/mlruns"
	"github.com/mlruns/mlruns/filestore/internal/codec"
	"github.com/mlruns/mlruns/filestore/internal/dir"
	"github.com/mlruns/mlruns/filestore/internal/locate"
	"github.com/mlruns/mlruns/filestore/internal/records"
	"github.com/mlruns/mlruns/filestore/layout"
	"github.com/mlruns/mlruns/internal/failure"
	"github.com/mlruns/mlruns/internal/validate"
	"github.com/mlruns/mlruns/internal/vfs"
)

// Run implements mlruns.Store. It opens no other run.
func (s *Store) Run(ctx context.Context, runID string) (*mlruns.Run, error) {
	if err := s.begin(ctx); err != nil {
		return nil, fail("get run", runID, err)
	}
	run, err := s.find.Run(ctx, runID)
	return run, fail("get run", runID, err)
}

// RunInfos implements mlruns.Store. A run's name is what meta.yaml says: MLflow ≤ 1.29 kept it in a
// tag, which is not read here.
func (s *Store) RunInfos(ctx context.Context, experimentID string, view mlruns.View) iter.Seq2[mlruns.RunInfo, error] {
	return func(yield func(mlruns.RunInfo, error) bool) {
		err := s.runInfos(ctx, experimentID, s.find.ProblemsFor(nil), func(_ records.RunRef, info mlruns.RunInfo) bool {
			return !view.Shows(info.Stage) || yield(info, nil)
		})
		if err != nil {
			yield(mlruns.RunInfo{}, fail("list runs", experimentID, err))
		}
	}
}

// runInfos calls each for the runs of an experiment with a readable meta.yaml, by folder name,
// until it returns false.
func (s *Store) runInfos(ctx context.Context, experimentID string, p *records.Problems, each func(records.RunRef, mlruns.RunInfo) bool) error {
	if err := s.begin(ctx); err != nil {
		return err
	}
	e, err := s.find.FindExperiment(experimentID)
	if errors.Is(err, mlruns.ErrNotFound) {
		return nil
	}
	if err != nil {
		return err
	}
	_, refs, f, err := s.find.OpenRuns(e, p)
	if vfs.IsMissing(err) {
		return nil // removed since it was found
	}
	if err != nil {
		return err
	}
	defer f.Close()
	slices.SortFunc(refs, func(a, b records.RunRef) int { return strings.Compare(a.ID, b.ID) })
	for _, ref := range refs {
		if err := ctx.Err(); err != nil {
			return err
		}
		info, err := s.records.ListedRun(ctx, f, ref, p)
		if end := records.CallError(ctx, err); end != nil {
			return end
		}
		if err == nil && !each(ref, info) {
			return nil
		}
	}
	return nil
}

// CreateRun implements mlruns.Store. The commit point is the rename that puts the finished folder
// into its experiment. A failure before it leaves the store as it was; after it the error is
// mlruns.ErrNotDurable and the run is returned too.
func (s *Store) CreateRun(ctx context.Context, spec mlruns.RunSpec) (_ *mlruns.Run, err error) {
	defer wrap(&err, "create run", spec.ID)
	if err := s.beginLogging(ctx); err != nil {
		return nil, err
	}
	if spec.ExperimentID == "" {
		spec.ExperimentID = mlruns.DefaultExperimentID
	}
	run, err := newRun(spec, s.now())
	if err != nil {
		return nil, err
	}
	var claim func() error
	if spec.ID != "" {
		claim = func() error { return runIDFree(ctx, s.find, spec.ID) }
	}
	err = s.find.InExperiment(ctx, spec.ExperimentID, claim, runExperimentNotActive, func(e records.ExperimentRef, experiment mlruns.Experiment) (err error) {
		if run.Info.ArtifactURI, err = s.find.NewArtifactURI(ctx, experiment, run.Info.ID); err != nil {
			return err
		}
		ref := records.NewRunRef(e, run.Info.ID)
		taken, err := s.tree.Exists(ref.Dir)
		if err != nil {
			return err
		}
		if taken {
			return runTaken(ref.ID)
		}
		err = s.tree.Place(ref.Dir, func(b *dir.Builder) {
			for _, folder := range [...]string{layout.Metrics, layout.Params, layout.Artifacts} {
				b.Folder(folder)
			}
			b.Values(layout.Tags, run.Data.Tags)
			doc := codec.NewRunDocument(run.Info)
			b.Meta(doc.Encode())
		})
		if err == nil || errors.Is(err, mlruns.ErrNotDurable) {
			s.find.Remember(ref)
		}
		return err
	})
	return made(run, err)
}

func runTaken(id string) error {
	return &failure.Reason{Kind: mlruns.ErrExists, Text: fmt.Sprintf("Run with ID %s already exists.", id)}
}

func runExperimentNotActive(id string) error {
	return &failure.Reason{Kind: mlruns.ErrNotActive, Code: failure.CodeInvalidState,
		Text: fmt.Sprintf("Could not create run under non-active experiment with ID %s.", id)}
}

// runIDFree refuses an id that any run in the store has. The caller holds the root lock.
func runIDFree(ctx context.Context, find *locate.Locator, id string) error {
	_, err := find.FindRun(ctx, id)
	return free(err, runTaken(id))
}

// free refuses an id that something has: err is that of looking for it.
func free(err, taken error) error {
	switch {
	case err == nil:
		return taken
	case errors.Is(err, mlruns.ErrNotFound):
		return nil
	}
	return err
}

// newRun checks a spec and fills in what it leaves open, as MLflow does.
func newRun(spec mlruns.RunSpec, now time.Time) (*mlruns.Run, error) {
	if err := validate.ExperimentID(spec.ExperimentID); err != nil {
		return nil, err
	}
	id := spec.ID
	var err error
	if id == "" {
		id, err = newRunID()
	} else {
		err = validateNewRunID(id)
	}
	if err != nil {
		return nil, err
	}
	tags := copyTags(spec.Tags)
	name, tagged := spec.Name, tags[mlruns.TagRunName]
	if name != "" && tagged != "" && name != tagged {
		return nil, failure.Invalid(fmt.Sprintf("Both 'run_name' argument and 'mlflow.runName' tag are specified, but with different values (run_name='%s', mlflow.runName='%s').",
			name, tagged))
	}
	if name == "" {
		name = tagged
	}
	if name == "" {
		if name, err = newRunName(); err != nil {
			return nil, err
		}
	}
	tags[mlruns.TagRunName] = name
	if err := validateTags(tags); err != nil {
		return nil, err
	}
	user := spec.User
	if user == "" {
		user = tags[mlruns.TagUser]
	}
	if user == "" {
		user = "unknown"
	}
	if err := validate.Text("user_id", user); err != nil {
		return nil, err
	}
	start, err := timestamp("start_time", spec.Start, now)
	if err != nil {
		return nil, err
	}
	return &mlruns.Run{
		Info: mlruns.RunInfo{ID: id, Name: name, ExperimentID: spec.ExperimentID, User: user, Status: mlruns.StatusRunning, Start: start, Stage: mlruns.StageActive},
		Data: mlruns.RunData{Metrics: map[string]mlruns.Metric{}, Params: map[string]string{}, Tags: maps.Clone(tags)},
	}, nil
}

func validateNewRunID(id string) error {
	if err := validate.RunID(id); err != nil {
		return err
	}
	if layout.ReservedInExperiment(id) {
		return failure.Invalid(fmt.Sprintf("Invalid value \"%s\" for parameter 'run_id' supplied: the name is reserved", id))
	}
	return dir.Holdable("run_id", id)
}

// timestamp gives now for the zero time, and refuses times before 1970, which MLflow cannot hold.
func timestamp(field string, t, now time.Time) (time.Time, error) {
	if t.IsZero() {
		return now, nil
	}
	if !validate.TimeInRange(t) {
		return t, failure.Invalid(fmt.Sprintf("Invalid value %d for parameter '%s' supplied: it must be a nonnegative number of milliseconds", t.UnixMilli(), field))
	}
	return t.UTC().Truncate(time.Millisecond), nil
}
