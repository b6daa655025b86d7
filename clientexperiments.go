package mlruns

import (
	"context"
	"iter"
)

// CreateExperiment makes an experiment. ErrExists if the name is taken, by a deleted experiment
// too. MLflow: create_experiment.
func (c *Client) CreateExperiment(ctx context.Context, spec ExperimentSpec) (*Experiment, error) {
	return c.store.CreateExperiment(ctx, spec)
}

// Experiment gets an experiment, active or deleted. MLflow: get_experiment.
func (c *Client) Experiment(ctx context.Context, id string) (*Experiment, error) {
	return c.store.Experiment(ctx, id)
}

// ExperimentByName gets the experiment with exactly this name, active or deleted. ErrNotFound if
// there is none, where MLflow gives None. MLflow: get_experiment_by_name.
func (c *Client) ExperimentByName(ctx context.Context, name string) (*Experiment, error) {
	return c.store.ExperimentByName(ctx, name)
}

// Experiments goes through all experiments of the query, in its order. MLflow: list_experiments.
func (c *Client) Experiments(ctx context.Context, q ExperimentQuery) iter.Seq2[Experiment, error] {
	return c.store.Experiments(ctx, q)
}

// SearchExperiments gives one page. MLflow: search_experiments.
func (c *Client) SearchExperiments(ctx context.Context, q ExperimentQuery) (*ExperimentPage, error) {
	return c.store.SearchExperiments(ctx, q)
}

// RenameExperiment changes the name of an active experiment. ErrExists if it is taken, by the
// experiment itself too, as in MLflow. MLflow: rename_experiment.
func (c *Client) RenameExperiment(ctx context.Context, id, name string) error {
	return c.store.RenameExperiment(ctx, id, name)
}

// DeleteExperiment moves an active experiment to the trash and marks its active runs deleted.
// Calling again resumes an interrupted one. MLflow: delete_experiment.
func (c *Client) DeleteExperiment(ctx context.Context, id string) error {
	return c.store.DeleteExperiment(ctx, id)
}

// RestoreExperiment undoes DeleteExperiment; all its deleted runs become active, as in MLflow ≥
// 2.3. Calling again resumes an interrupted one. MLflow: restore_experiment.
func (c *Client) RestoreExperiment(ctx context.Context, id string) error {
	return c.store.RestoreExperiment(ctx, id)
}

// SetExperimentTag sets a tag of an active experiment. MLflow: set_experiment_tag.
func (c *Client) SetExperimentTag(ctx context.Context, id, key, value string) error {
	return c.store.SetExperimentTag(ctx, id, key, value)
}

// DeleteExperimentTag removes a tag of an active experiment. ErrNotFound if it has none of this
// name. MLflow: delete_experiment_tag.
func (c *Client) DeleteExperimentTag(ctx context.Context, id, key string) error {
	return c.store.DeleteExperimentTag(ctx, id, key)
}
