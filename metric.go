package mlruns

import "time"

// Metric is one point of a metric.
type Metric struct {
	Key string
	// Value may be NaN or infinite.
	Value float64
	// Time is when it was measured, UTC, milliseconds. The zero time means now when writing.
	Time time.Time
	// Step may be negative and need not grow.
	Step int64
	// DatasetName and DatasetDigest name the data set it was measured on: both or neither, without
	// spaces. MLflow < 3.0 cannot read a run that has such a point, and MLflow 3 reads its step as
	// 0.
	DatasetName, DatasetDigest string
	// ModelID is a logged model that the point is of as well: LogMetric and LogBatch write it to
	// the model too, whether there is such a model or not, as MLflow does. What is read of a run
	// does not tell it.
	ModelID string
	// RunID is the run that logged the point, told where points of several runs are together, as in
	// LoggedModel.Metrics. It is ignored when writing.
	RunID string
}

// After reports whether m replaces the point old as the latest value of their key: a larger (step,
// time, value), compared in that order. NaN neither replaces nor is replaced at the same step and
// time. This is MLflow's rule for the latest value, told by content, not by position.
func (m Metric) After(old Metric) bool {
	if m.Step != old.Step {
		return m.Step > old.Step
	}
	if a, b := m.Time.UnixMilli(), old.Time.UnixMilli(); a != b {
		return a > b
	}
	return m.Value > old.Value
}
