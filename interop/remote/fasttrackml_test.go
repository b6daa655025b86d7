//go:build interop

package remote

// FastTrackML 0.6 was made for the calls of MLflow 2.5, and tracking alone.
const (
	fewer     = "it has no data sets, models, traces and records of models"
	unnamed   = "it sets no tag mlflow.runName, and draws other names"
	longer    = "it does not know the limits of a batch and of a name"
	writable  = "a deleted run can be written to, and is not found by some calls"
	timeless  = "a point at the time 0 is refused"
	endless   = "a run that goes on has no end"
	userOfTag = "the tag mlflow.user decides on the user"
)

// fastTrackDifferences are all that the conformance suite finds of FastTrackML.
var fastTrackDifferences = []difference{
	{scenario: "ActiveRun/a_failure_of_finish_is_joined", why: writable},
	{scenario: "ActiveRun/as_a_run_that_cannot_be_made_or_ended", why: writable},
	{scenario: "ActiveRun/batches_of_any_size", why: timeless},
	{scenario: "ActiveRun/log", why: fewer},
	{scenario: "Batches/a_refused_batch_writes_nothing", why: folders},
	{scenario: "Batches/limits", why: longer},
	{scenario: "Batches/order", why: lost},
	{scenario: "ExperimentLifecycle/delete_and_restore", why: deleted},
	{scenario: "ExperimentLifecycle/not_found", why: "the default experiment can be deleted"},
	{scenario: "Experiments/create", why: chosen},
	{scenario: "Experiments/location", why: chosen},
	{scenario: "Experiments/names", on: "PostgreSQL", why: "names have 256 characters at most"},
	{scenario: "Experiments/rename", why: "the name that an experiment has can be given to it again"},
	{scenario: "Experiments/tags", why: "an experiment's tag cannot be deleted"},
	{scenario: "Inputs/a_broken_model_history_is_not_overwritten", why: fewer},
	{scenario: "Inputs/inputs", why: fewer},
	{scenario: "Inputs/outputs", why: fewer},
	{scenario: "Inputs/record_logged_model", why: fewer},
	{scenario: "Inputs/survive_the_trash", why: fewer},
	{scenario: "Metrics/data_sets", why: fewer},
	{scenario: "Metrics/history", why: lost},
	{scenario: "Metrics/keys", why: timeless},
	{scenario: "Metrics/latest", why: lost},
	{scenario: "Metrics/local_keys", why: timeless},
	{scenario: "Metrics/times_and_steps", why: timeless},
	{scenario: "Metrics/values", why: lost},
	{scenario: "Models/artifacts_and_the_trash", why: fewer},
	{scenario: "Models/create_with_all", why: fewer},
	{scenario: "Models/points", why: fewer},
	{scenario: "Models/status_and_deletion", why: fewer},
	{scenario: "Models/values", why: fewer},
	{scenario: "RunLifecycle/delete_and_restore", why: deleted},
	{scenario: "RunLifecycle/deleted_runs_are_not_written", why: writable},
	{scenario: "RunLifecycle/every_write_is_allowed_on_an_active_run", why: fewer},
	{scenario: "RunLifecycle/update", why: endless},
	{scenario: "Runs/create_with_all", why: unnamed},
	{scenario: "Runs/create_with_nothing", why: unnamed},
	{scenario: "Runs/names", why: unnamed + "; " + longer},
	{scenario: "Runs/not_found", why: unknown},
	{scenario: "Runs/user", why: userOfTag},
	{scenario: "Search/deleted_experiments", sometimes: true, why: chosen},
	{scenario: "Search/order_and_experiments", sometimes: true, why: chosen},
	{scenario: "Search/pages", sometimes: true, why: chosen},
	{scenario: "Search/refused", why: "a page token that is none is an error of its own"},
	{scenario: "TraceRecorder/assessments", why: fewer},
	{scenario: "TraceRecorder/end", why: fewer},
	{scenario: "TraceRecorder/spans_and_files", why: fewer},
	{scenario: "TraceRecorder/traces_of_another_store", why: fewer},
	{scenario: "Traces/start,_change,_delete", why: fewer},
	{scenario: "Values/a_and_a/b", why: folders},
	{scenario: "Values/params", on: "PostgreSQL", why: "no text has a NUL"},
	{scenario: "Values/run_name", why: unnamed},
	{scenario: "Values/tags", why: long},
}
