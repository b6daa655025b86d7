package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math"
	"time"

	"github.com/mlruns/mlruns"
)

// maxBatchBytes bounds a request; one with the most values of the greatest lengths is shorter.
const maxBatchBytes = 16 << 20

// batchRequest is the body of MLflow's log-batch.
type batchRequest struct {
	RunID   string        `json:"run_id"`
	Metrics []batchMetric `json:"metrics"`
	Params  []batchText   `json:"params"`
	Tags    []batchText   `json:"tags"`
}

type batchMetric struct {
	Key           string      `json:"key"`
	Value         *batchValue `json:"value"`
	Timestamp     *int64      `json:"timestamp"`
	Step          int64       `json:"step"`
	DatasetName   string      `json:"dataset_name"`
	DatasetDigest string      `json:"dataset_digest"`
}

type batchText struct {
	Key   string  `json:"key"`
	Value *string `json:"value"`
}

// batchValue is a number, or one of the three strings that number writes.
type batchValue float64

func (v *batchValue) UnmarshalJSON(text []byte) error {
	switch string(text) {
	case `"NaN"`:
		*v = batchValue(math.NaN())
	case `"Infinity"`:
		*v = batchValue(math.Inf(1))
	case `"-Infinity"`:
		*v = batchValue(math.Inf(-1))
	default:
		return json.Unmarshal(text, (*float64)(v))
	}
	return nil
}

// readBatch reads a request to log to a run. A request may name the run, if it is the same.
func readBatch(ctx context.Context, in io.Reader, runID string) (mlruns.Batch, error) {
	text, err := readAll(ctx, in, maxBatchBytes)
	if err != nil {
		return mlruns.Batch{}, err
	}
	request, err := parseBatch(text)
	if err != nil {
		return mlruns.Batch{}, mlruns.Invalid("The batch on standard input: " + err.Error())
	}
	if request.RunID != "" && request.RunID != runID {
		return mlruns.Batch{}, mlruns.Invalid(fmt.Sprintf("The batch on standard input is for the run '%s', not '%s'", request.RunID, runID))
	}
	return request.batch()
}

func parseBatch(text []byte) (request batchRequest, err error) {
	dec := json.NewDecoder(bytes.NewReader(text))
	dec.DisallowUnknownFields()
	switch err := dec.Decode(&request); {
	case errors.Is(err, io.EOF):
		return request, errors.New("it is empty")
	case errors.Is(err, io.ErrUnexpectedEOF):
		return request, errors.New("the JSON ends too early")
	case err != nil:
		return request, err
	}
	if _, err := dec.Token(); !errors.Is(err, io.EOF) {
		return request, errors.New("there is more after the JSON object")
	}
	return request, nil
}

func (r batchRequest) batch() (mlruns.Batch, error) {
	var b mlruns.Batch
	for i, m := range r.Metrics {
		if m.Value == nil {
			return b, missingValue("metrics", i)
		}
		point := mlruns.Metric{Key: m.Key, Value: float64(*m.Value), Step: m.Step, DatasetName: m.DatasetName, DatasetDigest: m.DatasetDigest}
		if m.Timestamp != nil {
			point.Time = time.UnixMilli(*m.Timestamp)
		}
		b.Metrics = append(b.Metrics, point)
	}
	for i, p := range r.Params {
		if p.Value == nil {
			return b, missingValue("params", i)
		}
		b.Params = append(b.Params, mlruns.Param{Key: p.Key, Value: *p.Value})
	}
	for i, t := range r.Tags {
		if t.Value == nil {
			return b, missingValue("tags", i)
		}
		b.Tags = append(b.Tags, mlruns.Tag{Key: t.Key, Value: *t.Value})
	}
	return b, nil
}

func missingValue(list string, i int) error {
	return mlruns.Invalid(fmt.Sprintf("Missing value for required parameter '%s[%d].value'.", list, i))
}

// readAll reads to the end, unless that is further than limit or the context ends first.
func readAll(ctx context.Context, in io.Reader, limit int64) ([]byte, error) {
	type result struct {
		text []byte
		err  error
	}
	done := make(chan result, 1)
	go func() {
		text, err := io.ReadAll(io.LimitReader(in, limit+1))
		done <- result{text, err}
	}()
	select {
	case <-ctx.Done():
		return nil, ctx.Err()
	case r := <-done:
		if r.err == nil && int64(len(r.text)) > limit {
			return nil, mlruns.Invalid(fmt.Sprintf("The batch on standard input is longer than %d bytes.", limit))
		}
		return r.text, r.err
	}
}
