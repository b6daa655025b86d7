package failure

import "fmt"

// RunNotFound is the reason that no run has this id.
func RunNotFound(id string) error {
	return &Reason{Kind: ErrNotFound, Text: fmt.Sprintf("Run '%s' not found", id)}
}

// RunNotActive is the reason that a deleted run cannot be written to.
func RunNotActive(id string) error {
	return &Reason{Kind: ErrNotActive, Text: fmt.Sprintf("The run %s must be in 'active' lifecycle_stage.", id)}
}

// RunInvalidState is the reason that a run's meta.yaml does not belong to its folder.
func RunInvalidState(id string) error {
	return &Reason{Kind: ErrCorrupt, Code: CodeInvalidState, Text: fmt.Sprintf("Run '%s' metadata is in invalid state.", id)}
}

// ExperimentNotFound is the reason that no experiment has this id.
func ExperimentNotFound(id string) error {
	return &Reason{Kind: ErrNotFound, Text: "Could not find experiment with ID " + id}
}

// ExperimentTaken is the reason that an experiment's name is not free: it belongs to another one,
// which is perhaps deleted.
func ExperimentTaken(name string, deleted bool) error {
	text := fmt.Sprintf("Experiment '%s' already exists.", name)
	if deleted {
		text = fmt.Sprintf("Experiment '%s' already exists in deleted state. You can restore the experiment, or permanently delete the experiment from the .trash "+
			"folder (under tracking server's root folder) in order to use this experiment name again.", name)
	}
	return &Reason{Kind: ErrExists, Text: text}
}

// ParamChanged is the reason that a param already has another value.
func ParamChanged(key, old, value, runID string) error {
	return Invalid(fmt.Sprintf("Changing param values is not allowed. Param with key='%s' was already logged with value='%s' for run ID='%s'. "+
		"Attempted logging new value '%s'.", key, old, runID, value))
}

// TagNotFound is the reason that a run has no tag of this name.
func TagNotFound(key, runID string) error {
	return &Reason{Kind: ErrNotFound, Text: fmt.Sprintf("No tag with name: %s in run with id %s", key, runID)}
}
