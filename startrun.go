package mlruns

import (
	"context"
	"errors"
	"fmt"
	"maps"

	"github.com/mlruns/mlruns/internal/failure"
)

// StartRun makes a run and gives its handle. The experiment is named, and made if there is none of
// this name, or it is spec.ExperimentID when the name is empty; with neither it is the default
// experiment, and with both the call is ErrInvalid. spec.User is the user of the process when it
// and the tag mlflow.user are empty.
//
// It gives a handle or an error, never both. With ErrNotDurable the run was made and is not handed
// out: it is ended as FAILED, so that it is not left RUNNING.
func (c *Client) StartRun(ctx context.Context, experiment string, spec RunSpec) (*ActiveRun, error) {
	if experiment != "" {
		if spec.ExperimentID != "" {
			return nil, &Error{Op: "start run", ID: spec.ID, Err: failure.Invalid(fmt.Sprintf(
				"The experiment is named twice: by its name '%s' and by its id '%s'", experiment, spec.ExperimentID))}
		}
		e, err := c.GetOrCreateExperiment(ctx, experiment)
		if err != nil {
			return nil, err
		}
		spec.ExperimentID = e.ID
	}
	if spec.User == "" && spec.Tags[TagUser] == "" {
		spec.User = CurrentUser()
	}
	run, err := c.CreateRun(ctx, spec)
	switch {
	case err == nil:
		return c.activeRun(run.Info), nil
	case run == nil:
		return nil, err
	}
	return nil, errors.Join(err, c.activeRun(run.Info).End(ctx, StatusFailed))
}

// StartChild starts a run below this one, as StartRun does: in the same experiment, unless
// spec.ExperimentID says otherwise, and with the tag mlflow.parentRunId, by which MLflow's web page
// nests runs. A spec whose tags name another parent is ErrInvalid. The parent need not be ended
// last.
func (r *ActiveRun) StartChild(ctx context.Context, spec RunSpec) (*ActiveRun, error) {
	if parent, ok := spec.Tags[TagParentRunID]; ok && parent != r.ID {
		return nil, &Error{Op: "start child", ID: r.ID, Err: failure.Invalid(fmt.Sprintf(
			"The tag '%s' is '%s', but the run is started below '%s'", TagParentRunID, parent, r.ID))}
	}
	if spec.Tags = maps.Clone(spec.Tags); spec.Tags == nil {
		spec.Tags = map[string]string{}
	}
	spec.Tags[TagParentRunID] = r.ID
	if spec.ExperimentID == "" {
		spec.ExperimentID = r.ExperimentID
	}
	return r.client.StartRun(ctx, "", spec)
}

// ResumeRun gives the handle of an active run that an earlier process began, whatever its status.
// It changes nothing.
func (c *Client) ResumeRun(ctx context.Context, runID string) (*ActiveRun, error) {
	run, err := c.Run(ctx, runID)
	if err != nil {
		return nil, err
	}
	if run.Info.Stage != StageActive {
		return nil, &Error{Op: "resume run", ID: runID, Err: failure.RunNotActive(runID)}
	}
	return c.activeRun(run.Info), nil
}

func (c *Client) activeRun(info RunInfo) *ActiveRun {
	return &ActiveRun{ID: info.ID, ExperimentID: info.ExperimentID, Name: info.Name, client: c}
}
