package mlruns

import (
	"context"
	"iter"
	"time"
)

// UnimplementedStore is a Store whose every method reports ErrUnsupported, except Close, which does
// nothing, and URI, which is empty. Stores embed it so that methods added to Store later do not
// break them.
type UnimplementedStore struct{}

var _ Store = UnimplementedStore{}

func unsupported(op string) error { return &Error{Op: op, Err: ErrUnsupported} }

func unsupportedSeq[T any](op string) iter.Seq2[T, error] {
	return func(yield func(T, error) bool) {
		var zero T
		yield(zero, unsupported(op))
	}
}

// URI implements Store.
func (UnimplementedStore) URI() string { return "" }

// Close implements Store.
func (UnimplementedStore) Close() error { return nil }

// CreateExperiment implements Store.
func (UnimplementedStore) CreateExperiment(context.Context, ExperimentSpec) (*Experiment, error) {
	return nil, unsupported("create experiment")
}

// Experiment implements Store.
func (UnimplementedStore) Experiment(context.Context, string) (*Experiment, error) {
	return nil, unsupported("experiment")
}

// ExperimentByName implements Store.
func (UnimplementedStore) ExperimentByName(context.Context, string) (*Experiment, error) {
	return nil, unsupported("experiment by name")
}

// Experiments implements Store.
func (UnimplementedStore) Experiments(context.Context, ExperimentQuery) iter.Seq2[Experiment, error] {
	return unsupportedSeq[Experiment]("experiments")
}

// SearchExperiments implements Store.
func (UnimplementedStore) SearchExperiments(context.Context, ExperimentQuery) (*ExperimentPage, error) {
	return nil, unsupported("search experiments")
}

// RenameExperiment implements Store.
func (UnimplementedStore) RenameExperiment(context.Context, string, string) error {
	return unsupported("rename experiment")
}

// DeleteExperiment implements Store.
func (UnimplementedStore) DeleteExperiment(context.Context, string) error {
	return unsupported("delete experiment")
}

// RestoreExperiment implements Store.
func (UnimplementedStore) RestoreExperiment(context.Context, string) error {
	return unsupported("restore experiment")
}

// SetExperimentTag implements Store.
func (UnimplementedStore) SetExperimentTag(context.Context, string, string, string) error {
	return unsupported("set experiment tag")
}

// DeleteExperimentTag implements Store.
func (UnimplementedStore) DeleteExperimentTag(context.Context, string, string) error {
	return unsupported("delete experiment tag")
}

// CreateRun implements Store.
func (UnimplementedStore) CreateRun(context.Context, RunSpec) (*Run, error) {
	return nil, unsupported("create run")
}

// Run implements Store.
func (UnimplementedStore) Run(context.Context, string) (*Run, error) {
	return nil, unsupported("run")
}

// RunInfos implements Store.
func (UnimplementedStore) RunInfos(context.Context, string, View) iter.Seq2[RunInfo, error] {
	return unsupportedSeq[RunInfo]("list runs")
}

// UpdateRun implements Store.
func (UnimplementedStore) UpdateRun(context.Context, string, RunUpdate) error {
	return unsupported("update run")
}

// EndRun implements Store.
func (UnimplementedStore) EndRun(context.Context, string, Status, time.Time) error {
	return unsupported("end run")
}

// DeleteRun implements Store.
func (UnimplementedStore) DeleteRun(context.Context, string) error {
	return unsupported("delete run")
}

// RestoreRun implements Store.
func (UnimplementedStore) RestoreRun(context.Context, string) error {
	return unsupported("restore run")
}

// LogMetric implements Store.
func (UnimplementedStore) LogMetric(context.Context, string, Metric) error {
	return unsupported("log metric")
}

// LogParam implements Store.
func (UnimplementedStore) LogParam(context.Context, string, string, string) error {
	return unsupported("log param")
}

// SetTag implements Store.
func (UnimplementedStore) SetTag(context.Context, string, string, string) error {
	return unsupported("set tag")
}

// DeleteTag implements Store.
func (UnimplementedStore) DeleteTag(context.Context, string, string) error {
	return unsupported("delete tag")
}

// LogBatch implements Store.
func (UnimplementedStore) LogBatch(context.Context, string, Batch) error {
	return unsupported("log batch")
}

// LogInputs implements Store.
func (UnimplementedStore) LogInputs(context.Context, string, Inputs) error {
	return unsupported("log inputs")
}

// LogOutputs implements Store.
func (UnimplementedStore) LogOutputs(context.Context, string, Outputs) error {
	return unsupported("log outputs")
}

// RecordLoggedModel implements Store.
func (UnimplementedStore) RecordLoggedModel(context.Context, string, ModelRecord) error {
	return unsupported("record logged model")
}

// MetricHistory implements Store.
func (UnimplementedStore) MetricHistory(context.Context, string, string, HistoryQuery) iter.Seq2[Metric, error] {
	return unsupportedSeq[Metric]("metric history")
}

// SearchRuns implements Store.
func (UnimplementedStore) SearchRuns(context.Context, RunQuery) (*RunPage, error) {
	return nil, unsupported("search runs")
}

// Runs implements Store.
func (UnimplementedStore) Runs(context.Context, RunQuery) iter.Seq2[*Run, error] {
	return unsupportedSeq[*Run]("runs")
}
