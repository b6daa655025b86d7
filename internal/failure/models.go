package failure

import "fmt"

// ModelNotFound is the reason that no active model has this id.
func ModelNotFound(id string) error {
	return &Reason{Kind: ErrNotFound, Text: fmt.Sprintf("Model '%s' not found", id)}
}

// ModelInvalidState is the reason that a model's meta.yaml does not belong to its folder.
func ModelInvalidState(id string) error {
	return &Reason{Kind: ErrCorrupt, Code: CodeInvalidState, Text: fmt.Sprintf("Model '%s' metadata is in invalid state.", id)}
}

// ModelTagNotFound is the reason that a model has no tag of this name.
func ModelTagNotFound(key, id string) error {
	return &Reason{Kind: ErrNotFound, Text: fmt.Sprintf("No tag with key '%s' found for model with ID '%s'.", key, id)}
}

// ModelExperimentNotActive is the reason that no model is made in a deleted experiment.
func ModelExperimentNotActive(id string) error {
	return &Reason{Kind: ErrNotActive, Code: CodeInvalidState, Text: "Could not create model under non-active experiment with ID " + id + "."}
}
