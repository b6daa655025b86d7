package golden

import (
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"strings"
	"time"

	"github.com/mlruns/mlruns"
)

// operation is one call that was made on the golden store, in order.
type operation struct {
	Op    string            `json:"op"`
	Args  []json.RawMessage `json:"args"`
	Error *pythonError      `json:"error"`
}

// errUntyped is an argument that Python takes and a Go signature rules out: a step of 1.5, a value
// that is a text.
var errUntyped = errors.New("no such value in Go")

// text is an argument as MLflow's client makes it a text, with Python's str. Long texts were
// recorded as length and beginning; all of these repeat one letter, but for the longest key.
func (o operation) text(i int) string {
	if i >= len(o.Args) {
		return ""
	}
	return pythonText(o.Args[i])
}

func pythonText(raw json.RawMessage) string {
	var short struct {
		Len  int    `json:"len"`
		Head string `json:"head"`
	}
	var text string
	var list []json.RawMessage
	switch {
	case json.Unmarshal(raw, &short) == nil && short.Len > 0 && short.Head == strings.Repeat("d", 20):
		return strings.Repeat(strings.Repeat("d", 40)+"/", 5) + strings.Repeat("d", 40)
	case json.Unmarshal(raw, &short) == nil && short.Len > 0:
		return strings.Repeat(short.Head[:1], short.Len)
	case string(raw) == "null":
		return "None"
	case string(raw) == "true":
		return "True"
	case string(raw) == `"x\ud800y"`:
		return "x\xed\xa0\x80y" // a lone surrogate, which UTF-8 has not
	case json.Unmarshal(raw, &text) == nil:
		return text
	case json.Unmarshal(raw, &list) == nil:
		parts := make([]string, len(list))
		for i, element := range list {
			parts[i] = pythonText(element)
			if element[0] == '"' {
				parts[i] = "'" + parts[i] + "'"
			}
		}
		return "[" + strings.Join(parts, ", ") + "]"
	}
	return string(raw)
}

// null reports whether an argument is None or was not given.
func (o operation) null(i int) bool { return i >= len(o.Args) || string(o.Args[i]) == "null" }

// decode reads an argument that is an object of MLflow's, or a list of them: {"Metric": {…}}.
func (o operation) decode(i int, into any) error {
	if o.null(i) {
		return nil
	}
	return decodeJSON(o.Args[i], into)
}

// metric is the point of a log_metric, from its arguments or from a Metric.
func (o operation) metric() (mlruns.Metric, error) {
	if len(o.Args) == 2 {
		var wrapped struct{ Metric recordedMetric }
		if err := o.decode(1, &wrapped); err != nil {
			return mlruns.Metric{}, err
		}
		return wrapped.Metric.metric()
	}
	return recordedMetric{Key: o.text(1), Value: o.Args[2], Timestamp: o.Args[3], Step: o.Args[4]}.metric()
}

type recordedMetric struct {
	Key             string
	Value           json.RawMessage
	Timestamp, Step json.RawMessage
	Dataset         *string `json:"dataset_name"`
	Digest          *string `json:"dataset_digest"`
}

func (r recordedMetric) metric() (mlruns.Metric, error) {
	m := mlruns.Metric{Key: r.Key}
	var value pythonFloat
	quoted := r.Value[0] == '"'
	if err := json.Unmarshal(r.Value, &value); err != nil || quoted && !math.IsNaN(float64(value)) && !math.IsInf(float64(value), 0) {
		return m, errUntyped
	}
	m.Value = float64(value)
	var ms int64
	if json.Unmarshal(r.Timestamp, &ms) != nil || json.Unmarshal(r.Step, &m.Step) != nil {
		return m, errUntyped
	}
	m.Time = time.UnixMilli(ms)
	if r.Dataset != nil {
		m.DatasetName, m.DatasetDigest = *r.Dataset, *r.Digest
	}
	return m, nil
}

// batch is the arguments of a log_batch.
func (o operation) batch() (mlruns.Batch, error) {
	var metrics []struct{ Metric recordedMetric }
	var params []struct{ Param mlruns.Param }
	var tags []struct{ RunTag mlruns.Tag }
	b := mlruns.Batch{}
	if err := errors.Join(o.decode(1, &metrics), o.decode(2, &params), o.decode(3, &tags)); err != nil {
		return b, err
	}
	for _, m := range metrics {
		metric, err := m.Metric.metric()
		if err != nil {
			return b, err
		}
		b.Metrics = append(b.Metrics, metric)
	}
	for _, p := range params {
		b.Params = append(b.Params, p.Param)
	}
	for _, t := range tags {
		b.Tags = append(b.Tags, t.RunTag)
	}
	return b, nil
}

// inputs is the arguments of a log_inputs.
func (o operation) inputs() (mlruns.Inputs, error) {
	var datasets []struct {
		DatasetInput struct {
			Dataset struct {
				Dataset struct {
					Name       json.RawMessage
					Digest     string
					SourceType string `json:"source_type"`
					Source     string
					Schema     *string
					Profile    *string
				}
			}
			Tags []struct{ InputTag mlruns.Tag }
		}
	}
	var models []struct {
		LoggedModelInput struct {
			ModelID string `json:"model_id"`
		}
	}
	in := mlruns.Inputs{}
	if err := errors.Join(o.decode(1, &datasets), o.decode(2, &models)); err != nil {
		return in, err
	}
	text := func(s *string) string {
		if s == nil {
			return ""
		}
		return *s
	}
	for _, d := range datasets {
		r := d.DatasetInput.Dataset.Dataset
		input := mlruns.DatasetInput{Tags: map[string]string{},
			Dataset: mlruns.Dataset{Name: pythonText(r.Name), Digest: r.Digest, SourceType: r.SourceType, Source: r.Source, Schema: text(r.Schema), Profile: text(r.Profile)}}
		for _, t := range d.DatasetInput.Tags {
			input.Tags[t.InputTag.Key] = t.InputTag.Value
		}
		in.Datasets = append(in.Datasets, input)
	}
	for _, m := range models {
		in.Models = append(in.Models, mlruns.ModelInput{ModelID: m.LoggedModelInput.ModelID})
	}
	return in, nil
}

func (o operation) outputs() (mlruns.Outputs, error) {
	var models []struct{ LoggedModelOutput expectedOutput }
	out := mlruns.Outputs{}
	err := o.decode(1, &models)
	for _, m := range models {
		out.Models = append(out.Models, mlruns.ModelOutput{ModelID: m.LoggedModelOutput.ModelID, Step: m.LoggedModelOutput.Step})
	}
	return out, err
}

// runTags is the tags of a create_run. Where a key comes twice the last wins.
func (o operation) runTags(i int) (map[string]string, error) {
	var list []struct{ RunTag mlruns.Tag }
	err := o.decode(i, &list)
	tags := map[string]string{}
	for _, t := range list {
		tags[t.RunTag.Key] = t.RunTag.Value
	}
	return tags, err
}

// short is the operation as messages show it.
func (o operation) short(e *expected) string {
	words := []string{o.Op}
	for i := range o.Args {
		text := strings.Join(strings.Fields(e.label(o.text(i))), " ")
		words = append(words, fmt.Sprintf("%.60q", text))
	}
	return strings.Join(words, " ")
}
