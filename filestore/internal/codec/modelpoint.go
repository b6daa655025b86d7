package codec

import (
	"bytes"
	"fmt"
	"time"

	"github.com/mlruns/mlruns"
)

// A metric file of a logged model has the run that logged a point behind its step:
//
//	timestamp value step run_id                        a point on no data set
//	timestamp value step run_id dataset_name digest    a point measured on a data set

// ModelPoint is a line of a metric file of a logged model.
type ModelPoint struct {
	Point
	RunID string
}

// Metric is the point as one of a metric.
func (p ModelPoint) Metric(key string) mlruns.Metric {
	m := p.Point.Metric(key)
	m.RunID = p.RunID
	return m
}

// Identity is what the point is compared by.
func (p ModelPoint) Identity() Identity {
	id := p.Point.Identity()
	id.Run = p.RunID
	return id
}

// AppendLine appends the line of the point: of a metric of a run, if it names no run.
func (p ModelPoint) AppendLine(dst []byte, key string) []byte {
	if p.RunID == "" {
		return AppendPoint(dst, p.Point.Metric(key))
	}
	return AppendModelPoint(dst, p.Metric(key))
}

// AppendModelPoint appends the line of a point, with its newline.
func AppendModelPoint(dst []byte, m mlruns.Metric) []byte {
	name, digest := m.DatasetName, m.DatasetDigest
	m.DatasetName, m.DatasetDigest = "", ""
	dst = AppendPoint(dst, m)
	dst[len(dst)-1] = ' '
	dst = append(dst, m.RunID...)
	if name != "" || digest != "" {
		dst = append(dst, ' ')
		dst = append(dst, name...)
		dst = append(dst, ' ')
		dst = append(dst, digest...)
	}
	return append(dst, '\n')
}

// ParseModelPoint reads a line without its newline.
func ParseModelPoint(line []byte) (ModelPoint, error) {
	fields := bytes.Split(bytes.TrimSpace(line), []byte{' '})
	if len(fields) != 4 && len(fields) != 6 {
		return ModelPoint{}, fmt.Errorf("persisted metric data contained %d fields. Expected 4 or 6 fields", len(fields))
	}
	run := string(fields[3])
	for _, field := range fields[3:] {
		if len(field) == 0 {
			return ModelPoint{}, fmt.Errorf("the run or the data set of a point is empty")
		}
	}
	pt, err := AnyPoint(bytes.Join(append(fields[:3:3], fields[4:]...), []byte{' '}))
	if err == nil && (bytes.IndexByte(fields[3], 0) >= 0) {
		err = fieldError("run", fields[3], "an id")
	}
	return ModelPoint{Point: pt, RunID: run}, err
}

// ModelSeries is the new lines of one metric of a logged model.
type ModelSeries struct {
	ModelID string
	Series
}

// ModelSeriesOf formats the points that name a model and groups them by it and their key, in the
// order of the first of each. A point without a time gets the present one, now.
func ModelSeriesOf(metrics []mlruns.Metric, runID string, now time.Time) []ModelSeries {
	var list []ModelSeries
	for _, m := range metrics {
		if m.ModelID == "" {
			continue
		}
		if m.Time.IsZero() {
			m.Time = now
		}
		m.RunID = runID
		at := -1
		for i := range list {
			if list[i].ModelID == m.ModelID && list[i].Key == m.Key {
				at = i
			}
		}
		if at < 0 {
			at, list = len(list), append(list, ModelSeries{ModelID: m.ModelID, Series: Series{Key: m.Key}})
		}
		list[at].Lines = AppendModelPoint(list[at].Lines, m)
	}
	return list
}
