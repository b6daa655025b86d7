package validate

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"

	"github.com/mlruns/mlruns/internal/failure"
	"github.com/mlruns/mlruns/internal/pyfmt"
)

// sourceTypes are who can assess.
var sourceTypes = []string{"SOURCE_TYPE_UNSPECIFIED", "HUMAN", "LLM_JUDGE", "CODE"}

// maxAssessmentDepth bounds what is nested in the value of an assessment.
const maxAssessmentDepth = 50

// jsonObject is what is read of an assessment. The first field that does not fit is kept.
type jsonObject struct {
	fields map[string]any
	path   string
	err    *error
}

func (o jsonObject) refuse(name, rule string) {
	if *o.err == nil {
		shown, _ := json.Marshal(o.fields[name]) // it came from JSON
		*o.err = failure.Invalid(fmt.Sprintf("Invalid value %.200s for parameter '%s%s' supplied: %s", shown, o.path, name, rule))
	}
}

// text gives a text, "" where there is none.
func (o jsonObject) text(name string) string {
	v, ok := o.fields[name]
	text, isText := v.(string)
	if ok && v != nil && !isText {
		o.refuse(name, "it must be a text")
	}
	return text
}

// object gives an object, nil where there is none.
func (o jsonObject) object(name string) (inner jsonObject, ok bool) {
	v := o.fields[name]
	fields, isObject := v.(map[string]any)
	if v != nil && !isObject {
		o.refuse(name, "it must be an object")
	}
	return jsonObject{fields, o.path + name + ".", o.err}, isObject
}

// Assessment checks a JSON object of a new assessment, and gives the fields of it that MLflow has,
// in the form in which MLflow records them.
func Assessment(text json.RawMessage) (map[string]any, error) {
	o, err := assessmentObject(text)
	if err != nil {
		return nil, err
	}
	a := o.changeable()
	source, given := o.object("source")
	a["source"] = source.source()
	if !given && o.fields["source"] == nil {
		a["source"] = map[string]any{"source_type": sourceTypes[0]}
	}
	issue, isIssue := o.object("issue")
	if isIssue {
		a["issue"] = map[string]any{"issue_name": issue.text("issue_name")}
	}
	for _, name := range []string{"assessment_id", "span_id", "overrides"} {
		if t := o.text(name); t != "" {
			a[name] = t
		}
	}
	if id := o.text("assessment_id"); id != "" && *o.err == nil {
		*o.err = PlainName("assessment_id", id)
	}
	n := 0
	for _, name := range []string{"feedback", "expectation", "issue"} {
		if _, ok := a[name]; ok {
			n++
		}
	}
	switch {
	case *o.err != nil:
		return nil, *o.err
	case a["assessment_name"] == nil:
		return nil, failure.Invalid("Missing value for required parameter 'assessment.assessment_name'.")
	case n != 1:
		return nil, failure.Invalid("Exactly one of `expectation`, `feedback`, or `issue` should be specified.")
	case isIssue && issue.text("issue_name") == "":
		return nil, failure.Invalid("The `issue_name` field must be specified.")
	}
	return a, nil
}

// AssessmentChange checks what is to be changed of an assessment that old says of.
func AssessmentChange(text json.RawMessage, old map[string]any) (map[string]any, error) {
	o, err := assessmentObject(text)
	if err != nil {
		return nil, err
	}
	a := o.changeable()
	if *o.err != nil {
		return nil, *o.err
	}
	_, feedback := a["feedback"]
	_, expectation := a["expectation"]
	switch {
	case feedback && expectation:
		return nil, failure.Invalid("Cannot specify both `expectation` and `feedback` parameters.")
	case expectation && old["expectation"] == nil:
		return nil, failure.Invalid("Cannot update expectation value on a Feedback assessment.")
	case feedback && old["feedback"] == nil:
		return nil, failure.Invalid("Cannot update feedback value on an Expectation assessment.")
	}
	return a, nil
}

func assessmentObject(text json.RawMessage) (jsonObject, error) {
	var fields map[string]any
	if err := json.Unmarshal(text, &fields); err != nil || fields == nil {
		return jsonObject{}, failure.Invalid("Invalid value for parameter 'assessment' supplied: it must be a JSON object")
	}
	if tooDeep(fields, maxAssessmentDepth) {
		return jsonObject{}, failure.Invalid("Invalid value for parameter 'assessment' supplied: it is nested too deeply")
	}
	return jsonObject{fields, "assessment.", new(error)}, nil
}

