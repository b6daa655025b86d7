package transfer

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync"

	"github.com/mlruns/mlruns"
)

// pushing is a destination that draws ids of its own. A run is found again by the tag TagSourceRun.
type pushing struct {
	*copier

	mu sync.Mutex
	// own are the ids of the runs of the experiments that were looked into.
	own map[string]bool
	// copies are those of them that were copied from a run, by its id, the active ones first. There
	// is more than one where two copies were under way at once.
	copies map[string][]string
	active map[string]int  // how many of copies are active
	looked map[string]bool // by id of the experiment
}

func newPushing(c *copier) *pushing {
	return &pushing{copier: c, own: map[string]bool{}, copies: map[string][]string{}, active: map[string]int{}, looked: map[string]bool{}}
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
	return at, t.look(ctx, at.id)
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
	for r, err := range t.dst.Runs(ctx, mlruns.RunQuery{Experiments: []string{id}, View: mlruns.ViewAll}) {
		if err != nil {
			return err
		}
		t.note(r.Info.ID, r.Data.Tags[TagSourceRun], r.Info.Stage)
	}
	return nil
}

// note notes a run of the destination, and the one that it was copied from, "" for none.
func (t *pushing) note(id, source string, stage mlruns.LifecycleStage) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.own[id] = true
	switch {
	case source == "":
	case stage == mlruns.StageDeleted:
		t.copies[source] = append(t.copies[source], id)
	default:
		t.copies[source] = slices.Insert(t.copies[source], t.active[source], id)
		t.active[source]++
	}
}

// tellTwins tells of a run that is in the destination more than once.
func (t *pushing) tellTwins(r *mlruns.Run, it *Item) {
	t.mu.Lock()
	defer t.mu.Unlock()
	id := origin(r)
	if n := t.active[id]; n > 1 {
		it.refuse("run", fmt.Sprintf("it is in the destination %d times: %s is kept up to date, delete the others: %s", n, t.copies[id][0], strings.Join(t.copies[id][1:n], ", ")))
	}
}

// finish deletes an experiment that is deleted in the source and that a copy has made.
func (t *pushing) finish(ctx context.Context, e *mlruns.Experiment, at place) error {
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
			return copies[0]
		}
	}
	return ""
}

func (t *pushing) find(ctx context.Context, r *mlruns.Run, _ place) (*mlruns.Run, error) {
	id := t.idOf(r.Info.ID, origin(r))
	if id == "" {
		return nil, nil
	}
	return t.dst.Run(ctx, id)
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
	t.note(made.Info.ID, tags[TagSourceRun], made.Info.Stage)
	j.it.Tags += len(tags)
	j.digests = map[string]digest{}
	return made, true, nil
}
