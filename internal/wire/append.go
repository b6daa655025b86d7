package wire

import (
	"bytes"
	"encoding/json"
	"strconv"
)

// Runs and points are sent by the thousand. They are printed here without reflection, byte for byte
// as encoding/json prints them, except that <, > and & stand for themselves.

// AppendJSON prints the answer.
func (a RunAnswer) AppendJSON(b []byte) []byte {
	b = a.Run.AppendJSON(append(b, `{"run":`...))
	if len(a.Problems) > 0 {
		b = appendAny(append(b, `,"problems":`...), a.Problems)
	}
	return append(b, '}')
}

// AppendJSON prints the run.
func (r Run) AppendJSON(b []byte) []byte {
	b = r.Info.appendJSON(append(b, `{"info":`...))
	b = append(b, `,"data":{"metrics":[`...)
	for i, m := range r.Data.Metrics {
		if i > 0 {
			b = append(b, ',')
		}
		b = m.AppendJSON(b)
	}
	b = appendTags(append(b, `],"params":`...), r.Data.Params)
	b = appendTags(append(b, `,"tags":`...), r.Data.Tags)
	if len(r.Inputs.Datasets)+len(r.Inputs.Models) == 0 {
		b = append(b, `},"inputs":{"dataset_inputs":[]}`...)
	} else {
		b = appendAny(append(b, `},"inputs":`...), r.Inputs)
	}
	if r.Outputs != nil {
		b = appendAny(append(b, `,"outputs":`...), r.Outputs)
	}
	return append(b, '}')
}

func (i RunInfo) appendJSON(b []byte) []byte {
	b = appendText(append(b, `{"run_id":`...), i.ID)
	b = appendText(append(b, `,"run_uuid":`...), i.UUID)
	b = appendText(append(b, `,"run_name":`...), i.Name)
	b = appendText(append(b, `,"experiment_id":`...), i.ExperimentID)
	b = appendText(append(b, `,"user_id":`...), i.User)
	b = appendText(append(b, `,"status":`...), i.Status)
	if i.Start != nil {
		b = strconv.AppendInt(append(b, `,"start_time":`...), int64(*i.Start), 10)
	}
	if i.End != nil {
		b = strconv.AppendInt(append(b, `,"end_time":`...), int64(*i.End), 10)
	}
	if i.Deleted != nil {
		b = strconv.AppendInt(append(b, `,"deleted_time":`...), int64(*i.Deleted), 10)
	}
	b = appendText(append(b, `,"artifact_uri":`...), i.ArtifactURI)
	b = appendText(append(b, `,"lifecycle_stage":`...), string(i.Stage))
	return append(b, '}')
}

// AppendJSON prints the point.
func (m Metric) AppendJSON(b []byte) []byte {
	b = appendText(append(b, `{"key":`...), m.Key)
	b = m.Value.append(append(b, `,"value":`...))
	b = strconv.AppendInt(append(b, `,"timestamp":`...), int64(m.Timestamp), 10)
	b = strconv.AppendInt(append(b, `,"step":`...), int64(m.Step), 10)
	for _, rare := range [...]Tag{{`,"dataset_name":`, m.DatasetName}, {`,"dataset_digest":`, m.DatasetDigest}, {`,"model_id":`, m.ModelID}, {`,"run_id":`, m.RunID}} {
		if rare.Value != "" {
			b = appendText(append(b, rare.Key...), rare.Value)
		}
	}
	return append(b, '}')
}

func appendTags(b []byte, list []Tag) []byte {
	b = append(b, '[')
	for i, t := range list {
		if i > 0 {
			b = append(b, ',')
		}
		b = appendText(append(b, `{"key":`...), t.Key)
		b = appendText(append(b, `,"value":`...), t.Value)
		b = append(b, '}')
	}
	return append(b, ']')
}

// appendText prints a text. Most have no letter that is escaped.
func appendText(b []byte, text string) []byte {
	for i := 0; i < len(text); i++ {
		if c := text[i]; c < ' ' || c >= 0x7f || c == '"' || c == '\\' {
			return appendAny(b, text)
		}
	}
	b = append(b, '"')
	b = append(b, text...)
	return append(b, '"')
}

// appendAny prints what is rare.
func appendAny(b []byte, v any) []byte {
	var text bytes.Buffer
	enc := json.NewEncoder(&text)
	enc.SetEscapeHTML(false)
	if err := enc.Encode(v); err != nil {
		panic(err) // a shape that has no JSON is a mistake in this module
	}
	return append(b, bytes.TrimSuffix(text.Bytes(), []byte("\n"))...)
}
