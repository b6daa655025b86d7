package wire

import (
	"encoding/json"
	"slices"
	"strings"
	"unicode"
)

// AssessmentAnswer is what the calls answer that make, get or change an assessment.
type AssessmentAnswer struct {
	Assessment json.RawMessage `json:"assessment"`
}

// Assessment reads an assessment as a JSON object, its names joined by underscores. What is in it
// the store checks. Its id is drawn, whatever MLflow's client sends, unless assessment_id stands
// beside the assessment, which clients of this module send.
func (r *Request) Assessment() json.RawMessage {
	return r.assessment(r.Text("assessment_id"), func(string) bool { return true })
}

// AsItIs reports whether what is sent is to be kept as it is, what the store sets otherwise
// included: it was another store's. Only servers of this module know the field.
func (r *Request) AsItIs() bool { return r.Bool("as_it_is") }

// ownFields are those that the store sets.
var ownFields = []string{"assessment_id", "trace_id", "create_time", "last_update_time", "valid"}

func (r *Request) assessment(id string, wanted func(string) bool) json.RawMessage {
	v, ok := r.get("assessment")
	if !ok {
		r.Missing("assessment")
		return nil
	}
	if v.kind != kindObject {
		r.invalid("assessment", v)
		return nil
	}
	v = snakeCase(v)
	v.items = slices.DeleteFunc(v.items, func(i item) bool { return slices.Contains(ownFields, i.name) || !wanted(i.name) })
	if id != "" {
		v.items = append(v.items, item{"assessment_id", value{kind: kindString, text: id}})
	}
	text := json.RawMessage(v.appendPython(nil))
	if !json.Valid(text) { // NaN, which is no JSON
		r.invalid("assessment", v)
	}
	return text
}

// changeableFields are those that update_mask may name.
var changeableFields = []string{"assessment_name", "feedback", "expectation", "rationale", "metadata"}

// AssessmentChange reads what to change of an assessment: of what is sent, that which update_mask
// names.
func (r *Request) AssessmentChange() json.RawMessage {
	var mask []string
	for name := range strings.SplitSeq(r.RequiredText("update_mask"), ",") {
		name = snakeName(strings.TrimSpace(name))
		if !slices.Contains(changeableFields, name) {
			r.Invalid("update_mask")
		}
		mask = append(mask, name)
	}
	return r.assessment("", func(name string) bool { return slices.Contains(mask, name) })
}

// snakeCase gives the names of an assessment's fields with underscores. What a user chose, values
// and metadata, stays.
func snakeCase(v value) value {
	if v.kind != kindObject {
		return v
	}
	items := slices.Clone(v.items)
	for i := range items {
		items[i].name = snakeName(items[i].name)
		if items[i].name != "value" && items[i].name != "metadata" {
			items[i].value = snakeCase(items[i].value)
		}
	}
	v.items = items
	return v
}

func snakeName(camel string) string {
	var b strings.Builder
	for _, c := range camel {
		if unicode.IsUpper(c) {
			b.WriteByte('_')
		}
		b.WriteRune(unicode.ToLower(c))
	}
	return b.String()
}
