package mlruns

import (
	"context"
	"iter"
	"time"
)

// CreateRun makes a run with status RUNNING in an active experiment. It appears whole, tags
// included, or not at all. MLflow: create_run.
func (c *Client) CreateRun(ctx context.Context, spec RunSpec) (*Run, error) {
	return c.store.CreateRun(ctx, spec)
}

// Run gets a run, active or deleted, with the latest point of each metric. MLflow: get_run.
func (c *Client) Run(ctx context.Context, runID string) (*Run, error) {
	return c.store.Run(ctx, runID)
}

// RunInfos goes through the runs of an experiment, active or deleted, in the order of their
// folders' names, reading nothing but their meta.yaml. An unknown experiment has none. MLflow:
// list_run_infos.
func (c *Client) RunInfos(ctx context.Context, experimentID string, view View) iter.Seq2[RunInfo, error] {
	return c.store.RunInfos(ctx, experimentID, view)
}

// UpdateRun changes status, name or end time of an active run. Any status may follow any, as in
// MLflow. MLflow: update_run.
func (c *Client) UpdateRun(ctx context.Context, runID string, u RunUpdate) error {
	return c.store.UpdateRun(ctx, runID, u)
}

// EndRun ends an active run: status FINISHED when zero, end time now when zero. MLflow:
// set_terminated.
func (c *Client) EndRun(ctx context.Context, runID string, status Status, end time.Time) error {
	return c.store.EndRun(ctx, runID, status, end)
}

// DeleteRun marks a run deleted, which RestoreRun undoes. It may be called again. MLflow:
// delete_run.
func (c *Client) DeleteRun(ctx context.Context, runID string) error {
	return c.store.DeleteRun(ctx, runID)
}

// RestoreRun undoes DeleteRun. It may be called again. MLflow: restore_run.
func (c *Client) RestoreRun(ctx context.Context, runID string) error {
	return c.store.RestoreRun(ctx, runID)
}

// SearchRuns gives one page of runs. MLflow: search_runs.
func (c *Client) SearchRuns(ctx context.Context, q RunQuery) (*RunPage, error) {
	return c.store.SearchRuns(ctx, q)
}

// Runs goes through all runs of the query in one scan: no offsets, no run twice.
func (c *Client) Runs(ctx context.Context, q RunQuery) iter.Seq2[*Run, error] {
	return c.store.Runs(ctx, q)
}
