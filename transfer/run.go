package transfer

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"

	"github.com/mlruns/mlruns"
)

// The tags that a run gets where its id cannot be kept.
const (
	// TagSourceRun is the id of the run in the store that it was copied from first.
	TagSourceRun = "mlruns.sourceRunId"
	// TagSourceExperiment is the id of its experiment there.
	TagSourceExperiment = "mlruns.sourceExperimentId"
	// TagPushed is a digest of what was copied. It is set last: a run without it may not be whole.
	TagPushed = "mlruns.pushed"
)

// ownTag reports whether a tag tells of copies, so that it is not copied itself.
func ownTag(key string) bool {
	return key == TagSourceRun || key == TagSourceExperiment || key == TagPushed
}

// origin is the id that a run had first.
func origin(r *mlruns.Run) string { return originOf(r.Info.ID, r.Data.Tags[TagSourceRun]) }

// originOf is the id that something had first, which a tag tells where it was copied.
func originOf(id, tag string) string {
	if tag != "" {
		return tag
	}
	return id
}

// run copies a run.
func (v *visit) run(ctx context.Context, r *mlruns.Run) Item {
	it := Item{Kind: KindRun, Action: ActionNone, SourceID: r.Info.ID, Name: r.Info.Name, ExperimentID: v.at.id, Problems: r.Problems}
	if v.keepsIDs() {
		if r, it.Err = v.whole(ctx, r); it.Err != nil {
			return it
		}
	}
	job := runJob{copier: v.copier, visit: v, source: r, at: v.at, it: &it, dry: v.q.DryRun}
	it.Err = job.do(ctx)
	return it
}

// runJob is the copy of one run.
type runJob struct {
	*copier
	visit     *visit
	source    *mlruns.Run
	at        place
	it        *Item
	dry       bool
	again     bool              // it was copied before, but for what was refused
	orphan    bool              // its parent is not in the destination
	elsewhere bool              // its artifacts lie where the source does not look
	want      *mlruns.Run       // as the destination is to hold it
	digests   map[string]digest // of the source's histories, of those that were read
	sizes     map[string]int64  // of the source's files, once they were gone through
	unread    notRead           // those that could not be read
	emitted   map[string]int    // points that were added, by key
	// keys whose two sides have gone on differently, and after how many points
	forked   map[string]int
	pending  []mlruns.Metric  // points to be added
	bent     map[string]bends // what is there of the source's histories and not as it was, by key
	bendable map[string]bool  // keys of points, added, that a database would bend
}

func (j *runJob) do(ctx context.Context) error {
	have, err := j.to.find(ctx, j.source, j.at, j.it)
	if err != nil {
		return err
	}
	if have == nil && j.at.deleted && !j.keepsIDs() {
		j.it.differ(PreferNeither, false, "lifecycle_stage", string(j.source.Info.Stage), "its experiment is deleted")
		return nil
	}
	if err := j.translate(ctx, have); err != nil {
		return err
	}
	if err := j.locate(ctx); err != nil {
		return err
	}
	if j.keepsIDs() { // its models are there, perhaps as those that they were pushed from
		j.visit.modelReferences(j.want)
	}
	if have != nil && !j.keepsIDs() {
		j.it.ID = have.Info.ID
		j.copied(j.source.Info.ID, have.Info.ID)
		j.itsModels(ctx, have.Info.ID)
		j.visit.modelReferences(j.want)
		if done, err := j.deleted(ctx, have); done || err != nil {
			return err
		}
		j.digests = map[string]digest{} // of what is read for the copy, which is what is marked
	}
	bare, fresh := true, have == nil
	if fresh {
		if j.it.Action = ActionCreated; j.dry {
			j.itsModels(ctx, "")
			return j.plan(ctx)
		}
		if have, bare, err = j.to.create(ctx, j); err != nil {
			j.it.notMade()
			return err
		}
	}
	if bare {
		end, err := j.oneOfFew(ctx)
		if err != nil {
			return err
		}
		defer end()
	}
	j.it.ID, j.it.ExperimentID = have.Info.ID, have.Info.ExperimentID
	j.copied(j.source.Info.ID, have.Info.ID)
	j.itsModels(ctx, have.Info.ID)
	if !j.keepsIDs() { // it is deleted when all else is there
		j.want.Info.Stage = have.Info.Stage
		j.visit.modelReferences(j.want)
	}
	err = j.completeAndSeal(ctx, have, fresh, bare)
	for range lostAnswers {
		if !errors.Is(err, mlruns.ErrUnconfirmed) || ctx.Err() != nil {
			break
		}
		if have, err = j.dst.Run(ctx, have.Info.ID); err == nil {
			j.pending = j.pending[:0]
			err = j.completeAndSeal(ctx, have, false, true)
		}
	}
	return err
}