func tooDeep(v any, left int) bool {
	if left == 0 {
		return true
	}
	switch v := v.(type) {
	case map[string]any:
		for _, inner := range v {
			if tooDeep(inner, left-1) {
				return true
			}
		}
	case []any:
		for _, inner := range v {
			if tooDeep(inner, left-1) {
				return true
			}
		}
	}
	return false
}

// changeable gives the fields of an assessment that may be changed later.
func (o jsonObject) changeable() map[string]any {
	a := map[string]any{}
	for _, name := range []string{"assessment_name", "rationale"} {
		if t := o.text(name); t != "" {
			a[name] = t
		}
	}
	if f, ok := o.object("feedback"); ok {
		a["feedback"] = f.feedback()
	}
	if e, ok := o.object("expectation"); ok {
		a["expectation"] = e.expectation()
	}
	if m, ok := o.object("metadata"); ok && len(m.fields) > 0 {
		metadata := map[string]any{}
		for key := range m.fields {
			metadata[key] = m.text(key)
		}
		a["metadata"] = metadata
	}
	return a
}

func (o jsonObject) source() map[string]any {
	source := map[string]any{"source_type": sourceTypes[0]}
	if t := strings.ToUpper(o.text("source_type")); t != "" {
		if t == "AI_JUDGE" { // its name before MLflow 3
			t = "LLM_JUDGE"
		}
		source["source_type"] = t
		if !slices.Contains(sourceTypes, t) {
			o.refuse("source_type", "it must be one of "+strings.Join(sourceTypes, ", "))
		}
	}
	if id := o.text("source_id"); id != "" {
		source["source_id"] = id
	}
	return source
}

func (o jsonObject) feedback() map[string]any {
	feedback := map[string]any{"value": o.fields["value"]}
	if e, ok := o.object("error"); ok {
		failed := map[string]any{"error_code": e.text("error_code")}
		for _, name := range []string{"error_message", "stack_trace"} {
			if t := e.text(name); t != "" {
				failed[name] = t
			}
		}
		feedback["error"] = failed
	}
	return feedback
}

const jsonFormat = "JSON_FORMAT"

// expectation gives a list or object as a JSON text, as MLflow does.
func (o jsonObject) expectation() map[string]any {
	if s, ok := o.object("serialized_value"); ok {
		text := s.text("value")
		if f := s.text("serialization_format"); f != jsonFormat {
			s.refuse("serialization_format", "only "+jsonFormat+" is supported")
		}
		if !json.Valid([]byte(text)) {
			s.refuse("value", "it must be a JSON text")
		}
		return serialized(text)
	}
	switch v := o.fields["value"].(type) {
	case nil:
		o.refuse("value", "the expected value must be given")
	case map[string]any, []any:
		return serialized(string(appendPythonJSON(nil, v)))
	}
	return map[string]any{"value": o.fields["value"]}
}

// appendPythonJSON prints what json.Unmarshal gave as Python's json.dumps does.
func appendPythonJSON(b []byte, v any) []byte {
	switch v := v.(type) {
	case bool:
		return strconv.AppendBool(b, v)
	case string:
		return append(b, pyfmt.JSON(v)...)
	case float64:
		return pyfmt.AppendFloat(b, v)
	case []any:
		b = append(b, '[')
		for i, item := range v {
			if i > 0 {
				b = append(b, ", "...)
			}
			b = appendPythonJSON(b, item)
		}
		return append(b, ']')
	case map[string]any:
		b = append(b, '{')
		for i, key := range slices.Sorted(maps.Keys(v)) {
			if i > 0 {
				b = append(b, ", "...)
			}
			b = append(append(b, pyfmt.JSON(key)...), ": "...)
			b = appendPythonJSON(b, v[key])
		}
		return append(b, '}')
	}
	return append(b, "null"...)
}

func serialized(text string) map[string]any {
	return map[string]any{"serialized_value": map[string]any{"serialization_format": jsonFormat, "value": text}}
}
