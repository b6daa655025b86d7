package transfer

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"maps"

	"github.com/mlruns/mlruns"
)

// state is a digest of what a run of the source holds.
func (j *runJob) state(ctx context.Context) (string, error) {
	d := j.digests
	if d == nil {
		d = map[string]digest{}
		for _, err := range allPoints(ctx, j.src, j.source.Info.ID, metricKeys(j.source), ignore, d) {
			if err != nil {
				return "", err
			}
		}
	}
	files := j.sizes
	if files == nil && j.from != nil && !j.q.NoArtifacts && !j.elsewhere {
		var err error
		if files, err = j.from.sizes(ctx, j.source.Info.ID); err != nil {
			return "", &notRead{1, err}
		}
	}
	h := sha256.New()
	info := j.source.Info
	texts := map[string][2]uint64{}
	for key, sum := range d {
		texts[key] = [2]uint64{uint64(sum.points), sum.sum}
	}
	tags := maps.Clone(j.source.Data.Tags)
	maps.DeleteFunc(tags, func(key, _ string) bool { return ownTag(key) })
	if tags[mlruns.TagParentRunID] != "" { // by the id there: it is one for all that copy the run
		tags[mlruns.TagParentRunID] = j.want.Data.Tags[mlruns.TagParentRunID]
	}
	err := json.NewEncoder(h).Encode([]any{1, info.Name, info.User, info.Status, info.Start.UnixMilli(), info.End.UnixMilli(), info.Stage,
		j.source.Data.Params, tags, j.want.Inputs, j.want.Outputs, texts, files})
	return hex.EncodeToString(h.Sum(nil)[:16]), err
}

// deleted settles the stage of a run that is on both sides, and reports whether there is no more to
// do. One that is deleted in the source is deleted last; one that is deleted in the destination
// only is a conflict.
func (j *runJob) deleted(ctx context.Context, have *mlruns.Run) (done bool, err error) {
	if mark := have.Data.Tags[TagPushed]; !j.orphan && mark != "" {
		state, err := j.state(ctx)
		if err != nil {
			return true, err
		}
		done = state == mark
		if state+notWhole == mark && j.q.Prefer != PreferSource {
			done = true
			if err := j.tellAgain(ctx, have); err != nil {
				return true, err
			}
		}
	}
	deleted := j.source.Info.Stage == mlruns.StageDeleted
	switch {
	case have.Info.Stage == mlruns.StageActive && deleted && done:
		j.it.Action = ActionUnited
		if !j.dry {
			err = j.dst.DeleteRun(ctx, have.Info.ID)
		}
		return true, err
	case have.Info.Stage == mlruns.StageActive || deleted && done:
		return done, nil
	case !deleted && !j.it.differ(j.q.Prefer, true, "lifecycle_stage", string(j.source.Info.Stage), string(have.Info.Stage)):
		return true, nil
	case deleted && !j.lacking(ctx, have):
		return true, nil
	}
	j.it.Action = ActionUnited
	if !j.dry {
		err = j.dst.RestoreRun(ctx, have.Info.ID)
	}
	return done, err
}

// lacking reports whether anything is to be written to a run, and takes over what that look told.
// What fails is left for the attempt.
func (j *runJob) lacking(ctx context.Context, have *mlruns.Run) bool {
	it := *j.it
	look := j.look(have)
	look.it = &it
	if err := look.complete(ctx, have, false, true); err != nil || it.Action != ActionNone {
		return true
	}
	*j.it = it
	return false
}

// notWhole ends the mark of a run that is going on, or of which all is there but what differs or
// was refused.
const notWhole = "!"

// tellAgain tells what differs, and what the destination did not take, of a run that was copied.
func (j *runJob) tellAgain(ctx context.Context, have *mlruns.Run) error {
	look := j.look(have)
	look.again = true
	return look.complete(ctx, have, false, true)
}

// look is a dry run of the job, in which the stage does not count.
func (j *runJob) look(have *mlruns.Run) *runJob {
	look, want := *j, *j.want
	want.Info.Stage = have.Info.Stage
	look.dry, look.want = true, &want
	return &look
}

// mark is what a run is marked with when it has been copied.
func (j *runJob) mark(ctx context.Context) (string, error) {
	mark, err := j.state(ctx)
	if !j.it.Whole() || !j.source.Info.Status.Ended() {
		mark += notWhole
	}
	return mark, err
}

// seal marks a run as copied, and deletes it where the source's is deleted.
func (t *pushing) seal(ctx context.Context, j *runJob, have *mlruns.Run) error {
	if !j.orphan {
		mark, err := j.mark(ctx)
		if err != nil {
			return err
		}
		if have.Data.Tags[TagPushed] != mark {
			j.it.written()
			if !j.dry {
				err = t.dst.SetTag(ctx, have.Info.ID, TagPushed, mark)
			}
		}
		if err != nil {
			return err
		}
	}
	if j.source.Info.Stage != mlruns.StageDeleted {
		return nil
	}
	j.it.written()
	if j.dry {
		return nil
	}
	return t.dst.DeleteRun(ctx, have.Info.ID)
}
