//go:build interop

package remote

import (
	"regexp"
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
	// says are parts of what then fails in the scenario; nil: nobody has looked.
	says []string
}

var assertion = regexp.MustCompile(`(?m)^ +\w+\.go:\d+: (.*)$`)

// unknown gives a line of what a scenario said that is no part of the difference, "" if all are.
func (d difference) unknown(said string) string {
	for _, line := range assertion.FindAllStringSubmatch(said, -1) {
		if d.says != nil && !slices.ContainsFunc(d.says, func(part string) bool { return strings.Contains(line[1], part) }) {
			return line[1]
		}
	}
	return ""
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

// has is in what an old server is not asked for.
const has = "which MLflow has from "

// differences are all that the conformance suite finds.
var differences = []difference{
	{scenario: "Batches/a_refused_batch_writes_nothing", why: folders, says: []string{"a and a/b: ", "param on disk is a ", "params ("}},
	{scenario: "Values/a_and_a/b", why: folders, says: []string{"error <nil>", "the run ("}},
	{scenario: "Batches/order", why: lost, says: []string{"history ("}},
	{scenario: "Metrics/history", why: lost, says: []string{"history in the order of logging"}},
	{scenario: "Metrics/latest", why: lost + "; NaN is the smallest value", says: []string{"NaN ", "equal values: history", "larger value at one place: history", "infinities"}},
	{scenario: "Metrics/values", why: lost, says: []string{"want -0", "want +Inf", "want -Inf"}},
	{scenario: "Metrics/data_sets", why: dataset, says: []string{"history (", "latest (", has}},
	{scenario: "Metrics/local_keys", before: "2.16", why: "no colon in keys before 2.16", says: []string{"Invalid metric name: 'a:b'"}},
	{scenario: "Experiments/create", why: chosen, says: []string{"want 18 decimal digits"}},
	{scenario: "Experiments/location", why: chosen, says: []string{"want it to end in the id", "artifact URI ("}},
	{scenario: "Search/order_and_experiments", sometimes: true, why: chosen, says: []string{"all", "none named", "both", "any stage", "first three"}},
	{scenario: "Search/deleted_experiments", sometimes: true, why: chosen, says: []string{"any stage"}},
	{scenario: "Search/pages", sometimes: true, why: chosen + "; a page that is full is followed by one, perhaps empty", says: []string{"runs (", "pages ("}},
	{scenario: "Experiments/names", on: "PostgreSQL", why: "names have 256 characters at most", says: []string{"create experiment é"}},
	{scenario: "Runs/names", on: "PostgreSQL", why: "names have 250 characters at most", says: []string{"unexpected error: create run: "}},
	{scenario: "Metrics/times_and_steps", on: "PostgreSQL", sometimes: true, why: "a history is in no order", says: []string{"history ("}},
	{scenario: "Values/params", before: "2.0", why: "params have 500 characters at most", says: []string{"Param value 'é"}},
	{scenario: "Values/params", on: "PostgreSQL", why: "no text has a NUL", says: []string{"NUL"}},
	{scenario: "ExperimentLifecycle/delete_and_restore", why: deleted, says: []string{"time of a run's deletion", "deletion of the run and the experiment"}},
	{scenario: "RunLifecycle/delete_and_restore", why: deleted, says: []string{"time of deletion"}},
	{scenario: "ExperimentLifecycle/not_found", why: "the default experiment can be deleted", says: []string{"error <nil>"}},
	{scenario: "Experiments/rename", why: "the name that an experiment has can be given to it again", says: []string{"error <nil>"}},
	{scenario: "Experiments/tags", before: "3.2", why: long + "; an experiment's tag cannot be deleted", says: []string{"Tag value 'v", "exceeds the maximum length"}},
	{scenario: "Values/tags", why: long, says: []string{"Tag value has 100000 characters"}},
	{scenario: "Values/run_name", why: "an empty name tag is as none", says: []string{"empty tag ("}},
	{scenario: "Runs/not_found", why: unknown, says: []string{"error <nil>", "Log", "SetTag", "DeleteTag", "UpdateRun", "EndRun", "RecordLoggedModel", has}},
	{scenario: "Inputs/a_broken_model_history_is_not_overwritten", why: history, says: []string{"Expecting property name"}},
	{scenario: "Inputs/record_logged_model", before: "2.22", why: history, says: []string{"as json.dumps writes it", "what was there"}},
	{scenario: "Models/artifacts_and_the_trash", why: model, says: []string{"error <nil>", has}},
	{scenario: "Models/points", why: model, says: []string{"UNIQUE constraint", "unique constraint", has}},
	{scenario: "Models/status_and_deletion", why: model, says: []string{"error <nil>", "finds no deleted models", has}},
	{scenario: "Models/values", why: model, says: []string{"UNIQUE constraint", "unique constraint", has}},
	{scenario: "Models/create_with_all", before: "3.0", why: noModels, says: []string{has}},
	{scenario: "Traces/start,_change,_delete", before: "3.0", why: noTraces, says: []string{has}},
	{scenario: "Traces/start,_change,_delete", only: []string{"3.x"}, why: traces, says: []string{"'OR'", "'IS NULL'"}},
	{scenario: "TraceRecorder/assessments", before: "3.0", why: noTraces, says: []string{has}},
	{scenario: "TraceRecorder/end", before: "3.0", why: noTraces, says: []string{has}},
	{scenario: "TraceRecorder/spans_and_files", before: "3.0", why: noTraces, says: []string{has}},
	{scenario: "TraceRecorder/traces_of_another_store", before: "3.0", why: noTraces, says: []string{has}},
	{scenario: "Inputs/inputs", before: "3.0", why: noInputs, says: []string{has}},
	{scenario: "Inputs/outputs", before: "3.0", why: noInputs, says: []string{has}},
	{scenario: "Inputs/survive_the_trash", before: "2.4", why: noInputs, says: []string{has}},
	{scenario: "ActiveRun/log", before: "3.0", why: noInputs, says: []string{has}},
	{scenario: "RunLifecycle/deleted_runs_are_not_written", before: "3.0", why: noInputs, says: []string{has}},
	{scenario: "RunLifecycle/every_write_is_allowed_on_an_active_run", before: "3.0", why: noInputs, says: []string{has}},
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

func (s *server) difference(scenario string) (difference, bool) {
	for _, d := range s.differences() {
		if d.scenario == scenario && d.of(s) {
			return d, true
		}
	}
	return difference{}, false
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
