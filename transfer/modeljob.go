package transfer

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"math"
	"slices"

	"github.com/mlruns/mlruns"
)

// modelJob is the copy of one model.
type modelJob struct {
	*models
	source, want *mlruns.LoggedModel
	it           *Item
	origin       string
	elsewhere    bool // its artifacts lie where the source does not look
	unread       notRead
}

func (j *modelJob) do(ctx context.Context, have *mlruns.LoggedModel) error {
	if err := j.locate(ctx); err != nil {
		return err
	}
	importing, keeps := j.to.(*importing)
	if !keeps || have != nil && have.ID != j.source.ID {
		delete(j.want.Tags, TagSourceModel)
	}
	fresh := have == nil
	if fresh {
		j.it.Action, j.it.Params, j.it.Tags = ActionCreated, len(j.want.Params), len(j.want.Tags)
		if j.q.DryRun {
			for _, err := range j.history(ctx, j.src, j.source) {
				if err != nil {
					return err
				}
				if keeps { // else they are those of runs
					j.it.Points++
				}
			}
			return j.files(ctx, "", nil)
		}
		var err error
		if keeps {
			have, err = j.importWhole(ctx, importing)
		} else {
			have, err = j.create(ctx)
			j.mu.Lock()
			j.made = true
			j.mu.Unlock()
		}
		if err != nil {
			j.it.notMade()
			return err
		}
	}
	j.it.ID = have.ID
	if have.Stage == mlruns.StageDeleted && !keeps {
		if j.source.Stage == mlruns.StageActive {
			j.it.differ(PreferNeither, false, "lifecycle_stage", string(j.source.Stage), string(have.Stage))
		}
		return nil // nothing can be added to it
	}
	return j.complete(ctx, have, fresh)
}

// locate is runJob.locate for a model.
func (j *modelJob) locate(ctx context.Context) error {
	if j.q.NoArtifacts {
		j.want.ArtifactLocation = ""
		return nil
	}
	_, err := j.from.ModelArtifactRoot(ctx, j.source.ID)
	switch {
	case err == nil:
		j.want.ArtifactLocation = ""
	case errors.Is(err, mlruns.ErrUnsupported) && j.keepsIDs():
		j.elsewhere = true
	// a deleted one has none to be read
	case errors.Is(err, mlruns.ErrUnsupported) || errors.Is(err, mlruns.ErrOutside) || errors.Is(err, mlruns.ErrNotFound):
		j.elsewhere = true
		j.it.refuse("artifacts", "they stay where they are: "+mlruns.MessageOf(err))
	default:
		return err
	}
	return nil
}

func (j *modelJob) importWhole(ctx context.Context, to *importing) (*mlruns.LoggedModel, error) {
	n := 0
	points := func(yield func(mlruns.Metric, error) bool) {
		n = 0
		for p, err := range j.ofRuns(ctx, j.history(ctx, j.src, j.source)) {
			n++
			if !yield(p, err) {
				return
			}
		}
	}
	err := to.importer.ImportLoggedModel(ctx, *j.want, points)
	j.it.Points = n
	return j.want, err
}

// create makes the model with the tag by which it is found again.
func (j *modelJob) create(ctx context.Context) (*mlruns.LoggedModel, error) {
	tags := maps.Clone(j.want.Tags)
	if tags == nil {
		tags = map[string]string{}
	}
	tags[TagSourceModel] = j.origin
	return j.into.CreateLoggedModel(ctx, mlruns.ModelSpec{ExperimentID: j.at.id, Name: j.want.Name, Type: j.want.Type, SourceRunID: j.want.SourceRunID, Params: j.want.Params, Tags: tags})
}

// complete brings a model of the destination up to the source's.
func (j *modelJob) complete(ctx context.Context, have *mlruns.LoggedModel, fresh bool) error {
	for _, f := range [...]struct{ field, want, have string }{{"name", j.want.Name, have.Name}, {"model_type", j.want.Type, have.Type}, {"source_run_id", j.want.SourceRunID, have.SourceRunID}} {
		if f.want != f.have {
			j.it.differ(PreferNeither, false, f.field, f.want, f.have)
		}
	}
	params := map[string]string{}
	for _, key := range slices.Sorted(maps.Keys(j.want.Params)) { // never replaced, as those of runs
		value := j.want.Params[key]
		if old, there := have.Params[key]; !there {
			params[key] = value
		} else if old != value {
			j.it.differ(PreferNeither, false, "params."+key, value, old)
		}
	}
	tags := uniteTags(j.want.Tags, have.Tags, j.q.Prefer, j.it, func(string) bool { return false })
	status := false
	if j.want.Status != have.Status && j.want.Status != mlruns.ModelPending {
		status = have.Status == mlruns.ModelPending || j.it.differ(j.q.Prefer, true, "status", j.want.Status.String(), have.Status.String())
	}
	stage := j.want.Stage != have.Stage
	if stage && j.keepsIDs() {
		stage = j.it.differ(j.q.Prefer, true, "lifecycle_stage", string(j.want.Stage), string(have.Stage))
	}
	var lacking []mlruns.Metric
	var forked map[string]int
	if j.keepsIDs() && !fresh {
		var err error
		if lacking, forked, err = j.lacking(ctx, have); err != nil {
			return err
		}
	}
	if !fresh {
		j.it.Params, j.it.Tags, j.it.Points = len(params), len(tags), len(lacking)
	}
	sizes := modelFiles(j.into).sizes
	if fresh {
		sizes = nil
	}
	if !j.q.DryRun && len(params)+len(tags)+len(lacking) > 0 {
		if err := j.add(ctx, have, params, tags, lacking); err != nil {
			return err
		}
	}
	if err := j.sort(ctx, have.ID, forked); err != nil {
		return err
	}
	if err := j.files(ctx, have.ID, sizes); err != nil {
		return err
	}
	if len(params)+len(tags)+len(lacking)+j.it.Files > 0 || status || stage {
		j.it.written()
	}
	if j.q.DryRun || !status && !stage {
		return nil
	}
	return j.settle(ctx, have, status, stage)
}

