package transfer

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"

	"github.com/mlruns/mlruns"
)

// traceJob is the copy of one trace.
type traceJob struct {
	*traces
	source *mlruns.Trace
	want   mlruns.Trace // as the destination is to hold it
	it     *Item
	unread notRead
}

func (j *traceJob) do(ctx context.Context) error {
	if err := j.translate(ctx); err != nil {
		return err
	}
	id := j.there[j.source.ID]
	if id == "" {
		id = j.there[originOf(j.source.ID, j.source.Tags[mlruns.TagSourceTrace])]
	}
	fresh := id == ""
	if fresh {
		j.it.Action = ActionCreated
		if j.q.DryRun {
			j.count(&j.want)
			return j.files(ctx, "", true)
		}
		if j.at.deleted && !j.keepsIDs() {
			j.it.Action = ActionNone
			j.it.differ(PreferNeither, false, "lifecycle_stage", string(mlruns.StageActive), "its experiment is deleted")
			return nil
		}
		var err error
		if id, err = j.create(ctx); id == "" || err != nil {
			j.it.notMade()
			return err
		}
	}
	j.it.ID = id
	have, err := j.into.Trace(ctx, id)
	if err != nil {
		return err
	}
	if have.ExperimentID != j.at.id {
		j.it.Action = ActionNone
		j.it.ExperimentID = have.ExperimentID
		j.it.differ(PreferNeither, false, "experiment_id", j.at.id, have.ExperimentID)
		return nil
	}
	return j.complete(ctx, have, fresh)
}

// translate makes what the destination is to hold: references lead to where the run and the model
// are there.
func (j *traceJob) translate(ctx context.Context) error {
	j.want = *j.source
	j.want.ExperimentID, j.want.ArtifactLocation, j.want.Problems = j.at.id, "", nil
	j.want.Tags, j.want.Metadata = maps.Clone(j.source.Tags), maps.Clone(j.source.Metadata)
	maps.DeleteFunc(j.want.Tags, func(key, _ string) bool { return placeTag(key) })
	if run := j.want.Metadata[mlruns.TraceMetadataRun]; run != "" {
		id, err := j.counterpart(ctx, run)
		if err != nil {
			return err
		}
		if id != "" {
			j.want.Metadata[mlruns.TraceMetadataRun] = id
		}
	}
	if id := j.modelCounterpart(j.want.Metadata[mlruns.TraceMetadataModel]); id != "" {
		j.want.Metadata[mlruns.TraceMetadataModel] = id
	}
	return nil
}

// placeTag reports whether a tag of a trace tells of one store: where it has its parts, and what it
// took.
func placeTag(key string) bool {
	return key == TagPushed || key == mlruns.TagTraceArtifactLocation || key == tagSpansLocation
}

// tagSpansLocation is where MLflow ≥ 3.5 keeps the spans of a trace, if not in its artifacts.
const tagSpansLocation = "mlflow.trace.spansLocation"

// create makes the trace whole. Where the destination refuses that, it is made of as much as it
// takes, and filled value by value, so that only what is refused is missing.
func (j *traceJob) create(ctx context.Context) (string, error) {
	made := j.want
	id, err := j.into.ImportTrace(ctx, made)
	for _, part := range partsOf(j.want) {
		if !refusedBy(err) {
			break
		}
		made = part
		id, err = j.into.ImportTrace(ctx, made)
	}
	switch {
	case err == nil:
		j.count(&made)
	case refusedBy(err):
		j.it.refuse("trace", mlruns.MessageOf(err))
		return "", nil
	case errors.Is(err, mlruns.ErrExists): // in another experiment, or another program was faster
		j.it.Action = ActionNone
		return j.want.ID, nil
	}
	return id, err
}

// partsOf gives what may be taken of a trace that is refused whole, first what is most: its
// previews cannot be added later, nor can its metadata before it ends.
func partsOf(t mlruns.Trace) (parts []mlruns.Trace) {
	t.Assessments = nil
	for _, without := range [...]struct{ tags, metadata, previews bool }{
		{}, {tags: true}, {tags: true, metadata: true}, {previews: true}, {previews: true, tags: true}, {previews: true, tags: true, metadata: true},
	} {
		part := t
		if without.tags {
			part.Tags = nil
		}
		if without.metadata {
			part.Metadata = nil
		}
		if without.previews {
			part.ClientRequestID, part.RequestPreview, part.ResponsePreview = "", "", ""
		}
		parts = append(parts, part)
	}
	return parts
}

