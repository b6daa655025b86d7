package transfer

import (
	"bytes"
	"encoding/json"
	"maps"
	"reflect"
	"slices"
	"strings"
	"time"

	"github.com/mlruns/mlruns"
)

// lacking gives what a trace of the destination lacks, and records in the item what differs.
func (j *traceJob) lacking(have *mlruns.Trace, it *Item) (lacks mlruns.Trace) {
	want := &j.want
	lacks.ID, lacks.Start = have.ID, have.Start
	for _, f := range [...]struct{ field, want, have string }{
		{"client_request_id", want.ClientRequestID, have.ClientRequestID}, {"request_preview", want.RequestPreview, have.RequestPreview},
		{"response_preview", want.ResponsePreview, have.ResponsePreview},
	} {
		switch {
		case f.want == f.have || f.want == "":
		case f.have == "":
			it.refuse(f.field, notTaken)
		default:
			it.differ(PreferNeither, false, f.field, f.want, f.have)
		}
	}
	if !want.Start.Equal(have.Start) {
		it.differ(PreferNeither, false, "start_time", timeText(want.Start), timeText(have.Start))
	}
	j.lackingEnd(have, &lacks, it)
	lacks.Metadata = map[string]string{}
	for _, key := range slices.Sorted(maps.Keys(want.Metadata)) {
		value := want.Metadata[key]
		old, there := have.Metadata[key]
		switch {
		// it led to what was not there yet
		case !there || old != value && old == j.source.Metadata[key]:
			lacks.Metadata[key] = value
		case old != value:
			it.differ(PreferNeither, false, "metadata."+key, value, old)
		}
	}
	lacks.Tags = uniteTags(want.Tags, have.Tags, j.q.Prefer, it, func(key string) bool { return key == mlruns.TagSourceTrace || ownTag(key) })
	lacks.Assessments = j.lackingAssessments(have, it)
	return lacks
}

// lackingEnd finds the state and the end to set: a trace goes on from IN_PROGRESS.
func (j *traceJob) lackingEnd(have, lacks *mlruns.Trace, it *Item) {
	want := &j.want
	under := func(t *mlruns.Trace) bool { return t.State == mlruns.TraceInProgress && t.End.IsZero() }
	switch {
	case under(want) || want.State == mlruns.TraceUnspecified && want.End.IsZero():
		return
	case under(have):
		lacks.State, lacks.End = want.State, want.End
		return
	}
	if want.State != have.State && it.differ(j.q.Prefer, true, "state", want.State.String(), have.State.String()) {
		lacks.State = want.State
	}
	if !want.End.Equal(have.End) && !want.End.IsZero() && it.differ(j.q.Prefer, true, "end_time", timeText(want.End), timeText(have.End)) {
		lacks.State, lacks.End = want.State, want.End
	}
}

// lackingAssessments gives the assessments that are missing, and those that are not valid any more,
// for another one has taken their place.
func (j *traceJob) lackingAssessments(have *mlruns.Trace, it *Item) (lacks []json.RawMessage) {
	there := map[string]assessment{}
	for _, a := range have.Assessments {
		one := readAssessment(a)
		there[one.id] = one
	}
	for _, raw := range j.want.Assessments {
		a := readAssessment(raw)
		old, ok := there[a.id]
		switch {
		case !ok:
			lacks = append(lacks, raw)
		case !reflect.DeepEqual(a.fields, old.fields):
			if it.differ(j.q.Prefer, j.keepsIDs(), "assessments."+a.id, string(raw), string(old.raw)) {
				lacks = append(lacks, raw)
			}
		case !a.valid && old.valid:
			lacks = append(lacks, raw)
		}
	}
	// first those that others override
	slices.SortStableFunc(lacks, func(a, b json.RawMessage) int {
		return strings.Compare(createdOf(a), createdOf(b))
	})
	return lacks
}

// assessment is one that can be compared.
type assessment struct {
	id     string
	raw    json.RawMessage
	valid  bool
	fields map[string]any // but for the trace's id and valid
}

func readAssessment(raw json.RawMessage) assessment {
	a := assessment{raw: raw, valid: true}
	_ = json.Unmarshal(raw, &a.fields) // of a store, so that it is JSON
	a.id, _ = a.fields["assessment_id"].(string)
	if valid, ok := a.fields["valid"].(bool); ok {
		a.valid = valid
	}
	delete(a.fields, "trace_id")
	delete(a.fields, "valid")
	for _, key := range [...]string{"create_time", "last_update_time"} {
		if text, ok := a.fields[key].(string); ok {
			if t, err := time.Parse(time.RFC3339Nano, text); err == nil {
				a.fields[key] = t.UnixMilli()
			}
		}
	}
	if expectation, ok := a.fields["expectation"].(map[string]any); ok {
		if serialized, ok := expectation["serialized_value"].(map[string]any); ok {
			if text, ok := serialized["value"].(string); ok {
				var value any
				if json.Unmarshal([]byte(text), &value) == nil {
					expectation["serialized_value"] = value
				}
			}
		}
	}
	if metadata, ok := a.fields["metadata"].(map[string]any); ok && len(metadata) == 0 {
		delete(a.fields, "metadata")
	}
	return a
}

func assessmentID(raw json.RawMessage) string { return readAssessment(raw).id }

// createdOf orders assessments: what overrides another was made later.
func createdOf(raw json.RawMessage) string {
	var a struct {
		Created string `json:"create_time"`
	}
	_ = json.Unmarshal(raw, &a)
	if t, err := time.Parse(time.RFC3339Nano, a.Created); err == nil {
		return t.UTC().Format("2006-01-02T15:04:05.000000000Z")
	}
	return a.Created
}

// sameJSON reports whether two texts say the same.
func sameJSON(a, b []byte) bool {
	if bytes.Equal(a, b) {
		return true
	}
	var x, y any
	return json.Unmarshal(a, &x) == nil && json.Unmarshal(b, &y) == nil && reflect.DeepEqual(x, y)
}
