//go:build interop

package remote

import (
	"slices"
	"strconv"
	"strings"
)

// difference is what a server of MLflow does otherwise than Store promises, and why that is left.
type difference struct {
	scenario string
	// before is the first version that does not, "" if all do; only are the versions, none if all;
	// on is the database, "" for both.
	before string
	only   []string
	on     string
	// sometimes says that it depends on the ids that the server draws.
	sometimes bool
	why       string
}

const (
	folders  = "a folder cannot hold a and a/b, a database can"
	lost     = "a database keeps equal points once, gives them by time, step and value, and has neither -0 nor the infinities"
	chosen   = "the server chooses ids, counted for experiments, and orders what began at the same time by them"
	deleted  = "answers do not tell when a run was deleted"
	long     = "the server would cut the text: it is refused"
	unknown  = "the history of a run that is not there is empty"
	history  = "the tag is the server's to read and write: its JSON has another order, and what is none is not told apart"
	model    = "a database refuses a second value and the same point of a model, deletes twice, finds no deleted model, and finds one in a deleted experiment"
	traces   = "a filter of traces has no OR"
	dataset  = "a database keeps no data set with a point of a run"
	noModels = "there are no logged models before 3.0"
	noTraces = "there are no traces in this form before 3.0"
	noInputs = "there are no data sets before 2.4, no models as inputs and outputs before 3.0"
)

// differences are all that the conformance suite finds.
var differences = []difference{
	{scenario: "Batches/a_refused_batch_writes_nothing", why: folders},
	{scenario: "Values/a_and_a/b", why: folders},
	{scenario: "Batches/order", why: lost},
	{scenario: "Metrics/history", why: lost},
	{scenario: "Metrics/latest", why: lost + "; NaN is the smallest value"},
	{scenario: "Metrics/values", why: lost},
	{scenario: "Metrics/data_sets", why: dataset},
	{scenario: "Metrics/local_keys", before: "2.16", why: "no colon in keys before 2.16"},
	{scenario: "Experiments/create", why: chosen},
	{scenario: "Experiments/location", why: chosen},
	{scenario: "Search/order_and_experiments", sometimes: true, why: chosen},
	{scenario: "Search/deleted_experiments", sometimes: true, why: chosen},
	{scenario: "Search/pages", sometimes: true, why: chosen + "; a page that is full is followed by one, perhaps empty"},
	{scenario: "Experiments/names", on: "PostgreSQL", why: "names have 256 characters at most"},
	{scenario: "Runs/names", on: "PostgreSQL", why: "names have 250 characters at most"},
	{scenario: "Metrics/times_and_steps", on: "PostgreSQL", sometimes: true, why: "a history is in no order"},
	{scenario: "Values/params", on: "PostgreSQL", why: "no text has a NUL"},
	{scenario: "ExperimentLifecycle/delete_and_restore", why: deleted},
	{scenario: "RunLifecycle/delete_and_restore", why: deleted},
	{scenario: "ExperimentLifecycle/not_found", why: "the default experiment can be deleted"},
	{scenario: "Experiments/rename", why: "the name that an experiment has can be given to it again"},
	{scenario: "Experiments/tags", before: "3.2", why: long + "; an experiment's tag cannot be deleted"},
	{scenario: "Values/tags", why: long},
	{scenario: "Values/params", before: "2.0", on: "SQLite", why: "params have 500 characters at most"},
	{scenario: "Values/run_name", why: "an empty name tag is as none"},
	{scenario: "Runs/not_found", why: unknown},
	{scenario: "Inputs/a_broken_model_history_is_not_overwritten", why: history},
	{scenario: "Inputs/record_logged_model", before: "2.22", why: history},
	{scenario: "Models/artifacts_and_the_trash", why: model},
	{scenario: "Models/points", why: model},
	{scenario: "Models/status_and_deletion", why: model},
	{scenario: "Models/values", why: model},
	{scenario: "Models/create_with_all", before: "3.0", why: noModels},
	{scenario: "Traces/start,_change,_delete", before: "3.0", why: noTraces},
	{scenario: "Traces/start,_change,_delete", only: []string{"3.x"}, why: traces},
	{scenario: "TraceRecorder/assessments", before: "3.0", why: noTraces},
	{scenario: "TraceRecorder/end", before: "3.0", why: noTraces},
	{scenario: "TraceRecorder/spans_and_files", before: "3.0", why: noTraces},
	{scenario: "TraceRecorder/traces_of_another_store", before: "3.0", why: noTraces},
	{scenario: "Inputs/inputs", before: "3.0", why: noInputs},
	{scenario: "Inputs/outputs", before: "3.0", why: noInputs},
	{scenario: "Inputs/survive_the_trash", before: "2.4", why: noInputs},
	{scenario: "ActiveRun/log", before: "3.0", why: noInputs},
	{scenario: "RunLifecycle/deleted_runs_are_not_written", before: "3.0", why: noInputs},
	{scenario: "RunLifecycle/every_write_is_allowed_on_an_active_run", before: "3.0", why: noInputs},
}

func (d difference) of(s *server) bool {
	return (d.before == "" || older(s.version, d.before)) && (len(d.only) == 0 || slices.Contains(d.only, s.version)) && (d.on == "" || d.on == s.database)
}

// differences gives the table of a server.
func (s *server) differences() []difference {
	if s.version == fastTrackML {
		return fastTrackDifferences
	}
	return differences
}

func (s *server) difference(scenario string) string {
	for _, d := range s.differences() {
		if d.scenario == scenario && d.of(s) {
			return d.why
		}
	}
	return ""
}

func older(a, b string) bool {
	x, y := strings.Split(a, "."), strings.Split(b, ".")
	for i := range min(len(x), len(y)) {
		m, errM := strconv.Atoi(x[i])
		n, errN := strconv.Atoi(y[i])
		if errM != nil || errN != nil {
			return errN != nil && errM == nil // "x" is the newest
		}
		if m != n {
			return m < n
		}
	}
	return false
}