// refusedBy reports whether an error says that a store does not take what it was given.
func refusedBy(err error) bool {
	return errors.Is(err, mlruns.ErrInvalid) || errors.Is(err, mlruns.ErrUnsupported)
}

// count notes in the item what is to be written, and reports whether that is anything.
func (j *traceJob) count(lacks *mlruns.Trace) bool {
	j.it.Tags += len(lacks.Tags)
	j.it.Metadata += len(lacks.Metadata)
	j.it.Assessments += len(lacks.Assessments)
	return len(lacks.Tags)+len(lacks.Metadata)+len(lacks.Assessments) > 0 || lacks.State != mlruns.TraceUnspecified
}

// complete brings a trace of the destination up to the source's.
func (j *traceJob) complete(ctx context.Context, have *mlruns.Trace, fresh bool) error {
	lacks := j.lacking(have, j.it)
	mark := j.mark()
	// what is lacking was refused before
	if mark != "" && have.Tags[TagPushed] == mark && j.q.Prefer != PreferSource {
		for _, field := range fieldsOf(&lacks) {
			j.it.refuse(field, notTaken)
		}
		lacks = mlruns.Trace{}
	}
	written := j.count(&lacks)
	if written && !j.q.DryRun {
		if err := j.add(ctx, lacks); err != nil {
			return err
		}
	}
	if err := j.files(ctx, have.ID, fresh); err != nil {
		return err
	}
	if written || j.it.Files > 0 {
		j.it.written()
	}
	if !written || j.q.DryRun {
		return nil
	}
	return j.readBack(ctx, have.ID, mark)
}

// mark is a digest of a trace, by which it is known that the destination did not take all of it.
func (j *traceJob) mark() string {
	if j.keepsIDs() {
		return ""
	}
	text, _ := json.Marshal(&j.want) // of texts and times, so that it cannot fail
	sum := sha256.Sum256(text)
	return hex.EncodeToString(sum[:16]) + notWhole
}

// fieldsOf names what a trace has.
func fieldsOf(t *mlruns.Trace) (fields []string) {
	for _, key := range slices.Sorted(maps.Keys(t.Tags)) {
		fields = append(fields, "tags."+key)
	}
	for _, key := range slices.Sorted(maps.Keys(t.Metadata)) {
		fields = append(fields, "metadata."+key)
	}
	for _, a := range t.Assessments {
		fields = append(fields, "assessments."+assessmentID(a))
	}
	if t.State != mlruns.TraceUnspecified {
		fields = append(fields, "state")
	}
	return fields
}

// add adds what a trace lacks, and where that is refused value by value.
func (j *traceJob) add(ctx context.Context, lacks mlruns.Trace) error {
	err := j.into.AddToTrace(ctx, lacks)
	if !refusedBy(err) {
		return err
	}
	try := func(field string, part mlruns.Trace) error {
		part.ID, part.Start = lacks.ID, lacks.Start
		err := j.into.AddToTrace(ctx, part)
		if refusedBy(err) {
			j.it.refuse(field, mlruns.MessageOf(err))
			j.it.Tags, j.it.Metadata, j.it.Assessments = j.it.Tags-len(part.Tags), j.it.Metadata-len(part.Metadata), j.it.Assessments-len(part.Assessments)
			return nil
		}
		return err
	}
	for _, key := range slices.Sorted(maps.Keys(lacks.Tags)) {
		if err := try("tags."+key, mlruns.Trace{Tags: map[string]string{key: lacks.Tags[key]}}); err != nil {
			return err
		}
	}
	for _, key := range slices.Sorted(maps.Keys(lacks.Metadata)) {
		if err := try("metadata."+key, mlruns.Trace{Metadata: map[string]string{key: lacks.Metadata[key]}}); err != nil {
			return err
		}
	}
	for _, a := range lacks.Assessments {
		if err := try("assessments."+assessmentID(a), mlruns.Trace{Assessments: []json.RawMessage{a}}); err != nil {
			return err
		}
	}
	if lacks.State == mlruns.TraceUnspecified {
		return nil
	}
	return try("state", mlruns.Trace{State: lacks.State, End: lacks.End})
}