func (j *runJob) completeAndSeal(ctx context.Context, have *mlruns.Run, fresh, bare bool) error {
	if err := j.complete(ctx, have, fresh, bare); err != nil {
		return err
	}
	return j.to.seal(ctx, j, have)
}

// lostAnswers is how often a run is looked at again after a call of which nobody knows whether it
// was done.
const lostAnswers = 3

// itsModels copies the models that the run made, which lead to the run, and to which its outputs
// lead.
func (j *runJob) itsModels(ctx context.Context, id string) {
	if j.visit.models != nil {
		j.visit.copyModels(ctx, j.visit.models.take(j.source.Info.ID), id)
	}
}

// translate makes what the destination is to hold: references to runs lead to where they are there.
func (j *runJob) translate(ctx context.Context, have *mlruns.Run) error {
	want := *j.source
	want.Problems = nil
	want.Info.ExperimentID = j.at.id
	want.Data.Tags = maps.Clone(j.source.Data.Tags)
	if want.Data.Tags == nil {
		want.Data.Tags = map[string]string{}
	}
	if have == nil && j.keepsIDs() || have != nil && have.Info.ID == j.source.Info.ID {
		delete(want.Data.Tags, TagPushed)
	} else {
		maps.DeleteFunc(want.Data.Tags, func(key, _ string) bool { return ownTag(key) })
	}
	if parent := want.Data.Tags[mlruns.TagParentRunID]; parent != "" {
		id, err := j.counterpart(ctx, parent)
		if err != nil {
			return err
		}
		if j.orphan = id == ""; !j.orphan {
			want.Data.Tags[mlruns.TagParentRunID] = id
		}
	}
	if !j.keepsIDs() && have == nil {
		want.Data.Tags[TagSourceRun] = origin(j.source)
		want.Data.Tags[TagSourceExperiment] = originOf(j.source.Info.ExperimentID, j.source.Data.Tags[TagSourceExperiment])
	}
	j.want = &want
	return nil
}

// plan tells what a run that is not there would be.
func (j *runJob) plan(ctx context.Context) error {
	lacks := j.to.planned(j)
	j.it.count(&lacks)
	j.bent = map[string]bends{}
	for m, err := range allPoints(ctx, j.src, j.source.Info.ID, metricKeys(j.source), ignore, map[string]digest{}) {
		if err != nil {
			return err
		}
		if j.it.Points++; j.bent[m.Key] == nil {
			j.bent[m.Key] = bends{}
		}
		j.modelOf(m, j.bent[m.Key])
	}
	if err := errors.Join(j.tellBent(ctx), j.files(ctx, "", nil)); err != nil {
		return err
	}
	return j.unread.asError()
}

func ignore(mlruns.Problem) {}

// complete brings a run of the destination up to the source's, or tells in a dry run what that
// would take.
func (j *runJob) complete(ctx context.Context, have *mlruns.Run, fresh, bare bool) error {
	lacks := unite(j.want, j.parentFixed(have), j.q.Prefer, j.it)
	j.to.holds(&lacks, j.it)
	if j.again {
		j.refusedBefore(&lacks)
	}
	planned := lacks
	info := lacks.Info
	lacks.Info = mlruns.RunInfo{ID: have.Info.ID}
	if have.Info.ExperimentID != j.at.id {
		j.it.differ(PreferNeither, false, "experiment_id", j.at.id, have.Info.ExperimentID)
	}
	if bare {
		if err := j.points(ctx, have, fresh, &lacks); err != nil {
			return err
		}
	}
	if err := j.flush(ctx, &lacks); err != nil {
		return err
	}
	if err := j.sort(ctx, have.Info.ID); err != nil {
		return err
	}
	if err := j.files(ctx, have.Info.ID, j.there(fresh)); err != nil {
		return err
	}
	j.forgive(&planned)
	if j.it.count(&planned) || j.it.Points > 0 || j.it.Files > 0 {
		j.it.written()
	}
	if j.dry {
		if err := j.tellBent(ctx); err != nil {
			return err
		}
		return j.unread.asError()
	}
	if j.asMade(have) {
		info.Status, info.End = j.want.Info.Status, j.want.Info.End
	}
	if info.Name != "" || info.Status != 0 || !info.End.IsZero() || info.Stage != "" {
		info.ID = have.Info.ID
		if err := j.to.add(ctx, &mlruns.Run{Info: info}, nil, j.it); err != nil {
			return err
		}
	}
	if j.it.Action != ActionNone {
		if err := j.readBack(ctx, have.Info.ID); err != nil {
			return err
		}
	}
	if err := j.tellBent(ctx); err != nil {
		return err
	}
	return j.unread.asError() // it is not whole, so that the next copy tries again
}

