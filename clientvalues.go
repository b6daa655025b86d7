package mlruns

import (
	"context"
	"iter"
)

// LogMetric appends a point to a metric of an active run. MLflow: log_metric.
func (c *Client) LogMetric(ctx context.Context, runID string, m Metric) error {
	return c.store.LogMetric(ctx, runID, m)
}

// LogParam records a param of an active run. The same value again is no error, another one is
// ErrInvalid. MLflow: log_param.
func (c *Client) LogParam(ctx context.Context, runID, key, value string) error {
	return c.store.LogParam(ctx, runID, key, value)
}

// SetTag sets a tag of an active run. Setting mlflow.runName to a text that is not empty also
// renames the run. MLflow: set_tag.
func (c *Client) SetTag(ctx context.Context, runID, key, value string) error {
	return c.store.SetTag(ctx, runID, key, value)
}

// DeleteTag removes a tag of an active run. ErrNotFound if it has none of this name. MLflow:
// delete_tag.
func (c *Client) DeleteTag(ctx context.Context, runID, key string) error {
	return c.store.DeleteTag(ctx, runID, key)
}

// LogBatch logs many values at once, see Batch. MLflow: log_batch.
func (c *Client) LogBatch(ctx context.Context, runID string, b Batch) error {
	return c.store.LogBatch(ctx, runID, b)
}

// LogInputs records data sets and models that an active run used. What is recorded already stays as
// it was. MLflow: log_inputs.
func (c *Client) LogInputs(ctx context.Context, runID string, in Inputs) error {
	return c.store.LogInputs(ctx, runID, in)
}

// LogOutputs records models that an active run made. MLflow: log_outputs.
func (c *Client) LogOutputs(ctx context.Context, runID string, out Outputs) error {
	return c.store.LogOutputs(ctx, runID, out)
}

// RecordLoggedModel appends to the list of models in the tag mlflow.log-model.history of an active
// run, in one step across processes. MLflow: _record_logged_model.
func (c *Client) RecordLoggedModel(ctx context.Context, runID string, m ModelRecord) error {
	return c.store.RecordLoggedModel(ctx, runID, m)
}

// MetricHistory goes through the points of a metric in the order they were logged, in bounded
// memory. A metric never logged has none. MLflow: get_metric_history.
func (c *Client) MetricHistory(ctx context.Context, runID, key string, q HistoryQuery) iter.Seq2[Metric, error] {
	return c.store.MetricHistory(ctx, runID, key, q)
}