// readBack reads what was written, and compares: what a server takes and does not keep was refused.
func (j *traceJob) readBack(ctx context.Context, id, mark string) error {
	now, err := j.into.Trace(ctx, id)
	if err != nil {
		return err
	}
	var scratch Item
	lacks := j.lacking(now, &scratch)
	fields := fieldsOf(&lacks)
	if len(fields) == 0 {
		return nil
	}
	for _, field := range fields {
		switch {
		case j.it.refusedField(field):
		case j.keepsIDs():
			return fmt.Errorf("%w: trace %s lacks %s", errReadBack, id, field)
		default:
			j.it.refuse(field, notTaken)
		}
	}
	if j.keepsIDs() {
		return nil
	}
	return j.into.AddToTrace(ctx, mlruns.Trace{ID: id, Tags: map[string]string{TagPushed: mark}})
}

// spansFile is the artifact of a trace that has its spans.
const spansFile = "traces.json"

// files copies the spans and the files that belong to them.
func (j *traceJob) files(ctx context.Context, id string, fresh bool) error {
	if j.fromFile == nil || j.intoFile == nil {
		return nil
	}
	c := filesCopy{from: j.fromFile, to: j.intoFile, fromID: j.source.ID, toID: id, prefer: j.q.Prefer, dryRun: j.q.DryRun, deep: j.keepsIDs()}
	if j.q.NoArtifacts { // the spans are the trace itself
		c.only = spansFile
	}
	if !fresh {
		there, err := j.intoFile.sizes(ctx, id)
		if errors.Is(err, mlruns.ErrOutside) {
			j.it.refuse("artifacts", "the destination has its own elsewhere: "+mlruns.MessageOf(err))
			return nil
		}
		if err != nil && !errors.Is(err, mlruns.ErrUnsupported) {
			return err
		}
		c.there = there
	}
	err := c.run(ctx, j.it)
	j.unread = c.unread
	listed := !errors.Is(err, mlruns.ErrUnsupported)
	if errors.Is(err, mlruns.ErrOutside) {
		j.it.refuse("artifacts", "they stay where they are: "+mlruns.MessageOf(err))
		return nil
	}
	if err != nil && listed {
		return err
	}
	if _, copied := c.seen[spansFile]; copied || listed && j.source.Tags[tagSpansLocation] == "" {
		return nil // to ask a server for a file that is not there can take long
	}
	return j.spans(ctx, id, fresh, listed)
}

// spans copies the spans of a trace that are no file in the source: they are in a database.
func (j *traceJob) spans(ctx context.Context, id string, fresh, listed bool) error {
	data, err := j.from.TraceData(ctx, j.source.ID)
	switch {
	case errors.Is(err, mlruns.ErrNotFound):
		return nil
	case refusedBy(err) || errors.Is(err, mlruns.ErrOutside) || errors.Is(err, mlruns.ErrCorrupt):
		j.it.refuse("spans", mlruns.MessageOf(err))
		return nil
	case err != nil:
		return err
	}
	if !listed && bytes.Contains(data, []byte("mlflow-attachment:")) {
		j.it.refuse("artifacts", "what is attached to the spans stays where it is: the source does not list it")
	}
	if !fresh {
		there, err := j.into.TraceData(ctx, id)
		switch {
		case err == nil && sameJSON(there, data) || errors.Is(err, mlruns.ErrUnsupported):
			return nil
		case err == nil:
			if !j.it.differ(j.q.Prefer, true, "artifacts/"+spansFile, fmt.Sprintf("%d bytes", len(data)), fmt.Sprintf("%d bytes", len(there))) {
				return nil
			}
		case !errors.Is(err, mlruns.ErrNotFound) && !errors.Is(err, mlruns.ErrCorrupt):
			return err
		}
	}
	j.it.Files++
	j.it.Bytes += int64(len(data))
	if j.q.DryRun {
		return nil
	}
	err = j.intoFile.write(ctx, id, spansFile, bytes.NewReader(data))
	if refusedBy(err) {
		j.it.Files--
		j.it.Bytes -= int64(len(data))
		j.it.refuse("spans", mlruns.MessageOf(err))
		return nil
	}
	return err
}
