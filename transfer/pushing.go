package transfer

import (
	"context"
	"errors"
	"maps"
	"sync"

	"github.com/mlruns/mlruns"
)

// pushing is a destination that draws ids of its own. A run is found again by the tag TagSourceRun.
type pushing struct {
	*copier

	mu sync.Mutex
	// own are the ids of the runs of the experiments that were looked into.
	own map[string]bool
	// copies are those of them that were copied from a run, by its id, as twin.compare orders them.
	copies map[string][]twin
	// made are the experiments in which this copy has made runs
	made   map[string]bool
	looked map[string]bool // by id of the experiment
}

func newPushing(c *copier) *pushing {
	return &pushing{copier: c, own: map[string]bool{}, copies: map[string][]twin{}, made: map[string]bool{}, looked: map[string]bool{}}
}

// experiment finds the place of an experiment by its name. One that is deleted takes no runs.
func (t *pushing) experiment(ctx context.Context, e *mlruns.Experiment, it *Item) (place, error) {
	have, err := missingIsNil(t.dst.ExperimentByName(ctx, e.Name))
	if err != nil {
		return place{}, err
	}
	if have == nil {
		return t.makeExperiment(ctx, e, it)
	}
	at := place{id: have.ID, deleted: have.Stage == mlruns.StageDeleted}
	if at.deleted && e.Stage == mlruns.StageActive {
		it.differ(PreferNeither, false, "lifecycle_stage", string(e.Stage), string(have.Stage))
		at.blocked = true
		return at, nil
	}
	if err := uniteExperiment(ctx, t.copier, e, have, it); err != nil {
		return at, err
	}
	if err := t.look(ctx, at.id); err != nil {
		return at, err
	}
	return at, t.removeEmpty(ctx, at.id, it)
}

func (t *pushing) makeExperiment(ctx context.Context, e *mlruns.Experiment, it *Item) (place, error) {
	it.Action, it.Tags = ActionCreated, len(e.Tags)
	if t.q.DryRun {
		return place{}, nil
	}
	tags := maps.Clone(e.Tags)
	if tags == nil {
		tags = map[string]string{}
	}
	tags[TagSourceExperiment] = originOf(e.ID, e.Tags[TagSourceExperiment])
	made, err := t.dst.CreateExperiment(ctx, mlruns.ExperimentSpec{Name: e.Name, Tags: tags})
	if errors.Is(err, mlruns.ErrInvalid) { // a tag that is too long, perhaps
		it.Tags = 0
		made, err = t.dst.CreateExperiment(ctx, mlruns.ExperimentSpec{Name: e.Name, Tags: map[string]string{TagSourceExperiment: tags[TagSourceExperiment]}})
		if err == nil {
			return place{id: made.ID}, uniteExperiment(ctx, t.copier, e, made, it)
		}
	}
	if errors.Is(err, mlruns.ErrExists) { // another program was faster
		made, err = t.dst.ExperimentByName(ctx, e.Name)
	}
	if err != nil {
		return place{}, err
	}
	return place{id: made.ID}, nil
}

// look notes the runs of an experiment.
func (t *pushing) look(ctx context.Context, id string) error {
	t.mu.Lock()
	looked := t.looked[id]
	t.looked[id] = true
	t.mu.Unlock()
	if looked {
		return nil
	}
	return t.noteAll(ctx, mlruns.RunQuery{Experiments: []string{id}, View: mlruns.ViewAll})
}

// finish looks once more for runs that requests of a killed copy have made meanwhile, which go on
// as they were made, and deletes an experiment that is deleted in the source and that a copy has
// made.
func (t *pushing) finish(ctx context.Context, e *mlruns.Experiment, at place, it *Item) error {
	if t.made[at.id] {
		err := t.noteAll(ctx, mlruns.RunQuery{Experiments: []string{at.id}, Filter: "attributes.status = 'RUNNING'"})
		if err = errors.Join(err, t.removeEmpty(ctx, at.id, it)); err != nil {
			return err
		}
	}
	if t.q.DryRun || e.Stage != mlruns.StageDeleted || at.deleted {
		return nil
	}
	have, err := t.dst.Experiment(ctx, at.id)
	if err != nil || have.Tags[TagSourceExperiment] != originOf(e.ID, e.Tags[TagSourceExperiment]) {
		return err
	}
	return t.dst.DeleteExperiment(ctx, at.id)
}

func (t *pushing) idOf(ids ...string) string {
	t.mu.Lock()
	defer t.mu.Unlock()
	for _, id := range ids {
		if t.own[id] {
			return id
		}
		if copies := t.copies[id]; len(copies) > 0 {
			return copies[0].id
		}
	}
	return ""
}

func (t *pushing) find(ctx context.Context, r *mlruns.Run, _ place, it *Item) (*mlruns.Run, error) {
	id := t.idOf(r.Info.ID, origin(r))
	if id == "" {
		return nil, nil
	}
	have, err := t.dst.Run(ctx, id)
	if err == nil {
		t.tellTwins(r, it)
	}
	return have, err
}

// known looks for a run that may be in an experiment that was not looked into.
func (t *pushing) known(ctx context.Context, id string) (string, error) {
	if there := t.idOf(id); there != "" {
		return there, nil
	}
	r, err := t.src.Run(ctx, id)
	if err != nil {
		return "", err
	}
	if there := t.idOf(origin(r)); there != "" {
		return there, nil
	}
	e, err := t.src.Experiment(ctx, r.Info.ExperimentID)
	if err != nil {
		return "", err
	}
	have, err := missingIsNil(t.dst.ExperimentByName(ctx, e.Name))
	if have == nil {
		return "", err
	}
	if err := t.look(ctx, have.ID); err != nil {
		return "", err
	}
	return t.idOf(id, origin(r)), nil
}

// tagsOfCreation are the tags that a run is made with.
func tagsOfCreation(want *mlruns.Run) map[string]string {
	tags := map[string]string{TagSourceRun: want.Data.Tags[TagSourceRun], TagSourceExperiment: want.Data.Tags[TagSourceExperiment]}
	if user := want.Data.Tags[mlruns.TagUser]; user != "" {
		tags[mlruns.TagUser] = user
	}
	return tags
}

// planned is what a run lacks when it has been made, and records the tags that it is made with.
func (t *pushing) planned(j *runJob) mlruns.Run {
	made := *j.want
	made.Data = mlruns.RunData{Tags: tagsOfCreation(j.want)}
	j.it.Tags += len(made.Data.Tags)
	if made.Info.Name != "" {
		made.Data.Tags[mlruns.TagRunName] = made.Info.Name
	}
	made.Inputs, made.Outputs = mlruns.Inputs{}, mlruns.Outputs{}
	var scratch Item
	lacks := unite(j.want, &made, j.q.Prefer, &scratch)
	t.holds(&lacks, j.it)
	return lacks
}

// create makes a run with the tags by which it is found again, so that whatever happens next it is
// not made twice.
func (t *pushing) create(ctx context.Context, j *runJob) (*mlruns.Run, bool, error) {
	tags := tagsOfCreation(j.want)
	made, err := t.dst.CreateRun(ctx, mlruns.RunSpec{ExperimentID: j.at.id, Name: j.want.Info.Name, User: j.want.Info.User, Start: j.want.Info.Start, Tags: tags})
	if err != nil {
		return nil, false, err
	}
	t.note(twin{id: made.Info.ID, experiment: j.at.id, marked: true}, tags[TagSourceRun])
	t.mu.Lock()
	t.made[j.at.id] = true
	t.mu.Unlock()
	j.it.Tags += len(tags)
	j.digests = map[string]digest{}
	return made, true, nil
}
