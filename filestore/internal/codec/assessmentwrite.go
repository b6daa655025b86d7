package codec

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/mlruns/mlruns/internal/failure"
	"github.com/mlruns/mlruns/internal/pyfmt"
)

// Keys of an assessment that the store itself sets or goes by.
const (
	keyAssessmentID   = "assessment_id"
	keyCreateTime     = "create_time"
	keyLastUpdateTime = "last_update_time"
	keyOverrides      = "overrides"
	keyValid          = "valid"
)

// Assessment is the JSON object of an assessment. Its numbers are float64, as in MLflow's message.
type Assessment map[string]any

// DecodeAssessment reads what AssessmentJSON gave.
func DecodeAssessment(text json.RawMessage) (a Assessment, err error) {
	err = json.Unmarshal(text, &a)
	return a, err
}

// Begin gives a new assessment what the store says of it. time is as RFC3339 writes it.
func (a Assessment) Begin(traceID, id, time string) {
	a[KeyTraceID], a[keyAssessmentID], a[keyValid] = traceID, id, true
	a[keyCreateTime], a[keyLastUpdateTime] = time, time
}

// Keep gives an assessment what another store said of it: whether it is valid, and its times, now
// where there are none.
func (a Assessment) Keep(traceID string, old Assessment, now string) error {
	a[KeyTraceID], a[keyValid] = traceID, true
	if valid, ok := old[keyValid].(bool); ok {
		a[keyValid] = valid
	}
	for _, key := range [...]string{keyCreateTime, keyLastUpdateTime} {
		a[key] = now
		text, ok := old[key].(string)
		if !ok {
			continue
		}
		t, err := time.Parse(time.RFC3339Nano, text)
		if err != nil {
			return failure.Invalid("Invalid value " + pyfmt.JSON(text) + " for parameter 'assessment." + key + "' supplied: it must be a time as in RFC 3339")
		}
		a[key] = RFC3339(t)
	}
	return nil
}

// ID is the id of the assessment, "" if it has none yet.
func (a Assessment) ID() string {
	id, _ := a[keyAssessmentID].(string)
	return id
}

// Overrides is the id of the assessment that this one takes the place of, "" if there is none.
func (a Assessment) Overrides() string {
	id, _ := a[keyOverrides].(string)
	return id
}

// SetValid says whether an assessment has not been overridden.
func (a Assessment) SetValid(valid bool) { a[keyValid] = valid }

// Change puts the fields of another in the place of its own; metadata is merged.
func (a Assessment) Change(by Assessment, time string) {
	for key, value := range by {
		if old, ok := a["metadata"].(map[string]any); ok && key == "metadata" {
			if added, ok := value.(map[string]any); ok {
				maps.Copy(old, added)
				continue
			}
		}
		a[key] = value
	}
	a[keyLastUpdateTime] = time
}

// JSON gives the assessment as AssessmentJSON would read it from its file.
func (a Assessment) JSON() (json.RawMessage, error) {
	data, err := a.Encode()
	if err != nil {
		return nil, err
	}
	return AssessmentJSON(data)
}

// Encode gives the file's bytes, as PyYAML writes them.
func (a Assessment) Encode() ([]byte, error) {
	fields, err := yamlFields(a)
	if err != nil {
		return nil, err
	}
	return pyfmt.AppendDocument(nil, fields)
}

func yamlFields(object map[string]any) ([]pyfmt.Field, error) {
	fields := make([]pyfmt.Field, 0, len(object))
	for _, key := range slices.Sorted(maps.Keys(object)) {
		value, err := yamlOf(object[key])
		if err != nil {
			return nil, err
		}
		fields = append(fields, pyfmt.Field{Key: key, Value: value})
	}
	return fields, nil
}

// yamlOf gives a value that json.Unmarshal made as YAML.
func yamlOf(v any) (pyfmt.Value, error) {
	switch v := v.(type) {
	case nil:
		return pyfmt.Null(), nil
	case bool:
		return pyfmt.Plain(fmt.Sprint(v)), nil
	case string:
		return pyfmt.String(v), nil
	case float64:
		text := string(pyfmt.AppendFloat(nil, v))
		if !strings.Contains(text, ".") {
			// YAML 1.1 knows no exponent without a point
			text = strings.Replace(text, "e", ".0e", 1)
		}
		return pyfmt.Plain(text), nil
	case []any:
		items := make([]pyfmt.Value, len(v))
		for i, item := range v {
			var err error
			if items[i], err = yamlOf(item); err != nil {
				return pyfmt.Value{}, err
			}
		}
		return pyfmt.Sequence(items), nil
	case map[string]any:
		fields, err := yamlFields(v)
		return pyfmt.Mapping(fields), err
	}
	return pyfmt.Value{}, fmt.Errorf("%T has no YAML", v)
}
