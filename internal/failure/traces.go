package failure

import "fmt"

// TraceNotFound is the reason that no trace has this id.
func TraceNotFound(id string) error {
	return &Reason{Kind: ErrNotFound, Text: fmt.Sprintf("Trace with ID '%s' not found", id)}
}

// TraceInvalidState is the reason that a trace's trace_info.yaml does not belong to its folder.
func TraceInvalidState(id string) error {
	return &Reason{Kind: ErrCorrupt, Code: CodeInvalidState, Text: fmt.Sprintf("Trace with ID '%s' metadata is in invalid state.", id)}
}

// TraceTagNotFound is the reason that a trace has no tag of this name.
func TraceTagNotFound(key, id string) error {
	return &Reason{Kind: ErrNotFound, Text: fmt.Sprintf("No tag with name: %s in trace with ID %s.", key, id)}
}

// AssessmentNotFound is the reason that a trace has no assessment of this id.
func AssessmentNotFound(id, traceID string) error {
	return &Reason{Kind: ErrNotFound, Text: fmt.Sprintf("Assessment with ID '%s' not found for trace '%s'", id, traceID)}
}

// TraceExperimentNotFound is the reason that an experiment whose traces are asked for, or that a
// trace is to be started in, is not there, or is deleted where it must be active.
func TraceExperimentNotFound(id string) error {
	return &Reason{Kind: ErrNotFound, Text: "Experiment " + id + " does not exist."}
}
