package search

import (
	"slices"
	"strings"
)

// target is what a query searches.
type target uint8

const (
	runs target = iota
	experiments
	models
	traces
)

// fieldKind is the part of a record that a field belongs to.
type fieldKind uint8

const (
	attributeField fieldKind = iota
	metricField
	paramField
	tagField
	datasetField
	metadataField
)

// String is the name that MLflow's messages use.
func (k fieldKind) String() string {
	return [...]string{"attribute", "metric", "parameter", "tag", "dataset", "request_metadata"}[k]
}

// field is something that a filter compares or an order sorts by.
type field struct {
	kind      fieldKind
	key       string // of a metric, param, tag or metadata; name, digest or context of a dataset
	function  function
	attribute Attribute
	// newest is set for a metric that an order of models asks on data sets: the whole of it, or on.
	newest bool
	on     Dataset
}

// function computes a number from the history of a metric.
type function uint8

const (
	noFunction function = iota // the latest value
	minFunction
	maxFunction
	meanFunction
	firstFunction
	lastFunction
	countFunction
)

var functionNames = [...]string{"", "min", "max", "mean", "first", "last", "count"}

// of applies the function to a history.
func (f function) of(s Summary) number {
	switch f {
	case minFunction:
		return number{float: s.Min}
	case maxFunction:
		return number{float: s.Max}
	case meanFunction:
		return number{float: s.Mean}
	case firstFunction:
		return number{float: s.First}
	case countFunction:
		return integer(s.Count)
	}
	return number{float: s.Latest}
}

// isTime reports whether literals compared with the field may be dates.
func (f field) isTime() bool {
	switch f.attribute {
	case StartTime, EndTime, CreationTime, LastUpdateTime, CreationTimestamp, LastUpdatedTimestamp, TimestampMs, EndTimeMs:
		return true
	}
	return false
}

// isNumber reports whether the field is a number wherever it is present.
func (f field) isNumber() bool {
	return f.kind == metricField || f.isTime() || f.attribute == duration || f.attribute == ExecutionTimeMs
}

// prefixes are the names before the first dot of a field of a run. Case matters.
var prefixes = map[string]fieldKind{
	"metric": metricField, "metrics": metricField,
	"parameter": paramField, "parameters": paramField, "param": paramField, "params": paramField,
	"tag": tagField, "tags": tagField,
	"attribute": attributeField, "attributes": attributeField, "attr": attributeField, "run": attributeField,
	"dataset": datasetField, "datasets": datasetField,
}

// experimentPrefixes are those of a field of an experiment.
var experimentPrefixes = map[string]fieldKind{
	"attribute": attributeField, "tag": tagField, "tags": tagField,
}

// experimentFields are the fields that the superset has under the prefix "experiment".
var experimentFields = map[string]Attribute{"name": ExperimentName, "id": ExperimentID}

// runAttributes are the attributes of a run by every name they have in a filter.
var runAttributes = map[string]Attribute{
	"run_id": RunID, "run_name": RunName, "user_id": UserID, "status": Status, "artifact_uri": ArtifactURI,
	"start_time": StartTime, "end_time": EndTime,
	"created": StartTime, "Created": StartTime,
	"run name": RunName, "Run name": RunName, "Run Name": RunName,
	"duration": duration, "experiment_id": ExperimentID,
}

// experimentAttributes are the attributes of an experiment.
var experimentAttributes = map[string]Attribute{
	"name": ExperimentName, "experiment_id": ExperimentID,
	"creation_time": CreationTime, "last_update_time": LastUpdateTime,
}

// filterOnly are the aliases that MLflow does not know in order_by.
var filterOnly = []string{"run name", "Run name", "Run Name"}

const (
	runPrefixList        = "['metric', 'parameter', 'tag', 'attribute', 'dataset']"
	experimentPrefixList = "('attribute', 'tag', 'tags')"
	runKeyList           = "'artifact_uri', 'created', 'duration', 'end_time', 'experiment_id', 'run_id', 'run_name', 'start_time', 'status', 'user_id'"
	experimentKeyList    = "'creation_time', 'experiment_id', 'last_update_time', 'name'"
)

// resolve finds the field that an operand of a filter or of an order_by item names.
func (t target) resolve(query string, o operand, ordering bool) (field, error) {
	kind, err := t.prefix(query, o, ordering)
	if err != nil {
		return field{}, err
	}
	if t == traces {
		return t.resolveTrace(query, o, kind, ordering)
	}
	f := field{kind: kind, key: o.key, function: o.function}
	if o.function != noFunction && kind != metricField {
		return field{}, newError(query, o.at, "%s() needs a metric, as in %s(metrics.loss)", functionNames[o.function], functionNames[o.function])
	}
	switch kind {
	case attributeField:
		f.key = ""
		f.attribute, err = t.attribute(query, o, ordering)
	case datasetField:
		if !slices.Contains([]string{"name", "digest", "context"}, o.key) || t == models && o.key == "context" {
			err = newError(query, o.keyAt, "Invalid dataset key '%s' specified. Valid keys are '{'context', 'digest', 'name'}'", o.key)
		}
	}
	return f, err
}

// prefix finds the kind of a field.
func (t target) prefix(query string, o operand, ordering bool) (fieldKind, error) {
	if o.quotedWhole() { // MLflow splits at the dot first
		o.prefix, _, _ = strings.Cut(o.keyText, ".")
	}
	if o.prefix == "" || o.prefix == "experiment" {
		return attributeField, nil
	}
	if t == traces {
		return tracePrefix(query, o, ordering)
	}
	if t == experiments {
		if kind, ok := experimentPrefixes[o.prefix]; ok {
			return kind, nil
		}
		return 0, newError(query, o.nameAt, "Invalid entity type '%s'. Valid entity types are "+experimentPrefixList, o.prefix)
	}
	if kind, ok := prefixes[o.prefix]; ok {
		return kind, nil
	}
	return 0, newError(query, o.nameAt, "Invalid entity type '%s'. Valid values are "+runPrefixList, o.prefix)
}

// attribute finds the attribute that an operand names.
func (t target) attribute(query string, o operand, ordering bool) (Attribute, error) {
	names, list := runAttributes, runKeyList
	switch t {
	case experiments:
		names, list = experimentAttributes, experimentKeyList
	case models:
		names, list = modelAttributes, modelKeyList
	}
	if o.prefix == "experiment" {
		names, list = experimentFields, "'id', 'name'"
	}
	a, ok := names[o.key]
	if !ok || ordering && slices.Contains(filterOnly, o.key) {
		return "", newError(query, o.keyAt, "Invalid attribute key '%s' specified. Valid keys are '{"+list+"}'", o.key)
	}
	return a, nil
}