// asMade reports whether a run of a server has the status and the end that the server gave it,
// which say nothing.
func (j *runJob) asMade(have *mlruns.Run) bool {
	_, pushed := have.Data.Tags[TagPushed]
	return !j.keepsIDs() && !pushed && have.Info.ID != j.source.Info.ID && have.Info.Status == mlruns.StatusRunning && have.Info.End.IsZero()
}

const notTaken = "the destination did not take it"

// refusedBefore tells what is lacking of a run that was copied before: the destination did not take
// it.
func (j *runJob) refusedBefore(lacks *mlruns.Run) {
	for _, key := range slices.Sorted(maps.Keys(lacks.Data.Params)) {
		j.it.refuse("params."+key, notTaken)
	}
	for _, key := range slices.Sorted(maps.Keys(lacks.Data.Tags)) {
		j.it.refuse("tags."+key, notTaken)
	}
	for _, d := range lacks.Inputs.Datasets {
		j.it.refuse(inputField(d), notTaken)
	}
	for _, m := range lacks.Inputs.Models {
		j.it.refuse("inputs."+m.ModelID, notTaken)
	}
	for _, m := range lacks.Outputs.Models {
		j.it.refuse("outputs."+m.ModelID, notTaken)
	}
	*lacks = mlruns.Run{}
}

func inputField(d mlruns.DatasetInput) string {
	return "inputs." + d.Dataset.Name + "@" + d.Dataset.Digest
}

// parentFixed takes the id of a parent as the source has it for one that is missing: it was written
// before the parent was there.
func (j *runJob) parentFixed(have *mlruns.Run) *mlruns.Run {
	raw := j.source.Data.Tags[mlruns.TagParentRunID]
	if raw == "" || have.Data.Tags[mlruns.TagParentRunID] != raw || j.want.Data.Tags[mlruns.TagParentRunID] == raw || j.keepsIDs() {
		return have
	}
	fixed := *have
	fixed.Data.Tags = maps.Clone(have.Data.Tags)
	delete(fixed.Data.Tags, mlruns.TagParentRunID)
	return &fixed
}

// batchOfPoints bounds the points that are held to be added.
const batchOfPoints = 1000

// roomForPoints is how many points go into one call with what else a run lacks.
func roomForPoints(lacks *mlruns.Run) int {
	return batchOfPoints - min(len(lacks.Data.Params), mlruns.MaxBatchParams) - min(len(lacks.Data.Tags), mlruns.MaxBatchTags)
}

// points adds the points that the destination lacks.
func (j *runJob) points(ctx context.Context, have *mlruns.Run, fresh bool, lacks *mlruns.Run) error {
	j.emitted, j.bent, j.bendable = map[string]int{}, map[string]bends{}, map[string]bool{}
	for _, key := range metricKeys(j.source) {
		d := map[string]digest{}
		source := allPoints(ctx, j.src, j.source.Info.ID, []string{key}, ignore, d)
		destination := none
		if _, there := have.Data.Metrics[key]; there && !fresh {
			destination = history(ctx, j.dst, have.Info.ID, key, ignore)
		} else if j.again {
			j.it.refuse("metrics."+key, notTaken)
		}
		bent := bends{}
		ofModels, err := j.ofModels(ctx, key)
		if err != nil {
			return err
		}
		at, err := missing(source, destination, j.sides(), func(m mlruns.Metric) error {
			if j.again { // a database has it once
				return nil
			}
			j.it.Points++
			j.emitted[key]++
			m.ModelID = j.modelOf(m, bent)
			if j.dry {
				return nil
			}
			if ofModels.second(m) {
				m.ModelID = ""
			}
			if len(heldAs(m)) > 0 {
				j.bendable[key] = true
			}
			if j.pending = append(j.pending, m); len(j.pending) < roomForPoints(lacks) {
				return nil
			}
			return j.flush(ctx, lacks)
		}, bent.add)
		if err != nil {
			return err
		}
		if at.forked && j.merges() {
			if j.forked == nil {
				j.forked = map[string]int{}
			}
			j.forked[key] = at.after
		}
		j.bent[key] = bent
		if j.digests != nil {
			j.digests[key] = d[key]
		}
	}
	return nil
}

