package wire

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"time"

	"github.com/mlruns/mlruns"
	"github.com/mlruns/mlruns/internal/failure"
)

// logBatch is the body of runs/log-batch. A pointer tells what is missing from what is zero.
type logBatch struct {
	RunID   string       `json:"run_id"`
	Metrics []batchPoint `json:"metrics"`
	Params  []batchText  `json:"params"`
	Tags    []batchText  `json:"tags"`
}

type batchPoint struct {
	Key           string  `json:"key"`
	Value         *Number `json:"value"`
	Timestamp     *int64  `json:"timestamp"`
	Step          int64   `json:"step"`
	DatasetName   string  `json:"dataset_name"`
	DatasetDigest string  `json:"dataset_digest"`
}

type batchText struct {
	Key   string  `json:"key"`
	Value *string `json:"value"`
}

// ParseBatch reads the body of runs/log-batch. The run it names is "" where it names none. Unknown
// fields, a missing value and anything after the object are errors; a point without a time has the
// zero time, which means now.
func ParseBatch(text []byte) (runID string, b mlruns.Batch, err error) {
	var body logBatch
	if err := parse(text, &body); err != nil {
		return "", b, err
	}
	for i, m := range body.Metrics {
		if m.Value == nil {
			return "", b, missingValue("metrics", i)
		}
		point := mlruns.Metric{Key: m.Key, Value: float64(*m.Value), Step: m.Step, DatasetName: m.DatasetName, DatasetDigest: m.DatasetDigest}
		if m.Timestamp != nil {
			point.Time = time.UnixMilli(*m.Timestamp)
		}
		b.Metrics = append(b.Metrics, point)
	}
	for i, p := range body.Params {
		if p.Value == nil {
			return "", b, missingValue("params", i)
		}
		b.Params = append(b.Params, mlruns.Param{Key: p.Key, Value: *p.Value})
	}
	for i, t := range body.Tags {
		if t.Value == nil {
			return "", b, missingValue("tags", i)
		}
		b.Tags = append(b.Tags, mlruns.Tag{Key: t.Key, Value: *t.Value})
	}
	return body.RunID, b, nil
}

// parse reads one JSON object and nothing else.
func parse(text []byte, into any) error {
	dec := json.NewDecoder(bytes.NewReader(text))
	dec.DisallowUnknownFields()
	unfit := (*json.UnmarshalTypeError)(nil)
	switch err := dec.Decode(into); {
	case errors.As(err, &unfit) && unfit.Field != "":
		return fmt.Errorf("%s cannot be a JSON %s", unfit.Field, unfit.Value)
	case errors.Is(err, io.EOF):
		return errors.New("it is empty")
	case errors.Is(err, io.ErrUnexpectedEOF):
		return errors.New("the JSON ends too early")
	case err != nil:
		return err
	}
	if _, err := dec.Token(); !errors.Is(err, io.EOF) {
		return errors.New("there is more after the JSON object")
	}
	return nil
}

// missingValue has MLflow's text for a request that lacks a value.
func missingValue(list string, i int) error {
	return failure.Invalid(fmt.Sprintf("Missing value for required parameter '%s[%d].value'.", list, i))
}
