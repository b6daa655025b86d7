package search

import "strings"

// traceAttributes are the attributes of a trace by every name they have.
var traceAttributes = map[string]Attribute{
	"request_id": RequestID, "trace_id": RequestID, "client_request_id": ClientRequestID, "status": Status,
	"timestamp": TimestampMs, "timestamp_ms": TimestampMs, "execution_time": ExecutionTimeMs, "execution_time_ms": ExecutionTimeMs,
	"end_time": EndTimeMs, "end_time_ms": EndTimeMs, "experiment_id": ExperimentID,
}

// tracePrefixes are the names before the first dot of a field of a trace.
var tracePrefixes = map[string]fieldKind{
	"tag": tagField, "tags": tagField, "attribute": attributeField, "attributes": attributeField, "trace": attributeField,
	"request_metadata": metadataField, "metadata": metadataField,
}

// keptElsewhere are the keys of a trace that MLflow replaces, whatever their prefix, by what it
// keeps them as.
var keptElsewhere = map[string]field{
	"name":   {kind: tagField, key: "mlflow.traceName"},
	"prompt": {kind: tagField, key: "mlflow.linkedPrompts"},
	"run_id": {kind: metadataField, key: "mlflow.sourceRun"},
}

// renamed are the keys that MLflow gives another name, whatever their prefix.
var renamed = map[string]string{"timestamp": "timestamp_ms", "execution_time": "execution_time_ms", "end_time": "end_time_ms"}

const (
	tracePrefixList = "{'attribute', 'attributes', 'metadata', 'request_metadata', 'tag', 'tags', 'trace'}"
	traceKeyList    = "{'client_request_id', 'end_time', 'end_time_ms', 'execution_time', 'execution_time_ms', 'experiment_id', 'name', 'prompt', 'request_id', 'run_id', 'status', 'timestamp', 'timestamp_ms', 'trace_id'}"
	noSpans         = "Span filtering requires database support and cannot be performed on in-memory trace data."
	noOrder         = "Invalid order_by entity `%s` with key `%s`"
	noAssessments   = "Assessment filtering requires database support and cannot be performed on in-memory trace data."
)

// tracePrefix finds the kind of a field of a trace.
func tracePrefix(query string, o operand, ordering bool) (fieldKind, error) {
	if kind, ok := tracePrefixes[o.prefix]; ok {
		return kind, nil
	}
	switch o.prefix {
	case "span", "feedback", "expectation", "issue":
		if ordering {
			return 0, newError(query, o.at, noOrder, o.prefix, o.key)
		}
	}
	switch o.prefix {
	case "span":
		switch {
		case o.key == "name", o.key == "type", o.key == "status", o.key == "content", strings.HasPrefix(o.key, "attributes."):
			return 0, newError(query, o.nameAt, noSpans)
		}
		return 0, newError(query, o.keyAt, "Invalid span attribute '%s'. Supported attributes: name, status, type, attributes.<attribute_name>.", o.key)
	case "feedback", "expectation":
		return 0, newError(query, o.nameAt, noAssessments)
	case "issue":
		return 0, newError(query, o.keyAt, "Invalid search key '%s', supported are "+traceKeyList, o.key)
	}
	return 0, newError(query, o.nameAt, "Invalid entity type '%s'. Valid values are "+tracePrefixList, o.prefix)
}

// resolveTrace finds the field of a trace.
func (t target) resolveTrace(query string, o operand, kind fieldKind, ordering bool) (field, error) {
	if o.function != noFunction {
		return field{}, newError(query, o.at, "%s() needs a metric, and traces have none", functionNames[o.function])
	}
	lower := strings.ToLower(o.key)
	if kind == attributeField && o.prefix != "experiment" {
		if _, ok := traceAttributes[o.key]; !ok && (o.key != lower || keptElsewhere[o.key] == (field{}) && o.key != "text") {
			return field{}, newError(query, o.keyAt, "Invalid attribute key '%s' specified. Valid keys are '"+traceKeyList+"'", o.key)
		}
		if ordering && o.key == "client_request_id" {
			return field{}, newError(query, o.keyAt, "Invalid attribute key '%s' specified. Valid keys are '"+traceKeyList+"'", o.key)
		}
	}
	if o.prefix == "experiment" {
		a, err := t.attribute(query, o, ordering)
		return field{kind: attributeField, attribute: a}, err
	}
	if f, ok := keptElsewhere[lower]; ok {
		return f, nil
	}
	if lower == "text" {
		return field{}, newError(query, o.at, noSpans)
	}
	if kind == attributeField {
		return field{kind: kind, attribute: traceAttributes[o.key]}, nil
	}
	if name, ok := renamed[lower]; ok {
		return field{kind: kind, key: name}, nil
	}
	return field{kind: kind, key: o.key}, nil
}