// sort puts histories in order whose two sides have gone on differently.
func (j *runJob) sort(ctx context.Context, id string) error {
	if j.dry {
		return nil
	}
	return j.to.sort(ctx, id, j.forked, j.it)
}

// sortForked sorts the histories of a run, or of a model.
func sortForked(ctx context.Context, id string, forked map[string]int, it *Item, sort func(ctx context.Context, id, key string, from int) (bool, error)) error {
	for _, key := range slices.Sorted(maps.Keys(forked)) {
		changed, err := sort(ctx, id, key, forked[key])
		if err != nil {
			return err
		}
		if changed {
			it.written()
		}
	}
	return nil
}

// modelOf gives the model in the destination that a point is of too, "" if there is none. Where ids
// are kept models have their points themselves.
func (j *runJob) modelOf(m mlruns.Metric, bent bends) string {
	if j.keepsIDs() || j.visit.models == nil {
		return ""
	}
	source := j.visit.models.points[j.source.Info.ID][m.Key][identityOf(m)]
	id := j.modelCounterpart(source)
	if source != "" && id == "" && j.visit.models.awaits(source) {
		bent.add([]string{bentModel})
	}
	return id
}

func none(func(mlruns.Metric, error) bool) {}

// flush adds what is pending, and forgets it.
func (j *runJob) flush(ctx context.Context, lacks *mlruns.Run) error {
	var scratch Item
	if j.dry || !scratch.count(lacks) && len(j.pending) == 0 {
		return nil
	}
	err := j.to.add(ctx, lacks, j.pending, j.it)
	j.pending = j.pending[:0]
	*lacks = mlruns.Run{Info: mlruns.RunInfo{ID: lacks.Info.ID}}
	return err
}

// there is what asks for the files that the destination has; nil where it can have none.
func (j *runJob) there(fresh bool) func(context.Context, string) (map[string]int64, error) {
	if fresh || j.into == nil {
		return nil
	}
	return j.into.sizes
}

// files copies the artifacts.
func (j *runJob) files(ctx context.Context, id string, sizes func(context.Context, string) (map[string]int64, error)) error {
	if j.q.NoArtifacts || j.from == nil {
		return nil
	}
	if j.elsewhere {
		return nil
	}
	c := filesCopy{from: j.from, to: j.into, fromID: j.source.Info.ID, toID: id, prefer: j.q.Prefer, dryRun: j.dry || j.into == nil, again: j.again, deep: j.keepsIDs()}
	if sizes != nil {
		there, err := sizes(ctx, id)
		if err != nil {
			return err
		}
		c.there = there
	}
	err := c.run(ctx, j.it)
	j.sizes, j.unread = c.seen, c.unread
	if err == nil && j.into == nil && j.it.Files > 0 {
		err = fmt.Errorf("the destination holds no artifacts: %w", mlruns.ErrUnsupported)
	}
	return err
}

// locate looks where the artifacts lie. Where the source does not look, as in an object store, they
// stay, and the run goes on leading there if its location can be kept. What may not be looked at is
// told.
func (j *runJob) locate(ctx context.Context) error {
	holder, ok := j.src.(mlruns.ArtifactStore)
	if !ok || j.q.NoArtifacts {
		j.want.Info.ArtifactURI = ""
		return nil
	}
	_, err := holder.ArtifactRoot(ctx, j.source.Info.ID)
	switch {
	case err == nil:
		j.want.Info.ArtifactURI = ""
	case errors.Is(err, mlruns.ErrUnsupported) && j.keepsIDs():
		j.elsewhere = true
	case errors.Is(err, mlruns.ErrUnsupported) || errors.Is(err, mlruns.ErrOutside):
		j.elsewhere = true
		j.it.refuse("artifacts", "they stay where they are: "+mlruns.MessageOf(err))
	default:
		return err
	}
	return nil
}
