package transfer

import (
	"context"
	"errors"

	"github.com/mlruns/mlruns"
)

// importing is a destination that keeps ids.
type importing struct {
	*copier
	importer mlruns.Importer
}

// experiment finds the place of an experiment by its id, then by its name:
//
//	same id, same name          the same
//	same id, another name       the same if it was renamed, see renamed; the name is a conflict
//	else the name is there      that one
//	else the id is taken        made with an id of its own
//	else                        made with its id
//
// One that is active in the source and deleted in the destination is a conflict; nothing of it is
// copied.
func (t *importing) experiment(ctx context.Context, e *mlruns.Experiment, it *Item) (place, error) {
	sameID, err := missingIsNil(t.dst.Experiment(ctx, e.ID))
	if err != nil {
		return place{}, err
	}
	have := sameID
	if have == nil || have.Name != e.Name && !renamed(e, have) {
		if have, err = missingIsNil(t.dst.ExperimentByName(ctx, e.Name)); err != nil {
			return place{}, err
		}
	}
	if have == nil {
		return t.makeExperiment(ctx, e, sameID != nil, it)
	}
	at := place{id: have.ID, deleted: have.Stage == mlruns.StageDeleted}
	if have.Stage != e.Stage {
		it.differ(PreferNeither, false, "lifecycle_stage", string(e.Stage), string(have.Stage))
		at.blocked = at.deleted
	}
	if at.blocked {
		return at, nil
	}
	return at, uniteExperiment(ctx, t.copier, e, have, it)
}

func missingIsNil[T any](v *T, err error) (*T, error) {
	if errors.Is(err, mlruns.ErrNotFound) || errors.Is(err, mlruns.ErrInvalid) {
		return nil, nil
	}
	return v, err
}

func (t *importing) makeExperiment(ctx context.Context, e *mlruns.Experiment, idTaken bool, it *Item) (place, error) {
	it.Action, it.Tags = ActionCreated, len(e.Tags)
	made := *e
	if !remote(e.ArtifactLocation) {
		made.ArtifactLocation = ""
	}
	if idTaken {
		made.ID = ""
	}
	at := place{id: made.ID, deleted: e.Stage == mlruns.StageDeleted}
	if t.q.DryRun {
		return at, nil
	}
	var err error
	at.id, err = t.importer.ImportExperiment(ctx, made)
	return at, err
}

func (t *importing) finish(context.Context, *mlruns.Experiment, place, *Item) error { return nil }

// find looks for the run by its id, and for the one that it was copied from.
func (t *importing) find(ctx context.Context, r *mlruns.Run, _ place, _ *Item) (*mlruns.Run, error) {
	have, err := missingIsNil(t.dst.Run(ctx, r.Info.ID))
	if have != nil || err != nil || origin(r) == r.Info.ID {
		return have, err
	}
	return missingIsNil(t.dst.Run(ctx, origin(r)))
}

func (t *importing) known(ctx context.Context, id string) (string, error) {
	if have, err := missingIsNil(t.dst.Run(ctx, id)); have != nil || err != nil {
		return id, err
	}
	r, err := t.src.Run(ctx, id)
	if err != nil {
		return "", err
	}
	have, err := missingIsNil(t.dst.Run(ctx, origin(r)))
	if have == nil {
		return "", err
	}
	return have.Info.ID, err
}

// planned is all of it, for create imports it whole.
func (t *importing) planned(j *runJob) mlruns.Run { return *j.want }

// create imports a run whole. Where the destination refuses something of it, it is imported empty
// and filled value by value, so that only what is refused is missing.
func (t *importing) create(ctx context.Context, j *runJob) (*mlruns.Run, bool, error) {
	j.digests = map[string]digest{}
	source := allPoints(ctx, t.src, j.source.Info.ID, metricKeys(j.source), ignore, j.digests)
	err := t.importer.ImportRun(ctx, *j.want, source)
	if errors.Is(err, mlruns.ErrInvalid) {
		j.digests = nil
		empty := mlruns.Run{Info: j.want.Info}
		return &empty, true, t.importer.ImportRun(ctx, empty, none)
	}
	if err != nil {
		return nil, false, err
	}
	j.it.count(j.want)
	for _, d := range j.digests {
		j.it.Points += d.points
	}
	return j.want, false, nil
}

func (t *importing) add(ctx context.Context, lacks *mlruns.Run, points []mlruns.Metric, it *Item) error {
	err := t.importer.AddToRun(ctx, *lacks, points)
	if !errors.Is(err, mlruns.ErrInvalid) {
		return err
	}
	return oneByOne(lacks, points, it, func(part *mlruns.Run, points []mlruns.Metric) error { return t.importer.AddToRun(ctx, *part, points) })
}

// holds leaves all as it is: an Importer has no limits.
func (t *importing) holds(*mlruns.Run, *Item) {}

func (t *importing) sort(ctx context.Context, id string, forked map[string]int, it *Item) error {
	return sortForked(ctx, id, forked, it, t.importer.SortHistory)
}

func (t *importing) seal(context.Context, *runJob, *mlruns.Run) error { return nil }