// lacking gives the points that the destination's model lacks, and the keys of histories whose two
// sides have gone on differently, with how many points they begin alike with. A key's points are
// together.
func (j *modelJob) lacking(ctx context.Context, have *mlruns.LoggedModel) (list []mlruns.Metric, forked map[string]int, err error) {
	here, err := byKey(j.ofRuns(ctx, j.history(ctx, j.src, j.source)))
	if err != nil {
		return nil, nil, err
	}
	there, err := byKey(j.history(ctx, j.dst, have))
	if err != nil {
		return nil, nil, err
	}
	forked = map[string]int{}
	for _, key := range slices.Sorted(maps.Keys(here)) {
		source, destination := here[key], there[key]
		same := 0
		for same < min(len(source), len(destination)) && ofModel(source[same]) == ofModel(destination[same]) {
			same++
		}
		rest := map[modelPoint]int{}
		for _, p := range destination[same:] {
			rest[ofModel(p)]++
		}
		bent := j.bentForms(destination[same:])
		for _, p := range source[same:] {
			if bent[ofModel(p)] {
				continue
			}
			if rest[ofModel(p)]--; rest[ofModel(p)] < 0 {
				list = append(list, p)
			}
		}
		if same < min(len(source), len(destination)) && j.merges() {
			forked[key] = same
		}
	}
	return list, forked, nil
}

// ofRuns gives points the ids that their runs have in the destination, where those are others.
func (j *modelJob) ofRuns(ctx context.Context, all points) points {
	return func(yield func(mlruns.Metric, error) bool) {
		ids := map[string]string{}
		for p, err := range all {
			if _, known := ids[p.RunID]; err == nil && p.RunID != "" && !known {
				ids[p.RunID], err = j.counterpart(ctx, p.RunID)
			}
			if id := ids[p.RunID]; id != "" {
				p.RunID = id
			}
			if !yield(p, err) {
				return
			}
		}
	}
}

// bentForms are what a database that is the source may hold in the place of points. Its table of
// models' points has no NaN either, and MLflow's server answers 0.
func (j *modelJob) bentForms(of []mlruns.Metric) map[modelPoint]bool {
	if j.sides() != fromDatabase {
		return nil
	}
	forms := map[modelPoint]bool{}
	for _, p := range of {
		for _, form := range heldAs(p) {
			forms[modelPoint{form.id, p.RunID}] = true
		}
		if math.IsNaN(p.Value) {
			p.Value = 0
			forms[ofModel(p)] = true
		}
	}
	return forms
}

// modelPoint is identity with the run of the point.
type modelPoint struct {
	identity
	run string
}

func ofModel(m mlruns.Metric) modelPoint { return modelPoint{identityOf(m), m.RunID} }

// byKey lists points by their keys.
func byKey(all points) (map[string][]mlruns.Metric, error) {
	lists := map[string][]mlruns.Metric{}
	for p, err := range all {
		if err != nil {
			return nil, err
		}
		lists[p.Key] = append(lists[p.Key], p)
	}
	return lists, nil
}

func (j *modelJob) add(ctx context.Context, have *mlruns.LoggedModel, params, tags map[string]string, points []mlruns.Metric) error {
	if to, keeps := j.to.(*importing); keeps {
		return to.importer.AddToLoggedModel(ctx, mlruns.LoggedModel{ID: have.ID, Params: params, Tags: tags}, points)
	}
	if len(params) > 0 {
		if err := j.into.LogLoggedModelParams(ctx, have.ID, params); err != nil {
			return err
		}
	}
	if len(tags) > 0 {
		return j.into.SetLoggedModelTags(ctx, have.ID, tags)
	}
	return nil
}

// sort is runJob.sort for a model.
func (j *modelJob) sort(ctx context.Context, id string, forked map[string]int) error {
	to, keeps := j.to.(*importing)
	if j.q.DryRun || !keeps {
		return nil
	}
	return sortForked(ctx, id, forked, j.it, to.importer.SortModelHistory)
}

// settle sets status and stage, when all else is there.
func (j *modelJob) settle(ctx context.Context, have *mlruns.LoggedModel, status, stage bool) error {
	if to, keeps := j.to.(*importing); keeps {
		set := mlruns.LoggedModel{ID: have.ID}
		if status {
			set.Status, set.Updated = j.want.Status, j.want.Updated
		}
		if stage {
			set.Stage = j.want.Stage
		}
		return to.importer.AddToLoggedModel(ctx, set, nil)
	}
	if status {
		if _, err := j.into.FinalizeLoggedModel(ctx, have.ID, j.want.Status); err != nil {
			return err
		}
	}
	if stage {
		return j.into.DeleteLoggedModel(ctx, have.ID)
	}
	return nil
}

func (j *modelJob) files(ctx context.Context, id string, sizes func(context.Context, string) (map[string]int64, error)) error {
	if j.q.NoArtifacts || j.elsewhere {
		return nil
	}
	c := filesCopy{from: modelFiles(j.models.from), to: modelFiles(j.into), fromID: j.source.ID, toID: id, prefer: j.q.Prefer, dryRun: j.q.DryRun, deep: j.keepsIDs()}
	if sizes != nil {
		there, err := sizes(ctx, id)
		if err != nil {
			return fmt.Errorf("files of model %s: %w", id, err)
		}
		c.there = there
	}
	err := c.run(ctx, j.it)
	j.unread = c.unread
	return err
}
